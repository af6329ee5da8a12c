// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

struct SlabTests {
    @Test func growthKeepsTheContent() {
        var slab = Slab(capacity: 1)
        var wanted: [UInt8] = []
        var extents: [(Extent, [UInt8])] = []
        var random = Random(8)
        for _ in 0..<300 {
            let part = random.bytes(Int.random(in: 0...200, using: &random))
            extents.append((slab.append(part.span.bytes), part))
            wanted += part
            #expect(slab.count == wanted.count && slab.capacity >= slab.count)
        }
        #expect(slab.bytes.array == wanted && slab.capacity > 256)
        for (extent, part) in extents { #expect(slab.bytes(extent).array == part) }
        let capacity = slab.capacity
        slab.reset()
        #expect(slab.count == 0 && slab.capacity == capacity && slab.bytes(extents[3].0).byteCount == 0)
    }

    /// A copy of the slab's own bytes survives the move that makes room for it.
    @Test func copiesOfItself() {
        var slab = Slab(capacity: 256)
        slab.append(String(repeating: "ab", count: 100))
        let copy = slab.append(copyOf: Extent(1..<200))
        #expect(slab.bytes(copy).text == String(String(repeating: "ab", count: 100).dropFirst()))
        #expect(slab.append(copyOf: Extent(offset: .max, length: .max)).isEmpty)
    }

    @Test(arguments: [0, 7, -1, 1_000_000, .max, .min] as [Int64])
    func decimals(_ value: Int64) {
        var slab = Slab()
        slab.append(decimal: value)
        #expect(slab.bytes.text == String(value))
    }

    @Test func truncation() {
        var slab = Slab()
        slab.append("abcdef")
        slab.truncate(to: 99)
        #expect(slab.count == 6)
        slab.truncate(to: 2)
        slab.append(byte: 0x7A)
        #expect(slab.bytes.text == "abz")
        slab.truncate(to: -1)
        #expect(slab.count == 0)
    }

    @Test func writersGetTheirRoom() throws {
        struct Stop: Error {}
        var slab = Slab(capacity: 256)
        slab.append("abc")
        let extent = slab.append(upTo: 4_000) { room in
            for index in 0..<4_000 { room[index] = UInt8(truncatingIfNeeded: index) }
            return 3_000
        }
        #expect(extent == Extent(3..<3_003) && slab.bytes(extent).byte(at: 2_999) == UInt8(2_999 % 256))
        var isThrown = false
        do { _ = try slab.append(upTo: 10) { (_) throws(Stop) in throw Stop() } } catch { isThrown = true }
        #expect(isThrown && slab.count == 3_003)
    }
}
