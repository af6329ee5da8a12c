// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

struct SHA256Tests {
    /// FIPS 180-4's examples (NIST "SHA256.pdf" and the long messages of the SHA test vectors).
    @Test(arguments: [
        ("", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
        (
            "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
            1, "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"
        ),
        ("a", 1_000_000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
    ])
    func vectors(_ text: String, _ times: Int, _ digest: String) {
        let bytes = Array(String(repeating: text, count: times).utf8)
        #expect(SHA256.hex(bytes.span.bytes) == digest)
        #expect(SHA256.digest(bytes.span.bytes).count == 32)
        var portable = SHA256.Digest(portable: true)
        portable.add(bytes.span.bytes)
        portable.finish()
        #expect(portable.hex == digest)
    }

    /// What is put together from parts of any length has the digest of the whole.
    @Test(arguments: [false, true]) func parts(isPortable: Bool) {
        let bytes = (0..<400).map { UInt8(truncatingIfNeeded: $0 &* 37) }
        for step in 1..<140 {
            var digest = SHA256.Digest(portable: isPortable)
            for start in stride(from: 0, to: 400, by: step) {
                if start % 3 == 0 {
                    for byte in bytes[start..<min(400, start + step)] { digest.add(byte: byte) }
                } else {
                    digest.add(bytes.span.bytes.extracting(start..<min(400, start + step)))
                }
            }
            digest.finish()
            #expect(digest.bytes == SHA256.digest(bytes.span.bytes))
            #expect(digest.hex == SHA256.hex(bytes.span.bytes))
            #expect(digest.prefix == digest.bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) })
        }
    }

    /// Every length around the block size differs from its neighbours and is the same from any offset.
    @Test func lengths() {
        var seen: Set<String> = []
        let bytes = [UInt8](repeating: 7, count: 300)
        for length in 0...200 {
            let digest = SHA256.hex(bytes.span.bytes.extracting(0..<length))
            #expect(digest == SHA256.hex(bytes.span.bytes.extracting(300 - length..<300)))
            #expect(seen.insert(digest).inserted)
        }
    }
}
