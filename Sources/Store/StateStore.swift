// SPDX-License-Identifier: Apache-2.0
internal import GRDB

/// The service's memory in one SQLite file (WAL): incidents, evidence, notifications to deliver, checkpoints.
///
/// Calls block and may come from any thread; each waits for the one before. A change is one transaction: after an error
/// nothing of it is kept, so the caller may try the same change again.
public final class StateStore: Sendable {
    /// How the file is kept.
    public struct Options: Sendable {
        /// The most bytes that the file may take; nil for no limit but the disk.
        public var maximumBytes: Int?
        /// How long to wait for another process that writes, in seconds.
        public var busySeconds: Double
        /// Whether a commit waits for the disk (`synchronous=FULL`), so that it survives a loss of power.
        public var isDurable: Bool

        /// Options; the defaults suit the service.
        public init(maximumBytes: Int? = nil, busySeconds: Double = 5, isDurable: Bool = true) {
            self.maximumBytes = maximumBytes
            self.busySeconds = busySeconds
            self.isDurable = isDurable
        }
    }

    /// The file.
    public let path: String
    private let queue: DatabaseQueue

    /// Opens or makes the file at `path` and brings its tables up to date; `:memory:` makes one that is not kept.
    public init(path: String, options: Options = Options()) throws(StoreError) {
        self.path = path
        do {
            var configuration = Configuration()
            configuration.label = "penstock.store"
            configuration.journalMode = path == ":memory:" ? .default : .wal
            configuration.busyMode = .timeout(options.busySeconds)
            configuration.prepareDatabase { db in
                try db.execute(sql: "PRAGMA synchronous = \(options.isDurable ? "FULL" : "NORMAL")")
                if let limit = options.maximumBytes {
                    let page = try Int.fetchOne(db, sql: "PRAGMA page_size") ?? 4096
                    try db.execute(sql: "PRAGMA max_page_count = \(max(1, limit / max(1, page)))")
                }
            }
            queue = try DatabaseQueue(path: path, configuration: configuration)
            let migrator = Schema.migrator
            if try queue.read({ try migrator.hasBeenSuperseded($0) }) { throw StoreError.newer(path: path) }
            try migrator.migrate(queue)
        } catch { throw StoreError(error, path: path) }
    }

    /// Makes one change: all that `body` does is kept, or nothing of it.
    public func change<Result>(_ body: (StoreChange) throws -> Result) throws(StoreError) -> Result {
        do { return try queue.write { try body(StoreChange(database: $0)) } } catch {
            throw StoreError(error, path: path)
        }
    }

    /// Looks things up in one consistent state.
    public func look<Result>(_ body: (StoreView) throws -> Result) throws(StoreError) -> Result {
        do { return try queue.read { try body(StoreView(database: $0)) } } catch { throw StoreError(error, path: path) }
    }

    /// Reads the whole file for damage; throws when there is some.
    public func check() throws(StoreError) {
        do {
            let found = try queue.read { try String.fetchAll($0, sql: "PRAGMA quick_check(4)") }
            guard found == ["ok"] else { throw StoreError.corrupt(path: path, detail: found.joined(separator: "; ")) }
        } catch { throw StoreError(error, path: path) }
    }

    /// Closes the file, with its write-ahead log folded in; any later call throws.
    public func close() throws(StoreError) {
        do { try queue.close() } catch { throw StoreError(error, path: path) }
    }
}
