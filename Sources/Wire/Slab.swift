// SPDX-License-Identifier: Apache-2.0

/// A growable run of bytes that ends in 64 bytes of slack, because vectorised matchers read past the end.
///
/// One slab holds what one receive brought, and what parsing and normalizing add to it. It is owned: passing it on
/// consumes it. `reset()` keeps the memory for the next batch.
@safe
public struct Slab: ~Copyable, @unchecked Sendable {
    /// Bytes kept free behind the content (vectorscan reads up to 63 bytes ahead).
    public static let slack = 64

    @usableFromInline var base: UnsafeMutableRawPointer
    @usableFromInline var room: Int
    @usableFromInline var used: Int

    /// The bytes that fit before the slab grows.
    @inlinable
    public var capacity: Int { room }
    /// The bytes in use.
    @inlinable
    public var count: Int { used }

    /// An empty slab with room for `capacity` bytes.
    public init(capacity: Int = 64 * 1024) {
        self.room = max(capacity, 256)
        unsafe self.base = UnsafeMutableRawPointer.allocate(byteCount: room + Slab.slack, alignment: 64)
        unsafe self.base.initializeMemory(as: UInt8.self, repeating: 0, count: room + Slab.slack)
        self.used = 0
    }

    deinit { unsafe base.deallocate() }

    /// Forgets the content, keeps the memory.
    @inlinable
    public mutating func reset() { used = 0 }

    /// Makes room for `more` bytes.
    @inlinable
    public mutating func reserve(_ more: Int) {
        if capacity - count < more { grow(more) }
    }

    @usableFromInline
    mutating func grow(_ more: Int) {
        let wanted = max(capacity * 2, count + more)
        let larger = UnsafeMutableRawPointer.allocate(byteCount: wanted + Slab.slack, alignment: 64)
        unsafe larger.copyMemory(from: base, byteCount: count)
        unsafe (larger + count).initializeMemory(as: UInt8.self, repeating: 0, count: wanted + Slab.slack - count)
        unsafe base.deallocate()
        unsafe base = larger
        room = wanted
    }

    /// All bytes in use.
    @inlinable
    public var bytes: RawSpan {
        @_lifetime(borrow self)
        get {
            let span = unsafe RawSpan(_unsafeStart: base, byteCount: count)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// The bytes of one extent; an extent that does not lie inside is cut.
    @inlinable
    @_lifetime(borrow self)
    public func bytes(_ extent: Extent) -> RawSpan {
        let span = bytes.part(extent)
        return unsafe _overrideLifetime(span, borrowing: self)
    }

    /// Copies `bytes` to the end and tells where they are.
    @inlinable
    @discardableResult
    public mutating func append(_ bytes: RawSpan) -> Extent {
        reserve(bytes.byteCount)
        let start = count
        unsafe bytes.withUnsafeBytes { source in
            if let from = source.baseAddress {
                unsafe (base + start).copyMemory(from: from, byteCount: source.count)
            }
        }
        used += bytes.byteCount
        return Extent(start..<count)
    }

    /// Copies bytes of this same slab to its end and tells where they are now.
    @inlinable
    @discardableResult
    public mutating func append(copyOf extent: Extent) -> Extent {
        let from = min(Int(extent.offset), count)
        let length = min(Int(extent.length), count - from)
        reserve(length)
        let start = count
        unsafe (base + start).copyMemory(from: base + from, byteCount: length)
        used += length
        return Extent(start..<count)
    }

    /// Replaces each byte of an extent by what `change` makes of it.
    @inlinable
    public mutating func replace(in extent: Extent, _ change: (UInt8) -> UInt8) {
        for index in extent.range.clamped(to: 0..<count) {
            let place = unsafe base + index
            unsafe place.storeBytes(of: change(place.load(as: UInt8.self)), as: UInt8.self)
        }
    }

    /// Copies the UTF-8 of `text` to the end and tells where it is.
    @inlinable
    @discardableResult
    public mutating func append(_ text: String) -> Extent {
        var text = text
        let start = count
        text.withUTF8 { unsafe _ = append(RawSpan(_unsafeBytes: UnsafeRawBufferPointer($0))) }
        return Extent(start..<count)
    }

    /// Appends one byte.
    @inlinable
    public mutating func append(byte: UInt8) {
        reserve(1)
        unsafe (base + count).storeBytes(of: byte, as: UInt8.self)
        used += 1
    }

    /// Cuts the content to its first `length` bytes.
    @inlinable
    public mutating func truncate(to length: Int) { used = min(count, max(0, length)) }

    /// Lets `body` write at most `limit` bytes at the end (a system call, a decoder); it returns how many it wrote.
    ///
    /// - Returns: where the written bytes are.
    @inlinable
    @discardableResult
    public mutating func append<Failure: Error>(
        upTo limit: Int, _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Int
    ) throws(Failure) -> Extent {
        reserve(limit)
        let start = count
        let room = unsafe UnsafeMutableRawBufferPointer(start: base + start, count: limit)
        let written = try unsafe body(room)
        precondition(written >= 0 && written <= limit, "a writer said that it wrote more than its room")
        used += written
        return Extent(start..<count)
    }
}
