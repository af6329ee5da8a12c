// SPDX-License-Identifier: Apache-2.0
internal import Events
internal import Normalizer
internal import Wire

/// What must hold for each event that a line becomes, whatever the mapping.
enum EventCheck {
    static let received: Int64 = 1_790_000_000_000_000_000
    private static let native = EventValidator(.v1_8_0)
    private static let older = EventValidator(.v1_1_0)

    /// The most bytes of an event: a byte of a line can take six in JSON, and stand in the original text, in the message
    /// and in attributes made of it.
    static func mostBytes(of line: Int) -> Int { 4_096 + 40 * line }

    /// Writes event number `row`, twice.
    static func json(_ row: Int, of batch: borrowing Batch) -> [UInt8] {
        var slab = Slab(capacity: 4_096)
        EventWriter.append(row, of: batch, to: &slab)
        let count = slab.count
        // The second time at another place: where it is written must not show.
        slab.append(byte: 0x0A)
        EventWriter.append(row, of: batch, to: &slab)
        let json = slab.bytes.part(0, count)
        check(slab.bytes.part(count + 1, slab.count).equals(json), "\(json.text), written again")
        return json.array
    }

    /// Checks the event that was made of `line`.
    static func run(_ json: [UInt8], _ line: RawSpan, _ dictionary: OCSFDictionary) {
        check(json.count <= mostBytes(of: line.byteCount), "\(json.count) bytes of \(line.byteCount): \(text(json))")
        var syntax = unsafe JSONCheck(json.span.bytes)
        check(syntax.isOneObject(), "no JSON: \(text(json))")
        let faults = (dictionary.isNative ? native : older).faults(json)
        check(faults.isEmpty, "\(faults): \(text(json))")
        do {
            let document = try JSONDocument(json)
            check(document.text("metadata.version") == dictionary.version, text(json))
            checkOriginal(document, line, isBounded: !dictionary.isNative)
            checkOwn(document)
        } catch { check(false, "\(error): \(text(json))") }
    }

    /// The text that event number `row` of the frame `line` was made of: the line, or its own part of it.
    static func part(_ row: Int, _ batch: borrowing Batch, of line: RawSpan) -> [UInt8] {
        let number = Int(batch.rows[row].part)
        guard number > 0 else { return line.array }
        guard let source = batch.source(of: row) else {
            check(false, "part \(number) has no text")
            return []
        }
        let part = batch.slab.bytes(source).array
        check(number <= 1_001 && part.count <= 6 * line.byteCount, "part \(number) of \(part.count) bytes")
        return part
    }

    static func text(_ json: [UInt8]) -> String { unsafe json.span.bytes.text }

    /// Nothing that a line says stands where the service itself speaks.
    private static func checkOwn(_ document: JSONDocument) {
        let tape = document.tape
        guard let unmapped = document.find("unmapped").first else { return }
        var seen: Set<String> = []
        var child = unmapped + 1
        while child < Int(tape.values[unmapped].next) {
            let name = unsafe tape.key(child, in: document.bytes.span.bytes)
            child = Int(tape.values[child].next)
            let first = name.prefix { $0 != "." }
            guard ["syslog", "penstock", "peer", "origin"].contains(first) else { continue }
            check(first == name && seen.insert(name).inserted, "unmapped.\(name): \(text(document.bytes))")
        }
    }

    /// The line is in its event, as it was: texts of OCSF 1.1 have 65,535 characters at most.
    private static func checkOriginal(_ document: JSONDocument, _ line: RawSpan, isBounded: Bool) {
        let found = document.text("raw_data")
        let original = repaired(line)
        let isCut = isBounded && line.byteCount > 65_535
        guard isCut else {
            check(found ?? "" == original, "raw_data is not the line: \(text(document.bytes))")
            return
        }
        check(document.text("unmapped.penstock.cut") == "true", "cut, and it does not say so")
        guard let found, found.unicodeScalars.count > 65_535 / 4 - 4 else { return check(false, "raw_data is short") }
        // The cut may go through a sequence that is none, whose bytes are repaired each by itself.
        check(original.utf8.starts(with: found.utf8), "raw_data is not the line's beginning")
    }

    /// Text with U+FFFD for each byte that is no part of a well-formed sequence: written without Penstock's own repair.
    private static func repaired(_ bytes: RawSpan) -> String {
        var text = String.UnicodeScalarView()
        var parser = Unicode.UTF8.ForwardParser()
        var input = bytes.array.makeIterator()
        while true {
            switch parser.parseScalar(from: &input) {
            case .valid(let encoded): text.append(Unicode.UTF8.decode(encoded))
            case .error(let length): text.append(contentsOf: repeatElement("\u{FFFD}", count: length))
            case .emptyInput: return String(text)
            }
        }
    }
}
