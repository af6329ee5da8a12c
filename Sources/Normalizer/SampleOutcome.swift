// SPDX-License-Identifier: Apache-2.0
internal import Documents
internal import Events
internal import Wire

/// What became of one sample of a mapping file.
public struct SampleOutcome {
    /// An attribute that is not what the sample says.
    public struct Difference {
        /// Its dotted path.
        public let path: String
        /// What the sample says; nil: absent.
        public let expected: String?
        /// What the event has; nil: nothing.
        public let actual: String?
        /// Where the sample says it.
        let element: Element
    }

    /// The mapping that the sample belongs to.
    public let mapping: String
    /// Its number in the file, from 1.
    public let number: Int
    /// The mapping that took the record; nil when it is its own.
    public internal(set) var taken: String?
    /// Why the record could not become the event that its mapping would make; nil when it could.
    public internal(set) var fault: String?
    /// The attributes that differ, in the order of the file.
    public internal(set) var differences: [Difference] = []
    /// Whether the record became no event.
    public internal(set) var isDropped = false
    /// How many events the record became.
    public internal(set) var count = 0
    /// By event: all attributes that a sample may name, in the order of writing: what `penstock test --update` fills in.
    var attributes: [[(path: String, value: String)]] = []
    let sample: MappingSample

    init(_ sample: MappingSample, number: Int, of mapping: String) {
        self.sample = sample
        self.number = number
        self.mapping = mapping
    }

    /// The file that it stands in.
    public var file: String { sample.element.file }
    /// Whether the file does not say what the record must become.
    public var isOpen: Bool { sample.expected.isEmpty && !sample.isDropped }
    /// Whether everything is as the sample says.
    public var passed: Bool { taken == nil && differences.isEmpty && !isOpen && surprise == nil }

    /// What is wrong when a record is dropped that should become an event, or the other way round.
    var surprise: String? {
        switch (isDropped, sample.isDropped) {
        case (true, false): "the record is dropped: it becomes no event; write 'dropped: true' if that is meant"
        case (false, true): "the record becomes an event, but 'dropped' says that it becomes none"
        default:
            isDropped || isOpen || count == sample.expected.count
                ? nil
                : "the record becomes \(count) event\(count == 1 ? "" : "s"), 'expect' tells of \(sample.expected.count)"
                    + ": of several events it is a list; 'penstock test --update' writes it where it is left out"
        }
    }

    /// The complaints that a failure makes, each at its place.
    func complain() {
        if let surprise {
            sample.element.complain(surprise)
        } else if isOpen {
            sample.element.complain(
                "a sample without 'expect' proves nothing; 'penstock test --update' writes what the record becomes")
        }
        if let taken { sample.element.complain("recognised as '\(taken)', not as '\(mapping)'") }
        for difference in differences {
            let actual = difference.actual.map { "'\($0)'" } ?? "absent"
            let expected = difference.expected.map { "'\($0)'" } ?? "absent"
            difference.element.complain("\(difference.path) is \(actual), not \(expected)")
        }
    }

    /// What a person reads of a failure: the record, and each attribute as it should be and as it is, with its place.
    public var report: String {
        var lines = ["\(place(sample.element)): sample \(number) of '\(mapping)' fails: \(summary)"]
        lines.append("    input:     \(SampleOutcome.shown(sample.input, limit: 160))")
        if let taken, fault == nil {
            lines.append("    mapping:   expected '\(mapping)', actual '\(taken)'")
        }
        if let fault { lines.append("    no event:  \(fault) (it went out as Base Event)") }
        for difference in differences {
            lines.append("  \(place(difference.element)): \(difference.path)")
            lines.append("    expected:  \(SampleOutcome.shown(difference.expected))")
            lines.append("    actual:    \(SampleOutcome.shown(difference.actual))")
            if let mark = SampleOutcome.mark(difference.expected, difference.actual) { lines.append(mark) }
        }
        return lines.joined(separator: "\n")
    }

    private var summary: String {
        if let surprise { return surprise }
        if isOpen { return "it has no 'expect', so it proves nothing; 'penstock test --update' writes one" }
        let count = sample.expected.reduce(0) { $0 + $1.count }
        let differing = "\(differences.count) of \(count) attribute\(count == 1 ? "" : "s") differ"
        if fault != nil { return "its event would not be valid" + (differences.isEmpty ? "" : ", " + differing) }
        guard let taken else { return differing }
        return (taken == "unknown" ? "no mapping takes the record" : "another mapping takes the record")
            + (differences.isEmpty ? "" : ", " + differing)
    }

    private func place(_ element: Element) -> String { "\(element.file):\(element.line):\(element.column)" }

    /// A value on one line.
    private static func shown(_ value: String?, limit: Int = 400) -> String {
        guard let value else { return "(absent)" }
        if value.isEmpty { return "(empty)" }
        var text = ""
        for scalar in value.unicodeScalars.prefix(limit) {
            switch scalar {
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            default: text.unicodeScalars.append(scalar)
            }
        }
        if value.unicodeScalars.count > limit { text += "…" }
        // Blanks at an end would not be seen.
        return value.first == " " || value.last == " " ? "\"\(text)\"" : text
    }

    /// A line that points at the first character that differs, for texts too long to see it.
    private static func mark(_ expected: String?, _ actual: String?) -> String? {
        guard let expected, let actual, expected.count > 24, actual.count > 24 else { return nil }
        let (first, second) = (shown(expected), shown(actual))
        let same = zip(first, second).prefix { $0.0 == $0.1 }.count
        guard same > 8, same < first.count || same < second.count else { return nil }
        return String(repeating: " ", count: 15 + same) + "^"
    }
}

extension SampleOutcome {
    /// When samples count as received: dates without a year are read from there.
    static let received: Int64 = 1_790_000_000_000_000_000

    /// Takes from the event what a report and an update need besides the differences.
    mutating func read(_ batch: borrowing Batch) {
        for row in batch.rows.indices where fault == nil { fault = batch.text("unmapped.penstock.fault", in: row) }
        guard isOpen else { return }
        attributes = batch.rows.indices.map { SampleOutcome.attributes($0, batch, of: sample) }
    }

    private static func attributes(
        _ row: Int, _ batch: borrowing Batch, of sample: MappingSample
    ) -> [(path: String, value: String)] {
        var attributes: [(path: String, value: String)] = []
        var seen: Set<FieldID> = []
        let source = batch.source(of: row).map { batch.slab.bytes($0).text } ?? ""
        for index in batch.entries(of: row) {
            let entry = batch.entries[index]
            let field = batch.table.fields[Int(entry.field)]
            guard seen.insert(entry.field).inserted, entry.kind != .members, entry.kind != .emptyArray,
                !SampleOutcome.isUsual(field.path)
            else { continue }
            let value = batch.text(of: entry)
            // What is only the record again, or the time of the test, says nothing.
            if field.path == "message", sample.input.hasSuffix(value) || source == value { continue }
            if field.path == "time", value == String(SampleOutcome.received / 1_000_000) { continue }
            attributes.append((field.path, value))
        }
        let first = ["class_uid", "activity_id"]
        return first.flatMap { name in attributes.filter { $0.path == name } }
            + attributes.filter { !first.contains($0.path) }
    }

    /// Attributes that every event has or that follow from others.
    private static func isUsual(_ path: String) -> Bool {
        let free = ["metadata.event_code", "metadata.product.version"]
        return path.hasPrefix("metadata.") && !free.contains(path) || path == "raw_data" || path == "category_uid"
            || path == "type_uid" || path.hasPrefix("unmapped.syslog.") || path.hasPrefix("unmapped.penstock.")
    }
}
