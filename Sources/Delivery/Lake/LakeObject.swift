// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// A finished object on its way to the store: a Parquet file, or the JSON of an incident.
public final class LakeObject: Sendable {
    /// Where it goes.
    public let key: String
    /// What to do when the key is taken.
    public let mode: PutMode
    /// The number of events in it.
    public let rows: Int
    /// The lowest frame of each log of the journal that its events were made of.
    let starts: [Int: UInt64]
    private let content: Slab

    init(key: String, mode: PutMode, rows: Int, starts: [Int: UInt64] = [:], content: consuming Slab) {
        self.key = key
        self.starts = starts
        self.mode = mode
        self.rows = rows
        self.content = content
    }

    /// An object of `bytes`.
    public convenience init(key: String, mode: PutMode, rows: Int = 0, bytes: [UInt8]) {
        var slab = Slab(capacity: bytes.count)
        slab.append(bytes.span.bytes)
        self.init(key: key, mode: mode, rows: rows, content: slab)
    }

    /// The size of the content in bytes.
    public var byteCount: Int { content.count }

    /// Stores it.
    public func put(into store: any ObjectStore) throws(StoreError) { try LakeObject.put(content, key, mode, store) }

    private static func put(
        _ content: borrowing Slab, _ key: String, _ mode: PutMode, _ store: any ObjectStore
    ) throws(StoreError) {
        try store.put(key, content.bytes, mode: mode)
    }
}
