// SPDX-License-Identifier: Apache-2.0
internal import Synchronization
internal import Wire

/// Where each consumer stands in each log: in memory, and in one small file.
final class Positions: Sendable {
    private static let magic: UInt64 = 0x504E_5354_4B50_3031

    private struct State {
        var table: [String: [Int: UInt64]] = [:]
        var isChanged = false
    }

    private let path: String
    private let folder: String
    private let state = Mutex(State())

    /// The positions of a folder; none when there is no file.
    ///
    /// - Returns: beside them, what is wrong with the file: then every consumer begins again.
    static func load(_ folder: String) throws(JournalError) -> (positions: Positions, problem: String?) {
        let positions = Positions(folder)
        guard let bytes = try Folder.read(positions.path) else { return (positions, nil) }
        guard let table = unsafe decode(bytes.span.bytes) else {
            return (positions, "\(positions.path) is damaged: every consumer begins at the start of the journal")
        }
        positions.state.withLock { $0.table = table }
        return (positions, nil)
    }

    private init(_ folder: String) {
        self.folder = folder
        self.path = folder + "/positions"
    }

    subscript(consumer: String, log: Int) -> UInt64? {
        get { state.withLock { $0.table[consumer]?[log] } }
        set {
            state.withLock { state in
                guard state.table[consumer]?[log] != newValue else { return }
                state.table[consumer, default: [:]][log] = newValue
                state.isChanged = true
            }
        }
    }

    var consumers: [String] { state.withLock { $0.table.keys.sorted() } }

    func forget(_ consumer: String) {
        state.withLock { state in
            if state.table.removeValue(forKey: consumer) != nil { state.isChanged = true }
        }
    }

    /// Takes positions behind the end of a log back to it: the frames before them did not survive, others will take
    /// their numbers.
    func bound(_ log: Int, by end: UInt64) {
        state.withLock { state in
            for (consumer, places) in state.table {
                guard let place = places[log], place > end else { continue }
                state.table[consumer]?[log] = end
                state.isChanged = true
            }
        }
    }

    /// Writes the file when something has changed.
    func save() throws(JournalError) {
        let table = state.withLock { state -> [String: [Int: UInt64]]? in
            defer { state.isChanged = false }
            return state.isChanged ? state.table : nil
        }
        guard let table else { return }
        var writer = FileWriter()
        writer.put(Positions.magic.byteSwapped)
        writer.put(UInt32(truncatingIfNeeded: table.reduce(0) { $0 + $1.value.count }))
        for (consumer, places) in table.sorted(by: { $0.key < $1.key }) {
            for (log, place) in places.sorted(by: { $0.key < $1.key }) {
                writer.put(consumer)
                writer.put(UInt32(truncatingIfNeeded: log))
                writer.put(place)
            }
        }
        do {
            try Folder.replace(path, with: writer.sealed(), in: folder)
        } catch {
            state.withLock { $0.isChanged = true }
            throw error
        }
    }

    private static func decode(_ bytes: RawSpan) -> [String: [Int: UInt64]]? {
        do {
            var reader = try ByteReader(sealed: bytes)
            guard try reader.u64() == magic else { return nil }
            var table: [String: [Int: UInt64]] = [:]
            for _ in 0..<(try reader.u32LittleEndian()) {
                let length = Int(try reader.u16LittleEndian())
                let consumer = try reader.span(length).text
                let log = Int(try reader.u32LittleEndian())
                table[consumer, default: [:]][log] = try reader.u64LittleEndian()
            }
            return reader.isAtEnd ? table : nil
        } catch { return nil }
    }
}
