// SPDX-License-Identifier: Apache-2.0
import Correlator
import Events
import Instruments
import Sigma
import Testing

/// What is read again after a crash counts once, and nothing that comes for the first time is taken for that.
struct TakenFramesTests {
    /// One that only collects: hits that were taken wait in it.
    private static func collector() -> Correlator {
        var options = Correlator.Options()
        options.outOfOrder = 1_000_000_000
        return Correlator(ruleSet: Support.counting("gte: 5"), options: options, registry: Registry())
    }

    private static func hit(_ frame: UInt64, log: Int = 0, epoch: UInt32 = 1, outOfTurn: Bool = false) -> Hit {
        var hit = Support.hit(Double(frame))
        hit.position = JournalPosition(log: log, first: frame, epoch: epoch)
        hit.isOutOfTurn = outOfTurn
        return hit
    }

    /// Takes hits in and tells how many are new.
    private static func take(_ hits: [Hit], _ correlator: inout Correlator) -> Int {
        let before = correlator.waiting
        _ = correlator.accept(hits, now: 0, partition: 0)
        return correlator.waiting - before
    }

    /// The same after a crash.
    private static func again(_ correlator: Correlator) throws -> Correlator {
        var other = collector()
        #expect(try other.restore(correlator.snapshot()).isEmpty)
        return other
    }

    @Test func framesCountOnceInTheirOrder() throws {
        var correlator = Self.collector()
        // Several hits of one frame come in one call.
        #expect(Self.take([Self.hit(3), Self.hit(3), Self.hit(7)], &correlator) == 3)
        var other = try Self.again(correlator)
        #expect(Self.take([Self.hit(3), Self.hit(3), Self.hit(7), Self.hit(8)], &other) == 1)
        #expect(Self.take([Self.hit(3, log: 1), Self.hit(7, log: 1)], &other) == 2)
        // A log that was opened again, behind a loss of its end, writes the same numbers once more.
        #expect(Self.take([Self.hit(3, epoch: 2)], &other) == 1)
        #expect(Self.take([Self.hit(9)], &other) == 0)
        #expect(Self.take([Support.hit(1), Support.hit(1)], &other) == 2)
    }

    @Test func framesOutOfTurnCountOnceToo() throws {
        var correlator = Self.collector()
        #expect(Self.take([Self.hit(7)], &correlator) == 1)
        #expect(Self.take([Self.hit(3, outOfTurn: true), Self.hit(3, outOfTurn: true)], &correlator) == 2)
        #expect(Self.take([Self.hit(4, outOfTurn: true), Self.hit(8)], &correlator) == 2)
        #expect(Self.take([Self.hit(4, outOfTurn: true), Self.hit(3, outOfTurn: true)], &correlator) == 0)
        correlator = try Self.again(correlator)
        #expect(Self.take([Self.hit(4, outOfTurn: true), Self.hit(3, outOfTurn: true)], &correlator) == 0)
        #expect(Self.take([Self.hit(3, log: 1, outOfTurn: true)], &correlator) == 1)
        #expect(Self.take([Self.hit(3, log: 1, outOfTurn: true)], &correlator) == 0)
        // They say nothing about the frames in between.
        #expect(Self.take([Self.hit(8), Self.hit(9)], &correlator) == 1)
    }

    @Test func framesOutOfTurnAreBounded() throws {
        var correlator = Self.collector()
        for frame in 0..<5_000 { _ = Self.take([Self.hit(UInt64(frame), outOfTurn: true)], &correlator) }
        let recent = (5_000 - 2_048..<5_000).map { Self.hit(UInt64($0), outOfTurn: true) }
        #expect(Self.take(recent, &correlator) == 0)
        var other = try Self.again(correlator)
        #expect(Self.take(recent, &other) == 0)
        #expect(Self.take([Self.hit(5_000 - 2_049, outOfTurn: true)], &other) == 1)
    }
}
