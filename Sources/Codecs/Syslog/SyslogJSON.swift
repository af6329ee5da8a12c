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
        slab.append(byte: 0x7B)
        if let id {
            slab.append(literal: "\"id\":")
            slab.append(id)
            slab.append(byte: 0x2C)
        }
        slab.append(literal: parser.isValid(message) ? "\"valid\":true" : "\"valid\":false")
        slab.append(literal: ",\"format\":\"")
        slab.append(literal: message.format.literal)
        slab.append(byte: 0x22)
        number("priority", message.priority < 0 ? nil : Int(message.priority), &slab)
        number("facility", message.facility, &slab)
        number("severity", message.severity, &slab)
        number("version", message.version < 0 ? nil : Int(message.version), &slab)
        timestamp(message, bytes, &slab)
        text("hostname", message.hostname, bytes, &slab)
        text("appname", message.appname, bytes, &slab)
        text("procid", message.procid, bytes, &slab)
        text("msgid", message.msgid, bytes, &slab)
        slab.append(literal: ",\"structured_data\":")
        structuredData(bytes.part(message.structuredData), &slab)
        body(message, bytes, &slab)
        slab.append(literal: ",\"problems\":[")
        var isFirst = true
        for problem in SyslogProblems.all where message.problems.contains(problem.flag) {
            slab.append(literal: isFirst ? "\"" : ",\"")
            slab.append(problem.name)
            slab.append(byte: 0x22)
            isFirst = false
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

    private static func key(_ name: StaticString, _ slab: inout Slab) {
        slab.append(literal: ",\"")
        slab.append(literal: name)
        slab.append(literal: "\":")
    }

    private static func number(_ name: StaticString, _ value: Int?, _ slab: inout Slab) {
        key(name, &slab)
        if let value { slab.append(decimal: Int64(value)) } else { slab.append(literal: "null") }
    }

    private static func text(_ name: StaticString, _ extent: Extent, _ bytes: RawSpan, _ slab: inout Slab) {
        key(name, &slab)
        guard !extent.isEmpty else {
            slab.append(literal: "null")
            return
        }
        slab.append(byte: 0x22)
        slab.append(escapedForJSON: bytes.part(extent))
        slab.append(byte: 0x22)
    }

    /// RFC 3339 in the zone it was written in, with as many digits of fraction as the time has; a time that 64 bits
    /// cannot hold as it was written.
    private static func timestamp(_ message: SyslogMessage, _ bytes: RawSpan, _ slab: inout Slab) {
        key("timestamp", &slab)
        guard let nanoseconds = message.timestamp else {
            if message.problems.contains(.timeOutOfRange) {
                text(quoted: bytes.part(message.timestampText), &slab)
            } else {
                slab.append(literal: "null")
            }
            return
        }
        slab.append(byte: 0x22)
        slab.append(rfc3339: nanoseconds, offset: Int(message.zoneOffset))
        slab.append(byte: 0x22)
    }

    private static func text(quoted text: RawSpan, _ slab: inout Slab) {
        slab.append(byte: 0x22)
        slab.append(escapedForJSON: text)
        slab.append(byte: 0x22)
    }

    private static func structuredData(_ bytes: RawSpan, _ slab: inout Slab) {
        guard bytes.byteCount > 0 else {
            slab.append(literal: "null")
            return
        }
        var data = StructuredData(bytes)
        var isInside = false
        var isFirstParameter = true
        slab.append(byte: 0x5B)
        while let step = data.next() {
            switch step {
            case .element(let name):
                slab.append(literal: isInside ? "]},{\"id\":" : "{\"id\":")
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
        slab.append(literal: isInside ? "]}]" : "]")
    }

    private static func body(_ message: SyslogMessage, _ bytes: RawSpan, _ slab: inout Slab) {
        let content = bytes.part(message.message)
        if content.byteCount == 0 {
            // RFC 5424 can leave MSG out; the CONTENT of RFC 3164 is there, if empty.
            slab.append(literal: message.format == .rfc3164 ? ",\"message\":\"\"" : ",\"message\":null")
        } else if content.isValidUTF8 {
            key("message", &slab)
            text(quoted: content, &slab)
        } else {
            key("message_b64", &slab)
            slab.append(byte: 0x22)
            slab.append(base64: content)
            slab.append(byte: 0x22)
        }
    }
}
