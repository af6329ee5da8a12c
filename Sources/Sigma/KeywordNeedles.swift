// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// The needles of keywords, which every value and the whole message are searched for, so that a byte must cost little.
///
/// Of each needle four bytes at as many neighbouring offsets are known as the stride is long: one of them stands at every
/// place that the stride leads to. Letters are compared without case, so that texts need no folding first.
struct KeywordNeedles: Sendable {
    private struct Gram: Sendable {
        /// Four bytes, lower case; no needle's when `number` is -1.
        var bytes: UInt32 = 0
        /// The number of the needle.
        var number: Int32 = -1
        /// Where in it they stand.
        var offset: Int32 = 0
    }

    private static let cases: UInt32 = 0x2020_2020
    /// The shortest needle that it takes.
    static let shortest = 4

    private let stride: Int
    private let filter: GramFilter
    private let grams: [Gram]

    /// Of `needles`, each at least ``shortest`` bytes long, in lower case.
    init(_ needles: [(bytes: RawExtent, number: Int)], in pool: [UInt8]) {
        let least = needles.map(\.bytes.count).min() ?? KeywordNeedles.shortest
        stride = max(1, min(4, least - 3))
        var capacity = 64
        while capacity < needles.count * stride * 2 { capacity *= 2 }
        var grams = [Gram](repeating: Gram(), count: capacity)
        var filter = GramFilter(count: needles.count * stride, room: 64)
        let bytes = pool.span.bytes
        for needle in needles {
            for offset in 0..<stride {
                let gram =
                    bytes.unsafeLoadUnaligned(fromByteOffset: needle.bytes.first + offset, as: UInt32.self)
                    | KeywordNeedles.cases
                filter.insert(gram)
                var place = Int(GramFilter.hash(gram)) & (capacity - 1)
                while grams[place].number >= 0 { place = (place + 1) & (capacity - 1) }
                grams[place] = Gram(bytes: gram, number: Int32(needle.number), offset: Int32(offset))
            }
        }
        self.grams = grams
        self.filter = filter
    }

    /// Where bytes stand in a pool.
    struct RawExtent {
        var first: Int
        var count: Int
    }

    /// Calls `body` with the number of each needle and each place at which it may begin, perhaps outside of the text.
    @inline(__always)
    func forEach(in bytes: UnsafeRawBufferPointer, _ body: (_ number: Int, _ start: Int) -> Void) {
        filter.forEach(in: bytes, step: stride, cases: KeywordNeedles.cases) { gram, place in
            var next = Int(GramFilter.hash(gram)) & (grams.count &- 1)
            while grams[next].number >= 0 {
                if grams[next].bytes == gram { body(Int(grams[next].number), place &- Int(grams[next].offset)) }
                next = (next &+ 1) & (grams.count &- 1)
            }
        }
    }
}
