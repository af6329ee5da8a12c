// SPDX-License-Identifier: Apache-2.0

/// Writes a sensor record: a flat run of `(field, value)` pairs appended to a slab.
///
/// Layout of a pair: field number (u16, little-endian), kind (u8), then 8 bytes for a number or a u32 length and the
/// bytes. A field that is written several times is a list. Field numbers are named by the writer's own vocabulary
/// (`Dissection.RecordField`).
public struct RecordWriter: ~Copyable {
    /// The slab that takes the record.
    public var slab: Slab
    @usableFromInline var start: Int

    /// A writer that appends to `slab`.
    @inlinable
    public init(_ slab: consuming Slab) {
        self.start = slab.count
        self.slab = slab
    }

    /// Begins a record at the slab's end; whatever was written since the last `finish` stays outside of it.
    @inlinable
    public mutating func begin() { start = slab.count }

    /// Ends the record and tells where it is.
    @inlinable
    public mutating func finish() -> Extent {
        let extent = Extent(start..<slab.count)
        start = slab.count
        return extent
    }

    /// Gives the slab back.
    @inlinable
    public consuming func take() -> Slab { slab }

    @usableFromInline
    mutating func head(_ field: UInt16, _ kind: UInt8) {
        slab.append(byte: UInt8(truncatingIfNeeded: field))
        slab.append(byte: UInt8(truncatingIfNeeded: field >> 8))
        slab.append(byte: kind)
    }

    @usableFromInline
    mutating func fixed(_ value: UInt64, _ count: Int) {
        for index in 0..<count { slab.append(byte: UInt8(truncatingIfNeeded: value >> UInt64(index * 8))) }
    }

    /// Adds a whole number.
    @inlinable
    public mutating func put(_ field: UInt16, _ value: Int64) {
        head(field, 1)
        fixed(UInt64(bitPattern: value), 8)
    }

    /// Adds bytes: text in UTF-8, or raw octets.
    @inlinable
    public mutating func put(_ field: UInt16, _ bytes: RawSpan) {
        head(field, 2)
        fixed(UInt64(bytes.byteCount), 4)
        slab.append(bytes)
    }

    /// Adds text.
    @inlinable
    public mutating func put(_ field: UInt16, _ text: String) {
        var text = text
        text.withUTF8 { unsafe put(field, RawSpan(_unsafeBytes: UnsafeRawBufferPointer($0))) }
    }

    /// Adds a truth value.
    @inlinable
    public mutating func put(_ field: UInt16, _ value: Bool) {
        head(field, 3)
        fixed(value ? 1 : 0, 8)
    }
}

/// The names that a writer of records gives its field numbers.
public struct RecordVocabulary: Sendable {
    /// Dotted names by field number.
    public let names: [String]
    /// The field that says what kind of record it is.
    public let kind: UInt16
    /// Fields that are lists even when they have one value.
    public let repeated: Set<UInt16>
    /// Fields of raw octets, which are evidence and no attribute of an event.
    public let octets: Set<UInt16>

    /// A vocabulary.
    public init(names: [String], kind: UInt16, repeated: Set<UInt16>, octets: Set<UInt16>) {
        self.names = names
        self.kind = kind
        self.repeated = repeated
        self.octets = octets
    }

    /// No fields: for places without a sensor.
    public static let none = RecordVocabulary(names: [], kind: .max, repeated: [], octets: [])
}

/// Reads the pairs of a record in the order of writing.
public struct RecordReader: ~Escapable {
    /// One value of a record; `bytes` is an extent of the span that the reader was made of.
    public enum Value: Equatable, Sendable {
        /// A whole number.
        case number(Int64)
        /// Text or octets.
        case bytes(Extent)
        /// A truth value.
        case flag(Bool)
    }

    @usableFromInline var reader: ByteReader

    /// A reader of one whole record.
    @inlinable
    @_lifetime(copy bytes)
    public init(_ bytes: RawSpan) { self.reader = ByteReader(bytes) }

    /// The next pair, or nil at the end; a record that is cut or has an unknown kind throws.
    @inlinable
    @_lifetime(self: copy self)
    public mutating func next() throws(WireError) -> (field: UInt16, value: Value)? {
        guard !reader.isAtEnd else { return nil }
        let field = try reader.u16LittleEndian()
        let at = reader.offset
        switch try reader.u8() {
        case 1: return (field, .number(Int64(bitPattern: try reader.u64().byteSwapped)))
        case 2:
            let length = Int(try reader.u32LittleEndian())
            let start = try reader.skip(length)
            return (field, .bytes(Extent(start..<start + length)))
        case 3: return (field, .flag(try reader.u64() != 0))
        default: throw .malformed(at: at)
        }
    }
}
