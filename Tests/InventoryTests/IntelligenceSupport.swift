// SPDX-License-Identifier: Apache-2.0
import Documents
import Inventory
import Wire

/// Numbers that are the same at every run.
struct SeededNumbers: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}

/// A list as a test writes it.
func list(_ name: String, _ format: IntelligenceList.Format = .auto) -> IntelligenceList {
    IntelligenceList(name: name, path: name + ".txt", format: format, source: name + ".example")
}

/// A snapshot of lists, and what was said of them.
func intelligence(
    _ lists: [(IntelligenceList, String)], updated: Int64 = 1_000_000_000, bounds: IntelligenceList.Bounds = .init()
) -> (known: ThreatIntelligence, told: [String]) {
    let complaints = Complaints()
    var builder = ThreatIntelligence.Builder(bounds: bounds)
    for (list, text) in lists {
        let bytes = Array(text.utf8)
        builder.add(list, bytes: bytes.span.bytes, updated: updated, complaints: complaints)
    }
    return (builder.build(), complaints.all.map(\.description))
}

extension ThreatIntelligence {
    /// What the lists say of an address, or nil.
    func address(_ text: String, at time: Int64 = 0) -> Answer? {
        IPAddress(text).flatMap { match(address: $0, at: time) }.map { answer($0) }
    }

    /// What they say of a name.
    func domain(_ text: String, at time: Int64 = 0) -> Answer? {
        let bytes = Array(text.utf8)
        return match(domain: bytes.span.bytes, at: time).map { answer($0) }
    }

    /// What they say of a URL.
    func url(_ text: String) -> Answer? {
        let bytes = Array(text.utf8)
        return match(url: bytes.span.bytes, at: 0).map { answer($0) }
    }

    /// What they say of a file's hash.
    func hash(_ text: String) -> Answer? {
        let bytes = Array(text.utf8)
        return match(hash: bytes.span.bytes, at: 0).map { answer($0) }
    }
}
