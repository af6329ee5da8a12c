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

    /// A table of distinct hashes.
    init(_ items: [(digest: FileDigest, value: Int32)]) {
        guard !items.isEmpty else { return }
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
        guard !places.isEmpty, let digest = FileDigest(text) else { return DigestTable.none }
        var place = Int(truncatingIfNeeded: digest.place >> 20) & mask
        while places[place] != 0 {
            let item = known[Int(places[place]) - 1]
            if item.digest == digest { return item.value }
            place = (place + 1) & mask
        }
        return DigestTable.none
    }
}
