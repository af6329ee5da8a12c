// SPDX-License-Identifier: Apache-2.0
internal import Codecs
internal import Documents
internal import Patterns
internal import Wire

/// Looks over all mappings of a load for matches that get in each other's way.
///
/// Of two mappings that take a record the lower rank is asked first, then the name. So a match that one asked earlier
/// covers as a whole is never of use, and where ranks are equal the name alone decides, which nobody meant. Whether two
/// matches meet at all cannot be told from regular expressions: the samples of all mappings are asked.
struct MatchReview {
    private let drafts: [MappingDraft]

    static func run(_ drafts: [MappingDraft]) {
        let ordered = drafts.sorted { ($0.rank, $0.name) < ($1.rank, $1.name) }
        let review = MatchReview(drafts: ordered)
        let told = review.covered()
        review.samples(besides: told)
    }

    private struct Pair: Hashable {
        var first: String
        var second: String
    }

    private func place(_ element: Element) -> String { "\(element.file):\(element.line):\(element.column)" }

    private static let cure = "give the one that is more particular a lower 'rank', or make a match narrower"

    /// Warns of matches that a mapping asked earlier covers, and tells the pairs of mappings.
    private func covered() -> Set<Pair> {
        var told: Set<Pair> = []
        for (number, draft) in drafts.enumerated() {
            for (matcher, element) in zip(draft.matchers, draft.matcherPlaces) {
                for earlier in drafts[..<number] {
                    guard
                        let index = earlier.matchers.indices.first(where: { matcher.implies(earlier.matchers[$0]) })
                    else { continue }
                    let other = "'\(earlier.name)' (\(place(earlier.matcherPlaces[index])))"
                    let isSame = earlier.matchers[index].implies(matcher)
                    told.insert(Pair(first: earlier.name, second: draft.name))
                    if earlier.rank < draft.rank {
                        element.complain(
                            "never asked: \(other) of the lower rank \(earlier.rank) takes all that this match takes",
                            severity: .warning)
                    } else {
                        let takes = isSame ? "has the same match" : "takes all that this match takes"
                        element.complain(
                            "ambiguous: \(other) of the same rank \(draft.rank) \(takes), and is asked first by its name "
                                + "alone; \(MatchReview.cure)", severity: .warning)
                    }
                    break
                }
            }
        }
        return told
    }

    /// Warns of samples that two mappings of one rank take.
    private func samples(besides told: Set<Pair>) {
        var asked: [String: Recognizer] = [:]
        for draft in drafts { asked[draft.name] = Recognizer([draft.matchers]) }
        let byRank = Dictionary(grouping: drafts) { $0.rank }
        let scratch = Pattern.Scratch(groups: 63)
        var found = WitnessIndex.Found()
        let syslog = SyslogParser(SyslogOptions())
        var met: [Pair: (sample: MappingSample, count: Int)] = [:]
        var order: [Pair] = []
        for draft in drafts where draft.matchers.contains(where: { $0.notice == nil && $0.record == nil }) {
            for sample in draft.samples {
                let bytes = Array(sample.input.utf8)
                let line = bytes.span.bytes
                let message = syslog.parse(line, receivedAt: SampleOutcome.received)
                func takes(_ name: String) -> Bool {
                    asked[name]?.mapping(
                        line.part(message.message), program: line.part(message.appname),
                        messageID: line.part(message.msgid), structuredData: line.part(message.structuredData),
                        scratch, &found) != nil
                }
                guard takes(draft.name) else { continue }
                for other in byRank[draft.rank] ?? [] where other.name != draft.name && takes(other.name) {
                    let pair = Pair(first: min(draft.name, other.name), second: max(draft.name, other.name))
                    if met[pair] == nil { order.append(pair) }
                    met[pair] = (met[pair]?.sample ?? sample, (met[pair]?.count ?? 0) + 1)
                }
            }
        }
        for pair in order where !told.contains(pair) {
            guard let (sample, count) = met[pair], let rank = drafts.first(where: { $0.name == pair.first })?.rank
            else { continue }
            let more = count > 1 ? " and \(count - 1) more" : ""
            sample.element.complain(
                "ambiguous: '\(pair.first)' and '\(pair.second)', both of rank \(rank), take this sample\(more); "
                    + "'\(pair.first)' is asked first by its name alone; \(MatchReview.cure)", severity: .warning)
        }
    }
}

extension Mapping.Matcher {
    /// Whether each program that `name` stands for is one of those that are asked for.
    private func asks(for name: [UInt8]) -> Bool {
        if programs.contains(name) { return true }
        let severity = name.firstIndex(of: Mapping.Matcher.anySeverity) ?? Mapping.Matcher.severity(of: name.span.bytes)
        if let severity, programs.contains(Array(name[..<severity])) { return true }
        if let place = name.firstIndex(of: Mapping.Matcher.anySeverity) {
            return (UInt8(0x30)...0x37).allSatisfy { digit in
                var one = name
                one[place] = digit
                return programs.contains(one)
            }
        }
        guard let place = Mapping.Matcher.severity(of: name.span.bytes) else { return false }
        var all = name
        all[place] = Mapping.Matcher.anySeverity
        return programs.contains(all)
    }

    /// Whether each record that this takes is one that `other` takes; false when that is not known.
    func implies(_ other: Mapping.Matcher) -> Bool {
        guard record == other.record, notice == other.notice else { return false }
        if !other.programs.isEmpty, programs.isEmpty || !programs.allSatisfy(other.asks) { return false }
        if other.needsNoProgram, !needsNoProgram { return false }
        if !other.messageIDs.isEmpty, messageIDs.isEmpty || !messageIDs.allSatisfy(other.messageIDs.contains) {
            return false
        }
        if other.structured != nil, other.structured != structured { return false }
        for text in other.contains
        where !contains.contains(where: { $0.holds(text) })
            && (starts.isEmpty || !starts.allSatisfy { $0.holds(text) })
        {
            return false
        }
        if !other.starts.isEmpty {
            guard !starts.isEmpty,
                starts.allSatisfy({ start in other.starts.contains { start.starts(with: $0) } })
            else { return false }
        }
        return other.pattern == nil || other.pattern?.text == pattern?.text
    }
}
