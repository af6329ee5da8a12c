// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Flows: how they begin, what their packets do, how they end.
extension PacketEngine {
    /// How long a finished flow is kept for packets that are still on their way (ns).
    private static let linger: Int64 = 1_000_000_000
    /// How many starts of another protocol a flow may show before it is given up; on a hinted port there is no limit.
    private static let maxTries = 8
    /// The most bytes kept while a protocol is not recognized.
    private static let maxProbe = 300

    /// Takes a packet decoded to its transport; `packets` captured ones brought it.
    mutating func take(_ layers: Layers, payload: RawSpan, frame: RawSpan, time: Int64, packets: Int) {
        let (key, sender) = FlowKey.make(layers)
        let flow = flow(of: key, sender: sender, layers: layers, time: time)
        flow.last = max(flow.last, time)
        flow.withStream(sender) {
            $0.packets += 1
            $0.bytes += payload.byteCount + layers.missing
        }
        if layers.transport == TransportDecoder.tcp {
            segment(layers, payload: payload, frame: frame, time: time, packets: packets, flow: flow, sender: sender)
        } else {
            // No dissector of datagrams yet.
            output.counters.skip(.unknownProtocol, packets)
        }
        schedule(flow)
    }

    // MARK: Begin

    private mutating func flow(of key: FlowKey, sender: Side, layers: Layers, time: Int64) -> Flow {
        // SYN with FIN or RST opens nothing: it is a probe, or damage.
        let isSYN = layers.transport == TransportDecoder.tcp && layers.flags.isSynchronizing
        let isStart = isSYN && !layers.flags.contains(.ack)
        if let known = flows.find(key) {
            guard isStart, isReused(known, sender: sender, sequence: layers.sequence) else {
                flows.touch(known)
                return known
            }
            end(known, known.closeAt == nil ? .reused : known.closeReason)
        }
        if flows.isFull, let oldest = flows.leastRecent {
            output.counters.evictedFlows += 1
            end(oldest, .evicted)
        }
        let macs =
            sender == .first
            ? (layers.sourceMAC, layers.destinationMAC) : (layers.destinationMAC, layers.sourceMAC)
        let client = guessClient(key, sender: sender, layers: layers)
        let flow = flows.add(key) { slot, generation in
            Flow(
                key: key, began: time, client: client, vlans: layers.vlans, macs: macs, slot: slot,
                generation: generation)
        }
        flow.isClientKnown = isSYN
        flow.startSeen = flow.isClientKnown
        output.counters.flows += 1
        if options.reportsFlows { report(flow, end: nil) }
        return flow
    }

    /// A SYN with another initial sequence number begins a new connection between the same ports.
    private func isReused(_ flow: Flow, sender: Side, sequence: UInt32) -> Bool {
        let stream = sender == .first ? flow.first : flow.second
        if let initial = stream.initial { return initial != sequence }
        return stream.packets > 0
    }

    /// Who asks: the sender of the SYN; without one, the side whose port hints less at a service.
    private func guessClient(_ key: FlowKey, sender: Side, layers: Layers) -> Side {
        if layers.transport == TransportDecoder.tcp, layers.flags.isSynchronizing {
            return layers.flags.contains(.ack) ? sender.other : sender
        }
        let isHinted = (portHints.contains(key.firstPort), portHints.contains(key.secondPort))
        if isHinted.0 != isHinted.1 { return isHinted.0 ? .second : .first }
        if (key.firstPort < 1024) != (key.secondPort < 1024) { return key.firstPort < 1024 ? .second : .first }
        return sender
    }

    // MARK: Segments

    private mutating func segment(
        _ layers: Layers, payload: RawSpan, frame: RawSpan, time: Int64, packets: Int, flow: Flow, sender: Side
    ) {
        var sequence = layers.sequence
        if layers.flags.isSynchronizing {
            flow.withStream(sender) { if $0.initial != sequence { $0.synchronize(sequence) } }
            sequence &+= 1
        }
        if layers.flags.contains(.ack) {
            flow.withStream(sender.other) { stream in
                if let known = stream.acknowledgedByPeer, Int32(bitPattern: layers.acknowledged &- known) < 0 { return }
                stream.acknowledgedByPeer = layers.acknowledged
            }
        }
        let length = payload.byteCount + layers.missing
        if length == 0 {
            output.counters.decoded += packets
        } else {
            let verdict = flow.withStream(sender) { $0.accept(sequence, length, time: time) }
            switch verdict {
            case .duplicate:
                flow.withStream(sender) { $0.retransmissions += 1 }
                output.counters.skip(.retransmission, packets)
            case .deliver(let skip):
                dispose(flow, packets)
                let part = Segment(
                    payload: payload.part(skip, payload.byteCount), frame: frame, time: time,
                    sequence: sequence &+ UInt32(truncatingIfNeeded: skip), acknowledged: layers.acknowledged)
                deliver(part, flow, sender)
                if layers.missing > 0 { lose(min(layers.missing, length - skip), flow, sender, moves: false) }
                drain(flow, sender)
            case .detached:
                var part = Segment(
                    payload: payload, frame: frame, time: time, sequence: sequence, acknowledged: layers.acknowledged)
                part.isDetached = true
                dispose(flow, packets)
                deliver(part, flow, sender)
            case .hold:
                dispose(flow, packets)
                let kept = HeldSegment(
                    sequence: sequence, acknowledged: layers.acknowledged, time: time,
                    frame: PacketEngine.keep(frame, payload, limit: options.maxFrameBytes),
                    frameLength: min(frame.byteCount, options.maxFrameBytes),
                    payload: Extent(
                        min(frame.byteCount, options.maxFrameBytes)..<min(frame.byteCount, options.maxFrameBytes)
                            + payload.byteCount), missing: layers.missing)
                flow.withStream(sender) {
                    heldBytes -= $0.heldBytes
                    $0.hold(kept)
                    heldBytes += $0.heldBytes
                }
            }
        }
        if layers.flags.contains(.fin) {
            flow.withStream(sender) { $0.finish = sequence &+ UInt32(truncatingIfNeeded: length) }
        }
        if flow.first.hasHeld || flow.second.hasHeld {
            flow.first.heldPackets += 1
            flow.second.heldPackets += 1
            resolveHoles(flow)
        }
        if flow.closeAt == nil {
            if layers.flags.contains(.rst) {
                flow.closeAt = time + PacketEngine.linger
                flow.closeReason = .reset
            } else if layers.flags.contains(.fin) || flow.first.finish != nil,
                flow.first.isFinished, flow.second.isFinished
            {
                flow.closeAt = time + PacketEngine.linger
            }
        }
    }

    /// A frame, cut to `limit`, with the whole payload behind it: what is kept of a segment that came too early.
    private static func keep(_ frame: RawSpan, _ payload: RawSpan, limit: Int) -> [UInt8] {
        var kept = frame.part(0, limit).array
        kept.append(payload)
        return kept
    }

    /// Delivers kept segments that are now in order.
    private mutating func drain(_ flow: Flow, _ side: Side) {
        guard side == .first ? flow.first.hasHeld : flow.second.hasHeld else { return }
        while true {
            let before = side == .first ? flow.first.heldBytes : flow.second.heldBytes
            let ready = flow.withStream(side) { $0.popReady() }
            heldBytes -= before - (side == .first ? flow.first.heldBytes : flow.second.heldBytes)
            guard let ready else { return }
            let bytes = ready.frame.bytes
            let part = Segment(
                payload: bytes.part(ready.payload), frame: bytes.part(0, ready.frameLength), time: ready.time,
                sequence: ready.sequence, acknowledged: ready.acknowledged)
            deliver(part, flow, side)
            if ready.missing > 0 { lose(ready.missing, flow, side, moves: true) }
        }
    }

    /// Counts bytes that the snap length cut off and tells the session.
    private mutating func lose(_ count: Int, _ flow: Flow, _ side: Side, moves: Bool) {
        flow.withStream(side) { if moves { $0.passOver(count) } else { $0.noteGap(count) } }
        missed(count, flow, side)
    }

    private mutating func missed(_ count: Int, _ flow: Flow, _ side: Side) {
        guard count > 0 else { return }
        flow.setProbe([], of: side)
        guard let session = flow.session else { return }
        output.counters.gaps += 1
        output.counters.gapBytes += count
        session.gap(count, from: side, flow: flow, output: &output)
    }

    /// Passes over holes that will not be filled any more. `forced` gives up all of them.
    mutating func resolveHoles(_ flow: Flow, forced: Bool = false, isQuiet: Bool = false) {
        // The side that asks goes first, so that answers find their questions.
        for side in [flow.client, flow.client.other] {
            var isForced = forced || heldBytes > options.maxHeldBytes
            while true {
                let isLost = flow.withStream(side) {
                    $0.hasHeld && (isForced || $0.isHoleLost(now: clock, limits: options, isQuiet: isQuiet))
                }
                guard isLost, let count = flow.withStream(side, { $0.skipHole(now: clock) }) else { break }
                missed(count, flow, side)
                drain(flow, side)
                isForced = forced || heldBytes > options.maxHeldBytes
            }
        }
    }

    // MARK: Protocols

    /// Counts packets whose payload is on its way to a dissector.
    private mutating func dispose(_ flow: Flow, _ packets: Int) {
        switch flow.service {
        case .known: output.counters.decoded += packets
        case .undecided: flow.undecided += packets
        case .other: output.counters.skip(.unknownProtocol, packets)
        }
    }

    private mutating func deliver(_ segment: Segment, _ flow: Flow, _ side: Side) {
        if let session = flow.session {
            session.consume(segment, from: side, flow: flow, output: &output)
            return
        }
        guard case .undecided(let tries) = flow.service else { return }
        let stream = side == .first ? flow.first : flow.second
        let isHinted = portHints.contains(flow.key.firstPort) || portHints.contains(flow.key.secondPort)
        let place: StreamPlace = tries > 0 ? .doubtful : stream.initial == nil ? .joined : .start
        let kept = flow.probe(of: side)
        if !kept.isEmpty {
            var start = kept
            start.append(segment.payload)
            let joined = Segment(
                payload: start.bytes, frame: segment.frame, time: segment.time,
                sequence: segment.sequence &- UInt32(truncatingIfNeeded: kept.count),
                acknowledged: segment.acknowledged)
            if recognize(joined, flow, side, place) { return }
        }
        if recognize(segment, flow, side, kept.isEmpty ? place : .doubtful) { return }
        // Neither the bytes so far nor this segment alone begin with a message.
        flow.setProbe([], of: side)
        output.counters.skip(.unknownProtocol, flow.undecided)
        flow.undecided = 0
        flow.service = tries + 1 >= PacketEngine.maxTries && !isHinted ? .other : .undecided(tries: tries + 1)
    }

    /// Whether the bytes are, or may be, the start of a known protocol.
    private mutating func recognize(_ segment: Segment, _ flow: Flow, _ side: Side, _ place: StreamPlace) -> Bool {
        var needsMore = false
        for (number, dissector) in Dissectors.all.enumerated() {
            let isHinted =
                dissector.ports.contains(flow.key.firstPort) || dissector.ports.contains(flow.key.secondPort)
            switch dissector.recognize(segment.payload, at: isHinted ? place : .doubtful) {
            case .no: continue
            case .more: needsMore = true
            case .yes:
                flow.service = .known(number)
                flow.setProbe([], of: side)
                output.counters.decoded += flow.undecided
                flow.undecided = 0
                let session = dissector.session(
                    number: number, flow: flow, first: segment.payload, from: side, options: options)
                flow.session = session
                let rest = flow.probe(of: side.other)
                session.consume(segment, from: side, flow: flow, output: &output)
                if !rest.isEmpty {
                    flow.setProbe([], of: side.other)
                    let next = side == .first ? flow.second.next : flow.first.next
                    session.consume(
                        Segment(
                            payload: rest.bytes, frame: rest.bytes.part(0, 0), time: segment.time,
                            sequence: next &- UInt32(truncatingIfNeeded: rest.count),
                            acknowledged: segment.sequence),
                        from: side.other, flow: flow, output: &output)
                }
                return true
            }
        }
        guard needsMore, segment.payload.byteCount <= PacketEngine.maxProbe, !segment.isDetached else { return false }
        flow.setProbe(segment.payload.array, of: side)
        return true
    }

    // MARK: End

    /// Ends a flow: what is kept is delivered, what waits is reported.
    mutating func end(_ flow: Flow, _ reason: FlowEnd) {
        resolveHoles(flow, forced: true)
        flow.session?.expire(now: .max, isQuiet: true, flow: flow, output: &output)
        output.counters.skip(.unknownProtocol, flow.undecided)
        flow.undecided = 0
        if options.reportsFlows { report(flow, end: reason) }
        flows.remove(flow)
    }

    /// Writes the "conn" record of a flow's begin or end.
    private mutating func report(_ flow: Flow, end: FlowEnd?) {
        flow.begin(&output.writer, record: "conn", time: end == nil ? flow.began : flow.last)
        let source = flow.client == .first ? flow.first : flow.second
        let destination = flow.client == .first ? flow.second : flow.first
        if let end {
            output.writer.put(.connState, "closed")
            output.writer.put(RecordField.connReason.rawValue, end.rawValue)
            output.writer.put(.connDuration, flow.last - flow.began)
            output.writer.put(.connSourcePackets, Int64(source.packets))
            output.writer.put(.connSourceBytes, Int64(source.bytes))
            output.writer.put(.connDestinationPackets, Int64(destination.packets))
            output.writer.put(.connDestinationBytes, Int64(destination.bytes))
            let retransmissions = source.retransmissions + destination.retransmissions
            if retransmissions > 0 { output.writer.put(.connRetransmissions, Int64(retransmissions)) }
            if source.gaps + destination.gaps > 0 {
                output.writer.put(.connGaps, Int64(source.gaps + destination.gaps))
                output.writer.put(.connGapBytes, Int64(source.gapBytes + destination.gapBytes))
            }
            if case .known(let number) = flow.service {
                output.writer.put(RecordField.connService.rawValue, Dissectors.all[number].name)
            }
        } else {
            output.writer.put(.connState, "open")
        }
        output.writer.put(.connStartSeen, flow.startSeen)
        output.finish(time: end == nil ? flow.began : flow.last)
    }
}
