// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Pairs the requests and responses of one connection and writes their records. Bounded on both sides.
struct ModbusPairing {
    /// How long a response waits for a request that the capture has out of order (ns).
    private static let orphanTimeout: Int64 = 1_000_000_000
    /// A request this much older than another with the same identity is a lost one, not the first in a queue (ns).
    private static let retryAge: Int64 = 1_000_000_000

    /// Time alone ends no wait while packets come: so many more of the flow must have come as well.
    private static let patience = 8

    private let number: Int
    private let options: EngineOptions
    /// Requests without a response, oldest first.
    private var pending: [ModbusExchange] = []
    /// Responses whose request may still come, oldest first.
    private var orphans: [ModbusExchange] = []
    private var spare: [ModbusExchange] = []
    private var sawGap = false

    init(number: Int, options: EngineOptions) {
        self.number = number
        self.options = options
    }

    /// When the oldest waiting message is due.
    var deadline: Int64? {
        let request = pending.first.map { $0.time &+ options.responseTimeout }
        let response = orphans.first.map { $0.time &+ ModbusPairing.orphanTimeout }
        guard let request else { return response }
        return response.map { min($0, request) } ?? request
    }

    /// Notes that the capture lost bytes: the next record says so.
    mutating func noteGap() { sawGap = true }

    /// Takes one message. `frames` are those of earlier segments that hold its beginning.
    mutating func take(
        _ message: RawSpan, _ header: ModbusHeader, _ segment: Segment, frames: ModbusFrames?, end: UInt32,
        isRequest: Bool, flow: Flow, output: inout Output
    ) {
        output.counters.pdu(number, function: Int(header.function & 0x7F))
        let frame = segment.frame.part(0, options.maxFrameBytes)
        if isRequest {
            if let place = orphans.firstIndex(where: {
                $0.transaction == header.transaction && $0.unit == header.unit
                    && $0.function & 0x7F == header.function & 0x7F && Int32(bitPattern: $0.sequence &- end) >= 0
            }) {
                // The response was captured first, and says that its sender had this request.
                let response = orphans.remove(at: place)
                let request = keep(message, header, segment.time, end, flow.packets, frames, frame)
                report(
                    request, response.message.bytes, response.time, frame: RawSpan(), frames: response.frames, flow,
                    &output)
                recycle(response)
                recycle(request)
                return
            }
            if pending.count >= max(1, options.maxPendingRequests) {
                var oldest = pending.removeFirst()
                oldest.anomalies.insert(.flooded)
                unanswered(oldest, flow, &output)
            }
            pending.append(keep(message, header, segment.time, end, flow.packets, frames, frame))
        } else if let request = match(header, segment.acknowledged) {
            report(request, message, segment.time, frame: frame, frames: frames, flow, &output)
            recycle(request)
        } else if segment.isDetached || flow.hasPassed(segment.acknowledged, on: flow.client)
            || orphans.count >= max(1, options.maxPendingRequests)
        {
            unsolicited(message, segment.time, frame: frame, frames: frames, flow, &output)
        } else {
            // The server has received bytes that were not seen here yet: the request may be among them.
            orphans.append(keep(message, header, segment.time, segment.acknowledged, flow.packets, frames, frame))
        }
    }

    /// Reports responses whose request can no longer come.
    mutating func settle(flow: Flow, output: inout Output) {
        while let first = orphans.first, flow.hasPassed(first.sequence, on: flow.client) {
            orphans.removeFirst()
            late(first, flow, &output)
        }
    }

    /// Reports what has waited too long; everything when `now` is .max.
    mutating func expire(now: Int64, isQuiet: Bool, flow: Flow, output: inout Output) {
        let packet = isQuiet ? Int.max : flow.packets - ModbusPairing.patience
        while let first = orphans.first,
            now == .max || now &- first.time >= ModbusPairing.orphanTimeout && first.packet <= packet
        {
            orphans.removeFirst()
            late(first, flow, &output)
        }
        while let first = pending.first,
            now == .max || now &- first.time >= options.responseTimeout && first.packet <= packet
        {
            unanswered(pending.removeFirst(), flow, &output)
        }
    }

    // MARK: Matching

    /// The request that a response answers: same transaction, unit and function; else the same transaction and function
    /// from another unit (gateways). Clients that never change the transaction identifier get the oldest request of
    /// the function, unless it is long overdue and a younger one is there. A request that the server had not received
    /// when it sent the response (`acknowledged`) is not asked, unless there is no other.
    private mutating func match(_ header: ModbusHeader, _ acknowledged: UInt32) -> ModbusExchange? {
        var found: Int?
        var unreceived: Int?
        var otherUnit: Int?
        for index in pending.indices where pending[index].transaction == header.transaction {
            guard pending[index].function & 0x7F == header.function & 0x7F else { continue }
            if pending[index].unit != header.unit {
                if otherUnit == nil { otherUnit = index }
            } else if Int32(bitPattern: acknowledged &- pending[index].sequence) < 0 {
                if unreceived == nil { unreceived = index }
            } else {
                if let known = found, pending[index].time &- pending[known].time < ModbusPairing.retryAge { continue }
                found = index
            }
        }
        found = found ?? unreceived
        if let found { return pending.remove(at: found) }
        guard let otherUnit else { return nil }
        var request = pending.remove(at: otherUnit)
        request.anomalies.insert(.unitMismatch)
        return request
    }

    // MARK: Buffers

    private mutating func keep(
        _ message: RawSpan, _ header: ModbusHeader, _ time: Int64, _ sequence: UInt32, _ packet: Int,
        _ frames: ModbusFrames?, _ frame: RawSpan
    ) -> ModbusExchange {
        var exchange = spare.popLast() ?? ModbusExchange()
        exchange.transaction = header.transaction
        exchange.unit = header.unit
        exchange.function = header.function
        exchange.time = time
        exchange.sequence = sequence
        exchange.packet = packet
        exchange.message.append(message)
        if let frames { exchange.frames.add(frames) }
        exchange.frames.add(frame, limit: options.maxFrameBytes)
        return exchange
    }

    private mutating func recycle(_ exchange: consuming ModbusExchange) {
        guard spare.count < 4 else { return }
        exchange.clear()
        spare.append(exchange)
    }

    // MARK: Records

    private mutating func report(
        _ request: ModbusExchange, _ response: RawSpan, _ time: Int64, frame: RawSpan, frames: ModbusFrames?,
        _ flow: Flow, _ output: inout Output
    ) {
        var anomalies = request.anomalies
        noteGap(in: &anomalies)
        ModbusRecord.transaction(
            request: request.message.bytes, requestTime: request.time, requestFrames: request.frames,
            response: response, responseTime: time, responseFrame: frame, responseFrames: frames, anomalies,
            number, flow: flow, output: &output)
    }

    private mutating func unanswered(
        _ request: consuming ModbusExchange, _ flow: Flow, _ output: inout Output
    ) {
        let nothing = RawSpan()
        report(request, nothing, request.time, frame: nothing, frames: nil, flow, &output)
        recycle(request)
    }

    private mutating func late(_ response: consuming ModbusExchange, _ flow: Flow, _ output: inout Output) {
        unsolicited(response.message.bytes, response.time, frame: RawSpan(), frames: response.frames, flow, &output)
        recycle(response)
    }

    private mutating func unsolicited(
        _ message: RawSpan, _ time: Int64, frame: RawSpan, frames: ModbusFrames?, _ flow: Flow,
        _ output: inout Output
    ) {
        var anomalies = ModbusAnomalies()
        anomalies.insert(.unsolicitedResponse)
        if let header = ModbusHeader(message),
            pending.contains(where: { $0.transaction == header.transaction && $0.unit == header.unit })
        {
            anomalies.insert(.functionMismatch)
        }
        noteGap(in: &anomalies)
        ModbusRecord.transaction(
            request: RawSpan(), requestTime: time, requestFrames: nil, response: message, responseTime: time,
            responseFrame: frame, responseFrames: frames, anomalies, number, flow: flow, output: &output)
    }

    /// The gap is counted where it happens; the record only names it.
    private mutating func noteGap(in anomalies: inout ModbusAnomalies) {
        guard sawGap else { return }
        sawGap = false
        anomalies.insert(.captureGap)
    }
}
