// SPDX-License-Identifier: Apache-2.0
public import Wire

/// The header of a CEF payload ("Implementing ArcSight Common Event Format"), wherever it stands in a message.
///
/// Extents are relative to the bytes it was read from and hold escapes as written (`unescapeHeader`).
public struct CEF: Equatable, Sendable {
    /// Version: 0 or 1, as written.
    public var version: Extent
    /// Device Vendor.
    public var vendor: Extent
    /// Device Product.
    public var product: Extent
    /// Device Version.
    public var deviceVersion: Extent
    /// Device Event Class ID.
    public var classID: Extent
    /// Name.
    public var name: Extent
    /// Severity.
    public var severity: Extent
    /// The extension: key=value pairs.
    public var extensions: Extent

    /// Finds `CEF:` in `bytes` and reads the header; nil when there is none or it has fewer than seven fields.
    ///
    /// Tolerant of what products write: a blank after the colon (Check Point), a severity without its last pipe.
    public init?(_ bytes: RawSpan) {
        var from = 0
        while let start = bytes.firstRange(of: "CEF:", from: from) {
            from = start + 4
            if let before = bytes.byte(at: start - 1), before.isLetterOrDigit { continue }
            if let header = CEF(bytes, at: bytes.endOfBlanks(from: start + 4)) {
                self = header
                return
            }
        }
        return nil
    }

    private init?(_ bytes: RawSpan, at start: Int) {
        // The version first: a line of nothing but `CEF:` is searched for pipes once then, not once for each.
        guard let pipe = bytes.part(0, start + 9).firstIndex(of: 0x7C, from: start), pipe > start,
            bytes.part(start, pipe - start).isVersion
        else { return nil }
        var ends: [7 of Int] = .init(repeating: 0)
        var position = start
        for field in 0..<7 {
            guard let pipe = CEF.pipe(bytes, from: position) else {
                guard field == 6, position < bytes.byteCount else { return nil }
                ends[field] = bytes.byteCount
                position = bytes.byteCount
                break
            }
            ends[field] = pipe
            position = pipe + 1
        }
        version = Extent(start..<ends[0])
        vendor = Extent(ends[0] + 1..<ends[1])
        product = Extent(ends[1] + 1..<ends[2])
        deviceVersion = Extent(ends[2] + 1..<ends[3])
        classID = Extent(ends[3] + 1..<ends[4])
        name = Extent(ends[4] + 1..<ends[5])
        severity = Extent(ends[5] + 1..<ends[6])
        extensions = Extent(min(position, bytes.byteCount)..<bytes.byteCount)
    }

    /// The next pipe that no backslash escapes.
    private static func pipe(_ bytes: RawSpan, from start: Int) -> Int? {
        var position = start
        while true {
            let pipe = bytes.end(0x7C, 0x7C, from: position)
            guard pipe < bytes.byteCount else { return nil }
            var backslashes = 0
            while pipe - 1 - backslashes >= start, bytes.byte(at: pipe - 1 - backslashes) == 0x5C { backslashes += 1 }
            if backslashes & 1 == 0 { return pipe }
            position = pipe + 1
        }
    }

    /// Writes a header field without its escapes to the end of `slab`.
    public static func unescapeHeader(_ field: RawSpan, into slab: inout Slab) -> Extent {
        slab.append(unescaping: field) { $0 == 0x5C || $0 == 0x7C ? $0 : nil }
    }

    /// Writes an extension value without its escapes (`\\`, `\=`, `\n`, `\r`) to the end of `slab`; a backslash before
    /// anything else is itself, so that `C:\temp` of a careless sender stays a path.
    public static func unescapeValue(_ value: RawSpan, into slab: inout Slab) -> Extent {
        slab.append(unescaping: value) {
            switch $0 {
            case 0x5C, 0x3D, 0x7C: $0
            case 0x6E: 0x0A
            case 0x72: 0x0D
            default: nil
            }
        }
    }

    /// A cursor over the key=value pairs of an extension; values may hold blanks.
    public struct Pairs: ~Escapable {
        let bytes: RawSpan
        let separator: UInt8
        /// Where the window begins, and in which of its bytes a `=` stands that was not looked at yet.
        private var window: Int
        private var assigns: UInt64
        /// Where the next key begins, and the `=` after it; -1 when there is none.
        private var key: Int
        private var equals: Int

        /// A cursor over `extensions` of `bytes`, pairs parted by `separator`.
        @_lifetime(copy bytes)
        public init(_ bytes: RawSpan, _ extensions: Extent, separator: UInt8 = 0x20) {
            self.bytes = bytes.part(0, Int(extensions.end))
            self.separator = separator
            window = Int(extensions.offset)
            assigns = ByteWindow(self.bytes, at: window).bits(of: Mark(repeating: 0x3D))
            key = -1
            equals = -1
            advance(from: Int(extensions.offset), isFirst: true)
        }

        /// The next pair, extents relative to the bytes, the value with escapes as written; nil after the last.
        public mutating func next() -> (key: Extent, value: Extent)? {
            guard key >= 0 else { return nil }
            let name = Extent(from: key, to: equals)
            let value = equals &+ 1
            advance(from: value, isFirst: false)
            // One separator belongs to the next key; blanks before it belong to the value.
            return (name, Extent(from: value, to: key >= 0 ? max(value, key &- 1) : max(value, bytes.byteCount)))
        }

        /// Moves on to the next `=` that is not escaped and has a key before it, which begins after a separator that
        /// is not before `start`; the first one may begin at `start` itself.
        @inline(__always)
        private mutating func advance(from start: Int, isFirst: Bool) {
            while true {
                while assigns == 0 {
                    window &+= 64
                    guard window < bytes.byteCount else {
                        key = -1
                        return
                    }
                    assigns = ByteWindow(bytes, at: window).bits(of: Mark(repeating: 0x3D))
                }
                equals = window &+ assigns.trailingZeroBitCount
                assigns &= assigns &- 1
                key = bytes.startOfKey(before: equals, floor: start)
                if key < equals, key == start && isFirst || key > start && separates(bytes.peek(key &- 1)) { return }
            }
        }

        /// Keys stand behind a blank, and behind line ends and tabs where blanks separate.
        @inline(__always)
        private func separates(_ byte: Int) -> Bool {
            byte == Int(separator) || separator == 0x20 && (byte == 0x0A || byte == 0x0D || byte == 0x09)
        }
    }

    /// A cursor over the extension's pairs.
    @_lifetime(copy bytes)
    public func pairs(of bytes: RawSpan, separator: UInt8 = 0x20) -> Pairs {
        Pairs(bytes, extensions, separator: separator)
    }
}

extension Extent {
    /// The bytes from `start` to `end`, which is not before it.
    @inline(__always)
    init(from start: Int, to end: Int) {
        self.init(
            offset: UInt32(truncatingIfNeeded: start), length: UInt32(truncatingIfNeeded: Swift.max(0, end &- start)))
    }
}

extension UInt8 {
    var isLetterOrDigit: Bool {
        switch self {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: false
        }
    }
}

extension UInt8 {
    /// What an extension key consists of: letters and digits, and `_ - . [ ]` of own keys.
    @inline(__always)
    fileprivate var isKeyCharacter: Bool {
        // A bit for each of the bytes 0 to 63 and 64 to 127.
        let set: UInt64 = self < 64 ? 0x03FF_6000_0000_0000 : 0x07FF_FFFE_AFFF_FFFE
        return self < 128 && set &>> UInt64(self & 63) & 1 != 0
    }
}

extension SIMD16<UInt8> {
    /// Where key characters stand.
    @inline(__always)
    fileprivate var keyCharacters: SIMDMask<SIMD16<Int8>> {
        // Letters without their case, `-` beside `.`, and `[` and `]` apart from `{` and `}`.
        let letter = (self | SIMD16(repeating: 0x20)) &- SIMD16(repeating: 0x61)
        let digit = self &- SIMD16(repeating: 0x30)
        let dot = self &- SIMD16(repeating: 0x2D)
        return (letter .<= SIMD16(repeating: 25)) .| (digit .<= SIMD16(repeating: 9))
            .| (dot .<= SIMD16(repeating: 1)) .| (self .== SIMD16(repeating: 0x5B))
            .| (self .== SIMD16(repeating: 0x5D)) .| (self .== SIMD16(repeating: 0x5F))
    }
}

extension RawSpan {
    /// Where the run of key characters that ends at `end` begins, not before `floor`. A run of more than 256 bytes is
    /// cut: no key is as long.
    @inline(__always)
    fileprivate func startOfKey(before end: Int, floor: Int) -> Int {
        let least = Swift.max(floor, end &- 256)
        var position = end
        // A block may begin before the floor: what is found there does not count.
        while position > least, let block = block(at: position &- 16) {
            let others = ~block.keyCharacters.bits & 0xFFFF
            // The byte behind the last one that is none.
            if others != 0 { return Swift.max(least, position &+ 48 &- others.leadingZeroBitCount) }
            position &-= 16
        }
        while position > least, let byte = byte(at: position &- 1), byte.isKeyCharacter { position &-= 1 }
        return Swift.max(least, position)
    }

    /// Digits with dots between (`0`, `1`, `2.0`).
    var isVersion: Bool {
        guard byteCount > 0, byteCount <= 8 else { return false }
        for offset in 0..<byteCount {
            guard let byte = byte(at: offset), byte &- 0x30 <= 9 || byte == 0x2E && offset > 0 else { return false }
        }
        return true
    }
}

extension Slab {
    /// Appends `text`, each backslash pair replaced by what `meaning` says, or kept when it says nothing.
    mutating func append(unescaping text: RawSpan, _ meaning: (UInt8) -> UInt8?) -> Extent {
        let start = count
        var clean = 0
        var position = 0
        while let backslash = text.firstIndex(of: 0x5C, from: position) {
            guard let next = text.byte(at: backslash + 1), let byte = meaning(next) else {
                position = backslash + 1
                continue
            }
            append(text.part(clean, backslash - clean))
            append(byte: byte)
            clean = backslash + 2
            position = clean
        }
        append(text.part(clean, text.byteCount - clean))
        return Extent(start..<count)
    }
}
