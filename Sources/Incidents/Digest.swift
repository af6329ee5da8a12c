// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// The digests of records, chains, evidence and ids, in lower-case hex.
enum Digest {
    static func sha256(_ bytes: [UInt8]) -> String { SHA256.hex(bytes.span.bytes) }

    /// The digest of parts, each with its length before it, so that no two lists of parts are the same bytes.
    static func sha256(parts: [String]) -> String {
        sha256(parts.flatMap { Array("\($0.utf8.count):".utf8) + Array($0.utf8) })
    }
}
