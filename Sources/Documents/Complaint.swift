// SPDX-License-Identifier: Apache-2.0

/// One fault of a file that a person wrote: where it is and what to do about it.
public struct Complaint: Error, Equatable, Sendable, CustomStringConvertible {
    /// How bad it is.
    public enum Severity: String, Sendable {
        /// The file is not used.
        case error
        /// The file is used; something in it probably does not mean what was meant.
        case warning
    }

    /// The file as the user named it.
    public let file: String
    /// The line, from 1; 0 when the fault has no place.
    public let line: Int
    /// The column, from 1; 0 when the fault has no place.
    public let column: Int
    /// What is wrong, and the cure.
    public let message: String
    /// How bad it is.
    public let severity: Severity

    /// A complaint.
    public init(file: String, line: Int = 0, column: Int = 0, _ message: String, severity: Severity = .error) {
        self.file = file
        self.line = line
        self.column = column
        self.message = message
        self.severity = severity
    }

    /// `file:line:column: message`.
    public var description: String {
        let place = line > 0 ? "\(file):\(line):\(column)" : file
        return severity == .warning ? "\(place): warning: \(message)" : "\(place): \(message)"
    }
}

/// Collects complaints, so that all faults of a file are told at once.
public final class Complaints {
    /// All complaints in the order of finding.
    public private(set) var all: [Complaint] = []

    /// No complaints yet.
    public init() {}

    /// Adds one.
    public func add(_ complaint: Complaint) { all.append(complaint) }

    /// Adds many.
    public func add(_ complaints: [Complaint]) { all.append(contentsOf: complaints) }

    /// All complaints, those of a file together and in the order of its lines.
    public var byPlace: [Complaint] {
        var files: [String: Int] = [:]
        for complaint in all where files[complaint.file] == nil { files[complaint.file] = files.count }
        return all.enumerated().sorted { first, second in
            (files[first.element.file] ?? 0, first.element.line, first.element.column, first.offset)
                < (files[second.element.file] ?? 0, second.element.line, second.element.column, second.offset)
        }.map(\.element)
    }

    /// The ones that keep the file from being used.
    public var errors: [Complaint] { all.filter { $0.severity == .error } }
}
