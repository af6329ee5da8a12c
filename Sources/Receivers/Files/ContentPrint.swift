// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// A fingerprint of up to 256 bytes of a file's content: what tells a file from another one that was given its inode.
///
/// SHA-256, because whoever writes logs must not be able to make a file look like one that was read already.
struct ContentPrint: Hashable {
    static let longest = 256

    let length: Int
    let hash: UInt64

    init(length: Int, hash: UInt64) {
        self.length = length
        self.hash = hash
    }

    init(_ bytes: [UInt8]) {
        length = bytes.count
        hash = SHA256.digest(bytes.span.bytes).prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    static let empty = ContentPrint([])
}

/// The last bytes of what was read of a file, at most as many as a print has.
struct ContentTail {
    private(set) var bytes: [UInt8] = []

    mutating func push(_ more: RawSpan) {
        let longest = ContentPrint.longest
        let new = more.part(more.byteCount - min(more.byteCount, longest), longest)
        let excess = bytes.count + new.byteCount - longest
        if excess > 0 { bytes.removeFirst(min(excess, bytes.count)) }
        new.withUnsafeBytes { bytes.append(contentsOf: $0) }
    }

    mutating func reset(to new: [UInt8] = []) { bytes = new }

    var print: ContentPrint { ContentPrint(bytes) }
}
