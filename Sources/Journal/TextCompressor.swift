// SPDX-License-Identifier: Apache-2.0

/// Compresses into a block of the LZ4 format (lz4_Block_format.md), which any LZ4 library decodes, at about half the cost
/// of the library's fastest useful setting on logs.
///
/// Where lines repeat each other they do so from the beginning of a word, a field or a value on. So a match is looked
/// for at the blanks, quotes, commas and control bytes only, is eight bytes long at least, and grows in both directions:
/// a fifth of the look-ups, and half as many sequences, each of which costs a mispredicted branch or two.
@safe
struct TextCompressor: ~Copyable {
    /// Content below this repeats too little to be looked at.
    static let least = 512
    /// The bytes written at once, which may lie behind what counts.
    private static let slack = 48
    private static let bits: UInt64 = 12
    private static let farthest: UInt32 = 0xFFFF
    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private static let highs: UInt64 = 0x8080_8080_8080_8080

    /// Where eight bytes with the same hash were last; numbers go on from block to block, so that nothing need be cleared.
    private let table: UnsafeMutablePointer<UInt32>
    private var base: UInt32

    init() {
        unsafe table = .allocate(capacity: 1 << Int(TextCompressor.bits))
        base = 0
        clear()
    }

    deinit { unsafe table.deallocate() }

    private mutating func clear() {
        unsafe table.update(repeating: 0, count: 1 << Int(TextCompressor.bits))
        base = TextCompressor.farthest + 1
    }

    /// The room that `compress` needs for content of `count` bytes.
    static func bound(_ count: Int) -> Int { count + count / 255 + 16 + slack }

    /// Writes the block of `content`, at most 1 GiB, and returns its length; 0 when the content is too short.
    mutating func compress(_ content: RawSpan, into room: UnsafeMutableRawBufferPointer) -> Int {
        let count = content.byteCount
        precondition(
            room.count >= TextCompressor.bound(count) && count <= 1 << 30, "a block is compressed into enough room")
        guard count >= TextCompressor.least else { return 0 }
        if base > 0x8000_0000 { clear() }
        defer { base &+= UInt32(count) &+ TextCompressor.farthest &+ 1 }
        return unsafe content.withUnsafeBytes { source in
            guard let from = source.baseAddress, let to = room.baseAddress else { return 0 }
            return unsafe TextCompressor.encode(from, count, to, table, base)
        }
    }

    @inline(__always)
    private static func word(_ place: UnsafeRawPointer) -> UInt64 {
        unsafe place.loadUnaligned(as: UInt64.self).littleEndian
    }

    /// The high bits of those of eight bytes that are below `-`.
    @inline(__always)
    private static func anchors(_ word: UInt64) -> UInt64 {
        ~(((word & ~highs) &+ ones &* (0x80 - 0x2D)) | word) & highs
    }

    /// All reads lie in `start..<start + count`: nothing is looked for in the last 40 bytes (the format wants the last 12
    /// to be literals), and each step reads up to 24 bytes ahead of a place before them. All writes lie in `bound(count)`:
    /// a sequence of 8 bytes and more is never longer than what it stands for.
    private static func encode(
        _ start: UnsafeRawPointer, _ count: Int, _ output: UnsafeMutableRawPointer,
        _ table: UnsafeMutablePointer<UInt32>, _ base: UInt32
    ) -> Int {
        let end = count - 40
        var written = 0
        var literals = 0
        var next = 0
        search: while next < end {
            var mask = unsafe anchors(word(start + next))
            while mask != 0 {
                let place = next &+ mask.trailingZeroBitCount &>> 3
                let bytes = unsafe word(start + place)
                let slot = Int(truncatingIfNeeded: (bytes &* 0x9E37_79B1_85EB_CA87) >> (64 - bits))
                let here = base &+ UInt32(truncatingIfNeeded: place)
                let back = unsafe here &- table[slot]
                unsafe table[slot] = here
                let isNear = back <= farthest && Int(back) <= place
                // Compared in any case, with itself if need be: one branch instead of two.
                let other = place &- (isNear ? Int(back) : 0)
                guard isNear, unsafe word(start + other) == bytes else {
                    mask &= mask &- 1
                    continue
                }
                var length = unsafe 8 &+ common(start + (place &+ 8), start + (other &+ 8))
                if length == 16 {
                    while place &+ length < end {
                        let more = unsafe common(start + (place &+ length), start + (other &+ length))
                        length &+= more
                        if more < 8 { break }
                    }
                }
                var from = place
                if other >= 8 {
                    let difference = unsafe word(start + (place &- 8)) ^ word(start + (other &- 8))
                    let more = min(difference.leadingZeroBitCount &>> 3, place &- literals)
                    from &-= more
                    length &+= more
                }
                written = unsafe put(start, literals, from, back, length, output, written)
                literals = from &+ length
                next = literals
                continue search
            }
            next &+= 8
        }
        return unsafe finish(start, literals, count, output, written)
    }

    /// How many of eight bytes are equal from the beginning on.
    @inline(__always)
    private static func common(_ a: UnsafeRawPointer, _ b: UnsafeRawPointer) -> Int {
        unsafe (word(a) ^ word(b)).trailingZeroBitCount &>> 3
    }

    /// Writes a sequence: the literals `first..<last`, and the match that follows them.
    @inline(__always)
    private static func put(
        _ start: UnsafeRawPointer, _ first: Int, _ last: Int, _ back: UInt32, _ length: Int,
        _ output: UnsafeMutableRawPointer, _ written: Int
    ) -> Int {
        let count = last &- first
        var place = written &+ 1
        if count >= 15 { place = unsafe rest(count &- 15, output, place) }
        // Thirty-two bytes at once, whether there are as many or not; longer runs are rare.
        let (source, target) = unsafe (start + first, output + place)
        unsafe target.copyMemory(from: source, byteCount: 32)
        if count > 32 { unsafe (target + 32).copyMemory(from: source + 32, byteCount: count &- 32) }
        place &+= count
        unsafe (output + place).storeBytes(
            of: UInt16(truncatingIfNeeded: back).littleEndian, as: UInt16.self)
        place &+= 2
        unsafe output.storeBytes(
            of: UInt8(truncatingIfNeeded: min(count, 15) << 4 | min(length &- 4, 15)), toByteOffset: written,
            as: UInt8.self)
        return length >= 19 ? unsafe rest(length &- 19, output, place) : place
    }

    /// Writes what a length is more than its four bits say.
    @inline(__always)
    private static func rest(_ length: Int, _ output: UnsafeMutableRawPointer, _ place: Int) -> Int {
        var (left, place) = (length, place)
        while left >= 255 {
            unsafe output.storeBytes(of: 255, toByteOffset: place, as: UInt8.self)
            place &+= 1
            left &-= 255
        }
        unsafe output.storeBytes(of: UInt8(truncatingIfNeeded: left), toByteOffset: place, as: UInt8.self)
        return place &+ 1
    }

    /// Writes the last sequence, which has no match.
    private static func finish(
        _ start: UnsafeRawPointer, _ first: Int, _ last: Int, _ output: UnsafeMutableRawPointer, _ written: Int
    ) -> Int {
        let count = last - first
        unsafe output.storeBytes(of: UInt8(min(count, 15) << 4), toByteOffset: written, as: UInt8.self)
        let place = count >= 15 ? unsafe rest(count - 15, output, written + 1) : written + 1
        unsafe (output + place).copyMemory(from: start + first, byteCount: count)
        return place + count
    }
}
