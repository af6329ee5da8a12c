// SPDX-License-Identifier: Apache-2.0
internal import Events
internal import Transport

extension SyslogReceiver {
    /// The connections accepted on one socket before the next one has its turn.
    private static let acceptances = 64

    func accept(_ index: Int, _ socket: TCPListener) {
        let listener = doors[index].listener
        for _ in 0..<SyslogReceiver.acceptances {
            switch socket.accept() {
            case .wouldBlock: return
            case .shed(let reason): refuse(listener, .descriptors, peer: nil, reason)
            case .connection(let connection):
                let peer = connection.peer
                if let reason = listener.admit(peer.ip) {
                    refuse(
                        listener, reason, peer: peer,
                        "closed at once; see `max_connections`, `max_connections_per_peer`")
                    continue
                }
                do {
                    try admit(connection, index, listener)
                } catch {
                    listener.release(peer.ip)
                    refuse(listener, .broken, peer: peer, "\(error)")
                }
            }
        }
    }

    private func admit(_ connection: StreamConnection, _ index: Int, _ listener: Listener) throws(TransportError) {
        let (slot, tag) = vacantSlot()
        do {
            let token = try loop.add(connection.raw, tag: tag, connection.interest)
            let input = StreamInput(connection, listener, door: index, token: token, now: clocks.now)
            // A proxy's header comes in front of TLS.
            if input.stage == .open { try secure(input) }
            inputs[slot] = input
        } catch {
            vacant.append(slot)
            throw error
        }
    }

    private func secure(_ input: StreamInput) throws(TransportError) {
        guard let context = input.listener.currentContext else { return }
        try input.connection.secure(with: context)
        input.stage = .handshake
    }

    /// Takes one connection as far as its turn goes: proxy header, handshake, then bytes, then frames.
    func advance(_ slot: Int, _ input: StreamInput, _ batch: inout Batch) {
        if input.stage == .proxy, !readProxyHeader(slot, input, &batch) { return }
        if input.stage == .handshake, !shakeHands(slot, input, &batch) { return }
        read(slot, input, &batch)
    }

    /// - Returns: whether the connection goes on now.
    private func readProxyHeader(_ slot: Int, _ input: StreamInput, _ batch: inout Batch) -> Bool {
        switch input.takeProxyHeader() {
        case .waiting:
            follow(input)
            return false
        case .taken(let marks):
            input.listener.count(marks)
            input.origin.proxy = input.connection.peer.ip
            input.lastByte = clocks.now
            input.stage = .open
            do { try secure(input) } catch {
                drop(slot, input, .broken, "\(error)", &batch)
                return false
            }
            return true
        case .refused(let reason):
            drop(slot, input, .proxy, reason, &batch)
            return false
        }
    }

    /// - Returns: whether the connection goes on now.
    private func shakeHands(_ slot: Int, _ input: StreamInput, _ batch: inout Batch) -> Bool {
        switch input.connection.handshake() {
        case .done:
            input.lastByte = clocks.now
            input.stage = .open
            if let certificate = input.connection.peerCertificate { admit(certificate, input) }
            return true
        case .waiting: follow(input)
        case .closed: drop(slot, input, .handshake, "closed during the TLS handshake", &batch)
        case .failed(let error):
            let reason: Listener.Refusal = error.code == .certificate ? .certificate : .handshake
            tell(refusalOf: input, error)
            drop(slot, input, reason, error.description, &batch)
        }
        return false
    }

    /// Takes note of who the other side has proven to be.
    private func admit(_ certificate: PeerCertificate, _ input: StreamInput) {
        input.origin.subject = certificate.subject
        input.origin.fingerprint = certificate.fingerprint
        note(certificate, from: input.peer, input.listener)
    }

    private func read(_ slot: Int, _ input: StreamInput, _ batch: inout Batch) {
        let end = input.relp.map { readRELP(slot, input, $0, &batch) } ?? readFrames(input, &batch)
        switch end {
        case .drained: follow(input)
        case .turn:
            follow(input)
            // epoll sees the socket, not what OpenSSL has read ahead of it.
            if input.connection.isTLS { unfinished.append(EventLoop.Event(token: input.token, interest: .readable)) }
        case .closed: close(slot, &batch)
        case .broken(let error): drop(slot, input, .broken, error.description, &batch)
        case .tooMuch(let reason): drop(slot, input, .memory, reason, &batch)
        case .violation(let reason): drop(slot, input, .protocolError, reason, &batch)
        }
    }

    /// Makes the loop wait for what the connection needs now.
    func follow(_ input: StreamInput) {
        var wanted = input.connection.interest
        // A window of unacknowledged messages that is full is back-pressure.
        if input.relp?.isFull == true { wanted.remove(.readable) }
        guard wanted != input.interest else { return }
        input.interest = wanted
        loop.change(input.connection.raw, input.token, to: input.interest)
    }

    private func drop(
        _ slot: Int, _ input: StreamInput, _ reason: Listener.Refusal, _ details: String, _ batch: inout Batch
    ) {
        refuse(input.listener, reason, peer: input.peer, details)
        close(slot, &batch)
    }

    /// Closes a connection whose unfinished frame comes again.
    func discard(_ slot: Int, _ input: StreamInput) {
        held -= input.held.count
        input.held = []
        loop.remove(input.connection.raw)
        input.listener.release(input.connection.peer.ip)
        inputs[slot] = nil
        vacant.append(slot)
    }

    /// Closes a connection and gives its place back; the beginning of a frame that never ended is delivered as cut.
    func close(_ slot: Int, _ batch: inout Batch) {
        guard let input = inputs[slot] else { return }
        if input.relp == nil { finishFrames(input, &batch) }
        discard(slot, input)
    }
}
