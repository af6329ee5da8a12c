// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

struct ByteReaderTests {
    let bytes: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21]

    @Test func readsInOrder() throws {
        var reader = ByteReader(bytes.span.bytes)
        let (a, b, c, d) = (try reader.u8(), try reader.u16(), try reader.u32(), try reader.u64())
        #expect(a == 0x01 && b == 0x0203 && c == 0x0405_0607 && d == 0x0809_0A0B_0C0D_0E0F)
        let (e, f) = (try reader.u16LittleEndian(), reader.peek(ahead: 1))
        #expect(e == 0x1110 && f == 0x13)
        let (part, offset) = (try reader.span(3).array, reader.offset)
        #expect(part == [18, 19, 20] && offset == 20)
        let (left, start, end) = (reader.remaining, try reader.skip(1), reader.isAtEnd)
        #expect(left == 1 && start == 20 && end)
    }

    @Test func readsLittleEndian() throws {
        var reader = ByteReader(bytes.span.bytes)
        let value = try reader.u32LittleEndian()
        #expect(value == 0x0403_0201)
    }

    @Test func throwsAtTheEndAndStays() {
        var reader = ByteReader(bytes.span.bytes.part(0, 3))
        var thrown: WireError?
        do throws(WireError) { _ = try reader.u32() } catch { thrown = error }
        #expect(thrown == .truncated(at: 0, needed: 4))
        do throws(WireError) { try reader.skip(-1) } catch { thrown = error }
        #expect(thrown == .truncated(at: 0, needed: -1))
        do throws(WireError) { try reader.skip(.max) } catch { thrown = error }
        #expect(thrown == .truncated(at: 0, needed: .max))
        let offset = reader.offset
        #expect(offset == 0)
    }

    @Test(arguments: [(-1, 2), (0, 22), (21, 1), (22, 0), (Int.max, Int.max), (3, -1), (Int.min, 1)])
    func refusesPartsOutside(_ start: Int, _ count: Int) {
        var thrown: WireError?
        do throws(WireError) { _ = try ByteReader(bytes.span.bytes, at: start, count: count) } catch { thrown = error }
        #expect(thrown == .truncated(at: start, needed: count))
    }

    @Test func readsParts() throws {
        var reader = try ByteReader(bytes.span.bytes, at: 19, count: 2)
        let (value, end, next) = (try reader.u16(), reader.isAtEnd, reader.peek())
        #expect(value == 0x1415 && end && next == nil)
    }

    /// Random reads agree with a plain position: each fits or throws without moving.
    @Test func randomReads() {
        var random = Random(1)
        for _ in 0..<2_000 {
            let content = random.bytes(Int.random(in: 0...24, using: &random))
            var reader = ByteReader(content.span.bytes)
            var position = 0
            for _ in 0..<20 {
                let kind = Int.random(in: 0...6, using: &random)
                let wanted = Int.random(in: -3...9, using: &random)
                let need = [1, 2, 4, 8, 4, wanted, wanted][kind]
                var isRead = true
                do throws(WireError) {
                    switch kind {
                    case 0: _ = try reader.u8()
                    case 1: _ = try reader.u16()
                    case 2: _ = try reader.u32()
                    case 3: _ = try reader.u64()
                    case 4: _ = try reader.u32LittleEndian()
                    case 5: try reader.skip(wanted)
                    default: _ = try reader.span(wanted)
                    }
                } catch { isRead = false }
                let fits = need >= 0 && position + need <= content.count
                if fits { position += need }
                let offset = reader.offset
                #expect(isRead == fits && offset == position)
            }
        }
    }
}
