// SPDX-License-Identifier: Apache-2.0
internal import Codecs
public import Documents
internal import Wire

extension ThreatIntelligence.Builder {
    /// Reads one list and adds its indicators. What is wrong is a complaint at its place: a line or object without an
    /// indicator is a warning and counted, a list that breaks a bound, or is more wrong than right, is an error and adds
    /// nothing.
    ///
    /// - Parameter updated: when the file was last changed, in nanoseconds since the epoch.
    public mutating func add(
        _ list: IntelligenceList, bytes: RawSpan, updated: Int64, complaints: Complaints
    ) {
        let first = count
        var reading = IntelligenceReading(list: list, updated: updated, bounds: bounds, complaints: complaints)
        guard bytes.byteCount <= bounds.fileBytes else {
            reading.refuse("the file is larger than \(bounds.fileBytes) bytes")
            end(list, from: first, skipped: 0, updated: updated)
            return
        }
        let content = IntelligenceReading.withoutMark(bytes)
        switch list.format == .auto ? IntelligenceReading.format(of: content) : list.format {
        case .stix: readSTIX(content, &reading)
        case .csv: readCSV(content, &reading)
        case .plain, .auto: readPlain(content, &reading)
        }
        let found = count - first
        reading.tellRest()
        if !reading.isRefused, reading.wrong > found + reading.unsupported {
            reading.refuse(
                "\(reading.wrong) entries hold no indicator and \(found) do: this is no such list, or 'format' is wrong"
            )
        } else if !reading.isRefused, found == 0 {
            complaints.add(Complaint(file: list.path, "the list holds no indicator", severity: .warning))
        }
        if reading.isRefused { abandon(from: first) }
        end(list, from: first, skipped: reading.wrong + reading.unsupported, updated: updated)
    }

    /// Whether there is room for another indicator of a list that began at `first`; complains when there is none.
    mutating func hasRoom(from first: Int, _ reading: inout IntelligenceReading, line: Int, column: Int = 1) -> Bool {
        if count - first >= bounds.listIndicators {
            reading.refuse("more than \(bounds.listIndicators) indicators", line: line, column: column)
            return false
        }
        if count >= bounds.indicators {
            reading.refuse(
                "all lists together have more than \(bounds.indicators) indicators", line: line, column: column)
            return false
        }
        return true
    }

    /// One indicator a line: the first word; `#`, `;` and `//` begin comments. Of a hosts(5) file the second word.
    private mutating func readPlain(_ bytes: RawSpan, _ reading: inout IntelligenceReading) {
        let first = count
        var lines = IntelligenceReading.Lines(bytes)
        while !reading.isRefused, let line = lines.next() {
            guard line.extent.length <= bounds.lineBytes else {
                reading.skip("the line is longer than \(bounds.lineBytes) bytes", line: line.number)
                continue
            }
            let text = IndicatorValue.trimmed(bytes.part(line.extent))
            guard let mark = text.byte(at: 0), mark != 0x23, mark != 0x3B, !text.hasBytes("//") else { continue }
            var word = IntelligenceReading.word(text, from: 0)
            var value = IndicatorValue(text.part(word))
            // `0.0.0.0 name` blocks a name; the address is no indicator.
            if case .network(let network)? = value,
                network.address.low >> 24 == 0x7F || network.address.low == 0, network.prefix == 32
            {
                let second = IntelligenceReading.word(text, from: Int(word.end))
                if !second.isEmpty, text.part(second).byte(at: 0) != 0x23 {
                    word = second
                    value = IndicatorValue(text.part(word))
                }
            }
            guard let value else {
                reading.skip(text.part(word), line: line.number)
                continue
            }
            guard hasRoom(from: first, &reading, line: line.number) else { return }
            add(value, text: text.part(word), reading, updated: nil, expires: nil)
        }
    }

    /// Adds an indicator with what the list says where it says nothing itself.
    mutating func add(
        _ value: IndicatorValue, text: RawSpan, _ reading: IntelligenceReading, source: String? = nil,
        confidence: IntelligenceList.Confidence? = nil, severity: IntelligenceList.Severity? = nil, updated: Int64?,
        expires: Int64?, identifier: String = "", about: String = ""
    ) {
        let list = reading.list
        add(
            value, text: text, source: source ?? list.source, confidence: confidence ?? list.confidence,
            severity: severity ?? list.severity, isExact: !list.subdomains && !text.hasBytes("*."),
            updated: updated ?? reading.updated, expires: expires, identifier: identifier, about: about)
    }
}

/// The state of reading one list.
struct IntelligenceReading {
    let list: IntelligenceList
    let updated: Int64
    let bounds: IntelligenceList.Bounds
    let complaints: Complaints
    /// Entries that hold no indicator.
    private(set) var wrong = 0
    /// Entries that hold an indicator of another kind, such as a URL.
    private(set) var unsupported = 0
    private(set) var isRefused = false
    private var told = 0

    init(list: IntelligenceList, updated: Int64, bounds: IntelligenceList.Bounds, complaints: Complaints) {
        self.list = list
        self.updated = updated
        self.bounds = bounds
        self.complaints = complaints
    }

    /// The list is not used.
    mutating func refuse(_ message: String, line: Int = 0, column: Int = 1) {
        complaints.add(
            Complaint(file: list.path, line: line, column: line > 0 ? column : 0, "list '\(list.name)': \(message)"))
        isRefused = true
    }

    /// A line or object is not used.
    mutating func skip(_ message: String, line: Int, column: Int = 1) {
        wrong += 1
        guard told < bounds.complaints else { return }
        told += 1
        complaints.add(Complaint(file: list.path, line: line, column: column, message, severity: .warning))
    }

    /// What should be an indicator is none, or one of a kind that is not looked for.
    mutating func skip(_ text: RawSpan, line: Int, column: Int = 1) {
        if text.firstRange(of: "://") != nil || text.firstIndex(of: 0x40) != nil { return pass() }
        skip("'\(shown(text))' is no address, network, domain or file hash", line: line, column: column)
    }

    /// An indicator is of a kind that is not looked for: nothing is wrong with the list.
    mutating func pass() { unsupported += 1 }

    /// How many entries were not told one by one.
    func tellRest() {
        if wrong > told {
            complaints.add(
                Complaint(file: list.path, "\(wrong - told) more entries hold no indicator", severity: .warning))
        }
        if unsupported > 0 {
            complaints.add(
                Complaint(
                    file: list.path,
                    "\(unsupported) entries are of kinds that are not looked for (URLs, mail addresses, conjunctions …)",
                    severity: .warning))
        }
    }

    /// What a person can read of `text` in a message.
    func shown(_ text: RawSpan) -> String {
        text.part(0, min(text.byteCount, 60)).text + (text.byteCount > 60 ? "…" : "")
    }

    /// Without a byte order mark.
    @_lifetime(copy bytes)
    static func withoutMark(_ bytes: RawSpan) -> RawSpan {
        bytes.byte(at: 0) == 0xEF && bytes.byte(at: 1) == 0xBB && bytes.byte(at: 2) == 0xBF
            ? bytes.part(3, bytes.byteCount - 3) : bytes
    }

    /// How a list is written: `{` begins a bundle; a comma, semicolon or tab between two fields of its first lines tells
    /// separated values.
    static func format(of bytes: RawSpan) -> IntelligenceList.Format {
        var lines = Lines(bytes)
        var looked = 0
        while let line = lines.next(), looked < 20 {
            let text = IndicatorValue.trimmed(bytes.part(line.extent))
            guard let mark = text.byte(at: 0) else { continue }
            if mark == 0x7B { return .stix }
            if mark == 0x23 || mark == 0x3B || text.hasBytes("//") { continue }
            looked += 1
            // A blank before `;` or `#` begins what is said of the indicator.
            var end = text.byteCount
            for comment in [" ;", " #"] as [StaticString] { end = min(end, text.firstRange(of: comment) ?? end) }
            let fields = text.part(0, end)
            if fields.firstIndex(of: 0x2C) != nil || fields.firstIndex(of: 0x3B) != nil { return .csv }
            // A tab stands in hosts(5) files too.
            if let tab = text.firstIndex(of: 0x09), IndicatorValue.network(text.part(0, tab)) == nil { return .csv }
        }
        return .plain
    }

    /// The first run of bytes from `start` on that are no blanks.
    static func word(_ text: RawSpan, from start: Int) -> Extent {
        func isBlank(_ index: Int) -> Bool { text.byte(at: index) == 0x20 || text.byte(at: index) == 0x09 }
        var first = start
        while first < text.byteCount, isBlank(first) { first += 1 }
        var end = first
        while end < text.byteCount, !isBlank(end) { end += 1 }
        return Extent(first..<end)
    }

    /// A time as lists write it: RFC 3339, a date alone, or another form that logs use; nil for anything else.
    static func time(_ text: RawSpan, receivedAt: Int64) -> Int64? {
        let text = IndicatorValue.trimmed(text)
        if text.byteCount == 10, text.byte(at: 4) == 0x2D {
            let whole = Array((text.text + "T00:00:00Z").utf8)
            return RFC3339.read(whole.span.bytes)?.nanoseconds
        }
        return LogTime.read(text, receivedAt: receivedAt)
    }

    /// Lines with their numbers, from 1; the line end is not part of them.
    struct Lines: ~Escapable {
        private let bytes: RawSpan
        private var position = 0
        private var number = 0

        @_lifetime(copy bytes)
        init(_ bytes: RawSpan) { self.bytes = bytes }

        /// The next line, or nil at the end.
        mutating func next() -> (extent: Extent, number: Int)? {
            guard position < bytes.byteCount else { return nil }
            let end = bytes.firstIndex(of: 0x0A, from: position) ?? bytes.byteCount
            number += 1
            defer { position = end + 1 }
            return (Extent(position..<end), number)
        }
    }
}
