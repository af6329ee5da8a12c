// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// What opening the journal had to mend in one log.
public struct JournalRecovery: Sendable, Equatable, CustomStringConvertible {
    /// The log.
    public var log: Int
    /// The segment's file, or the folder of the log.
    public var path: String
    /// How many bytes were cut off at its end.
    public var bytesCut: Int
    /// What was wrong.
    public var reason: String

    /// The recovery as a line for the log of the service.
    public var description: String {
        bytesCut > 0 ? "\(path): \(reason); \(bytesCut) bytes were cut off" : "\(path): \(reason)"
    }
}

/// Finds out what a log holds, and mends its end.
///
/// Only the end of the last segment is read: from the place that the anchor says was on disk. What is broken behind
/// that place was never promised to anyone and is cut off. What is broken before it is damage; it stays where it is, and
/// readers count it.
struct LogRecovery {
    let log: Int
    let folder: String
    /// Whether files may be changed.
    let mends: Bool
    private(set) var notes: [JournalRecovery] = []
    private(set) var state = LogState(
        end: 0, chain: .zero, durable: Anchor.Place(end: 0, chain: .zero, segment: 0, offset: 0))
    private(set) var epoch: UInt32 = 0
    private var anchor: Anchor?

    init(log: Int, folder: String, mends: Bool) throws(JournalError) {
        self.log = log
        self.folder = folder
        self.mends = mends
        try readAnchor()
        try listSegments()
        while let last = state.segments.last {
            if try recover(last) { break }
            // Nothing of the segment is left: the one before it has the end.
            state.segments.removeLast()
        }
        settle()
    }

    private mutating func note(_ path: String, _ reason: String, cut: Int = 0) {
        notes.append(JournalRecovery(log: log, path: path, bytesCut: cut, reason: reason))
    }

    private mutating func readAnchor() throws(JournalError) {
        let path = Anchor.path(in: folder)
        guard let bytes = try Folder.read(path, most: 4096) else { return }
        anchor = unsafe Anchor.decode(bytes.span.bytes)
        if let anchor { epoch = anchor.epoch } else { note(path, "the anchor is damaged; the segments are read whole") }
    }

    private mutating func listSegments() throws(JournalError) {
        for name in try Folder.names(folder) {
            guard let first = Segment.first(name) else { continue }
            let path = "\(folder)/\(name)"
            let file: SegmentFile
            do { file = try SegmentFile.open(path, .read) } catch {
                // Who only looks may lose a race with retention.
                if mends { throw error }
                continue
            }
            let (bytes, changed) = try file.status()
            var window = FileWindow(file, limit: bytes)
            try window.load(0, SegmentHeader.size)
            let header = SegmentHeader.decode(window.bytes(from: 0).part(0, SegmentHeader.size))
            epoch = max(epoch, header?.epoch ?? 0)
            if let last = state.segments.indices.last { state.segments[last].end = first }
            state.segments.append(
                Segment(
                    path: path, first: first, end: first, bytes: bytes, chain: header?.chain ?? .zero,
                    changed: changed))
        }
    }

    /// Finds the end of the last segment; false when there is nothing in it.
    private mutating func recover(_ segment: Segment) throws(JournalError) -> Bool {
        let file = try SegmentFile.open(segment.path, mends ? .write : .read)
        var window = FileWindow(file, limit: segment.bytes)
        try window.load(0, SegmentHeader.size)
        let header = SegmentHeader.decode(window.bytes(from: 0).part(0, SegmentHeader.size))
        var found: Anchor.Place?
        var isKnown = false
        if header != nil, let place = anchor?.durable, place.segment == segment.first, place.offset <= segment.bytes,
            place.offset >= SegmentHeader.size
        {
            found = place
            isKnown = true
            if case .block(let next) = try window.sight(at: place.offset), next.first != place.end { found = nil }
        }
        var place =
            found
            ?? Anchor.Place(
                end: segment.first, chain: header?.chain ?? .zero, segment: segment.first, offset: SegmentHeader.size)
        if found == nil { isKnown = false }
        var blocks = 0
        scan: while true {
            switch try window.sight(at: place.offset) {
            case .block(let block):
                blocks += 1
                epoch = max(epoch, block.epoch)
                place = Anchor.Place(
                    end: block.end, chain: block.chain, segment: segment.first, offset: place.offset + block.total)
            case .end: break scan
            case .bad(let fault, let damaged):
                if !isKnown, let (offset, block) = try window.resume(after: place.offset, damaged) {
                    note(segment.path, "\(place.offset): \(fault.rawValue)")
                    place.offset = offset
                    place.end = block.first
                    continue
                }
                let cut = segment.bytes - place.offset
                note(segment.path, "\(place.offset): \(fault.rawValue)", cut: max(0, cut))
                break scan
            }
        }
        if header == nil, blocks == 0 {
            note(segment.path, "the segment was never begun", cut: notes.isEmpty ? segment.bytes : 0)
            if mends { Folder.remove(segment.path) }
            return false
        }
        if place.offset < segment.bytes, mends, !file.truncate(to: place.offset) {
            throw JournalError(.io, path: segment.path, reason: "cannot be cut to its whole blocks")
        }
        let last = state.segments.count - 1
        state.segments[last].end = place.end
        state.segments[last].bytes = place.offset
        state.end = place.end
        state.chain = place.chain
        // A segment with a damaged header is not written to any more.
        if mends, header != nil { state.current = file }
        return true
    }

    /// Compares the end with the anchor: a number that was on disk is never given again.
    private mutating func settle() {
        if let anchor, anchor.durable.end > state.end {
            note(
                state.segments.last?.path ?? folder,
                "frames \(state.end) to \(anchor.durable.end - 1) were on disk and are gone")
            state.end = anchor.durable.end
            state.chain = anchor.durable.chain
            state.current = nil
        }
        // The anchor's own place, until the first commit: everything found is synchronized before anyone writes.
        state.durable = state.place
        state.anchorChanged = true
    }
}

extension LogRecovery {
    /// The log that was found. One that is opened for writing gets the next epoch, which is on disk before it is used.
    mutating func open(isWritable: Bool, _ context: JournalContext, limit: Int) throws(JournalError) -> JournalLog {
        if isWritable { epoch &+= 1 }
        if mends {
            // A process that was killed may have left what its committer had not synchronized.
            for segment in state.segments where segment.first >= anchor?.durable.segment ?? 0 {
                let file = try SegmentFile.open(segment.path, .write)
                let problem = file.synchronize()
                guard problem == 0 else {
                    throw JournalError(errno: problem, path: file.path, doing: "fdatasync failed")
                }
            }
        }
        if !isWritable { state.current = nil }
        let log = JournalLog(log, epoch, isWritable: isWritable, state, context, limit: limit)
        if isWritable { try log.saveAnchor() }
        return log
    }
}
