// SPDX-License-Identifier: Apache-2.0
internal import Codecs
internal import Events
internal import Transport
internal import Wire

extension SyslogReceiver {
    /// Reads one turn of a RELP connection and appends the messages that are whole.
    ///
    /// What is not a whole frame is kept. A frame that its connection's end cuts is not delivered: its sender has no
    /// acknowledgement, and repeats it.
    func readRELP(_ slot: Int, _ input: StreamInput, _ relp: RELPConversation, _ batch: inout Batch) -> ReadEnd {
        let before = input.held.count
        defer { held += input.held.count - before }
        var end = ReadEnd.drained
        if !relp.isFull {
            let read = batch.slab.append(upTo: limits.turn) { room in fill(room, input.connection, &end) }
            if !read.isEmpty { input.lastByte = clocks.now }
            batch.slab.bytes(read).withUnsafeBytes { input.held.append(contentsOf: $0) }
            batch.slab.truncate(to: Int(read.offset))
        }
        var from = 0
        reading: while true {
            switch relp.next(in: input.held.span.bytes, from: &from) {
            case .needMore, .windowFull: break reading
            case .deliver(let message):
                append(message, slot, input, &batch)
            case .close(let reason):
                end = reason == .closed ? .closed : .violation("the RELP session ends: \(reason.name)")
                break reading
            }
        }
        input.held.removeFirst(min(from, input.held.count))
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
        return acknowledgements.record(from: first)
    }

    /// Whether messages in the journal wait for their acknowledgement.
    public var hasUnacknowledged: Bool { !acknowledgements.recorded.isEmpty }

    /// Acknowledges what is on disk: all frames before `durable`.
    public func acknowledge(durable: UInt64) {
        for turn in acknowledgements.take(durable: durable) {
            guard let input = inputs[turn.slot], input.token == turn.token, let relp = input.relp else { continue }
            let wasFull = relp.isFull
            relp.acknowledge(turn.messages)
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
