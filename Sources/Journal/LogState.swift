// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// A file of a log, as the process knows it.
struct Segment: Sendable {
    var path: String
    /// The number that its name says.
    var first: UInt64
    /// The number after its last frame.
    var end: UInt64
    /// How many of its bytes count.
    var bytes: Int
    /// The chain value that it begins with.
    var chain: ChainValue
    /// When it was last written to, in seconds since the epoch.
    var changed: Int

    static let suffix = ".seg"

    /// The name of the segment that begins with `first`.
    static func name(_ first: UInt64) -> String {
        let digits = String(first)
        return String(repeating: "0", count: 20 - digits.count) + digits + suffix
    }

    /// The first number that a file name says, or nil when it is not the name of a segment.
    static func first(_ name: String) -> UInt64? {
        guard name.utf8.count == 20 + suffix.utf8.count, name.hasSuffix(suffix) else { return nil }
        let digits = Array(name.utf8.prefix(20))
        return unsafe digits.span.bytes.decimal
    }
}

/// What the writer of a log publishes to its readers and to the committer.
struct LogState: Sendable {
    /// The segments in their order; the last one is being written when `current` is there.
    var segments: [Segment] = []
    var current: SegmentFile?
    /// Closed segments that wait for their fdatasync.
    var unsynced: [SegmentFile] = []
    /// Whether a segment was made whose name is not durable yet.
    var folderChanged = false
    /// The number after the last frame, and the chain value there.
    var end: UInt64
    var chain: ChainValue
    /// Bytes appended since the log was opened.
    var written: UInt64 = 0
    /// Up to where everything is on disk.
    var durable: Anchor.Place
    /// Whether the anchor's file says something else.
    var anchorChanged = false

    var first: UInt64 { segments.first?.first ?? end }
    var firstChain: ChainValue { segments.first?.chain ?? chain }
    var bytes: Int { segments.reduce(0) { $0 + $1.bytes } }

    /// The segment that holds `number`, or the first one after it.
    func segment(for number: UInt64) -> Segment? {
        var low = 0
        var high = segments.count
        while low < high {
            let middle = (low + high) / 2
            if segments[middle].end <= number { low = middle + 1 } else { high = middle }
        }
        return low < segments.count ? segments[low] : nil
    }

    /// What is known by now of the segment that begins with `first`.
    func status(of first: UInt64) -> Segment? {
        // Readers follow the end: look there first.
        if let last = segments.last, last.first == first { return last }
        return segments.first { $0.first == first }
    }

    /// The end as a place for the anchor.
    var place: Anchor.Place {
        Anchor.Place(
            end: end, chain: chain, segment: segments.last?.first ?? end, offset: segments.last?.bytes ?? 0)
    }
}
