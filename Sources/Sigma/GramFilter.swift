// SPDX-License-Identifier: Apache-2.0

/// One bit per hashed run of four bytes: says of most places of a text that none of the runs stands there.
struct GramFilter: Sendable {
    private var bits: [UInt64]
    private let shift: UInt32

    /// For `count` runs, at `room` bits each.
    init(count: Int, room: Int) {
        var logarithm: UInt32 = 10
        while 1 << Int(logarithm) < count * room, logarithm < 24 { logarithm += 1 }
        bits = [UInt64](repeating: 0, count: 1 << Int(logarithm - 6))
        shift = 32 - logarithm
    }

    /// A hash of which the low bits are good.
    @inline(__always)
    static func hash(_ gram: UInt32) -> UInt32 {
        let product = gram &* 0x9E37_79B1
        return product ^ product >> 15
    }

    @inline(__always)
    private static func bit(_ gram: UInt32, _ shift: UInt32) -> UInt32 { (gram &* 0x9E37_79B1) &>> shift }

    mutating func insert(_ gram: UInt32) {
        let bit = GramFilter.bit(gram, shift)
        bits[Int(bit >> 6)] |= 1 << UInt64(bit & 63)
    }

    /// Calls `body` with each run that may be known and its place, at every `step` bytes; the bits of `cases` are set in it.
    @inline(__always)
    func forEach(
        in bytes: UnsafeRawBufferPointer, step: Int, cases: UInt32, _ body: (_ gram: UInt32, _ place: Int) -> Void
    ) {
        guard bytes.count >= 4, let base = bytes.baseAddress else { return }
        let end = bytes.count &- 3
        bits.withUnsafeBufferPointer { bits in
            guard let bits = bits.baseAddress else { return }
            var place = GramFilter.first(base, 0, end, step, cases, bits, shift)
            while place < end {
                body(base.loadUnaligned(fromByteOffset: place, as: UInt32.self) | cases, place)
                place = GramFilter.first(base, place &+ step, end, step, cases, bits, shift)
            }
        }
    }

    /// The first place from `start` on at which a run may stand. Apart from what is done there: the loop then keeps all
    /// that it needs in registers.
    @inline(never)
    private static func first(
        _ base: UnsafeRawPointer, _ start: Int, _ end: Int, _ step: Int, _ cases: UInt32, _ bits: UnsafePointer<UInt64>,
        _ shift: UInt32
    ) -> Int {
        var place = start
        while place < end {
            let bit = bit(base.loadUnaligned(fromByteOffset: place, as: UInt32.self) | cases, shift)
            if bits[Int(bit &>> 6)] &>> UInt64(bit & 63) & 1 != 0 { return place }
            place &+= step
        }
        return place
    }
}
