// SPDX-License-Identifier: Apache-2.0
public import Transport

/// One listener: an address that syslog is received on, how, and within which limits.
public struct ListenerConfiguration: Sendable, Equatable {
    /// The transport protocols of syslog.
    public enum Transport: String, Sendable, CaseIterable {
        /// One datagram is one message (RFC 5426).
        case udp
        /// A stream of frames (RFC 6587).
        case tcp
        /// A stream of frames inside TLS (RFC 5425).
        case tls
        /// Datagrams inside DTLS (RFC 6012).
        case dtls
        /// RELP, inside TLS when there are `tls` settings: what is acknowledged is in the journal.
        case relp

        /// Whether its messages come in a stream.
        var isStream: Bool { self != .udp && self != .dtls }
    }

    /// Which of the lanes' sockets gets a datagram.
    public enum Spread: String, Sendable, CaseIterable {
        /// One lane as long as it keeps up, then as many as it takes, each datagram to any of them.
        case adaptive
        /// Any lane: also one heavy sender is shared out. The order of a sender's messages is lost.
        case random
        /// The kernel's choice: a sender's address and port always lead to the same lane.
        case sender
    }

    /// How messages are told apart in a stream.
    public enum Framing: String, Sendable, CaseIterable {
        /// Frame by frame: a count is believed only in front of a `<PRI>`, everything else ends with LF.
        case auto
        /// `LENGTH SP MESSAGE` (RFC 6587 section 3.4.1, RFC 5425 section 4.3).
        case octetCounting = "octet-counting"
        /// Messages end with LF, or with CR LF (RFC 6587 section 3.4.2).
        case lineFeed = "lf"
        /// Messages end with NUL.
        case nul
    }

    /// What becomes of a stream message longer than `maxMessageBytes`.
    public enum Oversize: String, Sendable, CaseIterable {
        /// Its beginning is kept and marked, its rest skipped.
        case truncate
        /// It becomes several messages.
        case split
    }

    /// Certificates and versions of a TLS listener.
    public struct TLS: Sendable, Equatable {
        /// The PEM file of the server's certificate, followed by its intermediate ones.
        public var certificate: String
        /// The PEM file of the certificate's private key, not encrypted.
        public var key: String
        /// The PEM file of the authorities whose client certificates are accepted; needed unless `clientCertificate` is
        /// `none`.
        public var clientCA: String?
        /// Whether clients must show a certificate: `none`, `optional` (a bad one is refused), `required`.
        public var clientCertificate: ClientCertificatePolicy
        /// The lowest TLS version accepted: `1.2` or `1.3`.
        public var minimumVersion: TLSVersion
        /// PEM files of certificate revocation lists.
        public var revocationLists: [String] = []
        /// Subjects of client certificates that are admitted, as RFC 4514 text; all three lists empty: any that the
        /// authorities vouch for.
        public var subjects: [String] = []
        /// Subject alternative names that are admitted; `*.` at the beginning stands for one label.
        public var names: [String] = []
        /// SHA-256 fingerprints that are admitted, self-signed certificates among them.
        public var fingerprints: [String] = []
        /// Whether TLS 1.3 sessions can be resumed. A client that only writes and never reads its ticket may lose its last
        /// messages when it closes.
        public var sessionTickets = false

        /// TLS without client certificates, from version 1.2 on.
        public init(
            certificate: String, key: String, clientCA: String? = nil,
            clientCertificate: ClientCertificatePolicy = .none, minimumVersion: TLSVersion = .v1_2
        ) {
            self.certificate = certificate
            self.key = key
            self.clientCA = clientCA
            self.clientCertificate = clientCertificate
            self.minimumVersion = minimumVersion
        }
    }

    /// The listener's name in metrics, events and complaints; each listener has its own.
    public var name: String
    /// The transport protocol: `udp`, `tcp`, `tls`, `dtls` or `relp`.
    public var transport: Transport
    /// The IP address and port: `0.0.0.0:514`, or `[::]:6514` for IPv6 and IPv4 together; port 0 lets the kernel choose.
    public var address: String
    /// How messages are told apart in a stream; without meaning for `udp`.
    public var framing: Framing = .auto
    /// The longest message in bytes, 480 to 16777216. A longer datagram is cut and marked; for streams see `oversize`.
    public var maxMessageBytes = 65_536
    /// What becomes of a longer message in a stream: `truncate` or `split`.
    public var oversize: Oversize = .truncate
    /// The most connections at a time; more are closed at once. 0: unlimited.
    public var maxConnections = 10_000
    /// The most connections at a time from one address; more are closed at once. 0: unlimited.
    public var maxConnectionsPerPeer = 1000
    /// The seconds without a byte after which a connection is closed. 0: never; a vanished peer is found by keepalive.
    public var idleTimeout = 0
    /// The seconds that a TLS handshake may take. 0: without end.
    public var handshakeTimeout = 10
    /// The receive buffer in bytes that the kernel is asked for, for each UDP socket; 0: the kernel's default. More than
    /// `net.core.rmem_max` takes CAP_NET_ADMIN; when less is granted, a warning says so. TCP sizes its own.
    public var receiveBuffer = 8 << 20
    /// Certificates and versions; needed for `tls` and `dtls`.
    public var tls: TLS?
    /// The addresses and networks of proxies whose PROXY protocol header is demanded and believed; from others there is
    /// none.
    public var proxies: [String] = []
    /// The multicast groups to join, for `udp`.
    public var groups: [String] = []
    /// The interface to join them on; nil: the kernel's choice.
    public var interface: String?
    /// Which lane gets a datagram.
    public var spread = Spread.adaptive

    /// A listener with the default limits.
    public init(name: String, transport: Transport, address: String, tls: TLS? = nil) {
        self.name = name
        self.transport = transport
        self.address = address
        self.tls = tls
    }
}
