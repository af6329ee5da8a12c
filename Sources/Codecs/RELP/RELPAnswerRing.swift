// SPDX-License-Identifier: Apache-2.0

/// The frames that are not answered, oldest first: which answer each gets, and the bytes of its message.
///
/// Their transaction numbers follow each other, so only the newest is kept. The ring doubles as the sender's window
/// asks for it: ten thousand quiet connections cost little.
struct RELPAnswerRing: Sendable {
    /// The answer in the lowest 4 bits, the bytes above; as many as a power of two.
    private var entries: [UInt32] = []
    private var head = 0
    private(set) var count = 0

    /// The oldest frame, or nil.
    var first: (answer: RELPAnswer, bytes: UInt32)? {
        guard count > 0 else { return nil }
        return (RELPAnswer(rawValue: entries[head] & 15) ?? .unknown, entries[head] >> 4)
    }

    mutating func append(_ answer: RELPAnswer, bytes: UInt32) {
        if count == entries.count { grow() }
        entries[(head + count) & (entries.count - 1)] = answer.rawValue | bytes << 4
        count += 1
    }

    mutating func removeFirst() {
        guard count > 0 else { return }
        head = (head + 1) & (entries.count - 1)
        count -= 1
    }

    private mutating func grow() {
        var larger = [UInt32](repeating: 0, count: max(entries.count * 2, 16))
        for offset in 0..<count { larger[offset] = entries[(head + offset) & (entries.count - 1)] }
        entries = larger
        head = 0
    }
}
