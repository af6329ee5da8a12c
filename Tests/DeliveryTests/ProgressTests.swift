// SPDX-License-Identifier: Apache-2.0
import Delivery
import Events
import Testing

@Suite struct ProgressTests {
    private func at(_ first: UInt64, log: Int = 0, gap: UInt64? = nil) -> JournalPosition {
        var position = JournalPosition(log: log, first: first, epoch: 1)
        position.gap = gap
        return position
    }

    @Test func framesAreTakenInTheirOrderAndOnce() {
        let progress = Progress(name: "x")
        #expect(progress.take(at(0), count: 3) == nil, "it has not begun")
        progress.begin(log: 0, at: 5, end: 5)
        #expect(progress.next(of: 0) == 5 && progress.positions == [0: 5] && progress.wanted(log: 0) == nil)
        #expect(progress.take(at(0), count: 5) == nil, "all of it is known")
        #expect(progress.take(at(5), count: 10) == 0)
        #expect(progress.take(at(5), count: 10) == nil)
        #expect(progress.take(at(12), count: 8) == 3, "the rest of a batch")
        #expect(progress.next(of: 0) == 20)
        #expect(progress.take(at(20, log: 1), count: 1) == nil, "logs are counted apart")
        #expect(progress.positions == [0: 5], "taken is not done")
    }

    @Test func whatComesTooEarlyIsWantedLater() {
        let progress = Progress(name: "x")
        progress.begin(log: 0, at: 10, end: 10)
        #expect(progress.take(at(15), count: 5) == nil)
        #expect(progress.next(of: 0) == 10 && progress.wanted(log: 0) == 10)
        #expect(progress.take(at(10), count: 5) == 0)
        #expect(progress.wanted(log: 0) == 15, "up to where they passed by")
        #expect(progress.take(at(15), count: 5) == 0)
        #expect(progress.wanted(log: 0) == nil)
    }

    @Test func anOutputThatBeginsBehindWantsWhatItMissed() {
        let progress = Progress(name: "x")
        progress.begin(log: 3, at: 10, end: 50)
        #expect(progress.wanted(log: 3) == 10 && progress.wanted(log: 4) == nil)
        #expect(progress.take(at(50, log: 3), count: 5) == nil)
        #expect(progress.take(at(10, log: 3), count: 40) == 0)
        #expect(progress.wanted(log: 3) == 50)
        #expect(progress.take(at(50, log: 3), count: 5) == 0)
        #expect(progress.wanted(log: 3) == nil)
    }

    @Test func aFullOutputTakesNothingAndWantsNothingUntilThereIsRoom() {
        let progress = Progress(name: "x")
        progress.begin(log: 0, at: 0, end: 0)
        #expect(progress.take(at(0), count: 4) == 0)
        progress.isFull = true
        #expect(progress.take(at(4), count: 4) == nil)
        #expect(progress.take(at(8), count: 4) == nil)
        #expect(progress.wanted(log: 0) == nil)
        progress.isFull = false
        #expect(progress.wanted(log: 0) == 4)
        #expect(progress.take(at(12), count: 4) == nil, "first what was missed")
        #expect(progress.take(at(4), count: 12) == 0)
        #expect(progress.wanted(log: 0) == nil && progress.next(of: 0) == 16)
    }

    @Test func framesThatAreGoneAreNotWaitedFor() {
        let progress = Progress(name: "x")
        progress.begin(log: 0, at: 0, end: 30)
        // Retention has removed everything before 20: the reader says where the gap begins.
        #expect(progress.take(at(20, gap: 0), count: 5) == 0)
        #expect(progress.next(of: 0) == 25)
        #expect(progress.positions == [0: 20], "there is nothing before it to send")
        // A gap behind what was taken last is no gap of this output's.
        #expect(progress.take(at(40, gap: 30), count: 5) == nil)
        #expect(progress.take(at(40, gap: 25), count: 5) == 0)
        #expect(progress.positions == [0: 20], "20 to 24 are still on their way")
        progress.done(log: 0, through: 25)
        #expect(progress.positions == [0: 25])
        progress.done(log: 0, through: 45)
        #expect(progress.positions == [0: 45])
    }

    @Test func doneOnlyGrowsAndNeverBeyondWhatWasTaken() {
        let progress = Progress(name: "x")
        progress.done(log: 0, through: 5)
        #expect(progress.positions.isEmpty)
        progress.begin(log: 0, at: 2, end: 2)
        #expect(progress.take(at(2), count: 8) == 0)
        progress.done(log: 0, through: 6)
        progress.done(log: 0, through: 4)
        #expect(progress.positions == [0: 6])
        progress.done(log: 0, through: 99)
        #expect(progress.positions == [0: 10])
    }
}
