// SPDX-License-Identifier: Apache-2.0

/// Where notifications go, and how.
public struct WebhookSettings: Sendable {
    /// The webhook's name in metrics and logs.
    public var name: String
    /// The receiver: `https://…` or `http://…`.
    public var url: String
    /// The topic that notifications name.
    public var topic = "arn:penstock:sns:local:000000000000:incidents"
    /// The subscription that requests name in a header; empty for none.
    public var subscription = ""
    /// The media type of requests: SNS says plain text whatever is inside.
    public var contentType = "text/plain; charset=UTF-8"
    /// Signs notifications; without it they carry no signature members at all.
    public var signer: SNSSigner?
    /// The PEM file of the authorities that the receiver's certificate is checked against; nil for the system's.
    public var caFile: String?
    /// The PEM file of the client's certificate, when the receiver asks for one.
    public var certificateFile: String?
    /// The PEM file of its key.
    public var keyFile: String?
    /// Whether the receiver's certificate is checked; switching it off is for tests only.
    public var verify = true
    /// The longest time for one request.
    public var timeout = Duration.seconds(15)
    /// The attempts after the first one that come quickly, as SNS makes them.
    public var retries = 3
    /// The pause before each of them.
    public var retryPause = Duration.seconds(20)
    /// The pause between attempts after that: a receiver that was away for a weekend still gets its notifications.
    public var slowPause = Duration.seconds(300)
    /// The most notifications that wait.
    public var queueLimit = 1000

    /// A webhook at `url`.
    public init(name: String = "webhook", url: String) {
        self.name = name
        self.url = url
    }
}
