// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import Wire

/// The DTLS server of one UDP socket: many peers, told apart by address and port (RFC 6012, RFC 6347).
///
/// One thread owns it. It reads nothing itself: the owner receives datagrams and passes each to
/// ``receive(_:from:now:deliver:)``, and calls ``tick(now:)`` some four times a second. Times are in milliseconds of
/// any clock that only goes forward.
///
/// A peer gets memory here only after it has returned a cookie, so after it has proven that it receives what is sent to
/// its address. Sockets that share a port must be spread by ``UDPSocket/Spread/kernel``, which keeps a peer at one.
/// Answers leave with the address that the routes choose: a listener on a shared (virtual) address binds to that
/// address, not to the wildcard, or its clients take them for somebody else's.
public final class DTLSEndpoint {
    /// The context of sessions that begin from now on; a reload sets a new one, and live sessions keep theirs.
    public var context: DTLSContext { didSet { dropListener() } }
    /// What strangers get at most; lower ones end no session that there is.
    public var limits: DTLSLimits
    /// Hears of each refusal of a peer whose address is proven.
    public var onNotice: ((DTLSNotice) -> Void)?

    /// The handshakes that a peer may begin, each in the place of the one before, in the time that one may take.
    private static let attempts = 4
    let wire: DTLSWire
    private var cookie: DTLSCookie
    private var counts = DTLSStatistics()
    /// Established sessions.
    private var sessions: [SocketAddress: DTLSPeer] = [:]
    /// Handshakes, also those of a peer that has a session: the old one lives until the new one is established.
    private var handshakes: [SocketAddress: DTLSPeer] = [:]
    private var perAddress: [IPAddress: Int] = [:]
    private let room: UnsafeMutableRawBufferPointer
    private let address: OpaquePointer
    private var nextSweep: Int64 = .min

    /// An SSL that waits for a ClientHello with a cookie, to become its session.
    private struct Listener {
        let ssl: OpaquePointer
        let state: TLSPeerState
        let context: DTLSContext
    }
    private var listener: Listener?

    /// A server on `socket`, which the caller keeps receiving from.
    public init(socket: UDPSocket, context: DTLSContext, limits: DTLSLimits = DTLSLimits()) throws(TransportError) {
        self.context = context
        self.limits = limits
        wire = try DTLSWire(socket, linkMTU: limits.linkMTU)
        cookie = try DTLSCookie()
        guard let address = BIO_ADDR_new() else { throw TransportError(.system, "DTLS: out of memory") }
        self.address = address
        // The largest content of a record is 2^14 bytes, so a record is never read in parts.
        room = .allocate(byteCount: 1 << 14, alignment: 16)
    }

    deinit {
        dropListener()
        BIO_ADDR_free(address)
        room.deallocate()
    }

    /// What happened so far.
    public var statistics: DTLSStatistics {
        var counts = counts
        counts.sessions = sessions.count
        counts.handshaking = handshakes.count
        counts.unsent = wire.unsent
        return counts
    }

    /// Takes one datagram of a peer. `deliver` gets the content of each record in it, a message each, for the time of
    /// the call.
    public func receive(
        _ datagram: RawSpan, from peer: SocketAddress, now: Int64, deliver: (RawSpan, DTLSPeer) -> Void
    ) {
        counts.datagrams += 1
        guard let header = DTLSRecordHeader(datagram) else { return counts.count(.notDTLS) }
        if header.isClientHello { return greet(datagram, from: peer, now: now) }
        var isKnown = false
        // Plain records are of a handshake or, as a copy of one that was answered, of the session it led to.
        if let session = sessions[peer] {
            isKnown = true
            let sound = datagram.part(0, DTLSRecordHeader.sound(datagram, overhead: session.overhead))
            if sound.byteCount == 0 { return counts.count(.notDTLS) }
            if read(session, sound, now: now, deliver) { return }
        }
        if let handshake = handshakes[peer] {
            isKnown = true
            let sound = datagram.part(0, DTLSRecordHeader.sound(datagram, overhead: handshake.overhead))
            if sound.byteCount == 0 { return counts.count(.notDTLS) }
            proceed(handshake, sound, header, now: now, deliver)
        }
        if !isKnown { counts.count(.noSession) }
    }

    // MARK: Beginning

    private func greet(_ datagram: RawSpan, from peer: SocketAddress, now: Int64) {
        guard let hello = DTLSHello(datagram) else { return counts.count(.notDTLS) }
        cookie.rotate(now: now)
        guard cookie.verifies(hello, datagram, from: peer) else {
            counts.verifyRequests += 1
            let answer = hello.verifyRequest(cookie.make(hello, datagram, from: peer), for: datagram)
            wire.send(answer.span.bytes, to: peer)
            return
        }
        let random = datagram.part(hello.random).array
        // A copy of a ClientHello begins nothing; OpenSSL's timer repeats the answer.
        if sessions[peer]?.random == random || handshakes[peer]?.random == random { return }
        let abandoned = handshakes[peer]
        if let abandoned {
            // Each beginning costs a signature, so there are few before the time of the first is over.
            guard abandoned.attempt < DTLSEndpoint.attempts else { return counts.count(.handshakes) }
            forget(handshake: abandoned)
        }
        guard hasRoom(for: peer) else { return }
        begin(datagram, from: peer, random, cookie: datagram.part(hello.cookie).array, now: now, after: abandoned)
    }

    private func hasRoom(for peer: SocketAddress) -> Bool {
        // A peer that comes again gets the place that it has.
        let isKnown = sessions[peer] != nil
        if !isKnown, sessions.count + handshakes.count >= limits.sessions {
            refuse(.sessions, peer, "there are \(limits.sessions) sessions already")
        } else if !isKnown, perAddress[peer.ip, default: 0] >= limits.sessionsPerAddress {
            refuse(.sessionsPerAddress, peer, "its address has \(limits.sessionsPerAddress) sessions already")
        } else if handshakes.count >= limits.handshakes {
            refuse(.handshakes, peer, "there are \(limits.handshakes) handshakes at the same time already")
        } else if handshakes.keys.count(where: { $0.ip == peer.ip }) >= limits.handshakesPerAddress {
            refuse(.handshakes, peer, "its address has \(limits.handshakesPerAddress) handshakes going on already")
        } else {
            return true
        }
        return false
    }

    private func begin(
        _ datagram: RawSpan, from peer: SocketAddress, _ random: [UInt8], cookie: [UInt8], now: Int64,
        after abandoned: DTLSPeer?
    ) {
        guard let listener = readyListener() else { return refuse(.handshake, peer, "out of memory") }
        let heard = wire.with(peer, datagram, cookie: cookie) {
            TLSError.clear()
            return DTLSv1_listen(listener.ssl, address)
        }
        guard heard == 1 else {
            // What it may have kept of this peer goes with it.
            dropListener()
            return refuse(.handshake, peer, "the ClientHello cannot be read: \(TLSError.take())")
        }
        self.listener = nil
        let handshake = DTLSPeer(listener.ssl, listener.state, listener.context, peer, random: random, now: now)
        if let abandoned {
            handshake.started = abandoned.started
            handshake.attempt = abandoned.attempt + 1
        }
        handshake.handshakeBytes = datagram.byteCount
        handshakes[peer] = handshake
        perAddress[peer.ip, default: 0] += 1
        // The ClientHello waits inside the SSL, which asks about its cookie once more.
        let step = wire.with(peer, cookie: cookie) { handshake.handshake() }
        conclude(handshake, step, now: now)
    }

    private func readyListener() -> Listener? {
        if let listener { return listener }
        TLSError.clear()
        guard let ssl = SSL_new(context.pointer) else { return nil }
        let state = TLSPeerState()
        state.attach(to: ssl)
        wire.attach(to: ssl)
        SSL_set_accept_state(ssl)
        let made = Listener(ssl: ssl, state: state, context: context)
        listener = made
        return made
    }

    private func dropListener() {
        if let listener { SSL_free(listener.ssl) }
        listener = nil
    }

    // MARK: Going on

    private func proceed(
        _ handshake: DTLSPeer, _ datagram: RawSpan, _ header: DTLSRecordHeader, now: Int64,
        _ deliver: (RawSpan, DTLSPeer) -> Void
    ) {
        if header.epoch > 0, !handshake.allowsEarly() { return }
        handshake.handshakeBytes += datagram.byteCount
        guard handshake.handshakeBytes <= limits.handshakeBytes else {
            forget(handshake: handshake)
            return refuse(.handshakeBytes, handshake.address, "its handshake is over \(limits.handshakeBytes) bytes")
        }
        let step = wire.with(handshake.address, datagram) { handshake.handshake() }
        conclude(handshake, step, now: now)
        // The datagram may go on with messages behind the handshake's last record.
        if case .done = step { _ = read(handshake, nil, now: now, deliver) }
    }

    private func conclude(_ handshake: DTLSPeer, _ step: DTLSPeer.Step, now: Int64) {
        switch step {
        case .waits: return
        case .done:
            handshakes[handshake.address] = nil
            counts.handshakes += 1
            if let old = sessions.updateValue(handshake, forKey: handshake.address) {
                // Abandoned without close_notify: the peer would take it for the new session's (RFC 6347 section
                // 4.2.8).
                counts.replaced += 1
                release(old.address.ip)
            }
            handshake.lastHeard = now
        case .closed:
            forget(handshake: handshake)
            refuse(.handshake, handshake.address, "it ended its handshake")
        case .failed(let notice):
            forget(handshake: handshake)
            tell(notice)
        }
    }

    /// - Returns: whether the datagram, or what OpenSSL still held, was of this session.
    private func read(
        _ session: DTLSPeer, _ datagram: RawSpan?, now: Int64, _ deliver: (RawSpan, DTLSPeer) -> Void
    ) -> Bool {
        var isOurs = false
        // Each turn uses up a record of at least 14 bytes, or ends.
        wire.with(session.address, datagram) {
            while true {
                switch session.read(into: room) {
                case .done(let count):
                    isOurs = true
                    counts.messages += 1
                    session.lastHeard = now
                    deliver(RawSpan(_unsafeBytes: UnsafeRawBufferPointer(rebasing: room[..<count])), session)
                    // Mostly the datagram was one record, and asking for another would cost as much again.
                    if wire.isRead, !session.hasMore { return }
                    continue
                case .waits: return
                case .closed:
                    isOurs = true
                    session.close()
                    counts.closed += 1
                    forget(session: session)
                case .failed(let notice):
                    isOurs = true
                    forget(session: session)
                    tell(notice)
                }
                return
            }
        }
        return isOurs
    }

    // MARK: Ending

    /// Repeats what was lost, and ends what has taken too long.
    public func tick(now: Int64) {
        cookie.rotate(now: now)
        for handshake in handshakes.values {
            let isInTime = now - handshake.started < limits.handshakeTime
            let goesOn = isInTime && wire.with(handshake.address) { handshake.retransmit() }
            if goesOn { continue }
            forget(handshake: handshake)
            refuse(.handshakeTime, handshake.address, "its handshake took too long")
        }
        guard now >= nextSweep else { return }
        nextSweep = now + 1000
        for session in sessions.values {
            let silence = now - session.lastHeard
            if limits.idleTime > 0, silence >= limits.idleTime {
                end(session)
                counts.idle += 1
                refuse(.idle, session.address, "nothing came for \(limits.idleTime / 1000) s")
            }
        }
    }

    /// Ends every session with close_notify, and every handshake.
    public func close() {
        for session in sessions.values { end(session) }
        for handshake in handshakes.values { forget(handshake: handshake) }
    }

    private func end(_ session: DTLSPeer) {
        wire.with(session.address) { session.close() }
        forget(session: session)
    }

    private func forget(session: DTLSPeer) {
        guard sessions[session.address] === session else { return }
        sessions[session.address] = nil
        release(session.address.ip)
    }

    private func forget(handshake: DTLSPeer) {
        guard handshakes[handshake.address] === handshake else { return }
        handshakes[handshake.address] = nil
        release(handshake.address.ip)
    }

    private func release(_ ip: IPAddress) {
        let left = perAddress[ip, default: 0] - 1
        perAddress[ip] = left > 0 ? left : nil
    }

    private func refuse(_ reason: DTLSRefusal, _ peer: SocketAddress, _ text: String) {
        tell(DTLSNotice(reason: reason, peer: peer, certificate: nil, text: text))
    }

    private func tell(_ notice: DTLSNotice) {
        counts.count(notice.reason)
        onNotice?(notice)
    }
}
