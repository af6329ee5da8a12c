// SPDX-License-Identifier: Apache-2.0
internal import Codecs
internal import Events
internal import Instruments
internal import Transport
internal import Wire

extension SyslogReceiver {
    /// The bytes that are read in any case: a message that has begun must be able to end.
    private static let leastRead = 4096

    /// Reads one turn of a RELP connection and appends the messages that are whole.
    ///
    /// What is not a whole frame is kept. A frame that its connection's end cuts is not delivered: its sender has no
    /// acknowledgement, and repeats it.
    func readRELP(_ slot: Int, _ input: StreamInput, _ relp: RELPConversation, _ batch: inout Batch) -> ReadEnd {
        let before = input.held.count
        defer { held += input.held.count - before }
        var end = ReadEnd.drained
        // Behind a full window nothing is read, so that reading could not tell.
        if relp.isFull, input.connection.isBroken {
            return .broken(TransportError(.closed, "reset before its messages were acknowledged; it sends them again"))
        }
        var step = RELPSession.Step.needMore
        if relp.isBehind { step = takeMessages(slot, input, relp, &batch) }
        if step == .needMore {
            if !relp.isFull { readAhead(input, &batch, &end) }
            step = takeMessages(slot, input, relp, &batch)
        }
        if case .close(let reason) = step {
            end = reason == .closed ? .closed : .violation("the RELP session ends: \(reason.name)")
        }
        if let fault = relp.answer(on: input.connection) { return .violation(fault) }
        switch end {
        case .drained, .turn:
            if input.held.count > relp.bufferLimit + limits.turn {
                return .tooMuch("\(input.held.count) bytes without a frame")
            }
            // With a full window it is the lane that is slow.
            if !relp.isFull, let excess = excess(input) { return .tooMuch(excess) }
        case .closed, .broken, .tooMuch, .violation: break
        }
        return end
    }

    /// Reads one turn into what the connection holds. While all hold much that is little: messages behind full windows
    /// wait in the kernel, and TCP holds their senders back.
    private func readAhead(_ input: StreamInput, _ batch: inout Batch, _ end: inout ReadEnd) {
        let room = min(limits.turn, max(limits.held - held, SyslogReceiver.leastRead))
        if room < limits.turn { shortReads.add() }
        let read = batch.slab.append(upTo: room) { room in fill(room, input.connection, &end) }
        if !read.isEmpty { input.lastByte = clocks.now }
        batch.slab.bytes(read).withUnsafeBytes { input.held.append(contentsOf: $0) }
        batch.slab.truncate(to: Int(read.offset))
    }

    /// Appends the messages that are whole, as far as the window goes.
    ///
    /// - Returns: what ends that; never `deliver`.
    private func takeMessages(
        _ slot: Int, _ input: StreamInput, _ relp: RELPConversation, _ batch: inout Batch
    ) -> RELPSession.Step {
        var from = 0
        var step = relp.next(in: input.held.span.bytes, from: &from)
        while case .deliver(let message) = step {
            append(message, slot, input, &batch)
            step = relp.next(in: input.held.span.bytes, from: &from)
        }
        input.held.removeFirst(min(from, input.held.count))
        relp.isBehind = step == .windowFull
        return step
    }

    private func append(_ message: RELPSession.Message, _ slot: Int, _ input: StreamInput, _ batch: inout Batch) {
        let listener = input.listener
        let extent = batch.slab.append(input.held.span.bytes.part(message.extent))
        let trimmed = extent.length > 0 && batch.slab.bytes(extent).byte(at: Int(extent.length) - 1) == 0x0A ? 1 : 0
        acknowledgements.note(slot, input.token, frame: batch.frames.count)
        batch.append(
            Frame(
                extent: Extent(offset: extent.offset, length: extent.length - UInt32(trimmed)),
                received: clocks.received, peer: input.peer.ip, peerPort: input.peer.port, listener: listener.number,
                transport: .relp, isCut: message.isTruncated, origin: originNumber(input, &batch)))
        doors[input.door].messages += 1
        doors[input.door].bytes += Int(extent.length)
        if message.isTruncated {
            refusals.oversize(listener, peer: input.peer, length: message.originalLength, now: clocks.now)
        }
    }

    /// The frames of the latest poll are in the journal, from number `first` on; nil: they are lost, and are not
    /// acknowledged. Without a journal they have been handed on, and `first` is 0.
    ///
    /// - Returns: the number before which frames must be on disk before they are acknowledged; nil when none wait.
    public func recorded(from first: UInt64?) -> UInt64? {
        guard let first else {
            for turn in acknowledgements.forget() {
                guard let input = inputs[turn.slot], input.token == turn.token else { continue }
                // Acknowledgements only count: the next one would be taken for the lost messages.
                refuse(input.listener, .broken, peer: input.peer, "its messages could not be kept; it sends them again")
                discard(turn.slot, input)
            }
            return nil
        }
        return acknowledgements.record(from: first, now: clocks.now)
    }

    /// Whether messages in the journal wait for their acknowledgement.
    public var hasUnacknowledged: Bool { !acknowledgements.recorded.isEmpty }

    /// Tells of acknowledgements that the disk keeps waiting, and forgets those whose connections have gone.
    func noteUnacknowledged() {
        unacknowledged.add(acknowledgements.waiting - toldUnacknowledged)
        toldUnacknowledged = acknowledgements.waiting
        guard let since = acknowledgements.since, clocks.now - since >= Int64(limits.patience) else { return }
        acknowledgements.prune { inputs[$0.slot]?.token == $0.token }
        refusals.disk(acknowledgements.waiting, lane: lane, seconds: (clocks.now - since) / 1000, now: clocks.now)
    }

    /// Acknowledges what is on disk: all frames before `durable`.
    public func acknowledge(durable: UInt64) {
        for turn in acknowledgements.take(durable: durable, now: clocks.now) {
            guard let input = inputs[turn.slot], input.token == turn.token, let relp = input.relp else { continue }
            let wasFull = relp.isFull
            relp.acknowledge(turn.messages)
            // Its silence begins now.
            input.lastByte = clocks.now
            if let fault = relp.answer(on: input.connection) {
                refuse(input.listener, .broken, peer: input.peer, fault)
                discard(turn.slot, input)
                continue
            }
            follow(input)
            // What was held back while the window was full is no event of the socket, nor what OpenSSL has read ahead,
            // nor that the last answer was that to `close`.
            let waits = !relp.isFull && (!input.held.isEmpty || wasFull && input.connection.isTLS)
            if waits || relp.isOver {
                unfinished.append(EventLoop.Event(token: input.token, interest: .readable))
            }
        }
    }
}
