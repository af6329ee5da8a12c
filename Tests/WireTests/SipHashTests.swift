// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

struct SipHashTests {
    /// The vectors of the paper (appendix A) and of the authors' reference implementation: key 00…0f, message 00, 01, ….
    @Test(arguments: [
        (0, 0x726f_db47_dd0e_0e31 as UInt64), (1, 0x74f8_39c5_93dc_67fd), (7, 0xab02_00f5_8b01_d137),
        (8, 0x93f5_f579_9a93_2462), (15, 0xa129_ca61_49be_45e5), (63, 0x958a_324c_eb06_4572),
    ])
    func vectors(_ count: Int, _ hash: UInt64) {
        let bytes = (0..<count).map { UInt8($0) }
        #expect(SipHash.hash(bytes.span.bytes) == hash)
    }

    /// What is put together from parts of any length has the hash of the whole.
    @Test func parts() {
        let bytes = (0..<400).map { UInt8(truncatingIfNeeded: $0 &* 37) }
        let whole = SipHash.hash(bytes.span.bytes)
        for step in 1..<140 {
            var hash = SipHash()
            for start in stride(from: 0, to: 400, by: step) {
                hash.add(bytes.span.bytes.extracting(start..<min(400, start + step)))
            }
            #expect(hash.finish() == whole)
        }
    }

    /// Every length differs from its neighbours, and every byte counts.
    @Test func lengths() {
        var seen: Set<UInt64> = []
        var bytes = [UInt8](repeating: 7, count: 200)
        for length in 0...200 { #expect(seen.insert(SipHash.hash(bytes.span.bytes.extracting(0..<length))).inserted) }
        for place in bytes.indices {
            bytes[place] ^= 1
            #expect(seen.insert(SipHash.hash(bytes.span.bytes)).inserted)
            bytes[place] ^= 1
        }
    }
}
