// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Wire

extension Slab {
    /// Appends an integer as PLAIN has it: little-endian.
    mutating func append<Value: FixedWidthInteger>(littleEndian value: Value) {
        var value = value.littleEndian
        unsafe withUnsafeBytes(of: &value) { unsafe _ = append(RawSpan(_unsafeBytes: $0)) }
    }

    /// Appends all of another slab.
    mutating func append(contentsOf other: borrowing Slab) { append(other.bytes) }

    /// Appends an unsigned LEB128 number, which both Thrift and the run headers call a varint.
    mutating func append(varint value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            append(byte: UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        append(byte: UInt8(truncatingIfNeeded: rest))
    }
}

extension RawSpan {
    /// The order of the bytes as unsigned numbers (TypeDefinedOrder of STRING): below 0, 0 or above 0.
    func order(to other: RawSpan) -> Int {
        unsafe withUnsafeBytes { mine in
            unsafe other.withUnsafeBytes { others in
                let common = Swift.min(mine.count, others.count)
                if common > 0, let left = mine.baseAddress, let right = others.baseAddress {
                    let order = unsafe memcmp(left, right, common)
                    if order != 0 { return Int(order) }
                }
                return mine.count - others.count
            }
        }
    }

    /// Whether the bytes are the same, compared with memcmp(3).
    func matches(_ other: RawSpan) -> Bool { byteCount == other.byteCount && order(to: other) == 0 }
}
