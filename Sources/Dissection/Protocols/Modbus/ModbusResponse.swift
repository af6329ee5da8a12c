// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Decodes what a response says and compares it with what was asked (Modbus Application Protocol V1.1b3, section 6).
enum ModbusResponse {
    /// Writes the fields of `pdu`, function code first. `asked` is the request's PDU, empty when there is none; fields
    /// that the response repeats are written only then.
    static func write(
        _ pdu: RawSpan, asked: RawSpan, _ facts: ModbusRequest.Facts, into writer: inout RecordWriter,
        _ anomalies: inout ModbusAnomalies
    ) {
        var reader = ByteReader(pdu)
        do {
            let function = try reader.u8()
            switch function {
            case 1, 2: try bits(&reader, facts, &writer, &anomalies)
            case 3, 4: try registers(&reader, facts, .modbusValues, &writer, &anomalies)
            case 23: try registers(&reader, facts, .modbusReadValues, &writer, &anomalies)
            case 5, 6, 15, 16, 22: try echo(function, &reader, asked, &writer, &anomalies)
            case 7: writer.put(.modbusExceptionStatus, Int64(try reader.u8()))
            case 8: try diagnostics(&reader, facts, &writer, &anomalies)
            case 11:
                writer.put(.modbusEventStatus, Int64(try reader.u16()))
                writer.put(.modbusEventCount, Int64(try reader.u16()))
            case 12:
                let data = try counted(&reader, &anomalies)
                var log = ByteReader(data)
                writer.put(.modbusEventStatus, Int64(try log.u16()))
                writer.put(.modbusEventCount, Int64(try log.u16()))
                writer.put(.modbusMessageCount, Int64(try log.u16()))
                writer.put(.modbusResponseData, try log.span(log.remaining))
            case 17: writer.put(.modbusResponseData, try counted(&reader, &anomalies))
            case 20: try fileData(&reader, &writer, &anomalies)
            case 21:
                if asked.isEmpty {
                    try ModbusRequest.fileRecords(&reader, holdsData: true, &writer, &anomalies)
                } else {
                    if !pdu.equals(asked) { anomalies.insert(.valueMismatch) }
                    try reader.skip(reader.remaining)
                }
            case 24: try queue(&reader, &writer, &anomalies)
            case 43: try encapsulated(&reader, asked, &writer, &anomalies)
            default:
                if !reader.isAtEnd { writer.put(.modbusResponseData, try reader.span(reader.remaining)) }
            }
            if !reader.isAtEnd { anomalies.insert(.trailingData) }
        } catch {
            anomalies.insert(.truncatedPDU)
        }
    }

    /// A byte count and as many bytes, or what is there of them.
    @_lifetime(copy reader)
    private static func counted(
        _ reader: inout ByteReader, _ anomalies: inout ModbusAnomalies
    ) throws(WireError) -> RawSpan {
        let count = Int(try reader.u8())
        if count > reader.remaining { anomalies.insert(.truncatedPDU) }
        return try reader.span(min(count, reader.remaining))
    }

    private static func bits(
        _ reader: inout ByteReader, _ facts: ModbusRequest.Facts, _ writer: inout RecordWriter,
        _ anomalies: inout ModbusAnomalies
    ) throws(WireError) {
        let data = try counted(&reader, &anomalies)
        if let quantity = facts.quantity, data.byteCount != (quantity + 7) / 8 { anomalies.insert(.valueMismatch) }
        ModbusValues.bits(data, facts.quantity ?? data.byteCount * 8, .modbusValues, into: &writer)
    }

    private static func registers(
        _ reader: inout ByteReader, _ facts: ModbusRequest.Facts, _ field: RecordField,
        _ writer: inout RecordWriter, _ anomalies: inout ModbusAnomalies
    ) throws(WireError) {
        let data = try counted(&reader, &anomalies)
        if data.byteCount % 2 != 0 { anomalies.insert(.malformedField) }
        if let quantity = facts.quantity, data.byteCount != quantity * 2 { anomalies.insert(.valueMismatch) }
        ModbusValues.registers(data, field, into: &writer)
    }

    /// Responses that repeat the request: whole (5, 6, 22), or its address and quantity (15, 16).
    private static func echo(
        _ function: UInt8, _ reader: inout ByteReader, _ asked: RawSpan, _ writer: inout RecordWriter,
        _ anomalies: inout ModbusAnomalies
    ) throws(WireError) {
        let repeated = try reader.span(function == 22 ? 6 : 4)
        guard asked.isEmpty else {
            if !repeated.equals(asked.part(1, repeated.byteCount)) { anomalies.insert(.valueMismatch) }
            return
        }
        var fields = ByteReader(repeated)
        writer.put(.modbusAddress, Int64(try fields.u16()))
        switch function {
        case 22:
            writer.put(.modbusAndMask, Int64(try fields.u16()))
            writer.put(.modbusOrMask, Int64(try fields.u16()))
        case 15, 16: writer.put(.modbusQuantity, Int64(try fields.u16()))
        default: ModbusRequest.put(single: try fields.u16(), function, &writer, &anomalies)
        }
    }

    private static func diagnostics(
        _ reader: inout ByteReader, _ facts: ModbusRequest.Facts, _ writer: inout RecordWriter,
        _ anomalies: inout ModbusAnomalies
    ) throws(WireError) {
        let code = try ModbusRequest.diagnostics(&reader, .modbusResponseData, &writer, &anomalies)
        if let asked = facts.subFunction {
            if asked != code { anomalies.insert(.valueMismatch) }
        } else {
            ModbusRequest.put(subFunction: code, &writer, &anomalies)
        }
    }

    /// Function 20: groups of a length, the reference type and registers (section 6.14).
    private static func fileData(
        _ reader: inout ByteReader, _ writer: inout RecordWriter, _ anomalies: inout ModbusAnomalies
    ) throws(WireError) {
        var groups = ByteReader(try counted(&reader, &anomalies))
        while groups.remaining > 0 {
            let length = Int(try groups.u8())
            guard length >= 1 else {
                anomalies.insert(.malformedField)
                return
            }
            if try groups.u8() != 6 { anomalies.insert(.invalidValue) }
            ModbusValues.registers(try groups.span(length - 1), .modbusValues, into: &writer)
        }
    }

    /// Function 24: byte count, queue count and at most 31 registers (section 6.18).
    private static func queue(
        _ reader: inout ByteReader, _ writer: inout RecordWriter, _ anomalies: inout ModbusAnomalies
    ) throws(WireError) {
        let count = Int(try reader.u16())
        let quantity = Int(try reader.u16())
        writer.put(.modbusQuantity, Int64(quantity))
        if count != quantity * 2 + 2 || quantity > 31 { anomalies.insert(.malformedField) }
        let data = try reader.span(min(max(0, count - 2), reader.remaining))
        if data.byteCount < count - 2 { anomalies.insert(.truncatedPDU) }
        ModbusValues.registers(data, .modbusValues, into: &writer)
    }

    /// Function 43 with type 14, read device identification (section 6.21); other types are kept as bytes.
    private static func encapsulated(
        _ reader: inout ByteReader, _ asked: RawSpan, _ writer: inout RecordWriter,
        _ anomalies: inout ModbusAnomalies
    ) throws(WireError) {
        let type = try reader.u8()
        if asked.isEmpty {
            writer.put(.modbusMEIType, Int64(type))
        } else if asked.byte(at: 1) != type {
            anomalies.insert(.valueMismatch)
        }
        guard type == 14 else {
            if !reader.isAtEnd { writer.put(.modbusResponseData, try reader.span(reader.remaining)) }
            return
        }
        let code = try reader.u8()
        if asked.isEmpty { writer.put(.modbusDeviceIDCode, Int64(code)) }
        writer.put(.modbusConformity, Int64(try reader.u8()))
        writer.put(.modbusMoreFollows, try reader.u8() == 0xFF)
        try reader.skip(1)
        let count = Int(try reader.u8())
        // At most 255 objects, each of at least 2 bytes.
        for _ in 0..<count {
            let id = try reader.u8()
            let value = try reader.span(Int(try reader.u8()))
            if let field = ModbusNames.object(id) { writer.put(field, value) }
            writer.put(.modbusObjectID, Int64(id))
            writer.put(.modbusObjectValue, value)
        }
    }
}
