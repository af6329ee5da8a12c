// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Modbus/TCP in one connection: cuts the two streams into messages and pairs requests with responses.
///
/// Whatever is wrong with a message, the next plausible header goes on.
final class ModbusSession: Session {
    /// A message that is not complete after this long gives way to one that begins a segment (ns).
    private static let assemblyTimeout: Int64 = 5_000_000_000

    private let number: Int
    private let options: EngineOptions
    private var assemblies = (ModbusAssembly(), ModbusAssembly())
    private var pairing: ModbusPairing

    init(number: Int, options: EngineOptions) {
        self.number = number
        self.options = options
        self.pairing = ModbusPairing(number: number, options: options)
    }

    var deadline: Int64? { pairing.deadline }

    func expire(now: Int64, isQuiet: Bool, flow: Flow, output: inout Output) {
        if now == .max {
            for side in [flow.client, flow.client.other] {
                var assembly = take(side)
                abandon(&assembly, .incompletePDU, side, flow, &output)
                put(assembly, side)
            }
        }
        pairing.expire(now: now, isQuiet: isQuiet, flow: flow, output: &output)
    }

    func gap(_ count: Int, from side: Side, flow: Flow, output: inout Output) {
        var assembly = take(side)
        abandon(&assembly, .incompletePDU, side, flow, &output)
        assembly.isLost = true
        put(assembly, side)
        output.counters.anomaly(number, ModbusAnomaly.captureGap.rawValue)
        pairing.noteGap()
        pairing.settle(flow: flow, output: &output)
    }

    func consume(_ segment: Segment, from side: Side, flow: Flow, output: inout Output) {
        if segment.isDetached {
            detached(segment, side, flow, &output)
        } else {
            var assembly = take(side)
            attached(segment, &assembly, side, flow, &output)
            put(assembly, side)
        }
        if side == flow.client { pairing.settle(flow: flow, output: &output) }
    }

    private func take(_ side: Side) -> ModbusAssembly {
        var assembly = ModbusAssembly()
        if side == .first { swap(&assembly, &assemblies.0) } else { swap(&assembly, &assemblies.1) }
        return assembly
    }

    private func put(_ assembly: consuming ModbusAssembly, _ side: Side) {
        if side == .first { assemblies.0 = assembly } else { assemblies.1 = assembly }
    }

    // MARK: Framing

    private func attached(
        _ segment: Segment, _ assembly: inout ModbusAssembly, _ side: Side, _ flow: Flow, _ output: inout Output
    ) {
        let payload = segment.payload
        var offset = 0
        if assembly.isLost {
            assembly.isLost = false
            offset = resume(payload, from: 0, side == flow.client)
        }
        if !assembly.bytes.isEmpty, isOvertaken(assembly, by: segment, side == flow.client) {
            abandon(&assembly, .incompletePDU, side, flow, &output)
        }
        if !assembly.bytes.isEmpty {
            guard let next = complete(&assembly, segment, side, flow, &output) else { return }
            offset = next
        }
        while offset < payload.byteCount {
            let available = payload.byteCount - offset
            guard let header = ModbusHeader(payload, at: offset) else {
                if ModbusHeader.mayBegin(payload, at: offset) { break }
                offset = malformed(segment, at: offset, side, flow, &output)
                continue
            }
            guard header.isPlausible(available: available) else {
                offset = malformed(segment, at: offset, side, flow, &output)
                continue
            }
            guard header.total <= available else { break }
            pairing.take(
                payload.part(offset, header.total), header, segment, frames: nil,
                end: segment.sequence &+ UInt32(offset + header.total), isRequest: side == flow.client, flow: flow,
                output: &output)
            offset += header.total
        }
        guard offset < payload.byteCount else { return }
        assembly.since = segment.time
        _ = assembly.fill(payload, at: offset, to: payload.byteCount)
        assembly.frames.add(segment.frame, limit: options.maxFrameBytes)
    }

    /// Goes on with a message that earlier segments began; answers the offset behind it, or nil when it needs more.
    private func complete(
        _ assembly: inout ModbusAssembly, _ segment: Segment, _ side: Side, _ flow: Flow, _ output: inout Output
    ) -> Int? {
        let payload = segment.payload
        var offset = 0
        if assembly.bytes.count < ModbusHeader.size { offset = assembly.fill(payload, at: 0, to: ModbusHeader.size) }
        guard let header = ModbusHeader(assembly.bytes.bytes) else {
            assembly.frames.add(segment.frame, limit: options.maxFrameBytes)
            return nil
        }
        let available = assembly.bytes.count + payload.byteCount - offset
        guard header.isPlausible(available: available) || header.length > ModbusHeader.maxLength && available > 8 else {
            abandon(&assembly, header.protocolID != 0 ? .invalidProtocolID : .invalidLength, side, flow, &output)
            return resume(payload, from: 0, side == flow.client)
        }
        offset += assembly.fill(payload, at: offset, to: header.total)
        guard assembly.bytes.count >= header.total else {
            assembly.frames.add(segment.frame, limit: options.maxFrameBytes)
            return nil
        }
        pairing.take(
            assembly.bytes.bytes, header, segment, frames: assembly.frames,
            end: segment.sequence &+ UInt32(offset), isRequest: side == flow.client, flow: flow, output: &output)
        assembly.clear()
        return offset
    }

    /// Whether an unfinished message is in doubt and `segment` begins with a sound one.
    ///
    /// An unfinished message whose fields agree with its length is believed: it may hold bytes that look like a header.
    private func isOvertaken(_ assembly: ModbusAssembly, by segment: Segment, _ isRequest: Bool) -> Bool {
        guard let header = ModbusHeader(assembly.bytes.bytes) else {
            return segment.time &- assembly.since > ModbusSession.assemblyTimeout
                && isSound(segment.payload, at: 0, isRequest)
        }
        let pdu = assembly.bytes.bytes.part(7, header.length)
        let announced = isRequest ? ModbusShape.request(pdu) : ModbusShape.response(pdu)
        let isBelieved = announced == .exactly(header.length - 1) || announced == .unknownYet
        if isBelieved, segment.time &- assembly.since <= ModbusSession.assemblyTimeout { return false }
        return isSound(segment.payload, at: 0, isRequest)
    }

    /// Whether a whole message begins at `offset` that its fields, and what follows it, speak for.
    private func isSound(_ bytes: RawSpan, at offset: Int, _ isRequest: Bool) -> Bool {
        guard let header = ModbusHeader(bytes, at: offset), header.isPlausible(available: bytes.byteCount - offset),
            header.total <= bytes.byteCount - offset
        else { return false }
        let end = offset + header.total
        switch ModbusShape.fits(bytes.part(offset + 7, header.length - 1), asRequest: isRequest) {
        case true?: return Modbus.isFollowed(bytes, at: end)
        // Without a shape only a message that ends with its segment is believed.
        case false?, nil: return end == bytes.byteCount && offset == 0
        }
    }

    /// The offset at or after `start` where the stream can be read again; the end when nowhere.
    private func resume(_ bytes: RawSpan, from start: Int, _ isRequest: Bool) -> Int {
        var offset = start
        while offset + ModbusHeader.size <= bytes.byteCount {
            if isSound(bytes, at: offset, isRequest) { return offset }
            offset += 1
        }
        // A segment that begins with a header of a longer message.
        if start == 0, let header = ModbusHeader(bytes), header.isPlausible(available: bytes.byteCount) { return 0 }
        if start == 0, bytes.byteCount < ModbusHeader.size, ModbusHeader.mayBegin(bytes) { return 0 }
        return bytes.byteCount
    }

    // MARK: Bytes that are no message

    /// Late bytes: whole messages are taken, the rest is counted.
    private func detached(_ segment: Segment, _ side: Side, _ flow: Flow, _ output: inout Output) {
        var offset = 0
        while let header = ModbusHeader(segment.payload, at: offset),
            header.isPlausible(available: segment.payload.byteCount - offset),
            header.total <= segment.payload.byteCount - offset
        {
            pairing.take(
                segment.payload.part(offset, header.total), header, segment, frames: nil,
                end: segment.sequence &+ UInt32(offset + header.total), isRequest: side == flow.client, flow: flow,
                output: &output)
            offset += header.total
        }
        if offset < segment.payload.byteCount { output.counters.anomaly(number, ModbusAnomaly.strayBytes.rawValue) }
    }

    /// Reports bytes at `offset` that begin no message; answers where to go on.
    private func malformed(
        _ segment: Segment, at offset: Int, _ side: Side, _ flow: Flow, _ output: inout Output
    ) -> Int {
        let payload = segment.payload
        var anomaly = ModbusAnomaly.invalidProtocolID
        var next = payload.byteCount
        if let header = ModbusHeader(payload, at: offset) {
            let end = offset + header.total
            if header.protocolID == 0 {
                anomaly = .invalidLength
            } else if header.length >= 2, header.length <= ModbusHeader.maxLength, end <= payload.byteCount,
                Modbus.isFollowed(payload, at: end)
            {
                // Only the protocol identifier is wrong: the length leads to the next message.
                next = end
            }
        } else if payload.byte(at: offset + 2) == 0, payload.byte(at: offset + 3) ?? 0 == 0 {
            anomaly = .invalidLength
        }
        if next == payload.byteCount { next = resume(payload, from: offset + 1, side == flow.client) }
        var anomalies = ModbusAnomalies()
        anomalies.insert(anomaly)
        let frame = segment.frame.part(0, options.maxFrameBytes)
        ModbusRecord.malformed(
            payload.part(offset, next - offset), anomalies, number, time: segment.time, frame: frame, frames: nil,
            isRequest: side == flow.client, flow: flow, output: &output)
        return next
    }

    /// Reports and drops an unfinished message.
    private func abandon(
        _ assembly: inout ModbusAssembly, _ anomaly: ModbusAnomaly, _ side: Side, _ flow: Flow,
        _ output: inout Output
    ) {
        guard !assembly.bytes.isEmpty else { return }
        var anomalies = ModbusAnomalies()
        anomalies.insert(anomaly)
        do {
            let bytes = assembly.bytes.bytes
            ModbusRecord.malformed(
                bytes, anomalies, number, time: assembly.since, frame: RawSpan(), frames: assembly.frames,
                isRequest: side == flow.client, flow: flow, output: &output)
        }
        assembly.clear()
    }
}
