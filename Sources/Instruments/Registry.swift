// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// One number that only grows, or is set, with its Prometheus name and labels.
///
/// Adding is one relaxed atomic: lanes add once a batch, not once an event.
public final class Instrument: Sendable {
    private let value = Atomic<Int64>(0)
    fileprivate let line: String

    fileprivate init(line: String) { self.line = line }

    /// Adds `amount`.
    public func add(_ amount: Int = 1) {
        if amount != 0 { value.add(Int64(amount), ordering: .relaxed) }
    }

    /// Replaces the value (gauges).
    public func set(_ amount: Int64) { value.store(amount, ordering: .relaxed) }

    /// Replaces the value when `amount` is higher (high-water marks).
    public func raise(to amount: Int64) { value.max(amount, ordering: .relaxed) }

    /// The value now.
    public var current: Int64 { value.load(ordering: .relaxed) }
}

/// Every counter and gauge of the process, by name and labels, and their text for a Prometheus scrape.
///
/// Names follow one rule: `penstock_<noun>_<unit>_total` for counters. What is dropped or refused is always
/// `penstock_dropped_total{stage=…,reason=…}`, so that one query finds every loss.
public final class Registry: Sendable {
    /// What kind of number an instrument holds.
    public enum Kind: String, Sendable {
        /// Only grows.
        case counter
        /// Goes up and down.
        case gauge
    }

    private struct Family {
        var kind: Kind
        var help: String
        var members: [(labels: String, instrument: Instrument)]
        var index: [String: Int]
    }

    private let families = Mutex<[String: Family]>([:])
    /// The most label combinations kept for one name: a bound on what hostile input can make of the registry.
    public let limit: Int

    /// An empty registry.
    public init(limit: Int = 10_000) { self.limit = limit }

    /// The counter of that name and those labels; the same one at every call.
    public func counter(_ name: String, _ labels: KeyValuePairs<String, String> = [:], help: String) -> Instrument {
        instrument(.counter, name, labels, help)
    }

    /// The gauge of that name and those labels; the same one at every call.
    public func gauge(_ name: String, _ labels: KeyValuePairs<String, String> = [:], help: String) -> Instrument {
        instrument(.gauge, name, labels, help)
    }

    /// The counter of everything lost, refused or shed at `stage` for `reason`.
    public func dropped(stage: String, reason: String) -> Instrument {
        counter(
            "penstock_dropped_total", ["stage": stage, "reason": reason],
            help: "What was lost, refused or shed, by stage and reason.")
    }

    private func instrument(
        _ kind: Kind, _ name: String, _ labels: KeyValuePairs<String, String>, _ help: String
    ) -> Instrument {
        var text = labels.map { "\($0.key)=\"\(Registry.escaped($0.value))\"" }.joined(separator: ",")
        return families.withLock { families in
            var family = families[name] ?? Family(kind: kind, help: help, members: [], index: [:])
            if let known = family.index[text] { return family.members[known].instrument }
            if family.members.count >= limit {
                // The last member takes everything above the limit, under labels that say so.
                text = labels.map { "\($0.key)=\"(other)\"" }.joined(separator: ",")
                if let known = family.index[text] { return family.members[known].instrument }
            }
            let instrument = Instrument(line: text.isEmpty ? name : "\(name){\(text)}")
            family.index[text] = family.members.count
            family.members.append((text, instrument))
            families[name] = family
            return instrument
        }
    }

    /// The sum of all members of a name, 0 when there is none.
    public func total(_ name: String) -> Int64 {
        families.withLock { $0[name]?.members.reduce(0) { $0 + $1.instrument.current } ?? 0 }
    }

    /// The members of a name: their labels as they are exposed (`stage="parse",reason="x"`), and their values.
    public func members(of name: String) -> [(labels: String, value: Int64)] {
        families.withLock { $0[name]?.members.map { ($0.labels, $0.instrument.current) } ?? [] }
    }

    /// All instruments in the Prometheus text exposition format 0.0.4, names in byte order.
    public func exposition() -> String {
        families.withLock { families in
            var text = ""
            for (name, family) in families.sorted(by: { $0.key < $1.key }) {
                text += "# HELP \(name) \(family.help)\n# TYPE \(name) \(family.kind.rawValue)\n"
                for member in family.members { text += "\(member.instrument.line) \(member.instrument.current)\n" }
            }
            return text
        }
    }

    private static func escaped(_ value: String) -> String {
        var text = ""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\\": text += "\\\\"
            case "\"": text += "\\\""
            case "\n": text += "\\n"
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}
