// SPDX-License-Identifier: Apache-2.0
internal import Events
internal import Wire

/// The frames of the journal whose hits were taken: up to which one of each log, as hits come in the order of frames, and
/// the newest of those that came at no frame's turn.
struct TakenFrames {
    /// A frame of a log, by the opening of the log that it was written in and its number.
    private struct Frame: Comparable {
        var epoch: UInt32
        var number: UInt64

        init(_ position: JournalPosition) {
            epoch = position.epoch
            number = position.first
        }

        init(epoch: UInt32, number: UInt64) {
            self.epoch = epoch
            self.number = number
        }

        static func < (a: Frame, b: Frame) -> Bool { (a.epoch, a.number) < (b.epoch, b.number) }
    }

    /// The most frames out of turn that are known of a log: as many as a start looks through for messages that wait.
    static let mostOutOfTurn = 2_048

    /// By log: the last frame.
    private var last: [Int: Frame] = [:]
    /// By log: the frames out of turn, in the order of coming.
    private var outOfTurn: [Int: [Frame]] = [:]

    /// Whether a hit's frame was taken; never without a journal.
    func has(_ hit: PreparedHit) -> Bool {
        guard let position = hit.position else { return false }
        let frame = Frame(position)
        if hit.isOutOfTurn { return outOfTurn[position.log]?.contains(frame) ?? false }
        return last[position.log].map { frame <= $0 } ?? false
    }

    /// Takes note of a hit's frame.
    mutating func note(_ hit: PreparedHit) {
        guard let position = hit.position else { return }
        let frame = Frame(position)
        guard hit.isOutOfTurn else {
            if last[position.log].map({ $0 < frame }) ?? true { last[position.log] = frame }
            return
        }
        var known = outOfTurn[position.log] ?? []
        if known.last == frame { return }
        known.append(frame)
        if known.count > TakenFrames.mostOutOfTurn { known.removeFirst(known.count - TakenFrames.mostOutOfTurn) }
        outOfTurn[position.log] = known
    }

    func write(to out: inout SnapshotWriter) {
        let logs = Set(last.keys).union(outOfTurn.keys).sorted()
        out.put(logs.count)
        for log in logs {
            out.put(log)
            let frames = [last[log]].compactMap { $0 }
            for frames in [frames, outOfTurn[log] ?? []] {
                out.put(frames.count)
                for frame in frames {
                    out.put(Int(frame.epoch))
                    out.put(frame.number)
                }
            }
        }
    }

    mutating func read(_ reader: inout SnapshotReader) throws(WireError) {
        self = TakenFrames()
        for _ in 0..<(try reader.count()) {
            let log = try reader.int()
            if reader.isEarlier {
                let epoch = UInt32(truncatingIfNeeded: try reader.int())
                last[log] = Frame(epoch: epoch, number: try reader.u64())
                continue
            }
            last[log] = try TakenFrames.frames(&reader).last
            let frames = try TakenFrames.frames(&reader)
            if !frames.isEmpty { outOfTurn[log] = frames.suffix(TakenFrames.mostOutOfTurn) }
        }
    }

    private static func frames(_ reader: inout SnapshotReader) throws(WireError) -> [Frame] {
        var frames: [Frame] = []
        for _ in 0..<(try reader.count()) {
            let epoch = UInt32(truncatingIfNeeded: try reader.int())
            frames.append(Frame(epoch: epoch, number: try reader.u64()))
        }
        return frames
    }
}
