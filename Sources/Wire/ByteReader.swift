// SPDX-License-Identifier: Apache-2.0

/// What a read found wrong with the bytes.
public enum WireError: Error, Equatable, Sendable {
    /// Fewer bytes are left than the read needs.
    case truncated(at: Int, needed: Int)
    /// A value that its grammar does not allow.
    case malformed(at: Int)
}

/// A forward cursor over bytes from outside: every read either fits or throws, none traps.
///
/// Offsets count from the start of the span that the reader was made of.
public struct ByteReader: ~Escapable {
    /// The bytes being read.
    public let bytes: RawSpan
    @usableFromInline var position: Int
    /// The offset of the next byte.
    @inlinable
    public var offset: Int { position }

    /// A reader at the start of `bytes`.
    @_lifetime(copy bytes)
    @inlinable
    public init(_ bytes: RawSpan) {
        self.bytes = bytes
        self.position = 0
    }

    /// A reader of one part of `bytes`; a part that does not lie inside throws.
    @_lifetime(copy bytes)
    @inlinable
    public init(_ bytes: RawSpan, at start: Int, count: Int) throws(WireError) {
        guard start >= 0, count >= 0, start <= bytes.byteCount, count <= bytes.byteCount - start else {
            throw .truncated(at: start, needed: count)
        }
        self.bytes = bytes.extracting(start..<start + count)
        self.position = 0
    }

    /// The number of bytes not yet read.
    @inlinable
    public var remaining: Int { bytes.byteCount - offset }

    /// Whether all bytes have been read.
    @inlinable
    public var isAtEnd: Bool { remaining == 0 }

    /// Moves on by `count` bytes and returns where they began.
    @inlinable
    @_lifetime(self: copy self)
    @discardableResult
    public mutating func skip(_ count: Int) throws(WireError) -> Int {
        guard count >= 0, count <= remaining else { throw .truncated(at: offset, needed: count) }
        let start = position
        position += count
        return start
    }

    /// The next byte.
    @inlinable
    @_lifetime(self: copy self)
    public mutating func u8() throws(WireError) -> UInt8 {
        let start = try skip(1)
        return unsafe bytes.unsafeLoadUnaligned(fromByteOffset: start, as: UInt8.self)
    }

    /// The next two bytes, most significant first.
    @inlinable
    @_lifetime(self: copy self)
    public mutating func u16() throws(WireError) -> UInt16 {
        let start = try skip(2)
        return unsafe UInt16(bigEndian: bytes.unsafeLoadUnaligned(fromByteOffset: start, as: UInt16.self))
    }

    /// The next four bytes, most significant first.
    @inlinable
    @_lifetime(self: copy self)
    public mutating func u32() throws(WireError) -> UInt32 {
        let start = try skip(4)
        return unsafe UInt32(bigEndian: bytes.unsafeLoadUnaligned(fromByteOffset: start, as: UInt32.self))
    }

    /// The next eight bytes, most significant first.
    @inlinable
    @_lifetime(self: copy self)
    public mutating func u64() throws(WireError) -> UInt64 {
        let start = try skip(8)
        return unsafe UInt64(bigEndian: bytes.unsafeLoadUnaligned(fromByteOffset: start, as: UInt64.self))
    }

    /// The next two bytes, least significant first.
    @inlinable
    @_lifetime(self: copy self)
    public mutating func u16LittleEndian() throws(WireError) -> UInt16 { try u16().byteSwapped }

    /// The next four bytes, least significant first.
    @inlinable
    @_lifetime(self: copy self)
    public mutating func u32LittleEndian() throws(WireError) -> UInt32 { try u32().byteSwapped }

    /// The next byte without moving on, or nil at the end.
    @inlinable
    public func peek(ahead: Int = 0) -> UInt8? { bytes.byte(at: offset + ahead) }

    /// The next `count` bytes as a span.
    @inlinable
    @_lifetime(self: copy self)
    @_lifetime(copy self)
    public mutating func span(_ count: Int) throws(WireError) -> RawSpan {
        let start = try skip(count)
        return bytes.extracting(start..<start + count)
    }
}
