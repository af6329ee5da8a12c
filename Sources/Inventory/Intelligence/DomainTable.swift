// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Numbers by domain name, found by the longest run of labels at a name's end (RFC 1034 section 3.1), in either case.
///
/// The hash is taken from the last byte to the first, so one pass over a name asks for all its suffixes.
struct DomainTable: Sendable {
    /// No suffix is known.
    static let none: Int32 = -1
    /// The longest name in text (RFC 1035 section 2.3.4: 255 octets with the length octets).
    static let nameLimit = 253

    /// A power of two of places: the upper half of a hash, and a number counted from 1; 0 is free.
    private var places: [UInt64] = []
    private var mask = 0
    /// The ends of known names: most names of events have none of them, and are done with one look.
    private var tails = TailFilter()
    /// One bit by hash of the last two labels of a known name: most other names of events end in none of them.
    /// A power of two of words.
    private var stems: [UInt64] = []
    /// Where each name stands in ``names``, and its value.
    private var known: [(extent: Extent, value: Int32)] = []
    /// The names in lower case.
    private var names: [UInt8] = []

    /// A table of names, which must be in lower case and distinct.
    init(_ items: [(name: [UInt8], value: Int32)]) {
        guard !items.isEmpty else { return }
        var size = 16
        while size < items.count * 2 { size <<= 1 }
        places = Array(repeating: 0, count: size)
        mask = size - 1
        stems = Array(repeating: 0, count: size >> 2)
        tails = TailFilter(items.map(\.name))
        names.reserveCapacity(items.reduce(0) { $0 + $1.name.count })
        for (number, item) in items.enumerated() {
            let extent = Extent(names.count..<names.count + item.name.count)
            names.append(contentsOf: item.name)
            known.append((extent, item.value))
            var running = DomainTable.seed
            var labels = 0
            for byte in item.name.reversed() {
                if byte == 0x2E {
                    labels += 1
                    if labels == 2 { break }
                }
                running = DomainTable.step(running, byte)
            }
            let stem = DomainTable.mixed(running)
            stems[Int(truncatingIfNeeded: stem >> 6) & (stems.count - 1)] |= 1 << (stem & 63)
            let hash = DomainTable.mixed(item.name.reversed().reduce(DomainTable.seed, DomainTable.step))
            var place = Int(truncatingIfNeeded: hash) & mask
            while places[place] != 0 { place = (place + 1) & mask }
            places[place] = hash & 0xFFFF_FFFF_0000_0000 | UInt64(number + 1)
        }
    }

    private static let seed: UInt64 = 0xCBF2_9CE4_8422_2325

    @inline(__always)
    private static func step(_ hash: UInt64, _ byte: UInt8) -> UInt64 {
        // Both cases of a letter give one hash; that `_` and DEL do too costs a comparison at most.
        (hash ^ UInt64(byte | 0x20)) &* 0x0000_0100_0000_01B3
    }

    @inline(__always)
    private static func mixed(_ hash: UInt64) -> UInt64 {
        let mixed = (hash ^ hash >> 29) &* 0xBF58_476D_1CE4_E5B9
        return mixed ^ mixed >> 32
    }

    /// The value of the longest suffix of `name` that is known, or ``none``. A dot at the end is the root's.
    @inline(__always)
    func value(_ name: RawSpan) -> Int32 {
        guard tails.mayEnd(name), !places.isEmpty, name.byteCount <= DomainTable.nameLimit + 1 else {
            return DomainTable.none
        }
        return search(name)
    }

    @inline(never)
    private func search(_ name: RawSpan) -> Int32 {
        places.withUnsafeBufferPointer { places in value(name, places) }
    }

    private func value(_ name: RawSpan, _ places: UnsafeBufferPointer<UInt64>) -> Int32 {
        name.withUnsafeBytes { bytes in
            var end = bytes.count
            if bytes[end - 1] == 0x2E { end -= 1 }
            var found = DomainTable.none
            var hash = DomainTable.seed
            var position = end
            // The last two labels, or all there is.
            var dots = 0
            while position > 0 {
                let byte = bytes[position - 1]
                if byte == 0x2E {
                    dots += 1
                    if dots == 2 { break }
                }
                hash = DomainTable.step(hash, byte)
                position -= 1
            }
            let stem = DomainTable.mixed(hash)
            guard stems[Int(truncatingIfNeeded: stem >> 6) & (stems.count - 1)] & 1 << (stem & 63) != 0 else {
                return DomainTable.none
            }
            while position > 0 {
                position -= 1
                let byte = bytes[position]
                if byte == 0x2E, position + 1 < end {
                    let value = look(hash, places, bytes, position + 1, end)
                    if value != DomainTable.none { found = value }
                }
                hash = DomainTable.step(hash, byte)
            }
            let value = look(hash, places, bytes, 0, end)
            return value != DomainTable.none ? value : found
        }
    }

    @inline(__always)
    private func look(
        _ hash: UInt64, _ places: UnsafeBufferPointer<UInt64>, _ bytes: UnsafeRawBufferPointer, _ start: Int, _ end: Int
    ) -> Int32 {
        let hash = DomainTable.mixed(hash)
        var place = Int(truncatingIfNeeded: hash) & mask
        while places[place] != 0 {
            if places[place] & 0xFFFF_FFFF_0000_0000 == hash & 0xFFFF_FFFF_0000_0000 {
                let item = known[Int(places[place] & 0xFFFF_FFFF) - 1]
                if equals(item.extent, bytes, start, end) { return item.value }
            }
            place = (place + 1) & mask
        }
        return DomainTable.none
    }

    private func equals(_ extent: Extent, _ bytes: UnsafeRawBufferPointer, _ start: Int, _ end: Int) -> Bool {
        guard Int(extent.length) == end - start else { return false }
        for index in 0..<end - start {
            let byte = bytes[start + index]
            guard names[Int(extent.offset) + index] == (byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte) else {
                return false
            }
        }
        return true
    }
}

/// The last bytes of names in bits, without regard to case: a name that ends in none of them has no known name at its end.
struct TailFilter: Sendable {
    /// One bit by hash of the last eight bytes, or of the last four of names that are shorter than that. A power of two of
    /// words.
    private var bits: [UInt64] = []
    /// Whether there are names of four to seven bytes, and shorter ones.
    private var hasShort = false
    private var hasTiny = false

    init() {}

    init(_ names: [[UInt8]]) {
        var words = 16
        while words * 4 < names.count { words <<= 1 }
        bits = Array(repeating: 0, count: words)
        for name in names {
            let text = name.span.bytes
            guard name.count >= 4 else {
                hasTiny = true
                continue
            }
            hasShort = hasShort || name.count < 8
            let hash = TailFilter.hash(
                name.count >= 8 ? TailFilter.long(text, name.count) : TailFilter.short(text, name.count))
            bits[Int(truncatingIfNeeded: hash >> 6) & (words - 1)] |= 1 << (hash & 63)
        }
    }

    /// Whether a name may end in a known one; a dot at its end is the root's.
    @inline(__always)
    func mayEnd(_ name: RawSpan) -> Bool {
        var count = name.byteCount
        if count == 0 || bits.isEmpty { return false }
        if name.byte(at: count &- 1) == 0x2E { count &-= 1 }
        if hasTiny { return true }
        if count >= 8, has(TailFilter.long(name, count)) { return true }
        return hasShort && count >= 4 && has(TailFilter.short(name, count))
    }

    @inline(__always)
    private func has(_ tail: UInt64) -> Bool {
        let hash = TailFilter.hash(tail)
        return bits.withUnsafeBufferPointer { $0[Int(truncatingIfNeeded: hash &>> 6) & ($0.count &- 1)] }
            & 1 &<< (hash & 63) != 0
    }

    @inline(__always)
    private static func hash(_ tail: UInt64) -> UInt64 {
        // Both cases of a letter are one, as other bytes that differ by this bit only.
        let mixed = (tail | 0x2020_2020_2020_2020) &* 0x9E37_79B9_7F4A_7C15
        return (mixed ^ mixed &>> 32) &* 0xD6E8_FEB8_6659_FD93 &>> 16
    }

    /// The last eight bytes of a text of `count` bytes.
    @inline(__always)
    private static func long(_ text: RawSpan, _ count: Int) -> UInt64 {
        text.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self) }
    }

    @inline(__always)
    private static func short(_ text: RawSpan, _ count: Int) -> UInt64 {
        text.withUnsafeBytes { UInt64($0.loadUnaligned(fromByteOffset: count &- 4, as: UInt32.self)) }
    }
}
