// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Turns captured packets into records: link and IP headers, fragments, flows, TCP streams, messages.
///
/// It does no input or output and reads no clock: bytes and packet times in, records out. The records of the packets
/// since the last ``resetRecords()`` are in ``recordCount``, ``record(at:)`` and ``time(ofRecord:)``. One engine
/// belongs to one thread at a time; it may move, because nothing in it is shared.
public struct PacketEngine: ~Copyable, @unchecked Sendable {
    /// A record's bytes and its time.
    struct Record {
        var extent: Extent
        var time: Int64
    }

    /// The bounds that the engine keeps.
    public let options: EngineOptions
    var output = Output()
    var flows: FlowTable
    var fragments: FragmentTable
    var timers = TimerWheel()
    /// The highest packet time.
    var clock: Int64 = .min
    /// Bytes of out-of-order frames in all streams.
    var heldBytes = 0
    let portHints: [UInt16]

    /// A backward step of packet time by more than this starts the clock again (ns).
    private static let clockStep: Int64 = 3_600_000_000_000
    /// What is overdue but still waits for packets is looked at again after this long (ns).
    private static let recheck: Int64 = 1_000_000_000

    /// An engine with nothing seen.
    public init(options: EngineOptions = EngineOptions()) {
        self.options = options
        self.flows = FlowTable(limit: options.maxFlows)
        self.fragments = FragmentTable(limit: options.maxFragmentedDatagrams, timeout: options.fragmentTimeout)
        self.portHints = Dissectors.all.flatMap { $0.ports }
    }

    // MARK: Records

    /// The number of records since the last reset.
    public var recordCount: Int { output.records.count }

    /// The bytes of a record, for a ``RecordReader``; empty when there is no such record.
    @_lifetime(borrow self)
    public func record(at index: Int) -> RawSpan {
        guard index >= 0, index < output.records.count else { return output.writer.slab.bytes(.empty) }
        return output.writer.slab.bytes(output.records[index].extent)
    }

    /// The time of a record in ns since the epoch: the request's, or the packet's that made it.
    public func time(ofRecord index: Int) -> Int64 {
        index >= 0 && index < output.records.count ? output.records[index].time : 0
    }

    /// Forgets the records; memory is kept.
    public mutating func resetRecords() { output.reset() }

    /// What has been seen so far.
    public var summary: EngineSummary { EngineSummary(output.counters) }

    // MARK: Packets

    /// Takes one captured frame.
    ///
    /// - Parameters:
    ///   - bytes: the captured bytes, from the link header on.
    ///   - link: what the link header is.
    ///   - time: the packet's time in ns since the epoch.
    ///   - originalLength: the length on the wire, larger than the captured one when the capture cut the frame.
    public mutating func packet(_ bytes: RawSpan, link: LinkType, time: Int64, originalLength: Int) {
        // Times outside of any calendar are cut, so that adding a timeout cannot overflow.
        let time = min(max(time, 0), Int64.max / 4)
        output.counters.packets += 1
        tick(time)
        do {
            var layers = Layers()
            let start = try LinkDecoder.decode(bytes, link: link, into: &layers)
            let datagram = try NetworkDecoder.decode(bytes, at: start, into: &layers)
            if let fragment = datagram.fragment {
                try add(fragment, of: datagram, bytes, layers, time)
                return
            }
            let payload = bytes.part(datagram.payload)
            // A header may announce more than was on the wire; only what the capture cut off is missing.
            let cut = min(datagram.missing, max(0, originalLength - bytes.byteCount))
            try TransportDecoder.decode(payload, transport: datagram.transport, missing: cut, into: &layers)
            take(layers, payload: payload.part(layers.payload), frame: bytes, time: time, packets: 1)
        } catch {
            output.counters.skip(error)
        }
    }

    /// Counts a frame whose link layer the engine does not know.
    public mutating func skipUnsupportedLink() {
        output.counters.packets += 1
        output.counters.skip(.unsupportedLink)
    }

    /// Ends what has waited too long at `now` (ns since the epoch); for live captures in quiet times.
    public mutating func expire(now: Int64) { tick(min(max(now, 0), Int64.max / 4), isQuiet: true) }

    /// Ends all flows and reports what still waits: the end of the input.
    public mutating func flush() {
        while let flow = flows.leastRecent { end(flow, .endOfInput) }
        output.counters.skip(.incompleteFragment, fragments.expire(now: .max))
    }

    private mutating func add(
        _ fragment: NetworkDecoder.Fragment, of datagram: NetworkDecoder.Datagram, _ frame: RawSpan, _ layers: Layers,
        _ time: Int64
    ) throws(SkipReason) {
        let outcome = fragments.add(
            frame.part(datagram.payload), fragment: fragment, datagram: datagram, layers: layers, time: time)
        output.counters.skip(.incompleteFragment, fragments.expire(now: clock))
        switch outcome {
        case .held: return
        case .refused(let packets): output.counters.skip(.fragmentLimit, packets)
        case .whole(let bytes, let packets):
            var layers = layers
            do {
                try TransportDecoder.decode(
                    bytes.bytes, transport: datagram.transport, missing: 0, into: &layers)
                take(
                    layers, payload: bytes.bytes.part(layers.payload), frame: frame, time: time, packets: packets)
            } catch {
                output.counters.skip(error, packets)
            }
        }
    }

    // MARK: Time

    /// Moves the clock and ends what is due.
    private mutating func tick(_ time: Int64, isQuiet: Bool = false) {
        if time < clock {
            guard clock - time > PacketEngine.clockStep else { return }
            // The capture's clock was set back: deadlines are judged anew.
            clock = time
            for entry in timers.restart(now: time) {
                flows.find(entry)?.scheduledFor = clock
                serve(entry, isQuiet)
            }
            return
        }
        clock = time
        if timers.isDue(time) {
            for entry in timers.take(now: time) { serve(entry, isQuiet) }
        }
        while let flow = flows.leastRecent, time - flow.last > options.idleTimeout { end(flow, .idle) }
        if !fragments.isEmpty { output.counters.skip(.incompleteFragment, fragments.expire(now: time)) }
    }

    private mutating func serve(_ entry: TimerWheel.Entry, _ isQuiet: Bool) {
        // An entry that an earlier deadline has overtaken finds the flow scheduled for later, or not at all.
        guard let flow = flows.find(entry), flow.scheduledFor <= clock else { return }
        flow.scheduledFor = .max
        if let closeAt = flow.closeAt, closeAt <= clock {
            end(flow, flow.closeReason)
            return
        }
        resolveHoles(flow, isQuiet: isQuiet)
        flow.session?.expire(now: clock, isQuiet: isQuiet, flow: flow, output: &output)
        schedule(flow)
    }

    /// Puts the flow on the wheel when something in it has a deadline.
    mutating func schedule(_ flow: Flow) {
        var deadline = flow.closeAt ?? .max
        if let due = flow.first.holeDeadline { deadline = min(deadline, max(due, clock + PacketEngine.recheck)) }
        if let due = flow.second.holeDeadline { deadline = min(deadline, max(due, clock + PacketEngine.recheck)) }
        if let due = flow.session?.deadline { deadline = min(deadline, max(due, clock + PacketEngine.recheck)) }
        guard deadline != .max else { return }
        deadline = min(deadline, clock + TimerWheel.horizon)
        guard deadline < flow.scheduledFor else { return }
        flow.scheduledFor = deadline
        timers.schedule(
            TimerWheel.Entry(slot: flow.slot, generation: flow.generation), deadline: deadline, now: clock)
    }
}
