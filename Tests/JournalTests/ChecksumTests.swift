// SPDX-License-Identifier: Apache-2.0
import Events
import Foundation
import Journal
import Testing
import Wire

/// What is on disk, recomputed by code that shares nothing with the journal's: CRC-32C a byte at a time where the journal
/// uses the processor's instruction, and the SHA-256 of FIPS 180-4 in Swift where it uses libcrypto.
@Suite("Journal: checksums and chain on disk")
struct ChecksumTests {
    private func number(_ bytes: [UInt8], _ offset: Int, _ count: Int = 4) -> Int {
        (0..<count).reduce(0) { $0 | Int(bytes[offset + $1]) << ($1 * 8) }
    }
    private func crc(_ bytes: ArraySlice<UInt8>) -> Int { Int(CRC32C.checksum(Array(bytes).span.bytes)) }

    /// What the chain covers of a block's stored bytes: the digests of two parts and the rest, once they are 1024.
    private func hashed(_ body: ArraySlice<UInt8>) -> [UInt8] {
        guard body.count >= 1024 else { return Array(body) }
        let part = body.count / 128 * 64
        let one = Array(body.prefix(part))
        let two = Array(body.dropFirst(part).prefix(part))
        return SHA256.digest(one.span.bytes) + SHA256.digest(two.span.bytes) + Array(body.dropFirst(2 * part))
    }

    @Test("every checksum and every link, over content of every length")
    func onDisk() throws {
        #expect(crc(Array("123456789".utf8)[...]) == 0xE306_9283, "the check value of CRC-32C")
        let scratch = Scratch()
        var random = Random(31)
        let journal = try open(settings(scratch.path, segment: 200_000))
        let log = try #require(journal.log(0))
        var batch = Batch(table: emptyTable)
        // Lengths around the steps of both implementations, then random batches, of which some do not compress.
        for length in Array(0..<70) + [127, 128, 129, 4095, 4096, 4097, 70_001] + Array(1010...1030)
            + Array(1140...1160) + [3071, 3072]
        {
            batch.reset()
            put(random.bytes(length), &batch)
            try log.append(&batch)
        }
        for _ in 0..<40 {
            _ = fill(&batch, 40, &random)
            try log.append(&batch)
        }
        journal.close()
        var chain = [UInt8](repeating: 0, count: 32)
        var blocks = 0
        #expect(scratch.segments().count > 2)
        for file in scratch.segments() {
            let bytes = scratch.bytes(file)
            #expect(number(bytes, 56) == crc(bytes[0..<56]))
            #expect(Array(bytes[24..<56]) == chain)
            var offset = 60
            while offset < bytes.count {
                let stored = number(bytes, offset + 4)
                let body = bytes[offset + 92..<offset + 92 + stored]
                #expect(number(bytes, offset + 88) == crc(bytes[offset..<offset + 88]))
                #expect(number(bytes, offset + 52) == crc(body))
                let link = chain + bytes[offset..<offset + 56] + hashed(body)
                chain = SHA256.digest(link.span.bytes)
                #expect(Array(bytes[offset + 56..<offset + 88]) == chain)
                offset += 92 + stored
                blocks += 1
            }
        }
        let report = try JournalVerifier.verify(directory: scratch.path)
        #expect(report.isSound && report.logs.first?.blocks == blocks)
        #expect(report.logs.first?.chain == chain.map { String(format: "%02x", $0) }.joined())
    }
}
