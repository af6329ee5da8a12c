// SPDX-License-Identifier: Apache-2.0
public import Wire

/// Writes one CEF payload to the end of a slab: header first, then extension pairs.
///
/// Any bytes may be given: invalid UTF-8 is repaired and NUL becomes a blank, because the whole message is text.
public struct CEFWriter: ~Copyable {
    /// The fields of the header, with the sizes in characters that the standard allows.
    public enum HeaderField: Int, CaseIterable, Sendable {
        /// Device Vendor.
        case vendor
        /// Device Product.
        case product
        /// Device Version.
        case deviceVersion
        /// Device Event Class ID.
        case classID
        /// Name.
        case name
        /// Severity.
        case severity

        /// The most characters that the field may have.
        public var limit: Int {
            switch self {
            case .vendor, .product: 63
            case .deviceVersion: 31
            case .classID: 1_023
            case .name: 512
            case .severity: 9
            }
        }
    }

    /// The slab that takes the payload.
    public var slab: Slab
    private var start: Int
    private var isFirst = true

    /// A writer that appends to `slab`.
    public init(_ slab: consuming Slab) {
        start = slab.count
        self.slab = slab
    }

    /// Begins a payload of CEF `version` (0 or 1); the six header fields follow, in order.
    public mutating func begin(version: Int = 1) {
        start = slab.count
        isFirst = true
        slab.append("CEF:")
        slab.append(decimal: Int64(version))
        slab.append(byte: 0x7C)
    }

    /// Writes one header field: pipe and backslash escaped, line breaks and controls as blanks, cut at its size between
    /// two characters (never inside an escape pair).
    public mutating func header(_ field: HeaderField, _ text: RawSpan) {
        guard text.isValidUTF8 else {
            let repaired = Array(text.text.utf8)
            unsafe header(field, repaired.span.bytes)
            return
        }
        var characters = 0
        for offset in 0..<text.byteCount {
            guard let byte = text.byte(at: offset) else { break }
            if byte & 0xC0 != 0x80 {
                guard characters < field.limit else { break }
                characters += 1
            }
            switch byte {
            case 0x7C, 0x5C:
                slab.append(byte: 0x5C)
                slab.append(byte: byte)
            case 0x00..<0x20, 0x7F: slab.append(byte: 0x20)
            default: slab.append(byte: byte)
            }
        }
        slab.append(byte: 0x7C)
    }

    /// Writes one header field from a string.
    public mutating func header(_ field: HeaderField, _ text: String) {
        let bytes = Array(text.utf8)
        unsafe header(field, bytes.span.bytes)
    }

    /// Writes one extension pair; an empty value, or one of blanks only, writes nothing.
    ///
    /// - Parameter key: a dictionary key or an own one of letters and digits.
    public mutating func field(_ key: StaticString, _ value: RawSpan) {
        var count = value.byteCount
        while let byte = value.byte(at: count - 1), byte == 0x20 || byte == 0x00 { count -= 1 }
        guard count > 0 else { return }
        begin(key)
        append(value.part(0, count))
    }

    /// Writes one extension pair from a string.
    public mutating func field(_ key: StaticString, _ value: String) {
        let bytes = Array(value.utf8)
        unsafe field(key, bytes.span.bytes)
    }

    /// Writes one extension pair with a number.
    public mutating func field(_ key: StaticString, _ value: Int64) {
        begin(key)
        slab.append(decimal: value)
    }

    private mutating func begin(_ key: StaticString) {
        if !isFirst { slab.append(byte: 0x20) }
        isFirst = false
        slab.append(unsafe RawSpan(_unsafeStart: key.utf8Start, byteCount: key.utf8CodeUnitCount))
        slab.append(byte: 0x3D)
    }

    /// Appends an extension value: backslash first, then `=`, line breaks as `\n` and `\r`.
    private mutating func append(_ value: RawSpan) {
        guard value.isValidUTF8 else {
            let repaired = Array(value.text.utf8)
            unsafe append(repaired.span.bytes)
            return
        }
        var clean = 0
        for offset in 0..<value.byteCount {
            let byte = value.byte(at: offset) ?? 0
            guard byte == 0x5C || byte == 0x3D || byte == 0x0A || byte == 0x0D || byte == 0x00 else { continue }
            slab.append(value.part(clean, offset - clean))
            clean = offset + 1
            if byte == 0x00 {
                slab.append(byte: 0x20)
                continue
            }
            slab.append(byte: 0x5C)
            slab.append(byte: byte == 0x0A ? 0x6E : byte == 0x0D ? 0x72 : byte)
        }
        slab.append(value.part(clean, value.byteCount - clean))
    }

    /// Ends the payload and tells where it is.
    public mutating func finish() -> Extent {
        let extent = Extent(start..<slab.count)
        start = slab.count
        return extent
    }

    /// Gives the slab back.
    public consuming func take() -> Slab { slab }
}
