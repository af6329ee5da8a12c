// SPDX-License-Identifier: Apache-2.0
internal import Correlator
internal import Events
internal import Incidents
internal import Sigma
internal import Wire

/// What a comparison tells, for people or for programs.
struct ReplayReport {
    let comparison: ReplayComparison
    /// What was read of all logs.
    let counts: ReplayLane.Counts

    private static let shown = 160

    // MARK: Text

    /// The report as lines: what was read, then each rule that was changed or found something else, then the others as one.
    var text: String {
        let read = ReplayReport.count(counts.frames, "frame") + ", " + ReplayReport.count(counts.events, "event")
        var lines = [read + times]
        lines.append("rules: " + ReplayReport.changes.map { "\(count($0)) \($0.rawValue)" }.joined(separator: ", "))
        for rule in comparison.rules where !isSummed(rule) && !isIdle(rule) { lines += text(rule) }
        for change in [ReplayComparison.Change.added, .removed] {
            let idle = comparison.rules.count { $0.change == change && isIdle($0) }
            if idle > 0 { lines += ["", "\(change.rawValue): \(ReplayReport.count(idle, "rule")) that found nothing"] }
        }
        let rest = comparison.rules.filter(isSummed)
        let events = rest.reduce(0) { $0 + $1.events.after }
        let firings = rest.reduce(0) { $0 + $1.firings.after }
        lines += [
            "",
            "\(ReplayReport.count(rest.count, "rule")) as before: \(ReplayReport.count(events, "matched event")), "
                + ReplayReport.count(firings, "firing"),
            comparison.differs ? "They find different things." : "Both find the same.",
        ]
        return lines.joined(separator: "\n") + "\n"
    }

    private static let changes: [ReplayComparison.Change] = [.same, .changed, .added, .removed]

    private func count(_ change: ReplayComparison.Change) -> Int { comparison.rules.count { $0.change == change } }

    private func isSummed(_ rule: ReplayComparison.Rule) -> Bool { rule.change == .same && !rule.differs }

    /// Whether a rule came or went without having found anything.
    private func isIdle(_ rule: ReplayComparison.Rule) -> Bool {
        (rule.change == .added || rule.change == .removed)
            && rule.events.before + rule.events.after + rule.firings.before + rule.firings.after == 0
    }

    private var times: String {
        guard counts.frames > 0 else { return "" }
        return ", received \(RFC3339.text(counts.first)) to \(RFC3339.text(counts.last))"
    }

    private func text(_ rule: ReplayComparison.Rule) -> [String] {
        let change = rule.change == .same ? "same text" : rule.change.rawValue
        var lines = ["", Shown.line("\(change): \(rule.name) (\(rule.facts.file):\(rule.facts.line))")]
        if !rule.isCorrelation { lines.append("  matched events: " + ReplayReport.words(rule.events)) }
        if rule.firings.before + rule.firings.after > 0 || rule.isCorrelation {
            lines.append("  firings: " + ReplayReport.words(rule.firings))
        }
        lines += text("-", rule.listed.gone, of: rule.firings.gone)
        lines += text("+", rule.listed.new, of: rule.firings.new)
        return lines
    }

    private static func words(_ tally: ReplayComparison.Tally) -> String {
        let change =
            tally.differs
            ? "(\(ReplayProgress.grouped(tally.gone)) gone, \(ReplayProgress.grouped(tally.new)) new)" : "(the same)"
        return "\(ReplayProgress.grouped(tally.before)) before, \(ReplayProgress.grouped(tally.after)) after \(change)"
    }

    private func text(_ sign: String, _ firings: [ReplayFiring], of total: Int) -> [String] {
        var lines: [String] = []
        for made in firings {
            let firing = made.firing
            let group = firing.group.isEmpty ? "no group" : ReplayComparison.words(firing.group)
            let span = "\(RFC3339.text(firing.first)) to \(RFC3339.text(firing.last))"
            lines.append(Shown.line("  \(sign) \(span)  \(group)  \(ReplayReport.count(firing.count, "event"))"))
            let raw = Shown.line(String(decoding: made.line, as: UTF8.self))
            let cut = raw.count > ReplayReport.shown ? raw.prefix(ReplayReport.shown) + "…" : raw[...]
            lines.append("      " + (raw.isEmpty ? Shown.line(made.uid) : String(cut)))
        }
        if total > firings.count {
            lines.append("  \(sign) \(ReplayReport.count(total - firings.count, "firing")) more")
        }
        return lines
    }

    private static func count(_ number: Int, _ noun: String) -> String {
        "\(ReplayProgress.grouped(number)) \(noun)\(number == 1 ? "" : "s")"
    }

    // MARK: JSON

    /// The report as one JSON object.
    var json: [UInt8] {
        var slab = Slab(capacity: 16 << 10)
        slab.append("{\"differs\":\(comparison.differs),\"frames\":\(counts.frames),\"events\":\(counts.events)")
        if counts.frames > 0 {
            slab.append(",\"first\":\"\(RFC3339.text(counts.first, digits: 9))\"")
            slab.append(",\"last\":\"\(RFC3339.text(counts.last, digits: 9))\"")
        }
        let rest = comparison.rules.filter(isSummed)
        slab.append(",\"unchanged\":{\"rules\":\(rest.count),\"events\":\(rest.reduce(0) { $0 + $1.events.after })")
        slab.append(",\"firings\":\(rest.reduce(0) { $0 + $1.firings.after })},\"rules\":[")
        var isFirst = true
        for rule in comparison.rules where !isSummed(rule) {
            if !isFirst { slab.append(",") }
            isFirst = false
            append(rule, to: &slab)
        }
        slab.append("]}")
        return slab.bytes.array
    }

    private func append(_ rule: ReplayComparison.Rule, to slab: inout Slab) {
        slab.append("{\"rule\":")
        JSONText.append(rule.facts.id, to: &slab)
        slab.append(",\"name\":")
        JSONText.append(rule.name, to: &slab)
        slab.append(",\"file\":")
        JSONText.append(rule.facts.file, to: &slab)
        slab.append(",\"line\":\(rule.facts.line),\"change\":\"\(rule.change.rawValue)\"")
        if !rule.isCorrelation { append("events", rule.events, to: &slab) }
        append("firings", rule.firings, to: &slab)
        for (name, firings) in [("gone", rule.listed.gone), ("new", rule.listed.new)] {
            slab.append(",\"\(name)\":[")
            for (index, made) in firings.enumerated() {
                if index > 0 { slab.append(",") }
                // The firing's own line, with what shows it behind.
                let line = made.firing.line
                slab.append(line.span.bytes.part(0, line.count - 1))
                slab.append(",\"uid\":")
                JSONText.append(made.uid, to: &slab)
                if !made.line.isEmpty {
                    slab.append(",\"raw\":")
                    JSONText.append(String(decoding: made.line, as: UTF8.self), to: &slab)
                }
                slab.append("}")
            }
            slab.append("]")
        }
        slab.append("}")
    }

    private func append(_ name: String, _ tally: ReplayComparison.Tally, to slab: inout Slab) {
        slab.append(",\"\(name)\":{\"before\":\(tally.before),\"after\":\(tally.after)")
        slab.append(",\"gone\":\(tally.gone),\"new\":\(tally.new)}")
    }
}
