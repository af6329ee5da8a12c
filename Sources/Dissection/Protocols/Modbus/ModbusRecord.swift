// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Writes the records of Modbus: one a transaction, with what the request asked and the response said.
enum ModbusRecord {
    /// The most bytes of a malformed message that its record holds.
    private static let maxMalformed = 512

    /// Writes a request with its response, a request alone, or a response alone; what is not there is empty.
    static func transaction(
        request: RawSpan, requestTime: Int64, requestFrames: ModbusFrames?, response: RawSpan, responseTime: Int64,
        responseFrame: RawSpan, responseFrames: ModbusFrames?, _ known: ModbusAnomalies, _ number: Int, flow: Flow,
        output: inout Output
    ) {
        guard let header = ModbusHeader(request) ?? ModbusHeader(response) else { return }
        var anomalies = known
        let answer = ModbusHeader(response)
        flow.begin(&output.writer, record: "modbus", time: requestTime)
        output.writer.put(.protocolName, "modbus")
        output.writer.put(.modbusTransactionID, Int64(header.transaction))
        output.writer.put(.modbusUnitID, Int64(header.unit))
        let function = ModbusFunction.of(header.function)
        put(function, header, into: &output.writer)
        judge(function, &anomalies)
        if header.length > ModbusHeader.maxLength, function.code != 90 { anomalies.insert(.invalidLength) }

        let asked = request.part(7, request.byteCount)
        var facts = ModbusRequest.Facts()
        if !request.isEmpty { facts = ModbusRequest.write(asked, into: &output.writer, &anomalies) }
        var status: StaticString = request.isEmpty ? "unsolicited" : "no_response"
        if let answer {
            if answer.isException {
                if !request.isEmpty { status = "exception" }
                exception(response.part(8, response.byteCount), into: &output.writer, &anomalies)
            } else {
                if !request.isEmpty { status = "accepted" }
                ModbusResponse.write(
                    response.part(7, response.byteCount), asked: asked, facts, into: &output.writer, &anomalies)
            }
            output.writer.put(.responseTime, responseTime)
        }
        if !request.isEmpty, header.isException {
            anomalies.insert(.exceptionInRequest)
            exception(request.part(8, request.byteCount), into: &output.writer, &anomalies)
        }
        output.writer.put(.modbusStatus, status)
        anomalies.report(number, &output)
        requestFrames?.write(.packetRequest, into: &output.writer)
        responseFrames?.write(.packetResponse, into: &output.writer)
        if !responseFrame.isEmpty { output.writer.put(.packetResponse, responseFrame) }
        output.finish(time: requestTime)
    }

    /// Writes bytes that are no message.
    static func malformed(
        _ bytes: RawSpan, _ anomalies: ModbusAnomalies, _ number: Int, time: Int64, frame: RawSpan,
        frames: ModbusFrames?, isRequest: Bool, flow: Flow, output: inout Output
    ) {
        flow.begin(&output.writer, record: "modbus", time: time)
        output.writer.put(.protocolName, "modbus")
        if let header = ModbusHeader(bytes) {
            output.writer.put(.modbusTransactionID, Int64(header.transaction))
            output.writer.put(.modbusProtocolID, Int64(header.protocolID))
            output.writer.put(.modbusLength, Int64(header.length))
            output.writer.put(.modbusUnitID, Int64(header.unit))
            put(ModbusFunction.of(header.function), header, into: &output.writer)
        }
        let field: RecordField = isRequest ? .modbusRequestData : .modbusResponseData
        output.writer.put(field, bytes.part(0, maxMalformed))
        output.writer.put(.modbusSender, isRequest ? "client" : "server")
        output.writer.put(.modbusStatus, "malformed")
        anomalies.report(number, &output)
        let packet: RecordField = isRequest ? .packetRequest : .packetResponse
        frames?.write(packet, into: &output.writer)
        if !frame.isEmpty { output.writer.put(packet, frame) }
        output.finish(time: time)
    }

    private static func put(_ function: ModbusFunction, _ header: ModbusHeader, into writer: inout RecordWriter) {
        writer.put(.modbusFunctionCode, Int64(function.code))
        writer.put(.modbusFunction, function.name)
        writer.put(.modbusCategory, function.category.name)
        if let table = function.table { writer.put(.modbusTable, table.name) }
        writer.put(.modbusIsWrite, function.isWrite)
    }

    private static func judge(_ function: ModbusFunction, _ anomalies: inout ModbusAnomalies) {
        switch function.standing {
        case .assigned, .userDefined: break
        // UMAS is what some plants speak all day: reserved, and not worth a word.
        case .reserved: if function.code != 90 { anomalies.insert(.reservedFunction) }
        case .unassigned: anomalies.insert(.unassignedFunction)
        case .zero: anomalies.insert(.functionZero)
        }
    }

    private static func exception(
        _ data: RawSpan, into writer: inout RecordWriter, _ anomalies: inout ModbusAnomalies
    ) {
        guard let code = data.byte(at: 0) else {
            anomalies.insert(.truncatedPDU)
            return
        }
        if data.byteCount > 1 { anomalies.insert(.trailingData) }
        writer.put(.modbusExceptionCode, Int64(code))
        if let name = ModbusNames.exception(code) {
            writer.put(.modbusException, name)
        } else {
            writer.put(.modbusException, "unknown")
            anomalies.insert(.invalidExceptionCode)
        }
    }
}

/// Lists of values in Modbus messages.
enum ModbusValues {
    /// Writes `count` bits, the lowest of the first byte first, as 0 and 1.
    static func bits(_ data: RawSpan, _ count: Int, _ field: RecordField, into writer: inout RecordWriter) {
        var index = 0
        while index < count, let byte = data.byte(at: index >> 3) {
            writer.put(field, Int64(byte >> UInt8(index & 7) & 1))
            index += 1
        }
    }

    /// Writes the 16-bit registers that are in `data`.
    static func registers(_ data: RawSpan, _ field: RecordField, into writer: inout RecordWriter) {
        var offset = 0
        while let high = data.byte(at: offset), let low = data.byte(at: offset + 1) {
            writer.put(field, Int64(high) << 8 | Int64(low))
            offset += 2
        }
    }
}
