// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// A hash value of a file: MD5 (RFC 1321), SHA-1 or SHA-256 (FIPS 180-4), told apart by their length.
struct FileDigest: Hashable, Sendable {
    /// 16, 20 or 32.
    let count: UInt8
    private let first, second, third, fourth: UInt64

    /// The hash written as 32, 40 or 64 hexadecimal digits in either case, or nil.
    init?(_ text: RawSpan) {
        let digits = text.byteCount
        guard digits == 32 || digits == 40 || digits == 64 else { return nil }
        var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        var word: UInt64 = 0
        for index in 0..<digits {
            guard let byte = text.byte(at: index) else { return nil }
            let digit: UInt8
            switch byte {
            case 0x30...0x39: digit = byte - 0x30
            case 0x41...0x46, 0x61...0x66: digit = (byte | 0x20) - 0x57
            default: return nil
            }
            word = word << 4 | UInt64(digit)
            if index & 15 == 15 || index == digits - 1 {
                switch index >> 4 {
                case 0: words.0 = word
                case 1: words.1 = word
                case 2: words.2 = word
                default: words.3 = word
                }
                word = 0
            }
        }
        count = UInt8(digits / 2)
        (first, second, third, fourth) = words
    }

    /// Its first eight digits.
    var beginning: String {
        let digits = String(first >> 32, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }

    /// A hash value is its own hash: its bits are as good as random, unless someone chose them, and lists are short.
    @inline(__always)
    var place: UInt64 { (first ^ third &+ UInt64(count)) &* 0x9E37_79B9_7F4A_7C15 ^ second ^ fourth }
}

/// Numbers by file hash.
struct DigestTable: Sendable {
    /// The hash is not known.
    static let none: Int32 = -1

    /// A power of two of places: numbers counted from 1; 0 is free.
    private var places: [UInt32] = []
    private var mask = 0
    private var known: [(digest: FileDigest, value: Int32)] = []
    /// One bit by the first eight digits: other hashes need not be read. A power of two of words.
    private var beginnings: [UInt64] = []

    /// A table of distinct hashes.
    init(_ items: [(digest: FileDigest, value: Int32)]) {
        guard !items.isEmpty else { return }
        var words = 16
        while words * 4 < items.count { words <<= 1 }
        beginnings = Array(repeating: 0, count: words)
        for item in items {
            let text = Array(item.digest.beginning.utf8)
            let bit = DigestTable.bit(text.span.bytes)
            beginnings[Int(truncatingIfNeeded: bit >> 6) & (words - 1)] |= 1 << (bit & 63)
        }
        var size = 16
        while size < items.count * 2 { size <<= 1 }
        places = Array(repeating: 0, count: size)
        mask = size - 1
        known = items
        for (number, item) in items.enumerated() {
            var place = Int(truncatingIfNeeded: item.digest.place >> 20) & mask
            while places[place] != 0 { place = (place + 1) & mask }
            places[place] = UInt32(number + 1)
        }
    }

    /// The value of the hash written in `text`, or ``none``.
    func value(_ text: RawSpan) -> Int32 {
        guard text.byteCount >= 32, !places.isEmpty, case let bit = DigestTable.bit(text),
            beginnings[Int(truncatingIfNeeded: bit >> 6) & (beginnings.count - 1)] & 1 << (bit & 63) != 0,
            let digest = FileDigest(text)
        else { return DigestTable.none }
        var place = Int(truncatingIfNeeded: digest.place >> 20) & mask
        while places[place] != 0 {
            let item = known[Int(places[place]) - 1]
            if item.digest == digest { return item.value }
            place = (place + 1) & mask
        }
        return DigestTable.none
    }

    /// The bit of a text of eight bytes or more: both cases of a letter are one.
    @inline(__always)
    private static func bit(_ text: RawSpan) -> UInt64 {
        let first = text.withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) }
        let mixed = (first | 0x2020_2020_2020_2020) &* 0x9E37_79B9_7F4A_7C15
        return (mixed ^ mixed >> 32) &* 0xD6E8_FEB8_6659_FD93 >> 16
    }
}
