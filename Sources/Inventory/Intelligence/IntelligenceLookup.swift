// SPDX-License-Identifier: Apache-2.0
internal import Events
internal import Wire

/// Looks up the addresses, names, hosts of URLs and hashes of events in threat-intelligence lists, and adds what they say.
///
/// An event that matches nothing, as nearly all do, costs a search for each of its values and no allocation.
struct IntelligenceLookup: Sendable {
    /// The most matches that one event tells; the number of all of them is counted.
    static let matchLimit = 8

    /// A match in the event at hand.
    private struct Found {
        var match: ThreatIntelligence.Match
        /// The entry whose value matched; the host of a URL is the match, the URL the value.
        var entry: Entry
    }

    private let intelligence: ThreatIntelligence
    private let texts: IntelligenceTexts
    private let fields: IntelligenceFields
    /// Whether the schema has the profile that brings `osint`.
    private let hasOSINT: Bool
    private var found: [Found] = []
    /// Matches by list since they were last taken.
    private var tally: [Int]
    private var hasMatched = false

    /// A lookup for events of `table`, which has its fields.
    init(_ intelligence: ThreatIntelligence, _ texts: IntelligenceTexts, _ table: FieldTable) {
        guard let fields = IntelligenceFields(table) else { preconditionFailure("the field table lacks intelligence") }
        self.intelligence = intelligence
        self.texts = texts
        self.fields = fields
        hasOSINT = table.dictionary.profiles.contains("osint")
        tally = Array(repeating: 0, count: intelligence.lists.count)
        found.reserveCapacity(IntelligenceLookup.matchLimit)
    }

    /// Takes the counts of matches, leaving zeros; nothing when there was none.
    mutating func takeTally() -> [Int] {
        guard hasMatched else { return [] }
        hasMatched = false
        defer { for index in tally.indices { tally[index] = 0 } }
        return tally
    }

    /// Notes what the lists say of the address in `entry`: `first` is the first indicator to ask.
    @inline(never)
    mutating func note(_ first: Int32, _ entry: Entry, _ time: Int64) {
        if let match = intelligence.holding(first, at: time) { note(match, entry) }
    }

    /// Looks up what is no address; `text` is what the slab has of it.
    @inline(__always)
    mutating func ask(
        _ entry: Entry, _ text: RawSpan, _ kind: IntelligenceFields.Kind, _ time: Int64, _ batch: borrowing Batch
    ) {
        let match: ThreatIntelligence.Match?
        switch entry.kind {
        case .text: match = IntelligenceLookup.match(text, kind, time, intelligence)
        case .constant:
            let known = intelligence
            match = batch.withBytes(of: entry) { IntelligenceLookup.match($0, kind, time, known) }
        default: match = nil
        }
        if let match { note(match, entry) }
    }

    private mutating func note(_ match: ThreatIntelligence.Match, _ entry: Entry) {
        tally[Int(intelligence.indicators[Int(match.number)].list)] += 1
        if found.count < IntelligenceLookup.matchLimit { found.append(Found(match: match, entry: entry)) }
    }

    /// Adds to the last event of `batch`, `row`, what was noted; it must be ended afterwards.
    @inline(__always)
    mutating func tell(_ row: Row, _ batch: inout Batch) {
        if !found.isEmpty { tellAll(row, &batch) }
    }

    @inline(never)
    private mutating func tellAll(_ row: Row, _ batch: inout Batch) {
        hasMatched = true
        tell(batch.rows.count - 1, row.time, &batch)
        found.removeAll(keepingCapacity: true)
    }

    /// What the lists say of one value.
    @inline(never)
    private static func match(
        _ text: RawSpan, _ kind: IntelligenceFields.Kind, _ time: Int64, _ intelligence: ThreatIntelligence
    ) -> ThreatIntelligence.Match? {
        switch kind {
        case .none: nil
        case .address: IPAddress.ofText(text).flatMap { intelligence.match(address: $0, at: time) }
        case .domain: intelligence.match(domain: text, at: time)
        case .host: intelligence.match(host: text, at: time)
        case .url: intelligence.match(url: text, at: time)
        case .digest: intelligence.match(hash: text, at: time)
        }
    }

    /// Writes the matches into the event.
    private func tell(_ row: Int, _ time: Int64, _ batch: inout Batch) {
        let table = batch.table
        if let first = next(fields.enrichments, row, batch) {
            for (place, found) in found.enumerated() {
                guard let element = Entry.element(first + place) else { break }
                enrich(found, element, time, table, &batch)
            }
        }
        if hasOSINT, let first = next(fields.osint, row, batch) {
            addProfile(row, &batch)
            for (place, found) in found.enumerated() {
                guard let element = Entry.element(first + place) else { break }
                describe(found, element, table, &batch)
            }
        }
        // The one that is believed most stands for all where rules ask.
        let strongest = found.max { first, second in
            let (a, b) = (intelligence.answer(first.match), intelligence.answer(second.match))
            return (a.confidence.rawValue, a.severity.rawValue) < (b.confidence.rawValue, b.severity.rawValue)
        }
        if let strongest { summarize(strongest, time, table, &batch) }
    }

    /// The first free position in the array `container`, or nil when the event has it as one JSON value.
    private func next(_ container: FieldID, _ row: Int, _ batch: borrowing Batch) -> Int? {
        let end = batch.table.fields[Int(container)].end
        var next = 0
        for index in batch.entries(of: row) {
            let entry = batch.entries[index]
            guard entry.field >= container, entry.field < end else { continue }
            if entry.field == container { return nil }
            next = max(next, Int(Entry.position(entry.element, level: 0)) + 1)
        }
        return next
    }

    /// Adds the profile that allows `osint`, unless the event names it already.
    private func addProfile(_ row: Int, _ batch: inout Batch) {
        var next = 0
        for index in batch.entries(of: row) where batch.entries[index].field == fields.profiles {
            let entry = batch.entries[index]
            if batch.withBytes(of: entry, { $0.equals("osint") }) { return }
            next = max(next, Int(Entry.position(entry.element, level: 0)) + 1)
        }
        if let element = Entry.element(next) {
            batch.put(.constant(fields.profiles, texts.profile, element: element))
        }
    }

    private func put(_ field: FieldID, _ text: String, _ element: UInt32 = 0, _ batch: inout Batch) {
        guard !text.isEmpty else { return }
        batch.put(.bytes(field, .text, batch.slab.append(text), element: element))
    }

    /// `enrichments[]`: which attribute matched, and what the list says of its value.
    private func enrich(_ found: Found, _ element: UInt32, _ time: Int64, _ table: FieldTable, _ batch: inout Batch) {
        let answer = intelligence.answer(found.match)
        put(fields.enrichedName, table.fields[Int(found.entry.field)].path, element, &batch)
        put(fields.enrichedValue, batch.text(of: found.entry), element, &batch)
        batch.put(.constant(fields.enrichedType, texts.threat, element: element))
        put(fields.provider, answer.source, element, &batch)
        let start = batch.slab.count
        var separator = "{"
        func member(_ name: String, _ text: String) {
            guard !text.isEmpty else { return }
            batch.slab.append("\(separator)\"\(name)\":")
            JSONText.append(text, to: &batch.slab)
            separator = ","
        }
        member("list", answer.list)
        member("indicator", answer.indicator)
        member("confidence", answer.confidence.name)
        member("severity", answer.severity.name)
        member("updated", RFC3339.text(answer.updated, digits: 0))
        if let expires = answer.expires { member("expires", RFC3339.text(expires, digits: 0)) }
        member("uid", answer.identifier)
        batch.slab.append(",\"age_days\":\(IntelligenceLookup.days(answer, time))}")
        batch.put(.bytes(fields.data, .json, Extent(start..<batch.slab.count), element: element))
    }

    /// `osint[]`: the indicator itself.
    private func describe(_ found: Found, _ element: UInt32, _ table: FieldTable, _ batch: inout Batch) {
        let answer = intelligence.answer(found.match)
        let type = intelligence.indicators[Int(found.match.number)].type
        batch.put(.integer(fields.type, Int64(type), element: element))
        if let text = texts.types[type] { batch.put(.constant(fields.typeName, text, element: element)) }
        put(fields.value, answer.indicator, element, &batch)
        put(fields.name, table.fields[Int(found.entry.field)].path, element, &batch)
        put(fields.vendor, answer.source, element, &batch)
        batch.put(.integer(fields.confidence, Int64(answer.confidence.rawValue), element: element))
        batch.put(
            .constant(fields.confidenceName, texts.confidences[Int(answer.confidence.rawValue) - 1], element: element))
        batch.put(.integer(fields.severity, Int64(answer.severity.rawValue), element: element))
        batch.put(.constant(fields.severityName, texts.severities[Int(answer.severity.rawValue) - 1], element: element))
        batch.put(.integer(fields.modified, answer.updated / 1_000_000, element: element))
        if let expires = answer.expires {
            batch.put(.integer(fields.expires, expires / 1_000_000, element: element))
        }
        put(fields.identifier, answer.identifier, element, &batch)
        put(fields.about, answer.about, element, &batch)
    }

    /// `unmapped.intelligence`: the strongest match, flat, so that a rule's conditions meet the same indicator.
    private func summarize(_ found: Found, _ time: Int64, _ table: FieldTable, _ batch: inout Batch) {
        let answer = intelligence.answer(found.match)
        put(fields.list, answer.list, 0, &batch)
        put(fields.source, answer.source, 0, &batch)
        put(fields.indicator, answer.indicator, 0, &batch)
        put(fields.attribute, table.fields[Int(found.entry.field)].path, 0, &batch)
        batch.put(.constant(fields.strength, texts.confidenceNames[Int(answer.confidence.rawValue) - 1]))
        batch.put(.constant(fields.gravity, texts.severityNames[Int(answer.severity.rawValue) - 1]))
        batch.put(.integer(fields.age, IntelligenceLookup.days(answer, time)))
    }

    /// The whole days between an indicator's last confirmation and the event; 0 when the event is older.
    private static func days(_ answer: ThreatIntelligence.Answer, _ time: Int64) -> Int64 {
        let (age, isOver) = time.subtractingReportingOverflow(answer.updated)
        return isOver ? 0 : max(0, age / 86_400_000_000_000)
    }
}

extension Enricher {
    /// Takes the counts of matches with threat intelligence, in the order of its lists, leaving zeros; nothing when there
    /// was none.
    public mutating func takeMatches() -> [Int] { lookup.takeTally() }
}
