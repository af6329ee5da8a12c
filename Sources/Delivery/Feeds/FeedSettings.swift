// SPDX-License-Identifier: Apache-2.0
public import Transport

/// Where a feed goes, and how.
public struct FeedSettings: Sendable {
    /// The way to the other side.
    public enum Carrier: Sendable {
        /// One datagram a line.
        case udp
        /// A TCP connection.
        case tcp
        /// A TLS connection; the name that the certificate must carry when it is not the host.
        case tls(TLSContext, serverName: String? = nil)
        /// A local file, which is made when it is missing and appended to, or a named pipe.
        case file(String)

        /// The name used in metrics and logs.
        public var name: String {
            switch self {
            case .udp: "udp"
            case .tcp: "tcp"
            case .tls: "tls"
            case .file: "file"
            }
        }
    }

    /// How lines are told apart on a stream (RFC 6587 section 3.4).
    public enum Framing: String, Sendable, CaseIterable {
        /// The length before the line.
        case octetCounting = "octet"
        /// A line feed behind it.
        case lineFeed = "lf"
    }

    /// The feed's name in metrics and logs.
    public var name: String
    /// The other side: a name or an address.
    public var host: String
    /// Its port.
    public var port: UInt16
    /// The way to it.
    public var carrier: Carrier
    /// How lines are told apart on a stream; datagrams need nothing.
    public var framing = Framing.octetCounting
    /// The header before each line.
    public var header = SyslogHeader()
    /// The lowest `severity_id` that is sent.
    public var minimumSeverity: Int64 = 0
    /// The classes that are sent; empty for all.
    public var classes: Set<Int32> = []
    /// The most bytes that wait; above it new lines are shed and counted.
    public var queueBytes = 16 << 20
    /// The longest time for connecting.
    public var connectTimeout = Duration.seconds(10)
    /// The longest time for the other side to take a piece of the feed.
    public var sendTimeout = Duration.seconds(10)
    /// The pause after the first failure; it doubles with each further one.
    public var firstPause = Duration.milliseconds(500)
    /// The longest pause between attempts.
    public var longestPause = Duration.seconds(30)

    /// The local file or named pipe, when the feed goes to one.
    var file: String? { if case .file(let path) = carrier { path } else { nil } }

    /// A feed to a local file: one line an event, without a header.
    public init(name: String, file: String) {
        self.init(name: name, host: "", port: 0, carrier: .file(file))
        framing = .lineFeed
        header = SyslogHeader(.none)
        queueBytes = 8 << 20
    }

    /// A feed to `host` and `port`.
    public init(name: String, host: String, port: UInt16, carrier: Carrier) {
        self.name = name
        self.host = host
        self.port = port
        self.carrier = carrier
    }
}
