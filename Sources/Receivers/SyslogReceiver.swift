// SPDX-License-Identifier: Apache-2.0
public import Events
internal import Instruments
internal import Logging
public import Transport
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
    var identities = Identities()
    private var ready: [EventLoop.Event] = []
    private var cursor = 0
    private var nextSweep: Int64 = 0

    init(
        _ listeners: [Listener], lane: Int, shared: Bool, limits: ReceiveLimits, registry: Registry, logger: Logger
    ) throws(ListenerErrors) {
        self.lane = lane
        self.limits = limits
        refusals = Refusals(registry: registry, logger: logger)
        do { loop = try EventLoop() } catch { throw ListenerErrors(["lane \(lane): \(error)"]) }
        let datagrams = listeners.filter { $0.configuration.transport == .udp }
        arena = DatagramArena(
            slots: datagrams.isEmpty ? 1 : 32, largest: datagrams.map(\.configuration.maxMessageBytes).max() ?? 512)
        for listener in listeners {
            do {
                try open(listener, shared: shared)
            } catch {
                throw ListenerErrors(["\(listener.title): \(error)"])
            }
        }
    }

    deinit {
        for case let input? in inputs { input.listener.release(input.connection.peer.ip) }
    }

    private func open(_ listener: Listener, shared: Bool) throws(TransportError) {
        let tag = UInt32(doors.count)
        let configuration = listener.configuration
        guard configuration.transport == .udp else {
            let socket = try TCPListener(bind: listener.address, shared: shared)
            _ = try loop.add(socket.raw, tag: tag, .readable)
            doors.append(Door(listener: listener, socket: .streams(socket)))
            return
        }
        let asked = configuration.receiveBuffer > 0 ? configuration.receiveBuffer : nil
        let socket = try UDPSocket(bind: listener.address, shared: shared, receiveBuffer: asked)
        _ = try loop.add(socket.raw, tag: tag, .readable)
        doors.append(Door(listener: listener, socket: .datagrams(socket)))
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
        identities.forgetDeparted()
        // What an earlier poll had no room for comes first, so that the last of many ready sockets is not the loser.
        if cursor >= ready.count { wait(milliseconds) }
        clocks.read()
        while cursor < ready.count, batch.frames.count < mostFrames, batch.slab.count < mostBytes {
            let event = ready[cursor]
            cursor += 1
            handle(event, &batch, mostFrames)
        }
        if clocks.now >= nextSweep { sweep(&batch) }
        for index in doors.indices { doors[index].flush() }
        return batch.frames.count - first
    }

    /// Closes every connection; what of their last frames has come is appended to `batch`, marked as cut.
    public func finish(into batch: inout Batch) {
        clocks.read()
        for slot in inputs.indices { close(slot, &batch) }
        for index in doors.indices { doors[index].flush() }
    }

    /// The certificate that the sender of a frame of the latest poll has shown; nil without one.
    public func certificate(of frame: Frame) -> PeerCertificate? {
        frame.transport == .tls ? identities[frame.listener, frame.peer, frame.peerPort] : nil
    }

    private func wait(_ milliseconds: Int) {
        ready.removeAll(keepingCapacity: true)
        cursor = 0
        swap(&ready, &unfinished)
        var woken = loop.wait(milliseconds: 0, into: &ready)
        guard ready.isEmpty, !woken, milliseconds != 0 else { return }
        let longest = Int(max(min(nextSweep - clocks.now, SyslogReceiver.sweepPause), 1))
        woken = loop.wait(milliseconds: milliseconds < 0 ? longest : min(milliseconds, longest), into: &ready)
        guard limits.coalescing > 0, !ready.isEmpty, !woken else { return }
        Clocks.sleep(microseconds: limits.coalescing)
        ready.removeAll(keepingCapacity: true)
        loop.wait(milliseconds: 0, into: &ready)
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
        case .streams(let socket): accept(index, socket)
        }
    }

    private func sweep(_ batch: inout Batch) {
        nextSweep = clocks.now + SyslogReceiver.sweepPause
        for slot in inputs.indices {
            guard let input = inputs[slot], let reason = input.expiry(now: clocks.now) else { continue }
            refuse(input.listener, reason, peer: input.connection.peer, "closed after its time limit")
            close(slot, &batch)
        }
        for index in doors.indices {
            guard case .datagrams(let socket) = doors[index].socket else { continue }
            socket.refreshKernelDrops()
            noteDrops(index, socket)
        }
    }

    func noteDrops(_ index: Int, _ socket: UDPSocket) {
        let drops = doors[index].newDrops(socket)
        guard drops > 0 else { return }
        let listener = doors[index].listener
        listener.kernelDrops.add(drops)
        refusals.kernel(listener, drops, now: clocks.now)
    }

    func refuse(_ listener: Listener, _ reason: Listener.Refusal, peer: SocketAddress?, _ details: String) {
        refusals.connection(listener, reason, peer: peer, now: clocks.now, details)
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
