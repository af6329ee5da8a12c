// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Finds which of many texts a message holds, in one pass whose cost does not depend on how many they are.
///
/// Each text is known by four of its bytes, the rarest ones. A message is read four bytes at each place; a table of 65,536
/// bits tells nearly always that no text has them. What it lets through is compared.
struct WitnessIndex: Sendable {
    /// The most texts.
    static let limit = 1000
    /// The shortest text that can be looked for.
    static let shortest = 4

    private struct Entry: Sendable {
        /// The hash of its four bytes, and where these stand in it.
        var hash: UInt16
        var offset: Int32
        var text: Extent
        var number: Int32
    }

    private var bits = [UInt64](repeating: 0, count: 1024)
    /// In the order of their hashes.
    private var entries: [Entry] = []
    private var pool: [UInt8] = []
    private var count = 0

    /// Adds a text of at least ``shortest`` bytes; texts are numbered in the order in which they are added.
    mutating func add(_ text: [UInt8]) {
        precondition(text.count >= WitnessIndex.shortest && count < WitnessIndex.limit, "no text to look for")
        let offset = (0...text.count - 4).max {
            WitnessIndex.rarity(Array(text[$0..<$0 + 4])) < WitnessIndex.rarity(Array(text[$1..<$1 + 4]))
        }
        let place = offset ?? 0
        pool += text
        let word = (0..<4).reduce(UInt32(0)) { $0 | UInt32(text[place + $1]) << UInt32(8 * $1) }
        let entry = Entry(
            hash: WitnessIndex.hash(word), offset: Int32(place), text: Extent(pool.count - text.count..<pool.count),
            number: Int32(count))
        count += 1
        entries.insert(entry, at: entries.firstIndex { $0.hash > entry.hash } ?? entries.count)
        bits[Int(entry.hash >> 6)] |= 1 << UInt64(entry.hash & 63)
    }

    /// How rare a text is in logs, roughly: the sum over four of its bytes.
    static func rarity(_ text: [UInt8]) -> Int {
        guard text.count > 4 else { return text.map(rarity).reduce(0, +) }
        return (0...text.count - 4).map { start in text[start..<start + 4].map(rarity).reduce(0, +) }.max() ?? 0
    }

    private static func rarity(_ byte: UInt8) -> Int {
        switch byte {
        case 0x20, 0x30...0x39, 0x61...0x7A, 0x2E: 1
        case 0x3A, 0x3D, 0x2D, 0x2F, 0x22, 0x2C, 0x5B, 0x5D, 0x28, 0x29, 0x5F: 3
        case 0x41...0x5A: 8
        default: 6
        }
    }

    @inline(__always)
    private static func hash(_ word: UInt32) -> UInt16 { UInt16(truncatingIfNeeded: (word &* 0x9E37_79B1) &>> 16) }

    /// The next text that `message` holds, and where to go on. Each place is tried for all texts: the position counts
    /// four-byte places, and texts that share one.
    func next(in message: RawSpan, from start: Int) -> (number: Int, from: Int)? {
        // The place in the upper bits, the entries of one hash that were tried in the lower.
        var place = start >> 10
        var tried = start & 1023
        let last = message.byteCount - 4
        while let found = candidate(in: message, from: place, last) {
            if found.place != place { tried = 0 }
            place = found.place
            var index = first(found.hash) + tried
            while index < entries.count, entries[index].hash == found.hash {
                tried += 1
                let entry = entries[index]
                let text = pool.span.bytes.part(entry.text)
                let begin = place - Int(entry.offset)
                if begin >= 0, message.part(begin, text.byteCount).equals(text) {
                    return (Int(entry.number), place << 10 | tried)
                }
                index += 1
            }
            tried = 0
            place += 1
        }
        return nil
    }

    /// The first place from `start` on whose four bytes some text may have.
    private func candidate(in message: RawSpan, from start: Int, _ last: Int) -> (place: Int, hash: UInt16)? {
        message.withUnsafeBytes { bytes in
            bits.withUnsafeBufferPointer { bits in
                // `last` is the length less four, and a hash of 16 bits has its bit among the 1024 words.
                guard let base = bytes.baseAddress, let table = bits.baseAddress else { return nil }
                var place = start
                while place <= last {
                    let word = (base + place).loadUnaligned(as: UInt32.self)
                    let hash = WitnessIndex.hash(UInt32(littleEndian: word))
                    if table[Int(hash &>> 6)] & 1 &<< UInt64(hash & 63) != 0 { return (place, hash) }
                    place &+= 1
                }
                return nil
            }
        }
    }

    /// The first entry with a hash that is there.
    private func first(_ hash: UInt16) -> Int {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].hash < hash { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
