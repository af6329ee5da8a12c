// SPDX-License-Identifier: Apache-2.0
public import Wire

/// How a frame came in.
public enum TransportKind: UInt8, Sendable, CaseIterable {
    /// A UDP datagram.
    case udp
    /// A frame of a TCP stream.
    case tcp
    /// A frame of a TLS stream.
    case tls
    /// A sensor record from a live interface or a capture file.
    case sensor
    /// A line of a file or of standard input.
    case file
    /// A datagram inside DTLS (RFC 6012).
    case dtls
    /// A RELP `syslog` frame.
    case relp
    /// A notice of the service itself, such as a certificate that was refused.
    case service

    /// The name used in metrics and events.
    public var name: String {
        switch self {
        case .udp: "udp"
        case .tcp: "tcp"
        case .tls: "tls"
        case .sensor: "sensor"
        case .file: "file"
        case .dtls: "dtls"
        case .relp: "relp"
        case .service: "service"
        }
    }
}

/// One message or sensor record as it came in, before anything was made of it.
public struct Frame: Sendable {
    /// Its bytes in the slab.
    public var extent: Extent
    /// When it was received, in nanoseconds since the epoch. Of a sensor record: the packet's own time.
    public var received: Int64
    /// Who sent it; nil for files. Behind a trusted proxy: whom the proxy names (PROXY protocol).
    public var peer: IPAddress?
    /// The sender's port, 0 when unknown.
    public var peerPort: UInt16
    /// The number of the listener or source in the configuration.
    public var listener: UInt16
    /// How it came in.
    public var transport: TransportKind
    /// Whether it was cut to the size limit, or by the end of its connection.
    public var isCut: Bool
    /// The number of its ``Origin`` in its batch, from 1; 0: none.
    public var origin: UInt16

    /// A frame.
    public init(
        extent: Extent, received: Int64, peer: IPAddress? = nil, peerPort: UInt16 = 0, listener: UInt16 = 0,
        transport: TransportKind, isCut: Bool = false, origin: UInt16 = 0
    ) {
        self.extent = extent
        self.received = received
        self.peer = peer
        self.peerPort = peerPort
        self.listener = listener
        self.transport = transport
        self.isCut = isCut
        self.origin = origin
    }
}
