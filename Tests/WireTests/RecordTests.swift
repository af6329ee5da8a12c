// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

struct RecordTests {
    enum Value: Equatable {
        case number(Int64)
        case bytes([UInt8])
        case flag(Bool)
    }

    static func write(_ pairs: [(UInt16, Value)], into slab: consuming Slab = Slab()) -> (slab: [UInt8], extent: Extent)
    {
        var writer = RecordWriter(slab)
        writer.begin()
        for (field, value) in pairs {
            switch value {
            case .number(let number): writer.put(field, number)
            case .bytes(let bytes): writer.put(field, bytes.span.bytes)
            case .flag(let flag): writer.put(field, flag)
            }
        }
        let extent = writer.finish()
        let slab = writer.take()
        return (slab.bytes.array, extent)
    }

    static func read(_ bytes: [UInt8]) throws -> [(UInt16, Value)] {
        var reader = RecordReader(bytes.span.bytes)
        var pairs: [(UInt16, Value)] = []
        while let (field, value) = try reader.next() {
            switch value {
            case .number(let number): pairs.append((field, .number(number)))
            case .bytes(let extent): pairs.append((field, .bytes(bytes.span.bytes.part(extent).array)))
            case .flag(let flag): pairs.append((field, .flag(flag)))
            }
        }
        return pairs
    }

    static func random(_ random: inout Random) -> [(UInt16, Value)] {
        (0..<Int.random(in: 0...12, using: &random)).map { _ in
            let field = UInt16.random(in: 0 ... .max, using: &random)
            switch Int.random(in: 0...2, using: &random) {
            case 0: return (field, .number(Int64.random(in: .min ... .max, using: &random)))
            case 1: return (field, .bytes(random.bytes(Int.random(in: 0...40, using: &random))))
            default: return (field, .flag(Bool.random(using: &random)))
            }
        }
    }

    @Test func layout() throws {
        let (bytes, extent) = RecordTests.write([(0x0102, .number(-2)), (3, .bytes([0x41])), (4, .flag(true))])
        let number: [UInt8] = [2, 1, 1, 0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]
        #expect(bytes == number + [3, 0, 2, 1, 0, 0, 0, 0x41] + [4, 0, 3, 1, 0, 0, 0, 0, 0, 0, 0])
        #expect(extent == Extent(0..<30))
    }

    @Test func roundTrip() throws {
        var random = Random(6)
        for _ in 0..<500 {
            let pairs = RecordTests.random(&random)
            var slab = Slab()
            slab.append("before")
            let (bytes, extent) = RecordTests.write(pairs, into: slab)
            #expect(extent.offset == 6)
            let read = try RecordTests.read(Array(bytes[extent.range]))
            #expect(read.elementsEqual(pairs) { $0.0 == $1.0 && $0.1 == $1.1 })
        }
    }

    /// Every proper prefix that does not end between pairs throws; mutations never trap.
    @Test func fuzz() throws {
        let pairs: [(UInt16, Value)] = [(1, .number(7)), (2, .bytes(Array("text".utf8))), (3, .flag(false))]
        let bytes = RecordTests.write(pairs).slab
        for length in 0..<bytes.count {
            let read = try? RecordTests.read(Array(bytes[..<length]))
            #expect(read.map(\.count) == [0: 0, 11: 1, 22: 2][length])
        }
        var random = Random(7)
        for _ in 0..<5_000 {
            var mutated = RecordTests.write(RecordTests.random(&random)).slab
            for _ in 0..<3 where !mutated.isEmpty {
                mutated[Int.random(in: 0..<mutated.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            let read = (try? RecordTests.read(mutated)) ?? []
            #expect(read.count <= mutated.count / 7)
        }
    }

    @Test func unknownKind() {
        var thrown: WireError?
        let bytes: [UInt8] = [1, 0, 9, 0]
        var reader = RecordReader(bytes.span.bytes)
        do throws(WireError) { _ = try reader.next() } catch { thrown = error }
        #expect(thrown == .malformed(at: 2))
    }
}
