// SPDX-License-Identifier: Apache-2.0

/// Why an object could not be stored.
public struct StoreError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What kind of failure it is.
    public enum Code: String, Sendable {
        /// There is no room: the disk is full, or a quota is reached.
        case full
        /// The process may not write there.
        case permission
        /// The key cannot be one.
        case key
        /// Another object with different content has the key.
        case conflict
        /// Anything else; worth another attempt.
        case unavailable
    }

    /// What kind of failure it is.
    public let code: Code
    /// What happened, where, and the cure.
    public let description: String

    /// An error of that code and that text.
    public init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }
}

/// What to do when a key is taken.
public enum PutMode: Sendable {
    /// The same content is fine, other content is a ``StoreError/Code/conflict``: evidence is never overwritten.
    case once
    /// The new content takes the place of the old: revisions of an incident.
    case replace
}

/// Where finished objects go: a directory now; S3 speaks the same two verbs.
public protocol ObjectStore: Sendable {
    /// The store as a person would name it.
    var name: String { get }

    /// Stores `content` under `key` (parts separated by `/`) as a whole or not at all.
    func put(_ key: String, _ content: RawSpan, mode: PutMode) throws(StoreError)
}
