// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// What each grammar wants done to the text of a header field or a value.
enum FeedText {
    /// CEF header: `|` and `\` get a backslash; nothing may break the line. `=` stays ("Implementing CEF", Header).
    static func appendCEFHeader(_ text: RawSpan, limit: Int, to slab: inout Slab) {
        append(text, limit: limit, backslashed: 0x7C, to: &slab)
    }

    /// CEF value: `\` and `=` get a backslash, line breaks become `\n` and `\r`; `|` stays. Blanks at the end are cut,
    /// because a reader cannot tell them from the blank before the next key.
    static func appendCEFValue(_ text: RawSpan, limit: Int, to slab: inout Slab) {
        append(trimmed(text), limit: limit, backslashed: 0x3D, showsLineBreaks: true, to: &slab)
    }

    /// LEEF header: the grammar has no escape, so a pipe becomes `_`.
    static func appendLEEFHeader(_ text: RawSpan, limit: Int, to slab: inout Slab) {
        append(text, limit: limit, replaced: 0x7C, to: &slab)
    }

    /// LEEF value: the grammar has no escape, so a tab becomes a blank, and line breaks become a visible `\n`.
    static func appendLEEFValue(_ text: RawSpan, limit: Int, to slab: inout Slab) {
        append(trimmed(text), limit: limit, showsLineBreaks: true, to: &slab)
    }

    @_lifetime(copy text)
    private static func trimmed(_ text: RawSpan) -> RawSpan {
        var length = text.byteCount
        while length > 0, let byte = text.byte(at: length - 1), byte == 0x20 || byte == 0x09 { length -= 1 }
        return text.part(0, length)
    }

    /// Appends `text`, cut to `limit` characters of the text itself; invalid UTF-8 is repaired, NUL is dropped, other
    /// controls become blanks. A cut never falls inside a character or between a backslash and what it escapes.
    ///
    /// - Parameters:
    ///   - backslashed: the byte that gets a backslash before it, as the backslash itself does then.
    ///   - replaced: the byte that becomes `_`.
    ///   - showsLineBreaks: whether line breaks become `\n` and `\r`.
    private static func append(
        _ text: RawSpan, limit: Int, backslashed: UInt8 = 0, replaced: UInt8 = 0, showsLineBreaks: Bool = false,
        to slab: inout Slab
    ) {
        guard text.isValidUTF8 else {
            var repaired = Slab(capacity: text.byteCount + 64)
            repaired.append(text.text)
            append(
                repaired.bytes, limit: limit, backslashed: backslashed, replaced: replaced,
                showsLineBreaks: showsLineBreaks, to: &slab)
            return
        }
        let backslash: UInt8 = backslashed == 0 ? 0 : 0x5C
        let end = cut(text, limit)
        var clean = 0
        while true {
            let index = text.withUnsafeBytes { bytes in
                var index = clean
                while index + 8 <= end {
                    let word = bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)
                    if has(word, 0x7F) | has(word, backslash) | has(word, backslashed) | has(word, replaced) | low(word)
                        != 0
                    {
                        break
                    }
                    index += 8
                }
                while index < end {
                    let byte = bytes[index]
                    if byte < 0x20 || byte == backslash || byte == backslashed || byte == replaced || byte == 0x7F {
                        break
                    }
                    index += 1
                }
                return index
            }
            slab.append(text.part(clean, index - clean))
            guard index < end, let byte = text.byte(at: index) else { return }
            clean = index + 1
            switch byte {
            case 0x0A where showsLineBreaks: slab.append("\\n")
            case 0x0D where showsLineBreaks: slab.append("\\r")
            case 0x00: break
            case 0x01..<0x20, 0x7F: slab.append(byte: 0x20)
            case replaced: slab.append(byte: 0x5F)
            default:
                slab.append(byte: 0x5C)
                slab.append(byte: byte)
            }
        }
    }

    /// Not 0 when one of the eight bytes is `byte` (Anderson, "Bit Twiddling Hacks").
    @inline(__always)
    private static func has(_ word: UInt64, _ byte: UInt8) -> UInt64 {
        let difference = word ^ (0x0101_0101_0101_0101 &* UInt64(byte))
        return (difference &- 0x0101_0101_0101_0101) & ~difference & 0x8080_8080_8080_8080
    }

    /// Not 0 when one of the eight bytes is below a blank.
    @inline(__always)
    private static func low(_ word: UInt64) -> UInt64 {
        (word &- 0x2020_2020_2020_2020) & ~word & 0x8080_8080_8080_8080
    }

    /// The offset behind the first `limit` characters (Unicode scalars) of well-formed UTF-8.
    private static func cut(_ text: RawSpan, _ limit: Int) -> Int {
        if text.byteCount <= limit { return text.byteCount }
        var seen = 0
        for index in 0..<text.byteCount {
            guard let byte = text.byte(at: index), byte & 0xC0 != 0x80 else { continue }
            if seen == limit { return index }
            seen += 1
        }
        return text.byteCount
    }
}
