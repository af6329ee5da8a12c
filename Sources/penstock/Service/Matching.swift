// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// How far the hits of each log of the journal have been reported to the correlator, in the order of their frames.
///
/// A log is *live* once its own lane reports: before that, at a start, the frames that were not judged yet come from the
/// journal, and the lane's new frames are left for it.
final class Matching: Sendable {
    private struct Log {
        var next: UInt64
        var isLive: Bool
    }

    /// By the log's number: an array, because changing a dictionary in place allocates.
    private let logs = Mutex<[Log?]>([])

    /// Sets where a log begins, and whether its lane reports from the start.
    func begin(log: Int, at next: UInt64, isLive: Bool) {
        logs.withLock { logs in
            while logs.count <= log { logs.append(nil) }
            logs[log] = Log(next: next, isLive: isLive)
        }
    }

    /// Whether the log's lane reports the hits of its batches.
    func isLive(_ log: Int) -> Bool { known(log)?.isLive ?? true }

    /// From now on the log's lane reports.
    func goLive(_ log: Int) { change(log) { $0.isLive = true } }

    /// The next frame of a log that is not live, or nil.
    func wanted(log: Int, end: UInt64) -> UInt64? {
        guard let known = known(log), !known.isLive, known.next < end else { return nil }
        return known.next
    }

    /// The next frame of a log whose hits are to be reported.
    func next(of log: Int) -> UInt64 { known(log)?.next ?? 0 }

    /// Notes that the hits of all frames before `next` were reported.
    func reported(log: Int, through next: UInt64) { change(log) { $0.next = next } }

    /// How far each log has come.
    var reached: [Int: UInt64] {
        logs.withLock { logs in
            var reached: [Int: UInt64] = [:]
            for (number, log) in logs.enumerated() { if let log { reached[number] = log.next } }
            return reached
        }
    }

    private func known(_ log: Int) -> Log? { logs.withLock { $0.indices.contains(log) ? $0[log] : nil } }

    private func change(_ log: Int, _ body: (inout Log) -> Void) {
        logs.withLock { logs in
            guard logs.indices.contains(log), var known = logs[log] else { return }
            body(&known)
            logs[log] = known
        }
    }
}
