// SPDX-License-Identifier: Apache-2.0
internal import Codecs
public import Events
public import Instruments
public import Logging
internal import Wire

/// Collects events into one Parquet object for each class, day and source, and hands finished objects on.
///
/// It belongs to one thread and does no I/O: what it finishes goes to a function, for the service to an
/// ``ObjectUploader``. Shredding and compressing on the thread that hands batches to the outputs is processor time
/// only, while the events are in the cache; the disk, which may be slow or full, belongs to the uploader's thread.
/// The day is the event's own, in UTC: a late event goes to a further object of its old day.
public final class LakeWriter {
    /// How far the lake has come in the journal.
    public let progress = Progress(name: "lake")
    /// Who stores the objects: what waits there is not done, and when too much waits nothing more is taken.
    public var uploader: ObjectUploader?
    private let settings: LakeSettings
    private let log: Logger
    private let onObject: (LakeObject) -> Void
    private var partitions: [LakePartition.Key: LakePartition] = [:]
    private var schemas: [Int32: LakeSchema] = [:]
    private var table: FieldTable?
    private var sources: [String] = []
    private var productField: FieldID?
    private var products: [String: String] = [:]
    private var last: LakePartition?
    private var lastMapping: UInt16 = .max
    private var faults = Occasionally()
    private var nextTick: Int64 = .min

    private let rowCount: Instrument
    private let misfitCount: Instrument
    private let openCount: Instrument
    private let bufferedBytes: Instrument
    private let refused: Instrument
    private let unwritable: Instrument

    /// A writer that gives each finished object to `onObject`.
    public init(
        _ settings: LakeSettings, registry: Registry, log: Logger, onObject: @escaping (LakeObject) -> Void
    ) {
        self.settings = settings
        self.log = log
        self.onObject = onObject
        rowCount = registry.counter("penstock_lake_events_total", help: "Events put into objects of the lake.")
        misfitCount = registry.counter(
            "penstock_lake_misfits_total", help: "Values kept in the misfits column because no other column takes them."
        )
        openCount = registry.gauge("penstock_lake_open_objects", help: "Unfinished objects of the lake.")
        bufferedBytes = registry.gauge("penstock_lake_buffered_bytes", help: "About the bytes in unfinished objects.")
        refused = registry.dropped(stage: "lake", reason: "value_too_large")
        unwritable = registry.dropped(stage: "lake", reason: "encoding")
    }

    /// Adds all events of `batch` that the lake does not have yet. While the store takes nothing, a batch that the
    /// journal has is left alone, and comes again from there.
    public func append(_ batch: borrowing Batch, now: Int64? = nil) {
        let now = now ?? monotonicNow()
        var from = 0
        if let position = batch.position {
            progress.isFull = uploader.map { !$0.hasRoom } ?? false
            guard let first = progress.take(position, count: batch.frames.count) else { return }
            from = first
        }
        use(batch.table)
        let rows = batch.rows
        var added = 0
        for index in rows.indices where rows[index].frame >= from || rows[index].frame < 0 {
            let row = rows[index]
            let partition = partition(of: row, index, batch, now)
            added += 1
            // An entry is 16 bytes and its text about as much.
            partition.append(index, of: batch, size: Int(row.count) * 32)
            if partition.rows >= settings.objectRows || partition.estimate >= settings.objectBytes { finish(partition) }
        }
        rowCount.add(added)
        bound()
    }

    /// Finishes the objects that are old enough; to be called a few times a second, more often costs nothing.
    public func tick(now: Int64? = nil) {
        let now = now ?? monotonicNow()
        guard now >= nextTick else { return }
        nextTick = now + 50_000_000
        let limit = now - settings.objectAge * 1_000_000
        for partition in partitions.values where partition.opened <= limit { finish(partition) }
        publish()
    }

    /// Finishes all objects.
    public func flush() {
        finishAll()
        publish()
    }

    // MARK: Partitions

    private func use(_ table: FieldTable) {
        guard self.table !== table else { return }
        // Other fields make other columns, and a file has one set of them. The position stays: the batch that brings the
        // table is taken, but in no object yet.
        finishAll()
        schemas.removeAll()
        self.table = table
        sources = settings.sources(table).map { $0.isEmpty ? "" : LakePartition.source($0) }
        productField = table.id("metadata.product.name")
    }

    private func partition(of row: Row, _ index: Int, _ batch: borrowing Batch, _ now: Int64) -> LakePartition {
        let day = LakePartition.day(row.time)
        let mapped = Int(row.mapping) < sources.count && !sources[Int(row.mapping)].isEmpty
        if mapped, let last, row.mapping == lastMapping, last.key.classUID == row.classUID, last.key.day == day {
            return last
        }
        let source = mapped ? sources[Int(row.mapping)] : product(index, batch)
        let key = LakePartition.Key(classUID: row.classUID, day: day, source: source)
        let found = partitions[key] ?? open(key, batch.table, now)
        last = mapped ? found : nil
        lastMapping = row.mapping
        return found
    }

    private func product(_ row: Int, _ batch: borrowing Batch) -> String {
        guard let productField, let entry = batch.find(productField, in: row) else { return "unknown" }
        let name = batch.text(of: entry)
        if let known = products[name] { return known }
        // Product names come from events: the memory of them is bounded.
        if products.count >= 1024 { products.removeAll() }
        let source = LakePartition.source(name)
        products[name] = source
        return source
    }

    private func open(_ key: LakePartition.Key, _ table: FieldTable, _ now: Int64) -> LakePartition {
        if partitions.count >= settings.openObjects, let oldest = partitions.values.min(by: { $0.opened < $1.opened }) {
            finish(oldest)
        }
        let partition = LakePartition(key, schema: schema(key.classUID, table), settings: settings, now: now)
        partitions[key] = partition
        return partition
    }

    private func schema(_ uid: Int32, _ table: FieldTable) -> LakeSchema {
        if let known = schemas[uid] { return known }
        if schemas.count >= 1024 { schemas.removeAll() }
        let schema: LakeSchema
        do {
            schema = try LakeSchema(classUID: Int(uid), table: table)
        } catch {
            log.warning(
                "class \(uid) has too many columns for one file (\(error)): all but the core ones go to `misfits`")
            do {
                schema = try LakeSchema(classUID: Int(uid), table: table, onlyCore: true)
            } catch { preconditionFailure("the core columns make no schema: \(error)") }
        }
        schemas[uid] = schema
        return schema
    }

    private func finishAll() {
        for partition in partitions.values.sorted(by: { $0.opened < $1.opened }) { finish(partition) }
    }

    private func finish(_ partition: LakePartition) {
        if last === partition { last = nil }
        partitions[partition.key] = nil
        let rows = partition.rows
        guard rows > 0 else { return }
        misfitCount.add(partition.misfits)
        refused.add(partition.refused)
        do {
            onObject(try partition.finish())
        } catch {
            unwritable.add(rows)
            if let held = faults.pass() {
                log.error(
                    "\(rows) events of \(partition.className) cannot be written as Parquet and are lost: \(error)",
                    metadata: ["held_back": "\(held)"])
            }
        }
    }

    /// Keeps the memory of unfinished objects within its bound.
    private func bound() {
        var total = partitions.values.reduce(0) { $0 + $1.estimate }
        while total > settings.bufferBytes, let largest = partitions.values.max(by: { $0.estimate < $1.estimate }) {
            total -= largest.estimate
            finish(largest)
        }
        bufferedBytes.set(Int64(total))
    }

    /// Works out which frames are stored: all taken but those in unfinished objects, and in objects on their way.
    private func settle() {
        var open = uploader?.starts ?? [:]
        if uploader?.hasRoom == true { progress.isFull = false }
        for partition in partitions.values { open.merge(partition.starts) { min($0, $1) } }
        for log in progress.positions.keys {
            guard let next = progress.next(of: log) else { continue }
            progress.done(log: log, through: min(next, open[log] ?? next))
        }
    }

    private func publish() {
        settle()
        openCount.set(Int64(partitions.count))
        bufferedBytes.set(Int64(partitions.values.reduce(0) { $0 + $1.estimate }))
    }
}
