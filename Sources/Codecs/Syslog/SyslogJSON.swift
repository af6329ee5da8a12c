// SPDX-License-Identifier: Apache-2.0
public import Wire

/// Writes a parsed message as the `parse` command's JSON object. The output is valid JSON for any bytes.
public enum SyslogJSON {
    /// Appends one object (without line feed) to `slab`.
    ///
    /// - Parameters:
    ///   - message: what `parser` made of `bytes`.
    ///   - id: JSON text of the caller's id (a quoted string, a number), or nil for no `id` key.
    public static func write(
        _ message: SyslogMessage, of bytes: RawSpan, by parser: SyslogParser, id: String? = nil, into slab: inout Slab
    ) {
        if id == nil, parser.options.escapes.isEmpty,
            writePlain(message, of: bytes, isValid: parser.isValid(message), into: &slab)
        {
            return
        }
        if let id {
            slab.append(literal: "{\"id\":")
            slab.append(id)
            slab.append(literal: ",\"valid\":")
        } else {
            slab.append(literal: "{\"valid\":")
        }
        if parser.isValid(message) { slab.append(literal: "true") } else { slab.append(literal: "false") }
        switch message.format {
        case .none: slab.append(literal: ",\"format\":\"none\",\"priority\":")
        case .rfc3164: slab.append(literal: ",\"format\":\"rfc3164\",\"priority\":")
        case .rfc5424: slab.append(literal: ",\"format\":\"rfc5424\",\"priority\":")
        }
        let priority = Int(message.priority)
        if priority >= 0 {
            slab.append(upTo999: priority)
            slab.append(literal: ",\"facility\":")
            slab.append(upTo999: priority >> 3)
            slab.append(literal: ",\"severity\":")
            slab.append(byte: 0x30 &+ UInt8(truncatingIfNeeded: priority & 7))
        } else {
            slab.append(literal: "null,\"facility\":null,\"severity\":null")
        }
        slab.append(literal: ",\"version\":")
        if message.version >= 0 {
            slab.append(upTo999: Int(message.version))
        } else {
            slab.append(literal: "null")
        }
        slab.append(literal: ",\"timestamp\":")
        timestamp(message, bytes, &slab)
        slab.append(literal: ",\"hostname\":")
        text(message.hostname, bytes, &slab)
        slab.append(literal: ",\"appname\":")
        text(message.appname, bytes, &slab)
        slab.append(literal: ",\"procid\":")
        text(message.procid, bytes, &slab)
        slab.append(literal: ",\"msgid\":")
        text(message.msgid, bytes, &slab)
        if message.structuredData.isEmpty {
            slab.append(literal: ",\"structured_data\":null")
        } else {
            slab.append(literal: ",\"structured_data\":[")
            structuredData(bytes.part(message.structuredData), message.isStrict, &slab)
        }
        if message.problems.contains(.structuredDataMalformed), !message.structuredData.isEmpty {
            // What of them could not be read is in no other place.
            slab.append(literal: ",\"structured_data_text\":")
            text(quoted: bytes.part(message.structuredData), &slab)
        }
        body(message, bytes, parser, &slab)
        if message.problems.isEmpty {
            slab.append(literal: ",\"problems\":[]}")
        } else {
            problems(message.problems, &slab)
        }
    }

    private static func problems(_ problems: SyslogProblems, _ slab: inout Slab) {
        slab.append(literal: ",\"problems\":[")
        var rest = problems.rawValue
        while rest != 0 {
            slab.append(byte: 0x22)
            slab.append(SyslogProblems.bytes(ofBit: rest.trailingZeroBitCount))
            rest &= rest &- 1
            if rest == 0 { slab.append(byte: 0x22) } else { slab.append(literal: "\",") }
        }
        slab.append(literal: "]}")
    }

    /// The object as a line, with its line feed.
    public static func line(
        _ message: SyslogMessage, of bytes: RawSpan, by parser: SyslogParser, id: String? = nil
    ) -> [UInt8] {
        var slab = Slab(capacity: bytes.byteCount * 2 + 512)
        write(message, of: bytes, by: parser, id: id, into: &slab)
        slab.append(byte: 0x0A)
        return slab.bytes.array
    }

    private static func text(_ extent: Extent, _ bytes: RawSpan, _ slab: inout Slab) {
        if extent.isEmpty {
            slab.append(literal: "null")
        } else {
            text(quoted: bytes.part(extent), &slab)
        }
    }

    /// RFC 3339 in the zone it was written in: as it was written when that was RFC 3339, else with as many digits of
    /// fraction as the time has; a time that 64 bits cannot hold as it was written.
    private static func timestamp(_ message: SyslogMessage, _ bytes: RawSpan, _ slab: inout Slab) {
        guard let nanoseconds = message.timestamp else {
            if message.problems.contains(.timeOutOfRange) {
                text(quoted: bytes.part(message.timestampText), &slab)
            } else {
                slab.append(literal: "null")
            }
            return
        }
        if message.isStrict { return text(quoted: bytes.part(message.timestampText), &slab) }
        slab.append(byte: 0x22)
        slab.append(rfc3339: nanoseconds, offset: Int(message.zoneOffset))
        slab.append(byte: 0x22)
    }

    private static func text(quoted text: RawSpan, _ slab: inout Slab) {
        slab.append(byte: 0x22)
        slab.append(escapedForJSON: text)
        slab.append(byte: 0x22)
    }

    /// The elements, and the bracket that ends their array.
    private static func structuredData(_ bytes: RawSpan, _ isStrict: Bool, _ slab: inout Slab) {
        if isStrict { return strictData(bytes, &slab) }
        var data = StructuredData(bytes)
        var isInside = false
        var isFirstParameter = true
        while let step = data.next() {
            switch step {
            case .element(let name):
                if isInside { slab.append(literal: "]},") }
                slab.append(literal: "{\"id\":")
                text(quoted: bytes.part(name), &slab)
                slab.append(literal: ",\"params\":[")
                isInside = true
                isFirstParameter = true
            case .parameter(let name, let value):
                if !isFirstParameter { slab.append(byte: 0x2C) }
                isFirstParameter = false
                slab.append(byte: 0x5B)
                text(quoted: bytes.part(name), &slab)
                slab.append(literal: ",\"")
                StructuredData.pieces(of: bytes.part(value)) { slab.append(escapedForJSON: $0) }
                slab.append(literal: "\"]")
            }
        }
        if isInside { slab.append(literal: "]}]") } else { slab.append(byte: 0x5D) }
    }

    /// Structured data that meets the grammar, so that a name ends at its `=`, blank or `]` and a value at its quote.
    private static func strictData(_ bytes: RawSpan, _ slab: inout Slab) {
        var position = 0
        while bytes.byte(at: position) == 0x5B {
            if position > 0 { slab.append(byte: 0x2C) }
            slab.append(literal: "{\"id\":\"")
            let end = bytes.endOfName(from: position &+ 1)
            slab.append(escapedForJSON: bytes.part(position &+ 1, end &- position &- 1))
            slab.append(literal: "\",\"params\":[")
            position = end
            var isFirst = true
            while bytes.byte(at: position) == 0x20 {
                if isFirst { slab.append(literal: "[\"") } else { slab.append(literal: ",[\"") }
                isFirst = false
                let equals = bytes.endOfName(from: position &+ 1)
                slab.append(escapedForJSON: bytes.part(position &+ 1, equals &- position &- 1))
                slab.append(literal: "\",\"")
                let start = equals &+ 2
                let stop = bytes.endOfPlainValue(from: start)
                if bytes.byte(at: stop) == 0x22 {
                    slab.append(escapedForJSON: bytes.part(start, stop &- start))
                    position = stop &+ 1
                } else {
                    position = escapedValue(bytes, start, stop, &slab)
                }
                slab.append(literal: "\"]")
            }
            slab.append(literal: "]}")
            position = Swift.max(position, end) &+ 1
        }
        slab.append(byte: 0x5D)
    }

    /// A value with escapes or bytes above 127; tells where its quote ends.
    private static func escapedValue(_ bytes: RawSpan, _ start: Int, _ first: Int, _ slab: inout Slab) -> Int {
        var isASCII = true
        var stop = bytes.endOfParameterText(from: first, &isASCII)
        while let byte = bytes.byte(at: stop), byte != 0x22 {
            stop = bytes.endOfParameterText(from: stop &+ (byte == 0x5C ? 2 : 1), &isASCII)
        }
        StructuredData.pieces(of: bytes.part(start, stop &- start)) { slab.append(escapedForJSON: $0) }
        return stop &+ 1
    }

    private static func body(
        _ message: SyslogMessage, _ bytes: RawSpan, _ parser: SyslogParser, _ slab: inout Slab
    ) {
        let content = bytes.part(message.message)
        if content.byteCount == 0 {
            // RFC 5424 can leave MSG out; the CONTENT of RFC 3164 is there, if empty.
            if message.format == .rfc3164 {
                slab.append(literal: ",\"message\":\"\"")
            } else {
                slab.append(literal: ",\"message\":null")
            }
        } else if !parser.options.escapes.isEmpty {
            slab.append(literal: ",\"message\":")
            let escaped = parser.options.escapes.apply(to: content)
            // The span lives as long as the array, which this function owns.
            unsafe text(quoted: escaped.span.bytes, &slab)
        } else if !message.problems.contains(.textRepaired) || content.isValidUTF8 {
            slab.append(literal: ",\"message\":")
            text(quoted: content, &slab)
        } else {
            slab.append(literal: ",\"message_b64\":\"")
            slab.append(base64: content)
            slab.append(byte: 0x22)
        }
    }
}
