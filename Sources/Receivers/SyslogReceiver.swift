// SPDX-License-Identifier: Apache-2.0
public import Events
internal import Instruments
internal import Logging
internal import Transport
internal import Wire

/// What one lane receives: its own sockets of every listener, and the connections accepted on them.
///
/// One thread polls it; frames go straight into the batch that the thread then works on. Back-pressure is not polling:
/// datagrams are then dropped and counted by the kernel, streams stop being read.
///
/// Sendable so that it can be handed to its thread. Only ``wake()`` may be called from another one.
public final class SyslogReceiver: @unchecked Sendable {
    /// The bit of an event's tag that tells connections from doors.
    private static let connectionBit: UInt32 = 1 << 31
    /// Milliseconds between two looks at the limits of time and at the kernel's drop counts.
    private static let sweepPause: Int64 = 250

    /// The lane's number.
    public let lane: Int
    let loop: EventLoop
    let limits: ReceiveLimits
    let arena: DatagramArena
    let refusals: Refusals
    var clocks = Clocks()
    var doors: [Door] = []
    var inputs: [StreamInput?] = []
    var vacant: [Int] = []
    /// Connections that hold decrypted bytes, which epoll cannot see, or whose turn was over before they were read out.
    var unfinished: [EventLoop.Event] = []
    var notices: Notices
    /// What connections hold of unfinished frames, in bytes.
    var held = 0
    /// Counts polls: the numbers of origins hold for one batch.
    var pollNumber = 0
    var acknowledgements = Acknowledgements()
    /// RELP messages in the journal that are not acknowledged, over all lanes, and this one's part of it.
    let unacknowledged: Instrument
    var toldUnacknowledged = 0
    let shortReads: Instrument
    private let heldBytes: Instrument
    private var toldHeld = 0
    private let shedMessages: Instrument
    let spreader: Spreader
    private var strain = Strain()
    private var load = LaneLoad()
    private var rest: Rest
    private var hasRested = false
    private var ready: [EventLoop.Event] = []
    private var cursor = 0
    private var nextSweep: Int64 = 0

    init(
        _ listeners: [Listener], lane: Int, shared: Bool, spreader: Spreader, limits: ReceiveLimits,
        registry: Registry, logger: Logger
    ) throws(ListenerErrors) {
        self.lane = lane
        self.spreader = spreader
        self.limits = limits
        refusals = Refusals(registry: registry, logger: logger)
        notices = Notices(registry)
        rest = Rest(shortest: limits.coalescing)
        shedMessages = registry.dropped(stage: "journal", reason: "disk_full")
        unacknowledged = registry.gauge(
            "penstock_relp_unacknowledged_messages",
            help: "RELP messages in the journal whose acknowledgement waits for the disk.")
        shortReads = registry.counter(
            "penstock_relp_short_reads_total",
            help: "Reads of RELP connections that were kept short because all connections held much already.")
        heldBytes = registry.gauge(
            "penstock_unfinished_bytes",
            help: "Bytes that connections hold of unfinished messages, and of RELP messages behind full windows.")
        do { loop = try EventLoop() } catch { throw ListenerErrors(["lane \(lane): \(error)"]) }
        let datagrams = listeners.filter { !$0.configuration.transport.isStream }
        arena = DatagramArena(
            slots: datagrams.isEmpty ? 1 : 32,
            // A record of DTLS is longer than its message, and one that is cut cannot be read at all.
            largest: datagrams.map(\.configuration).map { $0.transport == .dtls ? 65_536 : $0.maxMessageBytes }.max()
                ?? 512)
        for listener in listeners {
            do {
                try open(listener, shared: shared)
            } catch {
                throw ListenerErrors(["\(listener.title): \(error)"])
            }
        }
    }

    deinit {
        heldBytes.add(-toldHeld)
        unacknowledged.add(-toldUnacknowledged)
        for case let input? in inputs { input.listener.release(input.connection.peer.ip) }
    }

    private func open(_ listener: Listener, shared: Bool) throws(TransportError) {
        let tag = UInt32(doors.count)
        let configuration = listener.configuration
        guard !configuration.transport.isStream else {
            let socket = try TCPListener(bind: listener.address, shared: shared)
            _ = try loop.add(socket.raw, tag: tag, .readable)
            doors.append(Door(listener: listener, socket: .streams(socket)))
            return
        }
        let asked = configuration.receiveBuffer > 0 ? configuration.receiveBuffer : nil
        let socket = try UDPSocket(bind: listener.address, shared: shared, receiveBuffer: asked)
        // The kernel copies a group's datagrams to every socket that has joined.
        for group in configuration.groups where lane == 0 {
            if let address = IPAddress(group) { try socket.join(group: address, interface: configuration.interface) }
        }
        // Only the first lane gets multicast twice over otherwise: every socket of a port gets each such datagram.
        if lane == 0, shared, configuration.transport == .udp, configuration.spread != .sender {
            listener.spreads = spreader.add(Spreader.Group(socket, configuration.spread, listener: listener.number))
        }
        _ = try loop.add(socket.raw, tag: tag, .readable)
        if let context = listener.currentDatagramContext {
            doors.append(Door(listener: listener, socket: .secured(socket, try endpoint(socket, context, listener))))
        } else {
            doors.append(Door(listener: listener, socket: .datagrams(socket)))
        }
        listener.receiveBuffer.set(Int64(socket.receiveBuffer))
    }

    /// Ends a running or the next poll early; from any thread.
    public func wake() { loop.waker.wake() }

    /// Waits for something to receive, for at most `milliseconds`, and appends it to `batch`.
    ///
    /// It may return earlier with nothing: a quarter of a second after it was called at the latest, because limits of time
    /// need a look now and then.
    ///
    /// - Returns: the number of frames appended.
    @discardableResult
    public func poll(into batch: inout Batch, timeout milliseconds: Int) -> Int {
        let first = batch.frames.count
        let mostFrames = first + limits.frames
        let mostBytes = batch.slab.count + limits.bytes
        pollNumber += 1
        // What an earlier poll had no room for comes first, so that the last of many ready sockets is not the loser.
        if cursor >= ready.count { wait(milliseconds) }
        clocks.read()
        while cursor < ready.count, batch.frames.count < mostFrames, batch.slab.count < mostBytes {
            let event = ready[cursor]
            cursor += 1
            handle(event, &batch, mostFrames)
        }
        if clocks.now >= nextSweep { sweep(&batch) }
        if hasRested { rest.learn(sockets: ready.count, frames: batch.frames.count - first) }
        hasRested = false
        tellNotices(&batch)
        for index in doors.indices { doors[index].flush() }
        return batch.frames.count - first
    }

    /// Reads and drops what datagram sockets hold, with a count: while the journal takes nothing, senders of streams wait,
    /// and datagrams cannot.
    public func shed() {
        clocks.read()
        for door in doors {
            switch door.socket {
            case .streams: continue
            case .datagrams(let socket):
                for _ in 0..<256 {
                    guard case .datagrams(let count) = socket.receive(into: arena), count > 0 else { break }
                    shedMessages.add(count)
                }
            case .secured(let socket, let endpoint): shedMessages.add(drop(socket, endpoint))
            }
        }
    }

    private func tellNotices(_ batch: inout Batch) {
        guard !notices.waiting.isEmpty else { return }
        for notice in notices.waiting {
            let start = batch.slab.count
            notice.append(to: &batch.slab)
            batch.append(
                Frame(
                    extent: Extent(start..<batch.slab.count), received: clocks.received, peer: notice.peer?.ip,
                    peerPort: notice.peer?.port ?? 0, transport: .service))
        }
        notices.removeAll()
    }

    /// Closes every connection; what of their last frames has come is appended to `batch`, marked as cut.
    public func finish(into batch: inout Batch) {
        clocks.read()
        for slot in inputs.indices { close(slot, &batch) }
        for door in doors { if case .secured(_, let endpoint) = door.socket { endpoint.close() } }
        for index in doors.indices { doors[index].flush() }
    }

    private func wait(_ milliseconds: Int) {
        ready.removeAll(keepingCapacity: true)
        cursor = 0
        swap(&ready, &unfinished)
        var woken = loop.wait(milliseconds: 0, into: &ready)
        guard ready.isEmpty, !woken, milliseconds != 0 else {
            let now = Clocks.monotonic
            if spreader.isShared, strain.isOverloaded(now: now, backlog: { backlog }) { spreader.addLanes(now: now) }
            return
        }
        let longest = Int(max(min(nextSweep - clocks.now, SyslogReceiver.sweepPause), 1))
        woken = loop.wait(milliseconds: milliseconds < 0 ? longest : min(milliseconds, longest), into: &ready)
        defer { strain.rest(now: Clocks.monotonic) }
        guard limits.coalescing > 0, !ready.isEmpty, !woken else { return }
        Clocks.sleep(microseconds: rest.microseconds)
        hasRested = true
        ready.removeAll(keepingCapacity: true)
        loop.wait(milliseconds: 0, into: &ready)
    }

    /// How full the fullest of the lane's datagram sockets is.
    private var backlog: Double {
        doors.reduce(0) { most, door in
            if case .datagrams(let socket) = door.socket { max(most, socket.backlog) } else { most }
        }
    }

    private func handle(_ event: EventLoop.Event, _ batch: inout Batch, _ mostFrames: Int) {
        let tag = event.token.tag
        guard tag & SyslogReceiver.connectionBit == 0 else {
            let slot = Int(tag & ~SyslogReceiver.connectionBit)
            // The slot may have been given to another connection since the event was reported.
            guard slot < inputs.count, let input = inputs[slot], input.token == event.token else { return }
            advance(slot, input, &batch)
            return
        }
        let index = Int(tag)
        guard doors.indices.contains(index) else { return }
        switch doors[index].socket {
        case .datagrams(let socket): receive(index, socket, &batch, mostFrames)
        case .secured(let socket, let endpoint): receive(index, socket, endpoint, &batch, mostFrames)
        case .streams(let socket): accept(index, socket)
        }
    }

    private func sweep(_ batch: inout Batch) {
        nextSweep = clocks.now + SyslogReceiver.sweepPause
        spreader.report(lane: lane, busy: load.share(now: clocks.now), now: clocks.now)
        noteUnacknowledged()
        heldBytes.add(held - toldHeld)
        toldHeld = held
        for slot in inputs.indices {
            guard let input = inputs[slot] else { continue }
            input.slim(now: clocks.now)
            input.fit()
            guard let reason = input.expiry(now: clocks.now) else { continue }
            refuse(input.listener, reason, peer: input.peer, "closed after its time limit")
            close(slot, &batch)
        }
        for index in doors.indices {
            switch doors[index].socket {
            case .streams: continue
            case .datagrams(let socket):
                socket.refreshKernelDrops()
                noteDrops(index, socket)
            case .secured(let socket, let endpoint):
                socket.refreshKernelDrops()
                noteDrops(index, socket)
                sweep(index, endpoint)
            }
        }
    }

    func noteDrops(_ index: Int, _ socket: UDPSocket) {
        let drops = doors[index].newDrops(socket)
        guard drops > 0 else { return }
        let listener = doors[index].listener
        listener.kernelDrops.add(drops)
        var notice = Notice(kind: .kernelDrops, listener: listener.configuration.name)
        notice.count = drops
        notice.detail = "the receive buffer was full"
        notices.tell(notice, now: clocks.now)
        refusals.kernel(listener, drops, now: clocks.now)
    }

    func refuse(_ listener: Listener, _ reason: Listener.Refusal, peer: SocketAddress?, _ details: String) {
        refusals.connection(listener, reason, peer: peer, now: clocks.now, details)
        guard reason == .connections || reason == .connectionsPerPeer else { return }
        var notice = Notice(kind: .refusedConnection, listener: listener.configuration.name, peer: peer)
        notice.reason = reason.rawValue
        notice.detail = details
        notices.tell(notice, now: clocks.now)
    }

    /// A place for a connection, and the tag of its registration.
    func vacantSlot() -> (slot: Int, tag: UInt32) {
        let slot: Int
        if let free = vacant.popLast() {
            slot = free
        } else {
            slot = inputs.count
            inputs.append(nil)
        }
        return (slot, UInt32(slot) | SyslogReceiver.connectionBit)
    }
}
