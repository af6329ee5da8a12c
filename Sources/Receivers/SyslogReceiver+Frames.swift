// SPDX-License-Identifier: Apache-2.0
internal import Codecs
internal import Events
internal import Transport
internal import Wire

/// How a turn of reading ended.
enum ReadEnd {
    /// There may be more.
    case turn
    /// Nothing more waits.
    case drained
    case closed
    case broken(TransportError)
    /// The lane's connections hold more than they may.
    case tooMuch(String)
    /// The sender does not keep to the protocol.
    case violation(String)
}

extension SyslogReceiver {
    /// The bytes of an unfinished frame up to which it is cheaper to copy them in front of what follows.
    private static let small = 4096

    /// Reads one turn of a connection and appends the frames that are whole.
    ///
    /// The stream is read straight into the batch's slab, behind what is left of the last frame, and frames are named
    /// where they lie. Only a long unfinished frame is collected apart: copied in front of each read, a peer that sends it
    /// byte by byte would make the lane copy all of it with every byte.
    func readFrames(_ input: StreamInput, _ batch: inout Batch) -> ReadEnd {
        let before = input.held.count
        defer { held += input.held.count - before }
        var end = ReadEnd.drained
        let start = batch.slab.count
        let isLong = input.held.count > SyslogReceiver.small
        if !isLong { batch.slab.append(input.held.span.bytes) }
        let read = batch.slab.append(upTo: limits.turn) { room in fill(room, input.connection, &end) }
        guard !read.isEmpty else {
            batch.slab.truncate(to: start)
            return end
        }
        input.lastByte = clocks.now
        guard !isLong else {
            batch.slab.bytes(read).withUnsafeBytes { input.held.append(contentsOf: $0) }
            batch.slab.truncate(to: start)
            splitHeld(input, &batch, atEnd: false)
            return bounded(input, end)
        }
        var from = start
        while let step = nextStep(input, in: batch.slab.bytes, from: from, atEnd: false) {
            if let frame = step.frame { append(frame, frame.extent, input, &batch) }
            from = step.end
        }
        let whole = batch.slab.count
        input.held.removeAll(keepingCapacity: whole - from > 0)
        batch.slab.bytes.part(from, whole - from).withUnsafeBytes { input.held.append(contentsOf: $0) }
        batch.slab.truncate(to: from)
        return bounded(input, end)
    }

    /// Delivers the beginning of a frame that will not end, and forgets it.
    func finishFrames(_ input: StreamInput, _ batch: inout Batch) {
        guard !input.held.isEmpty else { return }
        held -= input.held.count
        splitHeld(input, &batch, atEnd: true)
        input.held = []
    }

    private func splitHeld(_ input: StreamInput, _ batch: inout Batch, atEnd: Bool) {
        var from = 0
        while let step = nextStep(input, in: input.held.span.bytes, from: from, atEnd: atEnd) {
            if let frame = step.frame {
                let extent = batch.slab.append(input.held.span.bytes.part(frame.extent))
                append(frame, extent, input, &batch)
            }
            from = step.end
        }
        if from == input.held.count { input.held = [] } else { input.held.removeFirst(from) }
    }

    /// One frame or one skip, and where to go on; nil when nothing is whole.
    private func nextStep(
        _ input: StreamInput, in bytes: RawSpan, from: Int, atEnd: Bool
    ) -> (frame: FrameSplitter.Frame?, end: Int)? {
        switch input.splitter.next(in: bytes, from: from, atEnd: atEnd) {
        case .needMore: nil
        case .skip(let end): end > from ? (nil, end) : nil
        case .frame(let frame): frame.consumedTo > from ? (frame, frame.consumedTo) : nil
        }
    }

    /// Reads until `room` is full or nothing waits.
    func fill(
        _ room: UnsafeMutableRawBufferPointer, _ connection: StreamConnection, _ end: inout ReadEnd
    ) -> Int {
        var filled = 0
        while filled < room.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: room[filled...])
            switch connection.read(into: rest) {
            case .bytes(let count):
                filled += count
                // Less than asked for: the socket is empty. With TLS it only means that a record has ended.
                if !connection.isTLS, count < rest.count {
                    end = .drained
                    return filled
                }
            case .wouldBlock:
                end = .drained
                return filled
            case .closed:
                end = .closed
                return filled
            case .failed(let error):
                end = .broken(error)
                return filled
            }
        }
        end = .turn
        return filled
    }

    /// A connection's memory has a limit, whatever it sends.
    private func bounded(_ input: StreamInput, _ end: ReadEnd) -> ReadEnd {
        let size = input.held.count
        if size > input.splitter.bufferLimit {
            return .broken(TransportError(.system, "\(size) bytes without a frame"))
        }
        return excess(input).map { .tooMuch($0) } ?? end
    }

    /// All connections of the lane share one bound: who holds more than a fair share gives way.
    func excess(_ input: StreamInput) -> String? {
        let size = input.held.count
        guard held > limits.held, size > limits.held / max(inputs.count - vacant.count, 1) else { return nil }
        return "\(size) bytes of an unfinished message, and \(held) in all connections of the lane"
    }

    /// The number of a connection's origin in the batch; worked out once a poll.
    func originNumber(_ input: StreamInput, _ batch: inout Batch) -> UInt16 {
        if input.originPoll != pollNumber {
            input.originPoll = pollNumber
            input.originNumber = input.origin == Origin() ? 0 : batch.number(of: input.origin)
        }
        return input.originNumber
    }

    private func append(_ frame: FrameSplitter.Frame, _ extent: Extent, _ input: StreamInput, _ batch: inout Batch) {
        let peer = input.peer
        let listener = input.listener
        let origin = originNumber(input, &batch)
        batch.append(
            Frame(
                extent: extent, received: clocks.received, peer: peer.ip, peerPort: peer.port,
                listener: listener.number,
                transport: listener.kind, isCut: !frame.marks.isDisjoint(with: [.truncated, .cutByClose]),
                origin: origin))
        doors[input.door].messages += 1
        doors[input.door].bytes += Int(extent.length)
        guard !frame.marks.subtracting(.octetCounted).isEmpty else { return }
        listener.count(frame.marks)
        if frame.marks.contains(.truncated) {
            refusals.oversize(listener, peer: peer, length: frame.originalLength, now: clocks.now)
        }
    }
}
