// SPDX-License-Identifier: Apache-2.0
internal import Codecs
internal import Events
internal import Instruments
internal import Logging
internal import Synchronization
public import Transport
internal import Wire

/// What the lanes share of one listener: its limits, its certificate and its counters.
public final class Listener: Sendable {
    /// Why a connection was not served, or served no longer; the names are those of the metric's label `reason`.
    enum Refusal: String, CaseIterable {
        case connections = "connection_limit"
        case connectionsPerPeer = "peer_connection_limit"
        case descriptors = "no_descriptor"
        case handshakeTime = "handshake_timeout"
        case handshake = "handshake_failed"
        case certificate = "certificate_refused"
        case idle = "idle"
        case broken = "connection_broken"
    }

    private struct Peers {
        var total = 0
        var each: [IPAddress: Int] = [:]
    }

    /// What it was configured with.
    public let configuration: ListenerConfiguration
    /// Its number in the configuration; frames carry it.
    public let number: UInt16
    /// The address that it is bound to, with the port that the kernel chose.
    public let address: SocketAddress
    /// The transport as frames name it.
    let kind: TransportKind
    private let context: Mutex<TLSContext?>
    private let peers = Mutex(Peers())

    let messages: Instrument
    let bytes: Instrument
    let connections: Instrument
    let kernelDrops: Instrument
    let receiveBuffer: Instrument
    private let marks: [(flag: FrameSplitter.Marks, instrument: Instrument)]

    init(
        _ configuration: ListenerConfiguration, number: UInt16, address: SocketAddress, context: TLSContext?,
        registry: Registry
    ) {
        self.configuration = configuration
        self.number = number
        self.address = address
        self.context = Mutex(context)
        kind =
            switch configuration.transport {
            case .udp: .udp
            case .tcp: .tcp
            case .tls: .tls
            }
        let labels: KeyValuePairs = ["listener": configuration.name, "transport": configuration.transport.rawValue]
        messages = registry.counter(
            "penstock_received_messages_total", labels, help: "Messages received, by listener and transport.")
        bytes = registry.counter(
            "penstock_received_bytes_total", labels, help: "Bytes of messages received, by listener and transport.")
        connections = registry.gauge(
            "penstock_connections", ["listener": configuration.name], help: "Open connections, by listener.")
        kernelDrops = registry.counter(
            "penstock_kernel_dropped_datagrams_total", ["listener": configuration.name],
            help: "Datagrams that the kernel dropped because a receive buffer was full, by listener.")
        receiveBuffer = registry.gauge(
            "penstock_receive_buffer_bytes", ["listener": configuration.name],
            help: "The receive buffer that the kernel granted each UDP socket, by listener.")
        marks =
            configuration.transport == .udp
            ? []
            : FrameSplitter.Marks.all.filter { $0.flag != .octetCounted }.map {
                (
                    $0.flag,
                    registry.counter(
                        "penstock_framing_marks_total", ["listener": configuration.name, "mark": $0.name],
                        help: "Frames of streams with something wrong, by listener and what it is.")
                )
            }
    }

    /// The listener as complaints and log lines name it.
    var title: String { Listener.title(configuration) }

    static func title(_ configuration: ListenerConfiguration) -> String {
        "listener `\(configuration.name)` (\(configuration.transport.rawValue) \(configuration.address))"
    }

    /// The TLS context for the next connection.
    var currentContext: TLSContext? { context.withLock { $0 } }

    /// When the certificate in use ends, in seconds since the epoch; nil without TLS.
    public var certificateEnd: Int64? { currentContext?.certificateEnd }

    /// Reads certificate, key and client authorities anew. Open connections stay as they are, the next one gets the new
    /// files; when these are wrong, the old ones stay in use.
    ///
    /// - Throws: what is wrong with the files.
    public func reloadCertificate() throws(ListenerErrors) {
        guard configuration.transport == .tls else { return }
        let fresh = try Listener.context(of: configuration)
        context.withLock { $0 = fresh }
    }

    static func context(of configuration: ListenerConfiguration) throws(ListenerErrors) -> TLSContext? {
        guard configuration.transport == .tls else { return nil }
        guard let tls = configuration.tls else {
            throw ListenerErrors([
                "\(title(configuration)): tls needs `certificate` and `key` files; certs/make-certs makes some to try with"
            ])
        }
        do {
            return try TLSContext.server(
                certificate: tls.certificate, key: tls.key, clientCA: tls.clientCA,
                clientCertificate: tls.clientCertificate, minimumVersion: tls.minimumVersion)
        } catch {
            throw ListenerErrors(["\(title(configuration)): \(error)"])
        }
    }

    /// Counts what is wrong with a frame.
    func count(_ found: FrameSplitter.Marks) {
        for mark in marks where found.contains(mark.flag) { mark.instrument.add() }
    }

    /// Books a connection from `peer`, or says which limit stands against it.
    func admit(_ peer: IPAddress) -> Refusal? {
        let most = configuration.maxConnections
        let mostOfPeer = configuration.maxConnectionsPerPeer
        let refusal: Refusal? = peers.withLock { peers in
            if most > 0, peers.total >= most { return .connections }
            let ofPeer = peers.each[peer, default: 0]
            if mostOfPeer > 0, ofPeer >= mostOfPeer { return .connectionsPerPeer }
            peers.total += 1
            peers.each[peer] = ofPeer + 1
            return nil
        }
        if refusal == nil { connections.add(1) }
        return refusal
    }

    /// Gives a booked connection back.
    func release(_ peer: IPAddress) {
        peers.withLock { peers in
            peers.total -= 1
            let ofPeer = peers.each[peer, default: 1] - 1
            peers.each[peer] = ofPeer > 0 ? ofPeer : nil
        }
        connections.add(-1)
    }
}

extension Listener {
    /// Says that the listener is open, and what is not as it was asked for.
    func announce(lanes: Int, _ logger: Logger, time: Int64) {
        logger.info("\(title): open on \(address), \(lanes) lane\(lanes == 1 ? "" : "s")")
        let granted = receiveBuffer.current
        if configuration.transport == .udp, configuration.receiveBuffer > 0, granted < configuration.receiveBuffer {
            logger.warning(
                """
                \(title): the kernel granted a receive buffer of \(granted) bytes instead of \
                \(configuration.receiveBuffer); raise net.core.rmem_max or grant CAP_NET_ADMIN
                """)
        }
        guard let end = certificateEnd else { return }
        let days = (end - time) / 86_400
        if end <= time {
            logger.warning("\(title): the certificate has expired; senders that check it will refuse")
        } else if days < 30 {
            logger.warning("\(title): the certificate expires in \(days) days")
        }
    }
}
