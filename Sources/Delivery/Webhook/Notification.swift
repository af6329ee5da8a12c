// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// One message to a webhook: what a person needs to look, and where the whole record is.
public struct Notification: Sendable, Equatable {
    /// The caller's name for it: the row of its outbox.
    public var id: String
    /// The same for every attempt to deliver the same revision of the same incident: receivers drop repeats by it.
    public var messageID: String
    /// One line, below 100 characters.
    public var subject: String
    /// JSON, at most ``messageLimit`` bytes.
    public var message: String
    /// When it was made, in nanoseconds since the epoch.
    public var time: Int64

    /// The largest message that SNS passes on.
    public static let messageLimit = 262_144

    /// A notification.
    public init(id: String, messageID: String, subject: String, message: String, time: Int64) {
        self.id = id
        self.messageID = messageID
        self.subject = Notification.line(subject)
        self.message = message
        self.time = time
    }

    /// The UUID (version 8 of RFC 9562, from SHA-256) of one revision of an incident.
    public static func messageID(incident id: String, revision: Int) -> String {
        var bytes = Array(SHA256.digest("penstock.notification\n\(id)\n\(revision)".utf8.span.bytes).prefix(16))
        bytes[6] = bytes[6] & 0x0F | 0x80
        bytes[8] = bytes[8] & 0x3F | 0x80
        let hex = Array(SHA256.hex(bytes))
        return [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { String(hex[$0]) }.joined(separator: "-")
    }

    /// `text` as a subject: no line breaks, no control characters, fewer than 100 characters.
    static func line(_ text: String) -> String {
        let clean = text.unicodeScalars.map { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) ? " " : $0 }
        var kept = String.UnicodeScalarView(clean.prefix(99))
        if clean.count > 99 {
            kept.removeLast()
            kept.append("…")
        }
        return String(kept)
    }
}
