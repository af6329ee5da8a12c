// SPDX-License-Identifier: Apache-2.0
internal import Events
internal import Transport
internal import Wire

extension SyslogReceiver {
    /// The DTLS server of one lane's socket.
    func endpoint(
        _ socket: UDPSocket, _ context: DTLSContext, _ listener: Listener
    ) throws(TransportError) -> DTLSEndpoint {
        let configuration = listener.configuration
        var limits = DTLSLimits()
        if configuration.maxConnections > 0 { limits.sessions = configuration.maxConnections }
        if configuration.maxConnectionsPerPeer > 0 { limits.sessionsPerAddress = configuration.maxConnectionsPerPeer }
        if configuration.handshakeTimeout > 0 { limits.handshakeTime = Int64(configuration.handshakeTimeout) * 1000 }
        if configuration.idleTimeout > 0 { limits.idleTime = Int64(configuration.idleTimeout) * 1000 }
        let endpoint = try DTLSEndpoint(socket: socket, context: context, limits: limits)
        endpoint.onNotice = { [unowned self] notice in
            refuse(listener, SyslogReceiver.refusal(notice.reason), peer: notice.peer, notice.text)
            if let refusal = notice.certificate { tell(refusal, from: notice.peer, listener, notice.text) }
        }
        return endpoint
    }

    func receive(
        _ index: Int, _ socket: UDPSocket, _ endpoint: DTLSEndpoint, _ batch: inout Batch, _ mostFrames: Int
    ) {
        let listener = doors[index].listener
        let arena = arena
        for _ in 0..<8 where batch.frames.count < mostFrames {
            guard case .datagrams(let count) = socket.receive(into: arena) else { break }
            for slot in 0..<count {
                guard let peer = arena.peer(slot) else { continue }
                endpoint.receive(arena.bytes(slot), from: peer, now: clocks.now) { record, session in
                    append(record, session, index, listener, &batch)
                }
            }
            if count < arena.slots { break }
        }
        noteDrops(index, socket)
    }

    /// One record holds one message or several, each with its length in front (RFC 6012 section 5.4); a sender that leaves
    /// the length out sends one.
    private func append(
        _ record: RawSpan, _ session: DTLSPeer, _ index: Int, _ listener: Listener, _ batch: inout Batch
    ) {
        if session.tag == 0, let certificate = session.certificate {
            note(certificate, from: session.address, listener)
        }
        let origin = originNumber(session, &batch)
        var from = 0
        while from < record.byteCount {
            let rest = record.part(from, record.byteCount - from)
            var (start, length) = (0, rest.byteCount)
            var digits = 0
            var counted = 0
            while digits < 8, let byte = rest.byte(at: digits), byte >= 0x30, byte <= 0x39 {
                counted = counted * 10 + Int(byte - 0x30)
                digits += 1
            }
            if digits > 0, rest.byte(at: digits) == 0x20, rest.byte(at: digits + 1) == 0x3C,
                counted <= rest.byteCount - digits - 1
            {
                (start, length) = (digits + 1, counted)
            }
            let most = listener.configuration.maxMessageBytes
            let message = rest.part(start, min(length, most))
            let trimmed = length > most ? message.byteCount : lengthWithoutTrailer(message)
            if trimmed > 0 {
                if length > most {
                    refusals.oversize(listener, peer: session.address, length: length, now: clocks.now)
                }
                batch.append(
                    message.part(0, trimmed), received: clocks.received, peer: session.address.ip,
                    peerPort: session.address.port, listener: listener.number, transport: .dtls, isCut: length > most,
                    origin: origin)
                doors[index].messages += 1
                doors[index].bytes += trimmed
            }
            from += start + length
        }
    }

    private func originNumber(_ session: DTLSPeer, _ batch: inout Batch) -> UInt16 {
        guard session.tag >> 16 != pollNumber else { return UInt16(truncatingIfNeeded: session.tag) }
        let number =
            session.certificate.map {
                batch.number(of: Origin(subject: $0.subject, fingerprint: $0.fingerprint))
            } ?? 0
        session.tag = pollNumber << 16 | Int(number)
        return number
    }

    /// Reads and drops what waits; sessions stay.
    func drop(_ socket: UDPSocket, _ endpoint: DTLSEndpoint) -> Int {
        var dropped = 0
        let arena = arena
        for _ in 0..<256 {
            guard case .datagrams(let count) = socket.receive(into: arena), count > 0 else { break }
            for slot in 0..<count {
                guard let peer = arena.peer(slot) else { continue }
                endpoint.receive(arena.bytes(slot), from: peer, now: clocks.now) { _, _ in dropped += 1 }
            }
        }
        return dropped
    }

    /// What is due now and then.
    func sweep(_ index: Int, _ endpoint: DTLSEndpoint) {
        endpoint.tick(now: clocks.now)
        let listener = doors[index].listener
        if let fresh = listener.currentDatagramContext, fresh !== endpoint.context { endpoint.context = fresh }
        let statistics = endpoint.statistics
        let new = [statistics.refused(.notDTLS), statistics.refused(.noSession)]
        refusals.strayDatagrams(new[0] - doors[index].countedRefusals[0], new[1] - doors[index].countedRefusals[1])
        doors[index].countedRefusals = new
        let others = listener.sessions(of: lane, statistics.sessions)
        // A peer's port decides about its lane; the limit is that of all.
        let most = listener.configuration.maxConnections
        if most > 0 { endpoint.limits.sessions = max(most - others, 0) }
    }

    private static func refusal(_ reason: DTLSRefusal) -> Listener.Refusal {
        switch reason {
        case .certificate: .certificate
        case .handshakeTime: .handshakeTime
        case .sessions, .handshakes: .connections
        case .sessionsPerAddress: .connectionsPerPeer
        case .failed: .broken
        case .idle: .idle
        case .notDTLS, .noSession, .handshakeBytes, .handshake: .handshake
        }
    }
}
