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
        guard ends[0] > start, bytes.part(start, ends[0] - start).isVersion else { return nil }
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
        while let pipe = bytes.firstIndex(of: 0x7C, from: position) {
            var backslashes = 0
            while pipe - 1 - backslashes >= start, bytes.byte(at: pipe - 1 - backslashes) == 0x5C { backslashes += 1 }
            if backslashes & 1 == 0 { return pipe }
            position = pipe + 1
        }
        return nil
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
        private let end: Int
        /// Where the next key begins, and the `=` after it.
        private var key: (start: Int, equals: Int)?

        /// A cursor over `extensions` of `bytes`, pairs parted by `separator`.
        @_lifetime(copy bytes)
        public init(_ bytes: RawSpan, _ extensions: Extent, separator: UInt8 = 0x20) {
            self.bytes = bytes.part(0, Int(extensions.end))
            self.separator = separator
            end = min(Int(extensions.end), bytes.byteCount)
            key = nil
            key = nextKey(from: Int(extensions.offset), floor: Int(extensions.offset))
        }

        /// The next pair, extents relative to the bytes, the value with escapes as written; nil after the last.
        public mutating func next() -> (key: Extent, value: Extent)? {
            guard let (start, equals) = key else { return nil }
            let name = Extent(start..<equals)
            let value = equals + 1
            key = nextKey(from: value, floor: value)
            // One separator belongs to the next key; blanks before it belong to the value.
            let stop = key.map { max(value, $0.start - 1) } ?? end
            return (name, Extent(value..<stop))
        }

        /// The next `=` that is not escaped and has a key before it that begins at `floor` or after a separator.
        private func nextKey(from start: Int, floor: Int) -> (start: Int, equals: Int)? {
            var position = start
            while let equals = bytes.firstIndex(of: 0x3D, from: position) {
                position = equals + 1
                var first = equals
                while first > floor, let byte = bytes.byte(at: first - 1), byte.isKeyCharacter, equals - first <= 255 {
                    first -= 1
                }
                guard first < equals else { continue }
                if first == floor, floor == start, key == nil { return (first, equals) }
                guard first > floor, let before = bytes.byte(at: first - 1) else { continue }
                if before == separator || separator == 0x20 && (before == 0x0A || before == 0x0D || before == 0x09) {
                    return (first, equals)
                }
            }
            return nil
        }
    }

    /// A cursor over the extension's pairs.
    @_lifetime(copy bytes)
    public func pairs(of bytes: RawSpan, separator: UInt8 = 0x20) -> Pairs {
        Pairs(bytes, extensions, separator: separator)
    }
}

extension UInt8 {
    var isLetterOrDigit: Bool {
        switch self {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: false
        }
    }

    /// What an extension key consists of: letters and digits, and `_ - . [ ]` of own keys.
    fileprivate var isKeyCharacter: Bool {
        isLetterOrDigit || self == 0x5F || self == 0x2D || self == 0x2E || self == 0x5B || self == 0x5D
    }
}

extension RawSpan {
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
