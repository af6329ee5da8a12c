// SPDX-License-Identifier: Apache-2.0
import Events
import Testing
import Wire

struct OriginTests {
    private func frame(_ text: String, origin: UInt16, _ batch: inout Batch) {
        batch.append(Array(text.utf8).span.bytes, received: 1, transport: .tls, origin: origin)
    }

    @Test func equalOriginsShareANumber() {
        var batch = Batch(table: FieldTable.Builder().build())
        let one = Origin(subject: "CN=plc-1", fingerprint: "ab")
        let two = Origin(subject: "CN=plc-1", fingerprint: "ab", proxy: IPAddress("10.0.0.1"))
        let numbers = [one, two, one, Origin(path: "/var/log/x"), two].map { batch.number(of: $0) }
        #expect(numbers == [1, 2, 1, 3, 2])
        #expect(batch.origins == [one, two, Origin(path: "/var/log/x")])
        for number in [1, 2, 0] as [UInt16] { frame("x", origin: number, &batch) }
        let found = batch.frames.map { batch.origin(of: $0) }
        #expect(found == [one, two, nil])
    }

    /// A number of another batch is no index into this one.
    @Test func aNumberThatTheBatchDoesNotHaveIsNone() {
        var batch = Batch(table: FieldTable.Builder().build())
        frame("x", origin: 1, &batch)
        frame("y", origin: .max, &batch)
        let found = batch.frames.map { batch.origin(of: $0) }
        #expect(found == [nil, nil])
    }

    @Test func resetForgetsOriginsAndPosition() {
        var batch = Batch(table: FieldTable.Builder().build(), lane: 3)
        let position = JournalPosition(log: 3, first: 17, epoch: 2)
        let none = batch.position
        #expect(none == nil)
        _ = batch.number(of: Origin(subject: "CN=a"))
        batch.position = position
        let set = batch.position
        #expect(set == position && set?.gap == nil)
        batch.reset(lane: 4)
        let (origins, cleared, lane) = (batch.origins, batch.position, batch.lane)
        #expect(origins.isEmpty && cleared == nil && lane == 4)
        let number = batch.number(of: Origin(subject: "CN=b"))
        #expect(number == 1)
    }

    @Test func transportsHaveNamesOfTheirOwn() {
        #expect(Set(TransportKind.allCases.map(\.name)).count == TransportKind.allCases.count)
        // The journal keeps the raw values: they must never change.
        #expect(
            TransportKind.allCases.map { "\($0.rawValue) \($0.name)" } == [
                "0 udp", "1 tcp", "2 tls", "3 sensor", "4 file", "5 dtls", "6 relp", "7 service",
            ])
    }
}
