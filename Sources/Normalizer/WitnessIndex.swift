// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Wire

/// Finds which of many texts a message holds, in one pass whose cost does not depend on how many they are.
///
/// Each text is known by three of its bytes, twice: once for an even and once for an odd beginning, so that a message is
/// looked at in every second place only. A table of 65,536 bits tells nearly always that no text has the three bytes there.
/// What it lets through is compared.
struct WitnessIndex: Sendable {
    /// The most texts.
    static let limit = 1024
    /// The shortest text that can be looked for.
    static let shortest = 4

    /// Which texts a message holds: one bit by text.
    struct Found: ~Copyable {
        fileprivate let bits: UnsafeMutablePointer<UInt64>
        static let words = WitnessIndex.limit / 64

        init() {
            bits = .allocate(capacity: Found.words)
            bits.initialize(repeating: 0, count: Found.words)
        }

        deinit { bits.deallocate() }

        /// Whether text number `number` was found.
        @inline(__always)
        func has(_ number: Int32) -> Bool {
            let number = Int(number) & (WitnessIndex.limit - 1)
            return bits[number >> 6] & 1 &<< UInt64(number & 63) != 0
        }

        /// The bits of texts `64 * word` and on.
        func bits(_ word: Int) -> UInt64 { word < Found.words ? bits[word] : 0 }
    }

    private struct Entry: Sendable {
        /// The hash of its three bytes, and where these stand in it.
        var hash: UInt16
        /// Whether the next entry has another hash.
        var isLast = false
        var offset: Int32
        /// The first bytes of the text, up to eight, and which of eight these are.
        var head: UInt64
        var mask: UInt64
        var text: Extent
        var number: Int32
    }

    private var bits = [UInt64](repeating: 0, count: 1024)
    /// By hash: the number of its first entry plus one; 0 where ``bits`` has none. What a message is looked up in are the
    /// bits, which stay in the nearest cache.
    private var firsts = [UInt16](repeating: 0, count: 65_536)
    /// In the order of their hashes.
    private var entries: [Entry] = []
    private var pool: [UInt8] = []
    private(set) var count = 0

    /// Adds a text of at least ``shortest`` bytes; texts are numbered in the order in which they are added.
    mutating func add(_ text: [UInt8]) {
        precondition(text.count >= WitnessIndex.shortest && count < WitnessIndex.limit, "no text to look for")
        pool += text
        for parity in 0...1 {
            let offsets = stride(from: parity, through: text.count - 3, by: 2)
            let offset = offsets.max {
                WitnessIndex.rarity(text[$0..<$0 + 3]) < WitnessIndex.rarity(text[$1..<$1 + 3])
            }
            let place = offset ?? parity
            let gram = (0..<3).reduce(UInt64(0)) { $0 | UInt64(text[place + $1]) << UInt64(8 * $1) }
            let head = text.prefix(8).enumerated().reduce(UInt64(0)) {
                $0 | UInt64($1.element) << UInt64(8 * $1.offset)
            }
            let entry = Entry(
                hash: WitnessIndex.hash(gram), offset: Int32(place), head: head,
                mask: text.count >= 8 ? .max : 1 << UInt64(8 * text.count) - 1,
                text: Extent(pool.count - text.count..<pool.count), number: Int32(count))
            entries.insert(entry, at: entries.firstIndex { $0.hash > entry.hash } ?? entries.count)
            bits[Int(entry.hash >> 6)] |= 1 << UInt64(entry.hash & 63)
        }
        count += 1
    }

    /// Makes the index ready to be asked, after the last text.
    mutating func seal() {
        // At most two for each of 1024 texts.
        for (place, entry) in entries.enumerated().reversed() {
            entries[place].isLast = place + 1 == entries.count || entries[place + 1].hash != entry.hash
            firsts[Int(entry.hash)] = UInt16(place + 1)
        }
    }

    /// How rare a text is in logs, roughly: the sum over three or four of its bytes.
    static func rarity(_ text: [UInt8]) -> Int {
        guard text.count > 4 else { return rarity(text[...]) }
        return (0...text.count - 4).map { rarity(text[$0..<$0 + 4]) }.max() ?? 0
    }

    private static func rarity(_ text: ArraySlice<UInt8>) -> Int { text.reduce(0) { $0 + rarity($1) } }

    static func rarity(_ byte: UInt8) -> Int {
        switch byte {
        // The letters of `etainosr` are half of all.
        case 0x65, 0x74, 0x61, 0x69, 0x6E, 0x6F, 0x73, 0x72, 0x30...0x39, 0x20, 0x22, 0x2E, 0x2C, 0x3A: 1
        case 0x64, 0x6C, 0x63, 0x75, 0x6D, 0x70, 0x2D, 0x2F, 0x3D: 2
        case 0x6B, 0x78, 0x6A, 0x71, 0x7A: 5
        case 0x61...0x7A, 0x28, 0x29, 0x5B, 0x5D, 0x5F, 0x7C: 3
        case 0x41...0x5A: 4
        default: 6
        }
    }

    /// The hash of the three lowest bytes, of which the first two and the third are multiplied by these.
    @inline(__always)
    private static func hash(_ gram: UInt64) -> UInt16 {
        UInt16(truncatingIfNeeded: gram) &* factors.0 &+ UInt16(truncatingIfNeeded: gram &>> 16 & 0xFF) &* factors.1
    }

    @inline(__always)
    private static var factors: (UInt16, UInt16) { (0x9E37, 0x79B1) }

    /// Notes which of the texts `message` holds.
    func find(in message: RawSpan, _ found: inout Found) {
        for word in 0..<Found.words { found.bits[word] = 0 }
        guard count > 0, message.byteCount >= WitnessIndex.shortest else { return }
        let bits = found.bits
        message.withUnsafeBytes { bytes in
            self.bits.withUnsafeBufferPointer { table in
                firsts.withUnsafeBufferPointer { firsts in
                    entries.withUnsafeBufferPointer { entries in
                        pool.withUnsafeBytes { pool in
                            guard let message = bytes.baseAddress, let table = table.baseAddress,
                                let firsts = firsts.baseAddress, let entries = entries.baseAddress,
                                let pool = pool.baseAddress
                            else { return }
                            Pass(
                                message: message, count: bytes.count, table: table, firsts: firsts, entries: entries,
                                pool: pool, found: bits
                            ).run()
                        }
                    }
                }
            }
        }
    }

    /// The pass over one message.
    private struct Pass {
        let message: UnsafeRawPointer
        let count: Int
        let table: UnsafePointer<UInt64>
        let firsts: UnsafePointer<UInt16>
        let entries: UnsafePointer<Entry>
        let pool: UnsafeRawPointer
        let found: UnsafeMutablePointer<UInt64>

        @inline(__always)
        func run() {
            var place = 0
            // Eight places at once. Of each the first two bytes are one lane, and the third is the low byte of the next.
            while place &+ 18 <= count {
                let pairs = (message + place).loadUnaligned(as: SIMD8<UInt16>.self)
                let thirds = (message + (place &+ 2)).loadUnaligned(as: SIMD8<UInt16>.self)
                let hashes =
                    SIMD8(repeating: WitnessIndex.factors.0) &* pairs
                    &+ SIMD8(repeating: WitnessIndex.factors.1) &* (thirds & SIMD8(repeating: 0xFF))
                if isSet(hashes[0]) { note(place, hashes[0]) }
                if isSet(hashes[1]) { note(place &+ 2, hashes[1]) }
                if isSet(hashes[2]) { note(place &+ 4, hashes[2]) }
                if isSet(hashes[3]) { note(place &+ 6, hashes[3]) }
                if isSet(hashes[4]) { note(place &+ 8, hashes[4]) }
                if isSet(hashes[5]) { note(place &+ 10, hashes[5]) }
                if isSet(hashes[6]) { note(place &+ 12, hashes[6]) }
                if isSet(hashes[7]) { note(place &+ 14, hashes[7]) }
                place &+= 16
            }
            while place &+ 3 <= count {
                func byte(_ offset: Int) -> UInt64 {
                    UInt64((message + (place &+ offset)).loadUnaligned(as: UInt8.self))
                }
                let hash = WitnessIndex.hash(byte(0) | byte(1) << 8 | byte(2) << 16)
                if isSet(hash) { note(place, hash) }
                place &+= 2
            }
        }

        /// A hash of 16 bits has its bit among the 1024 words.
        @inline(__always)
        private func isSet(_ hash: UInt16) -> Bool { table[Int(hash &>> 6)] & 1 &<< UInt64(hash & 63) != 0 }

        /// Compares the texts with one hash, of those that were not found before.
        @inline(never)
        private func note(_ place: Int, _ hash: UInt16) {
            // A run of entries ends inside, and the text of an entry lies inside the pool.
            let first = Int(firsts[Int(hash)])
            guard first > 0 else { return }
            var entry = entries + (first &- 1)
            while true {
                let number = Int(entry.pointee.number)
                let bit: UInt64 = 1 &<< UInt64(number & 63)
                if found[number &>> 6] & bit == 0 {
                    let begin = place &- Int(entry.pointee.offset)
                    if begin >= 0, begin &+ 8 <= count {
                        let head = UInt64(littleEndian: (message + begin).loadUnaligned(as: UInt64.self))
                        if (head ^ entry.pointee.head) & entry.pointee.mask == 0,
                            entry.pointee.text.length <= 8 || isSame(begin, entry.pointee)
                        {
                            found[number &>> 6] |= bit
                        }
                    } else if isSame(begin, entry.pointee) {
                        found[number &>> 6] |= bit
                    }
                }
                if entry.pointee.isLast { return }
                entry += 1
            }
        }

        /// Compares a whole text.
        @inline(never)
        private func isSame(_ begin: Int, _ entry: Entry) -> Bool {
            guard begin >= 0, begin &+ Int(entry.text.length) <= count else { return false }
            return memcmp(message + begin, pool + Int(entry.text.offset), Int(entry.text.length)) == 0
        }
    }
}
