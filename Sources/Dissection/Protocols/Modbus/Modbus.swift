// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Modbus/TCP: Modbus Application Protocol V1.1b3 over Modbus Messaging on TCP/IP V1.0b.
enum Modbus: Dissector {
    static let name = "modbus"
    static let ports: [UInt16] = [502]
    static let anomalies = ModbusAnomaly.allCases.map { "\($0.name)" }

    /// At the start of a connection to port 502 a plausible header is enough. In the middle of one a whole message must
    /// be there that ends with its segment, or before another; in doubtful places its fields must agree as well.
    static func recognize(_ start: RawSpan, at place: StreamPlace) -> Recognition {
        guard let header = ModbusHeader(start) else { return ModbusHeader.mayBegin(start) ? .more : .no }
        guard header.isPlausible(available: start.byteCount) else { return .no }
        if place == .start { return .yes }
        let pdu = start.part(7, header.length - 1)
        if header.total > start.byteCount {
            if place == .joined { return .more }
            for length in [ModbusShape.request(pdu), ModbusShape.response(pdu)] {
                switch length {
                case .exactly(header.length - 1), .unknownYet: return .more
                default: continue
                }
            }
            return .no
        }
        guard isFollowed(start, at: header.total) else { return .no }
        if place == .joined { return .yes }
        if header.isException {
            return header.length == 3 && ModbusNames.exception(pdu.byte(at: 1) ?? 0) != nil ? .yes : .no
        }
        let fits = (ModbusShape.fits(pdu, asRequest: true), ModbusShape.fits(pdu, asRequest: false))
        return fits.0 == true || fits.1 == true ? .yes : .no
    }

    /// Whether a message may begin at `offset`, or the bytes end there.
    static func isFollowed(_ bytes: RawSpan, at offset: Int) -> Bool {
        if let next = ModbusHeader(bytes, at: offset) { return next.isPlausible(available: bytes.byteCount - offset) }
        return ModbusHeader.mayBegin(bytes, at: offset)
    }

    static func session(
        number: Int, flow: Flow, first: RawSpan, from side: Side, options: EngineOptions
    ) -> any Session {
        if let client = client(flow, first, side) { flow.client = client }
        return ModbusSession(number: number, options: options)
    }

    /// Who asks: the side that is not on port 502, the sender of the SYN, or what the first message looks like.
    private static func client(_ flow: Flow, _ first: RawSpan, _ side: Side) -> Side? {
        let isServerPort = (ports.contains(flow.key.firstPort), ports.contains(flow.key.secondPort))
        if isServerPort.0 != isServerPort.1 { return isServerPort.0 ? .second : .first }
        guard !flow.isClientKnown, let header = ModbusHeader(first) else { return nil }
        let pdu = first.part(7, header.length - 1)
        let fits = (ModbusShape.fits(pdu, asRequest: true), ModbusShape.fits(pdu, asRequest: false))
        if fits.0 == true, fits.1 != true { return side }
        if fits.1 == true, fits.0 != true { return side.other }
        return nil
    }
}
