// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Wire

/// The reading position in the header of a message that is expected to meet the grammar: goes from mark to mark (blanks,
/// `"`, `=`, `]`, `\`), which it finds for 64 bytes at once.
///
/// Holds numbers only, and is given the bytes each time, so that it lives in registers.
struct StrictCursor {
    /// The offset of the next byte; never negative.
    var position: Int
    /// Whether all was as it should be.
    private(set) var isGood = true
    /// Whether a field had a quote or a backslash.
    private(set) var hasEscapes = false
    /// The marks not yet met among the 64 bytes from `base` on.
    private var marks: UInt64
    private var base: Int

    /// Begins at `offset`, where a blank stands.
    @inline(always)
    init(_ bytes: RawSpan, at offset: Int) {
        position = offset
        base = offset &+ 1
        marks = bytes.marks(from: base)
    }

    /// The offset of the next mark, or the end.
    @inline(always)
    private mutating func next(_ bytes: RawSpan) -> Int {
        while marks == 0 {
            base &+= 64
            guard base < bytes.byteCount else { return bytes.byteCount }
            marks = bytes.marks(from: base)
        }
        let offset = base &+ marks.trailingZeroBitCount
        marks &= marks &- 1
        return offset
    }

    /// Reads a blank, which is there, and what follows up to the next blank; a field of `-` is empty.
    @inline(always)
    mutating func field(_ bytes: RawSpan, _ limit: Int) -> Extent {
        let start = position &+ 1
        var end = next(bytes)
        while bytes.at(end) != 0x20 {
            guard end < bytes.byteCount else {
                isGood = false
                return Extent(at: 0, to: 0)
            }
            if bytes.at(end) == 0x22 || bytes.at(end) == 0x5C { hasEscapes = true }
            end = next(bytes)
        }
        let length = end &- start
        position = end
        if UInt(bitPattern: length &- 1) >= UInt(bitPattern: limit) { isGood = false }
        return length == 1 && bytes.at(start) == 0x2D ? Extent(at: 0, to: 0) : Extent(at: start, to: end)
    }

    /// Reads an SD-NAME of 1 to 32 bytes up to a blank, `=`, `]`, `"` or `\`, and tells where it ends; -1 when it has
    /// not that length.
    @inline(always)
    private mutating func name(_ bytes: RawSpan, _ start: Int) -> Int {
        while true {
            let end = next(bytes)
            guard UInt(bitPattern: end &- start &- 1) <= 31 else { return -1 }
            let byte = bytes.at(end)
            // Marks of a blank, `"`, `=`, `]` and `\` only.
            if byte != 0x3C, byte &- 0x7C > 1 { return end }
        }
    }

    /// Reads structured data of up to four elements with different SD-IDs, and values without escapes. Control
    /// characters and what is beyond ASCII are not looked for.
    ///
    /// - Returns: the offset after it, or -1 when it is something else.
    @inline(never)
    static func endOfData(_ bytes: RawSpan, _ start: Int) -> Int {
        var cursor = StrictCursor(bytes, at: start &- 1)
        var names = SDNames()
        var begin = start
        while bytes.at(begin) == 0x5B {
            var end = cursor.name(bytes, begin &+ 1)
            guard end > 0, begin == start || names.isNew(Extent(at: begin &+ 1, to: end), bytes) else { return -1 }
            if begin == start { names.first = Extent(at: begin &+ 1, to: end) }
            while bytes.at(end) == 0x20 {
                let equals = cursor.name(bytes, end &+ 1)
                // Two marks in a row.
                guard equals > 0, bytes.at(equals) == 0x3D, cursor.next(bytes) == equals &+ 1,
                    bytes.at(equals &+ 1) == 0x22
                else { return -1 }
                var quote = cursor.next(bytes)
                while bytes.at(quote) != 0x22 {
                    guard quote < bytes.byteCount, bytes.at(quote) | 1 != 0x5D else { return -1 }
                    quote = cursor.next(bytes)
                }
                end = cursor.next(bytes)
                guard end == quote &+ 1 else { return -1 }
            }
            guard bytes.at(end) == 0x5D else { return -1 }
            begin = end &+ 1
        }
        return begin > start ? begin : -1
    }
}

/// The SD-IDs of up to four elements.
private struct SDNames {
    var first = Extent(at: 0, to: 0)
    private var second = Extent(at: 0, to: 0)
    private var third = Extent(at: 0, to: 0)
    private var count = 1

    /// Whether no SD-ID before was this one, and there were fewer than four.
    @inline(never)
    mutating func isNew(_ name: Extent, _ bytes: RawSpan) -> Bool {
        guard count < 4, !SDNames.isSame(name, first, bytes), !SDNames.isSame(name, second, bytes),
            !SDNames.isSame(name, third, bytes)
        else { return false }
        if count == 1 { second = name } else { third = name }
        count &+= 1
        return true
    }

    private static func isSame(_ one: Extent, _ other: Extent, _ bytes: RawSpan) -> Bool {
        one.length == other.length && bytes.part(one).equals(bytes.part(other))
    }
}

extension RawSpan {
    /// Reads `<PRI>` at the beginning, 0 to 191 without a leading zero, and how many digits it has; -1 for anything else.
    @inline(always)
    func strictPriority() -> (value: Int, digits: Int) {
        guard let word = word(at: 0), word & 0xFF == 0x3C else { return (-1, 0) }
        let digits = (word >> 8).leadingDigits
        guard digits >= 1, digits <= 3, (word &>> UInt64(truncatingIfNeeded: 8 &* (digits &+ 1))) & 0xFF == 0x3E else {
            return (-1, 0)
        }
        // The digits in the last of four bytes, zeros before them.
        let text = ((word >> 8) & 0x0F0F0F) &<< UInt64(truncatingIfNeeded: 8 &* (3 &- digits))
        let value =
            Int(truncatingIfNeeded: text & 0xFF) &* 100 &+ Int(truncatingIfNeeded: (text >> 8) & 0xFF) &* 10
            &+ Int(truncatingIfNeeded: (text >> 16) & 0xFF)
        guard value <= 191, digits == 1 || word & 0xFF00 != 0x3000 else { return (-1, 0) }
        return (value, digits)
    }

    /// The byte at `offset`, or 0 outside: one comparison.
    @inline(always)
    func at(_ offset: Int) -> UInt8 {
        guard UInt(bitPattern: offset) < UInt(bitPattern: byteCount) else { return 0 }
        return unsafe unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt8.self)
    }

    /// The marks of the 64 bytes from `start` on.
    @inline(never)
    fileprivate func marks(from start: Int) -> UInt64 {
        guard start >= 0, start <= byteCount &- 64 else { return lastMarks(from: start) }
        // Four blocks that lie inside.
        let one = unsafe UInt64(penstock_block_marks(block(uncheckedAt: start)))
        let two = unsafe UInt64(penstock_block_marks(block(uncheckedAt: start &+ 16)))
        let three = unsafe UInt64(penstock_block_marks(block(uncheckedAt: start &+ 32)))
        let four = unsafe UInt64(penstock_block_marks(block(uncheckedAt: start &+ 48)))
        return one | two << 16 | three << 32 | four << 48
    }

    /// The marks of the fewer than 64 bytes from `start` on; none when the message is shorter than a block.
    private func lastMarks(from start: Int) -> UInt64 {
        let last = byteCount &- 16
        guard start >= 0, last >= 0 else { return 0 }
        var marks: UInt64 = 0
        var offset = start
        while offset < byteCount {
            // What is left of the last block, its bytes before the offset shifted out.
            let at = Swift.min(offset, last)
            let bits = unsafe penstock_block_marks(block(uncheckedAt: at)) >> UInt32(offset &- at)
            marks |= UInt64(bits) &<< UInt64(truncatingIfNeeded: offset &- start)
            offset &+= 16
        }
        return marks
    }
}
