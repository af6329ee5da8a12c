// SPDX-License-Identifier: Apache-2.0

/// One file input: which files are read, how, and within which limits.
public struct FileInputConfiguration: Sendable, Equatable {
    /// When reading ends.
    public enum Mode: String, Sendable, CaseIterable {
        /// Never: files are followed as they grow, are rotated and appear.
        case tail
        /// At the end of all files that are there.
        case once
    }

    /// Where a file without a known position begins, when it was there before the service.
    public enum Start: String, Sendable, CaseIterable {
        /// With its first byte.
        case beginning
        /// Behind its last whole message; without meaning for `once`. A file that appears later is read from its beginning.
        case end
    }

    /// The input's name in metrics, events and complaints; each listener and input has its own.
    public var name: String
    /// A file, or several by a pattern of `*`, `?` and `[…]` in the last part of the path.
    public var path: String
    /// When reading ends: `tail` or `once`.
    public var mode: Mode = .tail
    /// How messages are told apart: `lf`, `nul`, `octet-counting` or `auto`.
    public var framing: ListenerConfiguration.Framing = .lineFeed
    /// The longest message in bytes, 480 to 16777216; see `oversize`.
    public var maxMessageBytes = 65_536
    /// What becomes of a longer message: `truncate` or `split`.
    public var oversize: ListenerConfiguration.Oversize = .truncate
    /// Where a file without a known position begins: `beginning` or `end`.
    public var from: Start = .beginning
    /// The milliseconds between two looks at the folder, 10 to 3600000. Where inotify works (not on network file systems)
    /// changes are seen at once.
    public var pollInterval = 1000
    /// The milliseconds that a file which was renamed away or deleted is followed on after its last byte: its writer may
    /// not have noticed yet.
    public var rotateWait = 30_000
    /// The most files that are followed; more are left out, with a warning.
    public var maxFiles = 10_000
    /// The most files that are open at a time; others are opened when they have grown.
    public var maxOpenFiles = 256
    /// Whether a pattern also takes symbolic links. A path without a pattern may always be one.
    public var followSymlinks = false

    /// An input with the default limits.
    public init(name: String, path: String) {
        self.name = name
        self.path = path
    }

    /// The folder and the last part of the path.
    var parts: (folder: String, last: String) {
        guard let slash = path.lastIndex(of: "/") else { return (".", path) }
        let folder = path[..<slash]
        return (folder.isEmpty ? "/" : String(folder), String(path[path.index(after: slash)...]))
    }

    static func isPattern(_ text: String) -> Bool { text.contains { $0 == "*" || $0 == "?" || $0 == "[" } }

    /// The input as complaints and log lines name it.
    var title: String { "file input `\(name)` (\(path))" }
}
