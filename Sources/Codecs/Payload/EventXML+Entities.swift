// SPDX-License-Identifier: Apache-2.0
public import Wire

extension EventXML {
    /// Writes text with its references replaced (`&lt;` `&gt;` `&amp;` `&quot;` `&apos;` `&#10;` `&#xA;`) to the end of
    /// `slab`. Any other one is kept as written, so what is written is never longer than what was read.
    public static func unescape(_ text: RawSpan, into slab: inout Slab) -> Extent {
        let start = slab.count
        var clean = 0
        var position = 0
        while let sign = text.firstIndex(of: 0x26, from: position) {
            guard let (scalar, length) = reference(text, at: sign) else {
                position = sign + 1
                continue
            }
            slab.append(text.part(clean, sign - clean))
            slab.append(scalar)
            clean = sign + length
            position = clean
        }
        slab.append(text.part(clean, text.byteCount - clean))
        return Extent(start..<slab.count)
    }

    /// The character that the reference at `start` stands for, and its length.
    private static func reference(_ text: RawSpan, at start: Int) -> (Unicode.Scalar, length: Int)? {
        guard text.byte(at: start + 1) != 0x23 else { return number(text, at: start) }
        if text.hasBytes("&lt;", at: start) { return ("<", 4) }
        if text.hasBytes("&gt;", at: start) { return (">", 4) }
        if text.hasBytes("&amp;", at: start) { return ("&", 5) }
        if text.hasBytes("&quot;", at: start) { return ("\"", 6) }
        if text.hasBytes("&apos;", at: start) { return ("'", 6) }
        return nil
    }

    /// A character reference: up to eight digits, no null and no surrogate.
    private static func number(_ text: RawSpan, at start: Int) -> (Unicode.Scalar, length: Int)? {
        let isHexadecimal = text.byte(at: start + 2) == 0x78
        let first = start + (isHexadecimal ? 3 : 2)
        var value: UInt32 = 0
        for offset in first..<first + 9 {
            guard let byte = text.byte(at: offset) else { return nil }
            if byte == 0x3B {
                guard offset > first, value != 0, let scalar = Unicode.Scalar(value) else { return nil }
                return (scalar, offset + 1 - start)
            }
            // Eight hexadecimal digits fill the number.
            let letter = (byte | 0x20) &- 0x61
            if byte &- 0x30 <= 9 {
                value = value &* (isHexadecimal ? 16 : 10) &+ UInt32(byte &- 0x30)
            } else if isHexadecimal, letter <= 5 {
                value = value &* 16 &+ UInt32(letter) &+ 10
            } else {
                return nil
            }
        }
        return nil
    }
}

extension Slab {
    /// Appends the UTF-8 of one character.
    fileprivate mutating func append(_ scalar: Unicode.Scalar) {
        if let units = UTF8.encode(scalar) { for unit in units { append(byte: unit) } }
    }
}
