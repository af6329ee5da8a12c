// SPDX-License-Identifier: Apache-2.0
public import Wire

/// JSON strings (RFC 8259 section 7), both ways.
public enum JSONText {
    private static let digits: StaticString = "0123456789abcdef"

    /// `text` with what JSON wants escaped; no quotes around it.
    public static func escaped(_ text: String) -> [UInt8] {
        var slab = Slab(capacity: text.utf8.count * 2)
        var text = text
        _ = text.withUTF8 { appendEscaped(RawSpan(_unsafeBytes: UnsafeRawBufferPointer($0)), to: &slab) }
        return slab.bytes.array
    }

    /// Appends `bytes` as a JSON string with its quotes; invalid UTF-8 becomes U+FFFD.
    ///
    /// - Returns: whether the bytes were valid UTF-8.
    @discardableResult
    public static func append(_ bytes: RawSpan, to slab: inout Slab) -> Bool {
        bytes.withUnsafeBytes { source in
            var read = 0
            slab.append(upTo: source.count * 2 + 18) { room in
                guard let target = room.baseAddress else { return 0 }
                target.storeBytes(of: 0x22, as: UInt8.self)
                var count = 1
                if let base = source.baseAddress {
                    let done = copyEscaped(base, source.count, to: target + 1)
                    read = done.read
                    count += done.written
                }
                // When the text is not over, what follows is written over the quote.
                target.storeBytes(of: 0x22, toByteOffset: count, as: UInt8.self)
                return read == source.count ? count + 1 : count
            }
            guard read < source.count else { return true }
            let valid = appendEscaped(RawSpan(_unsafeBytes: source), from: read, to: &slab)
            slab.append(byte: 0x22)
            return valid
        }
    }

    /// Appends `text` as a JSON string with its quotes.
    public static func append(_ text: String, to slab: inout Slab) {
        var text = text
        text.withUTF8 { _ = append(RawSpan(_unsafeBytes: UnsafeRawBufferPointer($0)), to: &slab) }
    }

    /// Appends `bytes` escaped, without quotes; invalid UTF-8 becomes U+FFFD.
    ///
    /// - Returns: whether the bytes were valid UTF-8.
    @discardableResult
    public static func appendEscaped(_ bytes: RawSpan, to slab: inout Slab) -> Bool {
        appendEscaped(bytes, from: 0, to: &slab)
    }

    /// Appends the bytes from `start` on, escaped.
    @discardableResult
    static func appendEscaped(_ bytes: RawSpan, from start: Int, to slab: inout Slab) -> Bool {
        var valid = true
        var index = start
        while index < bytes.byteCount {
            index += appendRun(bytes, from: index, to: &slab)
            guard let byte = bytes.byte(at: index) else { break }
            if byte >= 0x80 {
                // Text beyond ASCII comes in runs.
                let start = index
                while let lead = bytes.byte(at: index), lead >= 0x80 {
                    let length = sequenceLength(bytes, at: index)
                    guard length > 0 else { break }
                    index += length
                }
                slab.append(bytes.part(start, index - start))
                guard index == start else { continue }
                slab.append("\u{FFFD}")
                valid = false
            } else {
                slab.append("\\u00")
                slab.append(byte: byte < 0x10 ? 0x30 : 0x31)
                slab.append(byte: hex(byte & 15))
            }
            index += 1
        }
        return valid
    }

    /// Appends the bytes from `start` on that need no more than short escapes, and tells how many.
    private static func appendRun(_ bytes: RawSpan, from start: Int, to slab: inout Slab) -> Int {
        bytes.withUnsafeBytes { source in
            guard let base = source.baseAddress, start < source.count else { return 0 }
            let count = source.count - start
            var read = 0
            slab.append(upTo: count * 2 + 16) { room -> Int in
                guard let target = room.baseAddress else { return 0 }
                let done = copyEscaped(base + start, count, to: target)
                read = done.read
                return done.written
            }
            return read
        }
    }

    private static func hex(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x57 + value }

    /// The length of the well-formed UTF-8 sequence at `start`, or 0 (Unicode 15, table 3-7).
    static func sequenceLength(_ bytes: RawSpan, at start: Int) -> Int {
        func continues(_ offset: Int, _ low: UInt8 = 0x80, _ high: UInt8 = 0xBF) -> Bool {
            guard let byte = bytes.byte(at: start + offset) else { return false }
            return byte >= low && byte <= high
        }
        guard let lead = bytes.byte(at: start) else { return 0 }
        switch lead {
        case 0..<0x80: return 1
        case 0xC2...0xDF: return continues(1) ? 2 : 0
        case 0xE0: return continues(1, 0xA0) && continues(2) ? 3 : 0
        case 0xED: return continues(1, 0x80, 0x9F) && continues(2) ? 3 : 0
        case 0xE1...0xEF: return continues(1) && continues(2) ? 3 : 0
        case 0xF0: return continues(1, 0x90) && continues(2) && continues(3) ? 4 : 0
        case 0xF1...0xF3: return continues(1) && continues(2) && continues(3) ? 4 : 0
        case 0xF4: return continues(1, 0x80, 0x8F) && continues(2) && continues(3) ? 4 : 0
        default: return 0
        }
    }

    /// Appends the text that a JSON string's inside (without quotes) stands for; a bad escape is kept as written.
    @discardableResult
    public static func appendUnescaped(_ bytes: RawSpan, to slab: inout Slab) -> Extent {
        let start = slab.count
        var index = 0
        while index < bytes.byteCount {
            guard let escape = bytes.firstIndex(of: 0x5C, from: index), let kind = bytes.byte(at: escape + 1) else {
                slab.append(bytes.part(index, bytes.byteCount - index))
                break
            }
            slab.append(bytes.part(index, escape - index))
            index = escape + 2
            switch kind {
            case 0x6E: slab.append(byte: 0x0A)
            case 0x74: slab.append(byte: 0x09)
            case 0x72: slab.append(byte: 0x0D)
            case 0x62: slab.append(byte: 0x08)
            case 0x66: slab.append(byte: 0x0C)
            case 0x22, 0x5C, 0x2F: slab.append(byte: kind)
            case 0x75:
                guard var scalar = unit(bytes, at: index) else {
                    slab.append("\\u")
                    continue
                }
                index += 4
                if (0xD800..<0xDC00).contains(scalar), bytes.hasBytes("\\u", at: index),
                    let low = unit(bytes, at: index + 2), (0xDC00..<0xE000).contains(low)
                {
                    scalar = 0x10000 + (scalar - 0xD800) << 10 + (low - 0xDC00)
                    index += 6
                }
                slab.append(String(Unicode.Scalar(scalar).map(Character.init) ?? "\u{FFFD}"))
            default:
                slab.append(byte: 0x5C)
                slab.append(byte: kind)
            }
        }
        return Extent(start..<slab.count)
    }

    private static func unit(_ bytes: RawSpan, at start: Int) -> UInt32? {
        var value: UInt32 = 0
        for index in start..<start + 4 {
            switch bytes.byte(at: index) {
            case let digit? where digit >= 0x30 && digit <= 0x39: value = value << 4 | UInt32(digit - 0x30)
            case let digit? where digit >= 0x41 && digit <= 0x46: value = value << 4 | UInt32(digit - 0x37)
            case let digit? where digit >= 0x61 && digit <= 0x66: value = value << 4 | UInt32(digit - 0x57)
            default: return nil
            }
        }
        return value
    }
}
