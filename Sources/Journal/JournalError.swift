// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Why the journal cannot do what was asked: a code for programs, a sentence with the place for people.
public struct JournalError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What kind of failure it is.
    public enum Code: String, Sendable {
        /// There is no room: ENOSPC, EDQUOT, or less free space than the reserve.
        case full
        /// The operating system refused a read or a write.
        case io
        /// What is on disk is not what the journal wrote.
        case corrupt
        /// Another process uses the folder.
        case locked
        /// The log is open for reading only.
        case readOnly
        /// The journal has been closed.
        case closed
    }

    /// What kind of failure it is.
    public let code: Code
    /// The file or folder.
    public let path: String
    /// What happened, and the system's own words where there are some.
    public let reason: String

    /// An error of that code at `path`.
    public init(_ code: Code, path: String, reason: String) {
        self.code = code
        self.path = path
        self.reason = reason
    }

    init(errno number: Int32, path: String, doing what: String) {
        let code: Code = number == ENOSPC || number == EDQUOT ? .full : .io
        self.init(code, path: path, reason: "\(what): \(JournalError.text(number))")
    }

    /// The place and what happened.
    public var description: String { "\(path): \(reason)" }

    /// The text of an `errno`.
    static func text(_ number: Int32) -> String { unsafe String(cString: strerror(number)) }
}
