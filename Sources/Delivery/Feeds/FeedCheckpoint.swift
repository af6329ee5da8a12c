// SPDX-License-Identifier: Apache-2.0
internal import Events
internal import Glibc
internal import Synchronization
internal import Wire

/// How far a feed has come, on record with each piece that it sends: a process that is killed repeats no second's worth of
/// events, and none at all in a file, whose own last lines tell the rest.
///
/// The record is two slots of a small file that are written in turn, without waiting for the disk: it outlives the
/// process. What outlives a loss of power is the journal's record of positions, which is older; the record of a file is
/// believed only while the file is at least as long as it says.
public final class FeedCheckpoint: Sendable {
    private static let magic: UInt64 = 0x504E_5354_4B43_3032
    private static let slot = 4096
    /// The most logs in a slot; with more there is no record.
    private static let mostLogs = 250
    /// More than a feed has on its way to a file at a time.
    private static let tailLimit = 64 << 20

    /// An event's place in the journal.
    public struct Place: Sendable {
        /// The log.
        public var log: Int
        /// The frame that it was made of.
        public var frame: UInt64
        /// Which of the frame's events it is, from 1.
        public var part: UInt16

        /// Event number `part` of a frame.
        public init(log: Int, frame: UInt64, part: UInt16 = 1) {
            (self.log, self.frame, self.part) = (log, frame, part)
        }
    }

    private struct State {
        var descriptor: Int32
        var serial: UInt64 = 0
        var positions: [Int: UInt64] = [:]
        /// By log: the last event that the file has of the frame that it ends with. Nobody knows whether the frame has more.
        var last: [Int: Place] = [:]
        /// The file, and where in it the positions were true.
        var end: LineFile.End?
        var bytes: [UInt8] = []
    }

    private let state: Mutex<State>
    private let position: @Sendable (String) -> Place?

    /// The record in the file `path`, which is made when it is missing; nil when it cannot be.
    ///
    /// - Parameter position: the place in the journal that an event's `metadata.uid` names.
    public init?(_ path: String, position: @escaping @Sendable (String) -> Place?) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { return nil }
        self.position = position
        state = Mutex(State(descriptor: descriptor))
        state.withLock { state in
            for number in 0..<2 {
                var bytes = [UInt8](repeating: 0, count: FeedCheckpoint.slot)
                let count = pread(descriptor, &bytes, bytes.count, off_t(number * FeedCheckpoint.slot))
                FeedCheckpoint.read(bytes.prefix(max(0, count)), into: &state)
            }
        }
    }

    deinit { state.withLock { _ = close($0.descriptor) } }

    /// How far the feed had come; nothing when that is not sure. `file` is the file that it writes, or nil.
    func load(file: String?) -> [Int: UInt64] {
        state.withLock { state in
            guard let file, let end = state.end else { return state.positions }
            var facts = stat()
            guard stat(file, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else {
                state.last = [:]
                return [:]
            }
            let now = LineFile.End(facts)
            guard now.device == end.device, now.inode == end.inode, now.bytes >= end.bytes else {
                state.last = [:]
                return [:]
            }
            readTail(file, now.bytes - end.bytes, &state)
            return state.positions
        }
    }

    /// Keeps how far the feed has come: of a file, when it ends `unmarked` bytes behind that place.
    func save(_ progress: Progress, _ end: LineFile.End?, unmarked: Int = 0) {
        state.withLock { state in
            state.positions.removeAll(keepingCapacity: true)
            progress.forEach { state.positions[$0] = $1 }
            if var end {
                end.bytes -= min(end.bytes, UInt64(max(0, unmarked)))
                state.end = end
            } else {
                state.end = nil
            }
            FeedCheckpoint.write(&state)
        }
    }

    /// By log: the last event that the file has of a frame that is to be taken again; events up to it are not.
    var last: [Int: Place] { state.withLock { $0.last } }

    /// Keeps how far the feed is to begin, in the file as it was found.
    func begin(_ progress: Progress) {
        let end = state.withLock { $0.end }
        save(progress, end)
    }

    /// Moves the positions behind the lines that stand after the recorded end.
    private func readTail(_ file: String, _ count: UInt64, _ state: inout State) {
        guard count > 0, count <= UInt64(FeedCheckpoint.tailLimit), let end = state.end else { return }
        let descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        var tail = Slab(capacity: Int(count) + 64)
        tail.append(upTo: Int(count)) { room in
            max(0, pread(descriptor, room.baseAddress, min(room.count, Int(count)), off_t(end.bytes)))
        }
        var builder = FieldTable.Builder()
        builder.add("metadata.uid")
        var batch = Batch(table: builder.build())
        var reader = EventReader()
        var start = 0
        while let lineEnd = tail.bytes.firstIndex(of: 0x0A, from: start) {
            if reader.read(tail.bytes.part(start, lineEnd - start), into: &batch) != nil,
                let uid = batch.text("metadata.uid", in: batch.rows.count - 1), let place = position(uid),
                let known = state.positions[place.log], place.frame >= known
            {
                // The rest of its frame may be missing.
                state.positions[place.log] = place.frame
                state.last[place.log] = place
            }
            batch.reset()
            start = lineEnd + 1
        }
        state.end?.bytes = end.bytes + UInt64(start)
    }

    // MARK: A slot: magic, serial, device, inode, bytes, count, (log, position, event)…, CRC32C; big-endian

    private static func write(_ state: inout State) {
        state.bytes.removeAll(keepingCapacity: true)
        guard state.positions.count <= mostLogs else { return }
        state.serial &+= 1
        for number in [magic, state.serial, state.end?.device ?? 0, state.end?.inode ?? 0, state.end?.bytes ?? 0] {
            put(number, 8, &state.bytes)
        }
        put(UInt64(state.positions.count), 4, &state.bytes)
        for (log, next) in state.positions {
            put(UInt64(clamping: log), 4, &state.bytes)
            put(next, 8, &state.bytes)
            // What is taken of the frame at that position; 0: nothing.
            let last = state.last[log]
            put(last?.frame == next ? UInt64(last?.part ?? 0) : 0, 4, &state.bytes)
        }
        put(UInt64(CRC32C.checksum(state.bytes.span.bytes)), 4, &state.bytes)
        // A disk that is full keeps the slot before, which is as true.
        _ = pwrite(state.descriptor, state.bytes, state.bytes.count, off_t(Int(state.serial & 1) * slot))
    }

    private static func put(_ number: UInt64, _ count: Int, _ bytes: inout [UInt8]) {
        for place in (0..<count).reversed() { bytes.append(UInt8(truncatingIfNeeded: number >> (UInt64(place) * 8))) }
    }

    /// Takes a slot over when it is whole and newer.
    private static func read(_ bytes: ArraySlice<UInt8>, into state: inout State) {
        let copy = Array(bytes)
        do {
            var reader = ByteReader(copy.span.bytes)
            guard try reader.u64() == magic else { return }
            let serial = try reader.u64()
            let end = LineFile.End(device: try reader.u64(), inode: try reader.u64(), bytes: try reader.u64())
            let count = Int(try reader.u32())
            guard count <= mostLogs, serial > state.serial else { return }
            var positions: [Int: UInt64] = [:]
            var last: [Int: Place] = [:]
            for _ in 0..<count {
                let log = Int(try reader.u32())
                let next = try reader.u64()
                positions[log] = next
                let part = UInt16(truncatingIfNeeded: try reader.u32())
                if part > 0 { last[log] = Place(log: log, frame: next, part: part) }
            }
            let length = 44 + count * 16
            guard try reader.u32() == CRC32C.checksum(copy.span.bytes.part(0, length)) else { return }
            (state.serial, state.positions, state.last) = (serial, positions, last)
            state.end = end.inode == 0 ? nil : end
        } catch { return }
    }
}
