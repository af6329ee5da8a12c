// SPDX-License-Identifier: Apache-2.0

/// Why listeners could not be opened: one complaint each, all at once, every one naming its listener and the cure.
public struct ListenerErrors: Error, Equatable, Sendable, CustomStringConvertible {
    /// The complaints, in the order of the configuration.
    public let complaints: [String]

    /// Errors of those complaints.
    public init(_ complaints: [String]) { self.complaints = complaints }

    /// One complaint a line.
    public var description: String { complaints.joined(separator: "\n") }
}
