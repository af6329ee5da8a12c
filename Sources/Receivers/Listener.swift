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
        case proxy = "proxy_header"
        case protocolError = "relp_error"
        case memory = "memory_limit"
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
    /// The networks whose PROXY protocol header is believed.
    private let proxies: [IPNetwork]
    /// Which addresses each certificate came from.
    let identities = IdentityBook()
    /// Connections refused or closed, by reason.
    let refused: [Refusal: Instrument]
    let context: Mutex<TLSContext?>
    let datagramContext: Mutex<DTLSContext?>
    private let peers = Mutex(Peers())
    private let sessionCounts = Mutex<[Int: Int]>([:])
    private let isSpread = Atomic<Bool>(true)
    /// Whether the kernel lets a program choose among the lanes' sockets.
    var spreads: Bool {
        get { isSpread.load(ordering: .relaxed) }
        set { isSpread.store(newValue, ordering: .relaxed) }
    }

    let messages: Instrument
    let bytes: Instrument
    let connections: Instrument
    let kernelDrops: Instrument
    let receiveBuffer: Instrument
    private let proxyMarks: [(flag: PROXYHeader.Marks, instrument: Instrument)]
    private let marks: [(flag: FrameSplitter.Marks, instrument: Instrument)]

    init(
        _ configuration: ListenerConfiguration, number: UInt16, address: SocketAddress, contexts: Contexts,
        registry: Registry
    ) {
        self.configuration = configuration
        self.number = number
        self.address = address
        context = Mutex(contexts.stream)
        datagramContext = Mutex(contexts.datagram)
        kind =
            switch configuration.transport {
            case .udp: .udp
            case .tcp: .tcp
            case .tls: .tls
            case .dtls: .dtls
            case .relp: .relp
            }
        proxies = configuration.proxies.compactMap { IPNetwork($0) }
        let labels: KeyValuePairs = ["listener": configuration.name, "transport": configuration.transport.rawValue]
        messages = registry.counter(
            "penstock_received_messages_total", labels, help: "Messages received, by listener and transport.")
        bytes = registry.counter(
            "penstock_received_bytes_total", labels, help: "Bytes of messages received, by listener and transport.")
        connections = registry.gauge(
            "penstock_connections", ["listener": configuration.name], help: "Open connections, by listener.")
        refused = Dictionary(
            uniqueKeysWithValues: Refusal.allCases.map {
                (
                    $0,
                    registry.counter(
                        "penstock_refused_connections_total",
                        ["listener": configuration.name, "reason": $0.rawValue],
                        help: "Connections refused or closed, by listener and reason.")
                )
            })
        kernelDrops = registry.counter(
            "penstock_kernel_dropped_datagrams_total", ["listener": configuration.name],
            help: "Datagrams that the kernel dropped because a receive buffer was full, by listener.")
        receiveBuffer = registry.gauge(
            "penstock_receive_buffer_bytes", ["listener": configuration.name],
            help: "The receive buffer that the kernel granted each UDP socket, by listener.")
        proxyMarks =
            proxies.isEmpty
            ? []
            : PROXYHeader.Marks.all.map {
                (
                    $0.flag,
                    registry.counter(
                        "penstock_proxy_marks_total", ["listener": configuration.name, "mark": $0.name],
                        help: "PROXY protocol headers that were taken with something wrong, by listener and what.")
                )
            }
        marks =
            !configuration.transport.isStream
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

    /// Whether a PROXY protocol header is demanded of connections from `address`.
    func trustsProxy(at address: IPAddress) -> Bool {
        !proxies.isEmpty && proxies.contains { $0.contains(address) }
    }

    /// Counts what is wrong with a frame.
    func count(_ found: FrameSplitter.Marks) {
        for mark in marks where found.contains(mark.flag) { mark.instrument.add() }
    }

    /// Counts what is wrong with a proxy's header.
    func count(_ found: PROXYHeader.Marks) {
        for mark in proxyMarks where found.contains(mark.flag) { mark.instrument.add() }
    }

    /// Notes how many DTLS sessions a lane has.
    ///
    /// - Returns: how many all other lanes have.
    func sessions(of lane: Int, _ count: Int) -> Int {
        let sum = sessionCounts.withLock { counts in
            counts[lane] = count
            return counts.values.reduce(0, +)
        }
        connections.set(Int64(sum))
        return sum - count
    }

    /// Books a connection from `peer`, or says which limit stands against it.
    func admit(_ peer: IPAddress) -> Refusal? {
        let most = configuration.maxConnections
        let mostOfPeer = configuration.maxConnectionsPerPeer
        let refusal: Refusal? = peers.withLock { peers in
            if most > 0, peers.total >= most { return .connections }
            let ofPeer = peers.each[peer, default: 0]
            // A proxy's connections are those of many.
            if mostOfPeer > 0, ofPeer >= mostOfPeer, !trustsProxy(at: peer) { return .connectionsPerPeer }
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
        if !configuration.transport.isStream, configuration.receiveBuffer > 0, granted < configuration.receiveBuffer {
            logger.warning(
                """
                \(title): the kernel granted a receive buffer of \(granted) bytes instead of \
                \(configuration.receiveBuffer); raise net.core.rmem_max or grant CAP_NET_ADMIN
                """)
        }
        if !spreads {
            logger.warning(
                """
                \(title): the kernel takes no program that spreads datagrams over lanes; one sender always gets one lane. \
                `spread: sender` says that this is meant
                """)
        }
        for warning in currentContext?.warnings ?? currentDatagramContext?.warnings ?? [] {
            logger.warning("\(title): \(warning)")
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
