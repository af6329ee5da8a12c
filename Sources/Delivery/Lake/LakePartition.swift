// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import Codecs
internal import Events
internal import Wire

/// One unfinished object: the events of one class, day and source since the last one was finished.
final class LakePartition {
    /// What an object's events have in common.
    struct Key: Hashable {
        var classUID: Int32
        /// Days since the epoch.
        var day: Int32
        var source: String
    }

    let key: Key
    private(set) var opened: Int64
    private(set) var rows = 0
    private(set) var bytes = 0
    private var shredder: LakeShredder
    private var writer: ParquetWriter
    private var lane = 0
    private var firstSequence: UInt64 = 0
    private var lastSequence: UInt64 = 0
    /// The lowest frame of each log of the journal that is inside.
    private(set) var starts: [Int: UInt64] = [:]
    /// Input since the size was taken last.
    private var unmeasured = 0

    init(_ key: Key, schema: LakeSchema, settings: LakeSettings, now: Int64) {
        self.key = key
        opened = now
        shredder = LakeShredder(schema)
        var options = ParquetOptions()
        options.compression = settings.compression
        options.createdBy = "penstock version \(settings.version)"
        writer = ParquetWriter(schema: schema.parquet, options: options)
        writer.metadata = [
            ("ocsf.version", schema.version), ("ocsf.class_uid", String(schema.classUID)),
            ("ocsf.class_name", schema.className), ("penstock.version", settings.version),
            ("penstock.json_columns", schema.jsonColumns.joined(separator: ",")),
        ]
    }

    var className: String { shredder.schema.className }
    /// The values that had no column of their kind.
    var misfits: Int { shredder.misfitCount }
    /// The values lost because of their size.
    var refused: Int { shredder.refusedCount }

    /// Adds event number `row`.
    ///
    /// - Parameter size: about the bytes that it has in the batch.
    func append(_ row: Int, of batch: borrowing Batch, size: Int) {
        let sequence = batch.rows[row].sequence
        if rows == 0 {
            lane = batch.lane
            firstSequence = sequence
            lastSequence = sequence
        }
        lastSequence = max(lastSequence, sequence)
        firstSequence = min(firstSequence, sequence)
        if let position = batch.position, starts[position.log].map({ sequence < $0 }) ?? true {
            starts[position.log] = sequence
        }
        shredder.append(row, of: batch, to: &writer)
        rows += 1
        unmeasured += size
        // Looking at each column costs as much as a few rows: now and then is enough.
        if unmeasured > 256 * 1024 || rows & 1023 == 0 { measure() }
    }

    private func measure() {
        unmeasured = 0
        bytes = writer.estimatedBytes
    }

    /// The bytes that it holds, with what came since it was measured.
    var estimate: Int { bytes + unmeasured }

    /// The finished object; the partition is empty then.
    func finish() throws -> LakeObject {
        var memory = ParquetMemory(capacity: estimate / 2 + 4096)
        try writer.finish(to: &memory)
        let name = LakePartition.name(lane, firstSequence, lastSequence, memory.content.bytes)
        let path = "\(className)/date=\(LakePartition.date(key.day))/source=\(key.source)/\(name).parquet"
        let count = rows
        var content = Slab(capacity: 256)
        swap(&content, &memory.content)
        (rows, bytes, unmeasured) = (0, 0, 0)
        defer { starts.removeAll() }
        return LakeObject(key: path, mode: .once, rows: count, starts: starts, content: content)
    }

    /// The name says which events are inside, and by its hash that the same content has the same name: writing an
    /// object again does no harm, and no object ever takes another's place.
    static func name(_ lane: Int, _ first: UInt64, _ last: UInt64, _ content: RawSpan) -> String {
        // libcrypto uses the processor's instructions for it; objects have megabytes.
        var digest = [UInt8](repeating: 0, count: 32)
        content.withUnsafeBytes { _ = EVP_Digest($0.baseAddress, $0.count, &digest, nil, EVP_sha256(), nil) }
        return "\(lane)-\(first)-\(last)-\(SHA256.hex(Array(digest.prefix(8))))"
    }

    /// `2026-01-02` of a number of days since the epoch.
    static func date(_ day: Int32) -> String {
        let (nanoseconds, over) = Int64(day).multipliedReportingOverflow(by: 86_400_000_000_000)
        return String(RFC3339.text(over ? 0 : nanoseconds, digits: 0).prefix(10))
    }

    /// The day of `nanoseconds` since the epoch, in UTC.
    static func day(_ nanoseconds: Int64) -> Int32 {
        let length: Int64 = 86_400_000_000_000
        return Int32(nanoseconds / length - (nanoseconds % length < 0 ? 1 : 0))
    }

    /// `text` as the value of a partition key: lower case, `[a-z0-9_-]` only.
    static func source(_ text: String) -> String {
        var made: [UInt8] = []
        for byte in text.utf8.prefix(96) {
            switch byte {
            case 0x61...0x7A, 0x30...0x39, 0x5F, 0x2D: made.append(byte)
            case 0x41...0x5A: made.append(byte | 0x20)
            default: if made.last != 0x5F { made.append(0x5F) }
            }
        }
        let text = String(decoding: made.prefix(64), as: UTF8.self)
        return text.isEmpty || text == "_" ? "unknown" : text
    }
}
