// SPDX-License-Identifier: Apache-2.0
import Correlator
import Events
import Foundation
import Instruments
import Sigma
import Testing

/// A snapshot in the form in which all hits stand in front and each rule's part has its length: it is read like one of the
/// form of today.
struct EarlierSnapshotTests {
    private let oracle = OracleTests()
    private var options: Correlator.Options {
        var options = Correlator.Options()
        options.outOfOrder = 1_000
        options.maxGroups = 3
        return options
    }

    /// The input that ``state`` was made of.
    private func hits(_ count: Int) -> [Hit] {
        (0..<count).map { number in
            var made = oracle.hit(
                OracleTests.Event(
                    time: Int64(number) * Support.second / 2, step: number % 3,
                    user: ["a", "b", "c", "d"][number * 7 % 11 % 4], value: number % 5), number)
            if number == 11 { made.position = JournalPosition(log: 1, first: 77, epoch: 2) }
            return made
        }
    }

    @Test func isRead() throws {
        let set = oracle.set(OracleTests.kinds[2], "once")
        var whole = Correlator(ruleSet: set, options: options, registry: Registry())
        for hit in hits(12) { _ = whole.accept([hit], now: hit.time, partition: 0) }
        var resumed = Correlator(ruleSet: set, options: options, registry: Registry())
        #expect(try resumed.restore(EarlierSnapshotTests.state).isEmpty)
        #expect(resumed.load == whole.load)
        #expect(resumed.waiting == whole.waiting && resumed.groupCount == whole.groupCount)
        var fired = 0
        for hit in hits(60)[11...] {
            let firings = whole.accept([hit], now: hit.time, partition: 0).map(told)
            #expect(firings == resumed.accept([hit], now: hit.time, partition: 0).map(told))
            fired += firings.count
        }
        #expect(fired > 3)
    }

    /// All of a firing but its id, which is made of its events' hashes: those of the snapshot are 64 bits of SHA-256.
    private func told(_ firing: Firing) -> String {
        "\(firing.revision) \(firing.group) \(firing.time) \(firing.first) \(firing.last) \(firing.count) "
            + "\(firing.omitted) \(firing.hits.map(\.uid))"
    }

    /// Of a rule that is no longer in force it is read over.
    @Test func ofAnotherRule() throws {
        let other = oracle.set(OracleTests.kinds[0], "once")
        var resumed = Correlator(ruleSet: other, options: options, registry: Registry())
        #expect(try resumed.restore(EarlierSnapshotTests.state) == ["x"])
        #expect(resumed.groupCount == 0 && resumed.load.hits == resumed.waiting && resumed.waiting > 0)
    }

    @Test func damaged() {
        let set = oracle.set(OracleTests.kinds[2], "once")
        for length in stride(from: 0, to: EarlierSnapshotTests.state.count, by: 13) {
            var other = Correlator(ruleSet: set, options: options, registry: Registry())
            #expect(throws: Correlator.SnapshotFault.self) {
                _ = try other.restore(Array(EarlierSnapshotTests.state[..<length]))
            }
            #expect(other.groupCount == 0 && other.waiting == 0)
        }
    }

    private static let state: [UInt8] = {
        let text = """
            CQAAAAAAAAABAAAAAAAAAAIAAAAAAAAAcjECAAAAAAAAADEwAPIFKgEAAAAAAAAAAAAAACYAAAAAAAAAeyJ1c2VyIjoiYSIsInN0ZXAiOjEs
            InZhbHVlIjowLCJuIjoxMH0AAAAAAAAAAAAAAAAAAAAAAQAAAAAAAAACAAAAAAAAAHIyAgAAAAAAAAAxMQBX00cBAAAAAAAAAAAAAAAmAAAA
            AAAAAHsidXNlciI6ImEiLCJzdGVwIjoyLCJ2YWx1ZSI6MSwibiI6MTF9AAAAAAAAAAABAAAAAAAAAAEAAAAAAAAATQAAAAAAAAACAAAAAAAA
            AAEAAAAAAAAAAgAAAAAAAAByMAEAAAAAAAAAMwAvaFkAAAAAAAAAAAAAAAAlAAAAAAAAAHsidXNlciI6ImMiLCJzdGVwIjowLCJ2YWx1ZSI6
            MywibiI6M30AAAAAAAAAAAAAAAAAAAAAAQAAAAAAAAACAAAAAAAAAHIxAQAAAAAAAAA0AJQ1dwAAAAAAAAAAAAAAACUAAAAAAAAAeyJ1c2Vy
            IjoiYyIsInN0ZXAiOjEsInZhbHVlIjo0LCJuIjo0fQAAAAAAAAAAAAAAAAAAAAABAAAAAAAAAAIAAAAAAAAAcjIBAAAAAAAAADUA+QKVAAAA
            AAAAAAAAAAAAJQAAAAAAAAB7InVzZXIiOiJjIiwic3RlcCI6MiwidmFsdWUiOjAsIm4iOjV9AAAAAAAAAAAAAAAAAAAAAAEAAAAAAAAAAgAA
            AAAAAAByMAEAAAAAAAAANgBe0LIAAAAAAAAAAAAAAAAlAAAAAAAAAHsidXNlciI6ImIiLCJzdGVwIjowLCJ2YWx1ZSI6MSwibiI6Nn0AAAAA
            AAAAAAAAAAAAAAAAAQAAAAAAAAACAAAAAAAAAHIxAQAAAAAAAAA3AMOd0AAAAAAAAAAAAAAAACUAAAAAAAAAeyJ1c2VyIjoiYiIsInN0ZXAi
            OjEsInZhbHVlIjoyLCJuIjo3fQAAAAAAAAAAAAAAAAAAAAABAAAAAAAAAAIAAAAAAAAAcjIBAAAAAAAAADgAKGvuAAAAAAAAAAAAAAAAJQAA
            AAAAAAB7InVzZXIiOiJiIiwic3RlcCI6MiwidmFsdWUiOjMsIm4iOjh9AAAAAAAAAAAAAAAAAAAAAAEAAAAAAAAAAgAAAAAAAAByMAEAAAAA
            AAAAOQCNOAwBAAAAAAAAAAAAAAAlAAAAAAAAAHsidXNlciI6ImEiLCJzdGVwIjowLCJ2YWx1ZSI6NCwibiI6OX0AAAAAAAAAAAAAAAAAAAAA
            UFNDUlJQMDIAjTgMAQAAAAAAAAAAAAAAAFfTRwEAAAAAjTgMAQAAAAEAAAAAAAAAAFfTRwEAAAAAV9NHAQAAAAEAAAAAAAAAAAAAAAAAAAAB
            AAAAAAAAAAEAAAAAAAAAAgAAAAAAAABNAAAAAAAAAAIAAAAAAAAAAPIFKgEAAAAAAAAAAAAAAAAAAAAAAAAAAFfTRwEAAAAAAAAAAAAAAAEA
            AAAAAAAAAQAAAAAAAAAFAQAAAAAAAHggMTE0ODU4MjBjMjNjYTk0Mjk3MDVmN2Y0MmY0ZWE2Y2E3M2Y5MjlmYjM1YTU3MWY3N2ZkNDYyZTY2
            OTI4MWMzMyAwNTkwYjcxYzIwMDU2NmRlNDRlODAzNTE3MzQ5OTk1ZTMwNTcwYmRiODFlYWMyZjNmZTcxODlkYmU1NGZmZjZkIDJjMDBjYzNi
            ZTFmNDY3OGE5YWQyNDMxZmNmYTdlMGYyODAzNjg0ZGEwNDM2ZGU2N2IyNDM5MDMxYzBhODBlYTYgMjU0NzJkMjk1MTY1MDI4NDE4N2FmMzhj
            MzMxOTk4NTA4MGIzMmU4MGY0NDY3MjZkMjUyMWZjNmU5MjExNDA4ZQEAAAAAAAAAeHcEAAAAAAAAAwAAAAAAAAAFAAAAAAAAAAIAAABjAAAA
            AAAAAAAA+QKVAAAAAAAAAAAAAAAAAPkClQAAAAAAAAAAAAAAgAAAAwAAAAAAAAAAL2hZAAAAACYm12hyNXssJibXaHI1eywEwjn9H0zWrgAA
            AAAAAAAAAAACAAAAAAAAAACUNXcAAAAAl5/5mdfEKy+Xn/mZ18QrLwnJvyftcrcUAQAAAAAAAAAAAAMAAAAAAAAAAPkClQAAAACMV8B5DbIo
            UIxXwHkNsihQXz1rmzd7S1MCAAAAAAAAAAAABAAAAAAAAAAAAAAAAAAAAAMAAAAAAAAAAQAAAAAAAABAAAAAAAAAAGQyZDk3NTljYzBjYTUz
            ODVkZDVlNzVjMjc4YjU2ZGNlZWQwMWI5ZTZlYjdhZTU5ZjY0MWNiOTUxZjM1NDQxMzQBAAAAAAAAAAMAAAAAAAAAAAAAAAAAAAADAAAAAAAA
            AAMAAAAAAAAAAPkClQAAAAAAL2hZAAAAAAD5ApUAAAAAAN0O6QIAAAAAAAAAAAAAgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAFAAAAAAAA
            AAIAAABiAAAAAAAAAAAAKGvuAAAAAAAAAAAAAAAAAChr7gAAAAAAAAAAAAAAgAAAAwAAAAAAAAAAXtCyAAAAACX6K70QV+H6JforvRBX4fq5
            PCiDjlU8uAAAAAAAAAAAAAAFAAAAAAAAAADDndAAAAAA0nrl9/2++dfSeuX3/b751+X/jNC7KD2zAQAAAAAAAAAAAAYAAAAAAAAAAChr7gAA
            AAD+0ECeRKvcPv7QQJ5Eq9w+BMI5/R9M1q4CAAAAAAAAAAAABwAAAAAAAAAAAAAAAAAAAAMAAAAAAAAAAQAAAAAAAABAAAAAAAAAADI3Yzcz
            M2M5MWNjMzBjY2JiN2Y2MzAwODdjZDBkZGEzMDAyMTIwMDEyYjc5NTA0YmJhMGE3MTZjMmZjNTM5MTgBAAAAAAAAAAMAAAAAAAAAAAAAAAAA
            AAADAAAAAAAAAAMAAAAAAAAAAChr7gAAAAAAXtCyAAAAAAAoa+4AAAAAAAx3QgMAAAAAAAAAAAAAgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
            AAAFAAAAAAAAAAIAAABhAAAAAAAAAAAAjTgMAQAAAAAAAAAAAAAAAI04DAEAAAAAAAAAAAAAgAAAAgAAAAAAAAAAAAAAAAAAADQ959/QdZo2
            ND3n39B1mjZfPWubN3tLUwAAAAAAAAAAAAH//////////wCNOAwBAAAAu7CQS0GjECW7sJBLQaMQJQnJvyftcrcUAAAAAAAAAAAAAAgAAAAA
            AAAAAAAAAAAAAAACAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAIAAAAAAAAAjWO16EA3JzADsA0qYkbR6gOwDSpiRtHquTwog45V
            PLgAZc0dAAAAAAoBAAAAAAAAjWO16EA3JzCNYYIFMmBK8Y1hggUyYErx5f+M0LsoPbMAypo7AAAAAAICAAAAAAAA
            """
        return [UInt8](Data(base64Encoded: text.filter { !$0.isWhitespace }) ?? Data())
    }()
}
