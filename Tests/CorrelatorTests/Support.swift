// SPDX-License-Identifier: Apache-2.0
import Correlator
import Documents
import Events
import Foundation
import Instruments
import Sigma
import Testing

/// Rules, hits and firings in short form.
enum Support {
    static let second: Int64 = 1_000_000_000

    static let cases: URL? = {
        var candidates: [URL] = []
        if let path = ProcessInfo.processInfo.environment["PENSTOCK_CASES"] {
            candidates.append(URL(fileURLWithPath: path))
        }
        var folder = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        for _ in 0..<8 {
            folder.deleteLastPathComponent()
            candidates.append(folder.appendingPathComponent("shared/cases"))
        }
        return candidates.map { $0.appendingPathComponent("sigma") }
            .first { FileManager.default.fileExists(atPath: $0.path) }
    }()

    static func rules(_ text: String) -> RuleSet {
        let complaints = Complaints()
        let set = RuleSet.parse(text: text, file: "test", complaints: complaints)
        #expect(complaints.errors.isEmpty, "\(complaints.all)")
        return set
    }

    /// A base rule `fail` and an event_count `many` over it.
    static func counting(_ condition: String, timespan: String = "1m", generate: Bool = false) -> RuleSet {
        rules(
            """
            title: fail
            name: fail
            logsource: {product: test}
            detection: {sel: {what: fail}, condition: sel}
            ---
            title: many
            name: many
            correlation:
              type: event_count
              rules: [fail]
              group-by: [user]
              timespan: \(timespan)
              condition: {\(condition)}
              generate: \(generate)
            """)
    }

    static func hit(
        _ time: Double, user: String? = "bob", rules: [String] = ["fail"], uid: String = "", note: String = "",
        peer: String = "10.0.0.1"
    ) -> Hit {
        let nanoseconds = Firing.nanoseconds(seconds: time) ?? 0
        let member = user.map { "\"user\":\"\($0)\"," } ?? ""
        let event = "{\(member)\"what\":\"fail\",\"note\":\"\(note)\",\"metadata\":{\"uid\":\"\(uid)\"}}"
        return Hit(
            rules: rules, uid: uid.isEmpty ? "\(time)\(note)" : uid, time: nanoseconds, received: 0,
            event: Array(event.utf8),
            evidence: [
                Evidence(
                    kind: .syslog, bytes: Array("\(time) \(user ?? "") \(note)".utf8), received: 0, collector: "test",
                    peer: peer)
            ])
    }

    /// What a finished input amounts to.
    static func run(_ set: RuleSet, _ hits: [Hit], options: Correlator.Options = .offline) -> [Firing] {
        var correlator = Correlator(ruleSet: set, options: options, registry: Registry())
        var firings = correlator.accept(hits, now: 0, partition: 0)
        firings += correlator.finish()
        return Firing.joined(firings)
    }

    /// The facts of a firing that no order of arrival may change.
    static func facts(_ firings: [Firing]) -> [String] {
        firings.map { firing in
            let group = firing.group.map { "\($0.field)=\($0.value)" }.joined(separator: ",")
            let evidence = firing.hits.map { String(decoding: $0.evidence[0].bytes, as: UTF8.self) }.sorted()
            return
                "\(firing.rule.id) \(group) \(firing.time) \(firing.first) \(firing.last) \(firing.count) \(firing.id) \(evidence)"
        }.sorted()
    }
}

/// Repeatable random numbers.
struct Generator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state = state &+ 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }
}
