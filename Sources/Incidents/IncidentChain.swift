// SPDX-License-Identifier: Apache-2.0
internal import Events

/// Checks the hash chain of an incident's revisions.
public enum IncidentChain {
    /// Where a chain is broken.
    public enum Fault: Error, Equatable, Sendable {
        /// The record of this revision is not the one that was hashed, or not readable.
        case altered(revision: Int)
        /// This revision does not name the hash of the one before it.
        case broken(revision: Int)
        /// This revision is missing.
        case missing(revision: Int)
    }

    /// The first fault in revisions 1, 2, 3, …, or nil. A record that was let go (`json` nil) is checked by its hash.
    public static func fault(_ revisions: [(revision: Int, hash: String, json: [UInt8]?)]) -> Fault? {
        var previous: String?
        for (number, link) in revisions.enumerated() {
            guard link.revision == number + 1 else { return .missing(revision: number + 1) }
            if let json = link.json {
                guard Digest.sha256(json) == link.hash, let record = try? JSONDocument(json) else {
                    return .altered(revision: link.revision)
                }
                guard record.text("prev_hash") == previous else { return .broken(revision: link.revision) }
            }
            previous = link.hash
        }
        return nil
    }
}
