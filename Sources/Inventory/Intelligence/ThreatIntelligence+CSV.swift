// SPDX-License-Identifier: Apache-2.0
internal import Codecs
internal import Wire

extension ThreatIntelligence.Builder {
    /// Separated values: columns by the names of the header, which may be a comment, or the one that `column` names.
    mutating func readCSV(_ bytes: RawSpan, _ reading: inout IntelligenceReading) {
        let first = count
        var lines = IntelligenceReading.Lines(bytes)
        var columns: IntelligenceColumns?
        var comment: [String] = []
        var style = CSV.Style.commas
        var fields = FieldsOfRow()
        while !reading.isRefused, let line = lines.next() {
            guard line.extent.length <= bounds.lineBytes else {
                reading.skip("the line is longer than \(bounds.lineBytes) bytes", line: line.number)
                continue
            }
            let text = IndicatorValue.trimmed(bytes.part(line.extent))
            guard let mark = text.byte(at: 0) else { continue }
            if mark == 0x23 {
                // Some publishers write the header as the last comment before the first row.
                if columns == nil {
                    let inside = text.part(1, text.byteCount - 1)
                    fields.read(inside, IntelligenceColumns.style(of: inside))
                    comment = fields.names
                }
                continue
            }
            if columns == nil {
                style = IntelligenceColumns.style(of: text)
                fields.read(text, style)
                let isRow = (0..<fields.count).contains { index in
                    IndicatorValue.network(fields.bytes(index)) != nil || FileDigest(fields.bytes(index)) != nil
                }
                columns = IntelligenceColumns(
                    isRow ? (comment.count == fields.count ? comment : []) : fields.names,
                    guess: (0..<fields.count).first { isRow && IndicatorValue(fields.bytes($0)) != nil },
                    wanted: reading.list.column)
                guard columns != nil else {
                    let wanted = reading.list.column.map { "there is no column '\($0)'" }
                    reading.refuse(
                        wanted ?? "which column holds the indicators? Give its name or number as 'column'",
                        line: line.number)
                    return
                }
                if !isRow, columns?.hasHeader == true { continue }
            }
            guard let columns else { return }
            fields.read(text, style)
            guard hasRoom(from: first, &reading, line: line.number) else { return }
            addRow(fields, columns, line: line.number, &reading)
        }
    }

    private mutating func addRow(
        _ fields: borrowing FieldsOfRow, _ columns: IntelligenceColumns, line: Int, _ reading: inout IntelligenceReading
    ) {
        func text(_ places: [Int]) -> String {
            for place in places where place < fields.count && fields.bytes(place).byteCount > 0 {
                return IndicatorValue.trimmed(fields.bytes(place)).text
            }
            return ""
        }
        func time(_ places: [Int]) -> Int64? {
            for place in places where place < fields.count {
                let found = IntelligenceReading.time(fields.bytes(place), receivedAt: reading.updated)
                if let found { return found }
            }
            return nil
        }
        var found = 0
        for place in columns.indicators where place < fields.count {
            let written = IndicatorValue.trimmed(fields.bytes(place))
            guard let value = IndicatorValue(written) else { continue }
            found += 1
            let source = text(columns.source)
            let severity = text(columns.severity).lowercased()
            add(
                value, text: written, reading, source: source.isEmpty ? nil : source,
                confidence: IntelligenceColumns.confidence(text(columns.confidence)),
                severity: IntelligenceList.Severity.allCases.first { $0.name == severity },
                updated: time(columns.updated), expires: time(columns.expires), identifier: text(columns.identifier),
                about: text(columns.about))
        }
        if found == 0 {
            let shown = columns.indicators.first { $0 < fields.count }
            if let shown {
                reading.skip(IndicatorValue.trimmed(fields.bytes(shown)), line: line)
            } else {
                reading.skip("the row has \(fields.count) fields only", line: line)
            }
        }
    }
}

/// The fields of one row, unescaped.
struct FieldsOfRow: ~Copyable {
    /// The most fields of a row that are looked at.
    private static let limit = 256
    private var slab = Slab(capacity: 1024)
    private var extents: [Extent] = []

    /// Room for rows.
    init() {}

    var count: Int { extents.count }

    /// The texts in lower case without blanks around, as names of columns.
    var names: [String] {
        extents.indices.map { IndicatorValue.trimmed(slab.bytes(extents[$0])).text.lowercased() }
    }

    @_lifetime(borrow self)
    func bytes(_ index: Int) -> RawSpan { slab.bytes(extents[index]) }

    mutating func read(_ line: RawSpan, _ style: CSV.Style) {
        slab.reset()
        extents.removeAll(keepingCapacity: true)
        var cursor = CSV(line, style: style)
        while extents.count < FieldsOfRow.limit, let field = cursor.next() {
            let value = line.part(field.value)
            extents.append(field.hasEscapes ? CSV.unescape(value, style, into: &slab) : slab.append(value))
        }
    }
}

/// Which columns of a list mean what.
struct IntelligenceColumns {
    var indicators: [Int] = []
    var hasHeader = false
    var updated: [Int] = []
    var expires: [Int] = []
    var confidence: [Int] = []
    var severity: [Int] = []
    var source: [Int] = []
    var identifier: [Int] = []
    var about: [Int] = []

    /// The columns of a header; without one the field of the first row that is an indicator, `guess`. Nil when none is
    /// known to hold indicators.
    init?(_ names: [String], guess: Int?, wanted: String?) {
        func places(_ known: [String]) -> [Int] { known.compactMap { names.firstIndex(of: $0) } }
        indicators = names.indices.filter { IntelligenceColumns.usual.contains(names[$0]) }
        hasHeader = !indicators.isEmpty
        if let wanted {
            if let place = names.firstIndex(of: wanted.lowercased()) {
                indicators = [place]
                hasHeader = true
            } else if let number = Int(wanted), number >= 1, number <= 256 {
                indicators = [number - 1]
                // A header in front of a numbered column is a row without an indicator there.
                hasHeader = hasHeader || guess == nil
            } else {
                return nil
            }
        } else if indicators.isEmpty {
            guard let guess else { return nil }
            indicators = [guess]
        }
        updated = places([
            "modified", "last_seen", "last_seen_utc", "last_online", "updated", "updated_at", "first_seen",
            "first_seen_utc", "created", "created_at", "valid_from", "date", "dateadded",
        ])
        expires = places(["valid_until", "expires", "expires_at", "expiration", "expiration_time", "expiry"])
        confidence = places(["confidence", "confidence_level"])
        severity = places(["severity"])
        source = places(["source", "provider"])
        identifier = places(["id", "ioc_id", "uid", "uuid"])
        about = places(["description", "malware_printable", "malware", "threat", "threat_type", "comment", "tags"])
    }

    private static let usual: Set<String> = [
        "indicator", "indicator_value", "ioc", "ioc_value", "value", "observable", "ip", "ip_address", "ipaddress",
        "ip_addr", "dst_ip", "dest_ip", "src_ip", "address", "network", "cidr", "domain", "domain_name", "hostname",
        "host", "fqdn", "md5", "md5_hash", "sha1", "sha1_hash", "sha256", "sha256_hash", "hash", "file_hash",
    ]

    /// What separates the fields of a line: what it has most of, or first.
    static func style(of line: RawSpan) -> CSV.Style {
        var best = (separator: UInt8(0x2C), count: 0, first: Int.max)
        for separator in [UInt8(0x2C), 0x3B, 0x09] {
            guard let first = line.firstIndex(of: separator) else { continue }
            var count = 0
            for index in first..<line.byteCount where line.byte(at: index) == separator { count += 1 }
            if count > best.count || count == best.count && first < best.first { best = (separator, count, first) }
        }
        return CSV.Style(separator: best.separator, trimsBlanks: true)
    }

    /// A confidence in words, or of 100.
    static func confidence(_ text: String) -> IntelligenceList.Confidence? {
        if let number = Int(text), (0...100).contains(number) { return .init(stix: number) }
        let word = text.lowercased()
        return IntelligenceList.Confidence.allCases.first { $0.name == word }
    }
}
