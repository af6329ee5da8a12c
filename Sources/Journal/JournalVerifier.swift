// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Proves that a journal is what its writer wrote: checksums, numbers without a gap, the hash chain from the first
/// segment that is kept to the end, and both ends as the anchor has them.
///
/// It only reads, beside a running service too. What it proves has a limit: the chain needs no secret, so whoever can
/// write to the whole folder can make a new journal with a new chain and a new anchor, and cut frames that no anchor had
/// (those of the last second). Keep the printed chain value of each log somewhere else, with its number: everything up
/// to that number is then pinned, because no other content leads to that value.
public enum JournalVerifier {
    /// What was found in one log.
    public struct LogReport: Sendable, Equatable {
        /// The number of the log.
        public var log: Int
        /// Segment files.
        public var segments = 0
        /// Whole blocks.
        public var blocks = 0
        /// Frames in them.
        public var frames: UInt64 = 0
        /// Bytes of the segment files.
        public var bytes = 0
        /// The number of the oldest frame.
        public var first: UInt64 = 0
        /// The number after the last frame.
        public var end: UInt64 = 0
        /// The chain value after the last block, in hexadecimal.
        public var chain = ""
        /// What is wrong, as `path: offset: message`.
        public var faults: [String] = []

        init(log: Int) { self.log = log }
    }

    /// What was found in a journal.
    public struct Report: Sendable, Equatable {
        /// The logs in the order of their numbers.
        public var logs: [LogReport] = []
        /// Whether nothing is wrong.
        public var isSound: Bool { logs.allSatisfy { $0.faults.isEmpty } }
    }

    /// The most faults that are listed of one log; one more line says how many others there are.
    public static let mostFaults = 1000

    /// Reads the whole journal in `directory`.
    ///
    /// - Throws: when a folder cannot be read; damage is in the report.
    public static func verify(directory: String) throws(JournalError) -> Report {
        var report = Report()
        for number in try Folder.logs(in: directory) {
            report.logs.append(try LogVerification(log: number, folder: Folder.log(number, in: directory)).report)
        }
        return report
    }
}
