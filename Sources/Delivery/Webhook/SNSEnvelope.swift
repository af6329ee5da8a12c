// SPDX-License-Identifier: Apache-2.0
internal import Events
internal import Wire

/// The body of an HTTP request in the form of an SNS notification, and the string that its signature covers.
enum SNSEnvelope {
    /// The string to sign of a Notification: name and value, each ended by a line feed, in the byte order of the names;
    /// Subject only when there is one.
    static func stringToSign(_ notification: Notification, topic: String) -> String {
        var text = "Message\n\(notification.message)\nMessageId\n\(notification.messageID)\n"
        if !notification.subject.isEmpty { text += "Subject\n\(notification.subject)\n" }
        return text + "Timestamp\n\(timestamp(notification))\nTopicArn\n\(topic)\nType\nNotification\n"
    }

    /// The JSON body. Without a signer the four signature members are left out: an empty signature would look like one.
    static func body(_ notification: Notification, topic: String, signer: SNSSigner?) throws(WebhookError) -> [UInt8] {
        var slab = Slab(capacity: notification.message.utf8.count + 2048)
        member("Type", "Notification", &slab)
        member("MessageId", notification.messageID, &slab)
        member("TopicArn", topic, &slab)
        if !notification.subject.isEmpty { member("Subject", notification.subject, &slab) }
        member("Message", notification.message, &slab)
        member("Timestamp", timestamp(notification), &slab)
        if let signer {
            member("SignatureVersion", "2", &slab)
            member("Signature", try signer.sign(stringToSign(notification, topic: topic)), &slab)
            member("SigningCertURL", signer.certificateURL, &slab)
        }
        slab.append(byte: 0x7D)
        return slab.bytes.array
    }

    private static func timestamp(_ notification: Notification) -> String { RFC3339.text(notification.time, digits: 3) }

    private static func member(_ name: String, _ value: String, _ slab: inout Slab) {
        slab.append(byte: slab.count == 0 ? 0x7B : 0x2C)
        JSONText.append(name, to: &slab)
        slab.append(byte: 0x3A)
        JSONText.append(value, to: &slab)
    }
}
