// SPDX-License-Identifier: Apache-2.0

/// A run of bytes inside a slab or a message: an offset and a length, both in bytes.
///
/// Parsers answer with extents instead of strings, so that a field costs no allocation.
public struct Extent: Equatable, Sendable {
    /// The offset of the first byte.
    public var offset: UInt32
    /// The number of bytes.
    public var length: UInt32

    /// An extent of `length` bytes at `offset`.
    @inlinable
    public init(offset: UInt32, length: UInt32) {
        self.offset = offset
        self.length = length
    }

    /// The extent of a range; a range beyond 4 GiB is cut.
    @inlinable
    public init(_ range: Range<Int>) {
        self.offset = UInt32(truncatingIfNeeded: range.lowerBound)
        self.length = UInt32(truncatingIfNeeded: range.count)
    }

    /// No bytes, at offset 0.
    public static let empty = Extent(offset: 0, length: 0)

    /// The offset after the last byte.
    @inlinable
    public var end: UInt32 { offset &+ length }

    /// Whether there are no bytes.
    @inlinable
    public var isEmpty: Bool { length == 0 }

    /// The extent as a range of `Int`.
    @inlinable
    public var range: Range<Int> { Int(offset)..<Int(offset) + Int(length) }

    /// The same bytes seen from `base` bytes further left.
    @inlinable
    public func shifted(by base: UInt32) -> Extent { Extent(offset: offset &+ base, length: length) }
}
