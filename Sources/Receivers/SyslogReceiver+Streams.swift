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
                        listener, reason, peer: peer, "closed at once; see `maxConnections`, `maxConnectionsPerPeer`")
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
        if let context = listener.currentContext { try connection.secure(with: context) }
        let (slot, tag) = vacantSlot()
        do {
            let token = try loop.add(connection.raw, tag: tag, connection.interest)
            inputs[slot] = StreamInput(connection, listener, door: index, token: token, now: clocks.now)
        } catch {
            vacant.append(slot)
            throw error
        }
    }

    /// Takes one connection as far as its turn goes: handshake, then bytes, then frames.
    func advance(_ slot: Int, _ input: StreamInput, _ batch: inout Batch) {
        let connection = input.connection
        if !connection.isOpen {
            switch connection.handshake() {
            case .done:
                input.lastByte = clocks.now
                if let certificate = connection.peerCertificate {
                    identities.add(certificate, input.listener.number, connection.peer)
                }
            case .waiting: return follow(input)
            case .closed: return drop(slot, input, .handshake, "closed during the TLS handshake", &batch)
            case .failed(let error):
                let reason: Listener.Refusal = error.code == .certificate ? .certificate : .handshake
                return drop(slot, input, reason, error.description, &batch)
            }
        }
        read(slot, input, &batch)
    }

    private func read(_ slot: Int, _ input: StreamInput, _ batch: inout Batch) {
        switch readFrames(input, &batch) {
        case .drained: follow(input)
        case .turn:
            follow(input)
            // epoll sees the socket, not what OpenSSL has read ahead of it.
            if input.connection.isTLS { unfinished.append(EventLoop.Event(token: input.token, interest: .readable)) }
        case .closed: close(slot, &batch)
        case .broken(let error): drop(slot, input, .broken, error.description, &batch)
        }
    }

    /// Makes the loop wait for what the connection needs now.
    private func follow(_ input: StreamInput) {
        guard input.connection.interest != input.interest else { return }
        input.interest = input.connection.interest
        loop.change(input.connection.raw, input.token, to: input.interest)
    }

    private func drop(
        _ slot: Int, _ input: StreamInput, _ reason: Listener.Refusal, _ details: String, _ batch: inout Batch
    ) {
        refuse(input.listener, reason, peer: input.connection.peer, details)
        close(slot, &batch)
    }

    /// Closes a connection and gives its place back; the beginning of a frame that never ended is delivered as cut.
    func close(_ slot: Int, _ batch: inout Batch) {
        guard let input = inputs[slot] else { return }
        finishFrames(input, &batch)
        loop.remove(input.connection.raw)
        input.listener.release(input.connection.peer.ip)
        identities.depart(input.listener.number, input.connection.peer)
        inputs[slot] = nil
        vacant.append(slot)
    }
}
