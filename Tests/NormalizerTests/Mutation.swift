// SPDX-License-Identifier: Apache-2.0
import Documents
import Foundation
import Testing
import Wire

/// How long a fuzz test goes on: so many rounds, or as many seconds as `PENSTOCK_FUZZ_SECONDS_EACH` says. What a round
/// does follows from its number alone; `PENSTOCK_FUZZ_ROUND` names the first one.
struct FuzzRounds: Sequence, IteratorProtocol {
    private let last: Int
    private let end: ContinuousClock.Instant?
    private var number: Int

    init(_ count: Int) {
        let environment = ProcessInfo.processInfo.environment
        number = environment["PENSTOCK_FUZZ_ROUND"].flatMap { Int($0) } ?? 0
        last = number + count
        end = environment["PENSTOCK_FUZZ_SECONDS_EACH"].flatMap { Int($0) }.map { ContinuousClock.now + .seconds($0) }
    }

    mutating func next() -> Int? {
        guard end.map({ ContinuousClock.now < $0 }) ?? (number < last) else { return nil }
        number += 1
        return number - 1
    }

    /// The processor time that this thread has used, in seconds: a busy machine does not add to it.
    static var processorTime: Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}

/// What goes wrong with lines, and what somebody might do to them.
struct LineMutator {
    let seeds: [[UInt8]]

    /// Mutates the samples that stand in mapping files.
    init(samplesOf files: [(name: String, text: String)]) {
        var seeds: [[UInt8]] = []
        for file in files {
            for document in Element.documents(file.text, file: file.name, complaints: Complaints()) {
                for sample in document["samples"]?.items ?? [] {
                    if let input = sample["input"]?.string, !input.isEmpty { seeds.append(Array(input.utf8)) }
                }
            }
        }
        self.seeds = seeds
    }

    /// What grammars and attributes stumble over.
    private static let tokens: [[UInt8]] =
        [[0], [0xFF], [0xC3], [0xED, 0xA0, 0x80], []]
        + [
            "\"", "\\", "{", "}", "[", "]", "=", ",", " ", "'", "|", "%", ":", ";", "^", "<", ">", "&", "\r\n", "\t",
            "-",
            "99999999999999999999", "-1", "1e999", "0x7fffffffffffffff", "-9223372036854775808", "null", "true", "0",
            "NaN",
            "\"\":", #"\u0000"#, #"\ud800"#, "{\"a\":", "[[", "<a>", "</a>", "<a b='", "&#0;", "<![CDATA[", "CEF:0|",
            "LEEF:2.0|",
            "%ASA-6-302013: ", "256.1.1.1", "fe80::1%eth0", "0000:0000:0000:0000:0000:0000:192.168.100.100", "::",
            "65536",
            "2026-02-30T25:61:61Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "1969-12-31T23:59:59Z",
            "Feb 29 23:59:60", "99999999999999.9", "\u{2028}", "\u{FEFF}", "\u{1F600}", "ǆ", "a=b ", "unmapped", "zone",
            "é",
        ].map { Array($0.utf8) }

    /// A line made of a sample; one of `longOnes` gets long.
    func line(_ random: inout Random, longOnes: Int = 200) -> [UInt8] {
        var bytes = seeds.randomElement(using: &random) ?? []
        for _ in 0..<([1, 1, 2, 3, 6].randomElement(using: &random) ?? 1) { mutate(&bytes, &random) }
        if Int.random(in: 0..<longOnes, using: &random) == 0 { lengthen(&bytes, &random) }
        return bytes
    }

    private func mutate(_ bytes: inout [UInt8], _ random: inout Random) {
        let at = Int.random(in: 0...bytes.count, using: &random)
        func end(_ most: Int) -> Int { Swift.min(bytes.count, at + Int.random(in: 1...most, using: &random)) }
        switch Int.random(in: 0..<8, using: &random) {
        case 0: if at < bytes.count { bytes[at] = UInt8.random(in: 0...255, using: &random) }
        case 1: bytes.removeSubrange(at..<end(12))
        case 2: bytes.insert(contentsOf: bytes[at..<end(60)], at: at)
        case 3: bytes.insert(contentsOf: LineMutator.tokens.randomElement(using: &random) ?? [], at: at)
        case 4: bytes.removeSubrange(at...)
        case 5:
            let other = seeds.randomElement(using: &random) ?? []
            let start = Int.random(in: 0...other.count, using: &random)
            bytes.insert(contentsOf: other[start..<Swift.min(other.count, start + 80)], at: at)
        case 6:
            bytes.replaceSubrange(word(bytes, at), with: LineMutator.tokens.randomElement(using: &random) ?? [])
        default:
            let other = word(bytes, Int.random(in: 0...bytes.count, using: &random))
            bytes.replaceSubrange(word(bytes, at), with: Array(bytes[other]))
        }
    }

    /// The word or number around a place.
    private func word(_ bytes: [UInt8], _ place: Int) -> Range<Int> {
        func isPart(_ byte: UInt8) -> Bool {
            (0x30...0x3A).contains(byte) || byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A || byte == 0x2E || byte == 0x5F
        }
        var (low, high) = (place, place)
        while low > 0, isPart(bytes[low - 1]) { low -= 1 }
        while high < bytes.count, isPart(bytes[high]) { high += 1 }
        return low..<high
    }

    /// A piece of the line, or a token, very often.
    private func lengthen(_ bytes: inout [UInt8], _ random: inout Random) {
        let at = Int.random(in: 0...bytes.count, using: &random)
        var piece = Array(bytes[at..<Swift.min(bytes.count, at + Int.random(in: 1...40, using: &random))])
        if piece.isEmpty || Bool.random(using: &random) {
            piece = LineMutator.tokens.randomElement(using: &random) ?? [0x20]
        }
        guard !piece.isEmpty else { return }
        let length = [1_000, 8_000, 60_000].randomElement(using: &random) ?? 0
        bytes.insert(contentsOf: repeatElement(piece, count: length / piece.count).joined(), at: at)
    }
}
