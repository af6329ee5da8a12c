// SPDX-License-Identifier: Apache-2.0
public import Wire

/// The header of a LEEF payload (IBM QRadar), wherever it stands in a message. LEEF has no escapes.
public struct LEEF: Equatable, Sendable {
    /// Version: 1.0 or 2.0, as written.
    public var version: Extent
    /// Vendor.
    public var vendor: Extent
    /// Product.
    public var product: Extent
    /// Product version.
    public var productVersion: Extent
    /// EventID.
    public var eventID: Extent
    /// The character between attributes: tab, or what a 2.0 header names.
    public var delimiter: UInt8
    /// The attributes: key=value pairs.
    public var attributes: Extent

    /// Finds `LEEF:` in `bytes` and reads the header; nil when there is none or it has fewer than five fields.
    public init?(_ bytes: RawSpan) {
        var from = 0
        while let start = bytes.firstRange(of: "LEEF:", from: from) {
            from = start + 5
            if let before = bytes.byte(at: start - 1), before.isLetterOrDigit { continue }
            if let header = LEEF(bytes, at: bytes.endOfBlanks(from: start + 5)) {
                self = header
                return
            }
        }
        return nil
    }

    private init?(_ bytes: RawSpan, at start: Int) {
        // The version first: a line of nothing but `LEEF:` is searched for pipes once then, not once for each.
        guard let pipe = bytes.part(0, start + 9).firstIndex(of: 0x7C, from: start), pipe > start,
            bytes.part(start, pipe - start).isVersion
        else { return nil }
        var ends: [5 of Int] = .init(repeating: 0)
        var position = start
        for field in 0..<5 {
            guard let pipe = bytes.firstIndex(of: 0x7C, from: position) else { return nil }
            ends[field] = pipe
            position = pipe + 1
        }
        let number = bytes.part(start, ends[0] - start)
        version = Extent(start..<ends[0])
        vendor = Extent(ends[0] + 1..<ends[1])
        product = Extent(ends[1] + 1..<ends[2])
        productVersion = Extent(ends[2] + 1..<ends[3])
        eventID = Extent(ends[3] + 1..<ends[4])
        delimiter = 0x09
        // LEEF 2.0: a sixth field, unless what stands there is a pair already.
        if number.byte(at: 0) != 0x31, let pipe = bytes.firstIndex(of: 0x7C, from: position) {
            let field = bytes.part(position, pipe - position)
            if field.firstIndex(of: 0x3D) == nil || field.byteCount == 1 {
                delimiter = LEEF.delimiter(field) ?? 0x09
                position = pipe + 1
            }
        }
        attributes = Extent(position..<bytes.byteCount)
    }

    /// One character, or its hexadecimal code as `x5E` or `0x5E`; nil for anything else.
    private static func delimiter(_ field: RawSpan) -> UInt8? {
        if field.byteCount == 1 { return field.byte(at: 0) }
        let start = field.hasBytes("0x") ? 2 : 1
        guard field.byte(at: start - 1) == 0x78, field.byteCount > start, field.byteCount <= start + 4 else {
            return nil
        }
        var value = 0
        for offset in start..<field.byteCount {
            switch field.byte(at: offset) ?? 0 {
            case let digit where digit &- 0x30 <= 9: value = value * 16 + Int(digit &- 0x30)
            case let digit where (digit | 0x20) >= 0x61 && (digit | 0x20) <= 0x66:
                value = value * 16 + Int((digit | 0x20) &- 0x57)
            default: return nil
            }
        }
        return value > 0 && value < 128 ? UInt8(value) : nil
    }

    /// A cursor over the attributes; values hold everything up to the delimiter.
    @_lifetime(copy bytes)
    public func pairs(of bytes: RawSpan, delimiter: UInt8? = nil) -> KeyValue {
        KeyValue(
            bytes, attributes, .init(separators: [delimiter ?? self.delimiter], quote: nil, trimsBlanks: false))
    }
}
