// SPDX-License-Identifier: Apache-2.0
public import Wire

/// Writes one LEEF payload to the end of a slab: header first, then attributes, tab between them.
///
/// LEEF has no escapes, so what would split a field is replaced: tab by a blank, line breaks by a visible `\n`, a pipe
/// in the header by `_`.
public struct LEEFWriter: ~Copyable {
    /// The slab that takes the payload.
    public var slab: Slab
    private var start: Int
    private var isFirst = true

    /// A writer that appends to `slab`.
    public init(_ slab: consuming Slab) {
        start = slab.count
        self.slab = slab
    }

    /// Writes `LEEF:1.0|` or, with `isSecond`, `LEEF:2.0|`; vendor, product, version and EventID follow, in order.
    public mutating func begin(isSecond: Bool = false) {
        start = slab.count
        isFirst = true
        slab.append(isSecond ? "LEEF:2.0|" : "LEEF:1.0|")
    }

    /// Writes the delimiter field of LEEF 2.0, after EventID.
    public mutating func delimiter() { slab.append("x09|") }

    /// Writes one header field.
    public mutating func header(_ text: RawSpan) {
        replacing(text) { $0 == 0x7C ? 0x5F : $0 < 0x20 || $0 == 0x7F ? 0x20 : $0 }
        slab.append(byte: 0x7C)
    }

    /// Writes one header field from a string.
    public mutating func header(_ text: String) {
        let bytes = Array(text.utf8)
        unsafe header(bytes.span.bytes)
    }

    /// Writes one attribute; an empty value writes nothing. A receiver ignores a repeated key, so values of one key are
    /// joined by `add`.
    public mutating func field(_ key: StaticString, _ value: RawSpan) {
        guard value.byteCount > 0 else { return }
        begin(key)
        append(value)
    }

    /// Writes one attribute from a string.
    public mutating func field(_ key: StaticString, _ value: String) {
        let bytes = Array(value.utf8)
        unsafe field(key, bytes.span.bytes)
    }

    /// Writes one attribute with a number.
    public mutating func field(_ key: StaticString, _ value: Int64) {
        begin(key)
        slab.append(decimal: value)
    }

    /// Adds a further value to the attribute written last, after a comma.
    public mutating func add(_ value: RawSpan) {
        slab.append(byte: 0x2C)
        append(value)
    }

    private mutating func begin(_ key: StaticString) {
        if !isFirst { slab.append(byte: 0x09) }
        isFirst = false
        slab.append(unsafe RawSpan(_unsafeStart: key.utf8Start, byteCount: key.utf8CodeUnitCount))
        slab.append(byte: 0x3D)
    }

    private mutating func append(_ value: RawSpan) { replacing(value) { $0 == 0x09 || $0 == 0x00 ? 0x20 : $0 } }

    /// Appends `text` byte by byte through `replacement`; CR LF, CR and LF become `\n`.
    private mutating func replacing(_ text: RawSpan, _ replacement: (UInt8) -> UInt8) {
        guard text.isValidUTF8 else {
            let repaired = Array(text.text.utf8)
            unsafe replacing(repaired.span.bytes, replacement)
            return
        }
        for offset in 0..<text.byteCount {
            switch text.byte(at: offset) ?? 0 {
            case 0x0D where text.byte(at: offset + 1) == 0x0A: break
            case 0x0A, 0x0D: slab.append("\\n")
            case let byte: slab.append(byte: replacement(byte))
            }
        }
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
