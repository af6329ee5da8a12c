// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Writes the structures of parquet.thrift in Thrift's compact protocol.
///
/// Fields must be written in the order of their numbers: the header of a field holds the difference to the last one.
struct ThriftCompactWriter: ~Copyable {
    /// The type numbers of the compact protocol.
    enum Kind: UInt8 {
        case yes = 1
        case no, byte, int16, int32, int64, double, binary, list, set, map, structure
    }

    private var content: Slab
    private var last = 0

    init(capacity: Int = 256) { content = Slab(capacity: capacity) }

    /// The bytes written.
    var count: Int { content.count }

    /// Appends what was written to `out`.
    func append(to out: inout Slab) { out.append(contentsOf: content) }

    /// Forgets what was written, keeps the memory.
    mutating func reset() {
        content.reset()
        last = 0
    }

    mutating func field(_ number: Int, _ value: Bool) { header(number, value ? .yes : .no) }

    mutating func field(_ number: Int, int8 value: Int8) {
        header(number, .byte)
        content.append(byte: UInt8(bitPattern: value))
    }

    mutating func field(_ number: Int, int16 value: Int16) {
        header(number, .int16)
        zigzag(Int64(value))
    }

    mutating func field(_ number: Int, int32 value: Int32) {
        header(number, .int32)
        zigzag(Int64(value))
    }

    mutating func field(_ number: Int, int64 value: Int64) {
        header(number, .int64)
        zigzag(value)
    }

    mutating func field(_ number: Int, _ text: String) {
        header(number, .binary)
        string(text)
    }

    mutating func field(_ number: Int, _ bytes: RawSpan) {
        header(number, .binary)
        content.append(varint: UInt64(bytes.byteCount))
        content.append(bytes)
    }

    /// A field that is a structure.
    mutating func field(_ number: Int, _ body: (inout ThriftCompactWriter) -> Void) {
        header(number, .structure)
        structure(body)
    }

    /// The start of a field that is a list; `count` elements must follow.
    mutating func list(_ number: Int, of kind: Kind, count: Int) {
        header(number, .list)
        if count < 15 {
            content.append(byte: UInt8(truncatingIfNeeded: count) << 4 | kind.rawValue)
        } else {
            content.append(byte: 0xF0 | kind.rawValue)
            content.append(varint: UInt64(count))
        }
    }

    /// A structure: the element of a list, or the whole message.
    mutating func structure(_ body: (inout ThriftCompactWriter) -> Void) {
        let outer = last
        last = 0
        body(&self)
        content.append(byte: 0)
        last = outer
    }

    /// A string in a list.
    mutating func string(_ text: String) {
        content.append(varint: UInt64(text.utf8.count))
        content.append(text)
    }

    /// A number in a list.
    mutating func zigzag(_ value: Int64) {
        content.append(varint: UInt64(bitPattern: (value &<< 1) ^ (value >> 63)))
    }

    private mutating func header(_ number: Int, _ kind: Kind) {
        // All field numbers of parquet.thrift are below 17: the difference fits into four bits.
        let difference = number - last
        precondition((1...15).contains(difference), "fields are written in the order of their numbers")
        content.append(byte: UInt8(truncatingIfNeeded: difference) << 4 | kind.rawValue)
        last = number
    }
}
