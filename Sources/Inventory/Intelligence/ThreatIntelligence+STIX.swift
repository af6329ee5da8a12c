// SPDX-License-Identifier: Apache-2.0
internal import Events
internal import Wire

extension ThreatIntelligence.Builder {
    /// A bundle of STIX 2.1 (OASIS Standard, 10 June 2021), or an envelope of TAXII 2.1: its `indicator` objects. One object
    /// is parsed at a time, so a large bundle costs no more memory than its bytes.
    mutating func readSTIX(_ bytes: RawSpan, _ reading: inout IntelligenceReading) {
        let first = count
        var places = Places(bytes)
        var objects = STIXObjects(bytes)
        var tape = JSONTape()
        var names: [String: String] = [:]
        var indicators: [Extent] = []
        do throws(JSONError) {
            while let object = try objects.next() {
                let part = bytes.part(object)
                guard part.byteCount <= bounds.objectBytes else {
                    let (line, column) = places.place(of: Int(object.offset))
                    reading.skip("the object is larger than \(bounds.objectBytes) bytes", line: line, column: column)
                    continue
                }
                if part.firstRange(of: "\"identity\"") != nil {
                    try parse(part, object, &tape)
                    let identity = STIXObject(tape: tape, bytes: part)
                    if identity["type"] == "identity", names.count < 100_000 {
                        names[identity["id"] ?? ""] = identity["name"]
                    }
                }
                if part.firstRange(of: "\"indicator\"") != nil { indicators.append(object) }
            }
            // Places are counted forwards only, and these begin at the first object again.
            places = Places(bytes)
            for object in indicators {
                let part = bytes.part(object)
                try parse(part, object, &tape)
                let indicator = STIXObject(tape: tape, bytes: part)
                guard indicator["type"] == "indicator" else { continue }
                let (line, column) = places.place(of: Int(object.offset))
                guard hasRoom(from: first, &reading, line: line, column: column) else { return }
                add(indicator, names, line: line, column: column, &reading)
            }
        } catch {
            let offset: Int
            let message: String
            switch error {
            case .unexpected(let at): (offset, message) = (at, "JSON: an unexpected character")
            case .truncated: (offset, message) = (bytes.byteCount, "JSON: the file ends inside a value")
            case .tooDeep(let at): (offset, message) = (at, "JSON: more than \(JSONTape.depthLimit) levels")
            case .tooMany(let at):
                (offset, message) = (at, "JSON: more than \(JSONTape.valueLimit) values in one object")
            case .tooLong(let at):
                (offset, message) = (at, "JSON: a number of more than \(JSONTape.numberLimit) characters")
            }
            // Counted from the start again: what was asked for last may lie behind it.
            var again = Places(bytes)
            let (line, column) = again.place(of: offset)
            reading.refuse(message, line: line, column: column)
        }
    }

    private func parse(_ part: RawSpan, _ object: Extent, _ tape: inout JSONTape) throws(JSONError) {
        do throws(JSONError) { try tape.parse(part) } catch {
            // Places count from the file's start.
            switch error {
            case .unexpected(let at): throw .unexpected(at: at + Int(object.offset))
            case .truncated: throw .unexpected(at: Int(object.end))
            case .tooDeep(let at): throw .tooDeep(at: at + Int(object.offset))
            case .tooMany(let at): throw .tooMany(at: at + Int(object.offset))
            case .tooLong(let at): throw .tooLong(at: at + Int(object.offset))
            }
        }
    }

    private mutating func add(
        _ indicator: borrowing STIXObject, _ names: [String: String], line: Int, column: Int,
        _ reading: inout IntelligenceReading
    ) {
        // A revoked indicator is none (section 3.2, `revoked`).
        if indicator["revoked"] == "true" { return reading.pass() }
        guard (indicator["pattern_type"] ?? "stix") == "stix", let pattern = indicator["pattern"] else {
            return reading.pass()
        }
        guard let values = STIXPattern.values(pattern) else {
            return reading.skip(
                "'\(reading.shown(Array(pattern.utf8).span.bytes))' is no pattern", line: line, column: column)
        }
        if values.isEmpty { return reading.pass() }
        func time(_ name: String) -> Int64? {
            indicator[name].flatMap { RFC3339.read(Array($0.utf8).span.bytes)?.nanoseconds }
        }
        let confidence = indicator["confidence"].flatMap { Int($0) }.map { IntelligenceList.Confidence(stix: $0) }
        for text in values.prefix(4096) {
            let bytes = Array(text.utf8)
            guard let value = IndicatorValue(bytes.span.bytes) else {
                reading.skip(bytes.span.bytes, line: line, column: column)
                continue
            }
            guard hasRoom(from: 0, &reading, line: line, column: column) else { return }
            add(
                value, text: bytes.span.bytes, reading,
                source: reading.list.source.isEmpty ? indicator["created_by_ref"].flatMap { names[$0] } : nil,
                confidence: confidence, updated: time("modified") ?? time("valid_from"),
                expires: time("valid_until"), identifier: indicator["id"] ?? "",
                about: indicator["name"] ?? indicator["description"] ?? "")
        }
    }
}

/// Lines and columns of offsets that grow.
private struct Places: ~Escapable {
    private let bytes: RawSpan
    private var counted = 0
    private var line = 1
    private var start = 0

    @_lifetime(copy bytes)
    init(_ bytes: RawSpan) { self.bytes = bytes }

    mutating func place(of offset: Int) -> (line: Int, column: Int) {
        while counted < offset, let feed = bytes.firstIndex(of: 0x0A, from: counted), feed < offset {
            line += 1
            start = feed + 1
            counted = feed + 1
        }
        return (line, max(offset - start, 0) + 1)
    }
}

/// The members of one STIX object that are scalars.
struct STIXObject: ~Escapable {
    private let tape: JSONTape
    private let bytes: RawSpan

    @_lifetime(copy bytes)
    init(tape: JSONTape, bytes: RawSpan) {
        self.tape = tape
        self.bytes = bytes
    }

    /// The text of a scalar member, or nil.
    subscript(name: String) -> String? {
        guard let index = tape.member(name, of: 0, in: bytes) else { return nil }
        switch tape.values[index].kind {
        case .string, .number, .yes, .no: return tape.text(index, in: bytes)
        case .object, .array, .null: return nil
        }
    }
}

/// The elements of the member `objects` of a JSON object, without parsing what is in them.
struct STIXObjects: ~Escapable {
    private let bytes: RawSpan
    private var position = 0
    private var isInside = false
    private var isDone = false

    @_lifetime(copy bytes)
    init(_ bytes: RawSpan) { self.bytes = bytes }

    /// The next element, or nil after the last.
    mutating func next() throws(JSONError) -> Extent? {
        if !isInside, !isDone { try enter() }
        guard !isDone else { return nil }
        skipBlanks()
        switch bytes.byte(at: position) {
        case 0x5D:
            isDone = true
            return nil
        case 0x2C:
            position += 1
            skipBlanks()
        case nil: throw .truncated
        default: break
        }
        guard bytes.byte(at: position) == 0x7B else { throw .unexpected(at: position) }
        let start = position
        try skipValue()
        return Extent(start..<position)
    }

    /// Goes to the first element of `objects`.
    private mutating func enter() throws(JSONError) {
        skipBlanks()
        guard bytes.byte(at: position) == 0x7B else { throw .unexpected(at: position) }
        position += 1
        while true {
            skipBlanks()
            switch bytes.byte(at: position) {
            case 0x7D:
                isDone = true
                return
            case 0x2C:
                position += 1
                continue
            case nil: throw .truncated
            default: break
            }
            let start = position
            guard bytes.byte(at: position) == 0x22 else { throw .unexpected(at: position) }
            try skipString()
            let key = bytes.part(start, position - start)
            skipBlanks()
            guard bytes.byte(at: position) == 0x3A else { throw .unexpected(at: position) }
            position += 1
            skipBlanks()
            if key.equals("\"objects\""), bytes.byte(at: position) == 0x5B {
                position += 1
                isInside = true
                return
            }
            try skipValue()
        }
    }

    private mutating func skipBlanks() {
        while let byte = bytes.byte(at: position), byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
            position += 1
        }
    }

    /// Goes behind the string that begins here.
    private mutating func skipString() throws(JSONError) {
        position += 1
        while let quote = bytes.firstIndex(of: 0x22, from: position) {
            var slashes = 0
            while quote - slashes > position, bytes.byte(at: quote - slashes - 1) == 0x5C { slashes += 1 }
            position = quote + 1
            if slashes & 1 == 0 { return }
        }
        throw .truncated
    }

    /// Goes behind the value that begins here; brackets are counted, not compared: whoever wants what is inside parses it.
    private mutating func skipValue() throws(JSONError) {
        var depth = 0
        while let byte = bytes.byte(at: position) {
            switch byte {
            case 0x22:
                try skipString()
                if depth == 0 { return }
            case 0x7B, 0x5B:
                depth += 1
                position += 1
            case 0x7D, 0x5D:
                // The end of what is around a number or a word.
                if depth == 0 { return }
                depth -= 1
                position += 1
                if depth == 0 { return }
            case 0x2C where depth == 0: return
            default: position += 1
            }
        }
        throw .truncated
    }
}
