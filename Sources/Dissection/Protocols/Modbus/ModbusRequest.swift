// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Decodes what a request asks (Modbus Application Protocol V1.1b3, section 6).
enum ModbusRequest {
    /// What the response is compared with.
    struct Facts {
        /// The items asked for.
        var quantity: Int?
        /// The diagnostics sub-function.
        var subFunction: UInt16?
    }

    /// Writes the fields of `pdu`, function code first; never fails: what is cut is an anomaly.
    static func write(
        _ pdu: RawSpan, into writer: inout RecordWriter, _ anomalies: inout ModbusAnomalies
    ) -> Facts {
        var facts = Facts()
        var reader = ByteReader(pdu)
        do {
            let function = try reader.u8()
            switch function {
            case 1...4: try read(function, &reader, &facts, &writer, &anomalies)
            case 5, 6: try single(function, &reader, &facts, &writer, &anomalies)
            case 7, 11, 12, 17: break
            case 8: facts.subFunction = try diagnostics(&reader, .modbusRequestData, &writer, &anomalies)
            case 15, 16: try multiple(function, &reader, &facts, &writer, &anomalies)
            case 20: try fileRecords(&reader, holdsData: false, &writer, &anomalies)
            case 21: try fileRecords(&reader, holdsData: true, &writer, &anomalies)
            case 22:
                writer.put(.modbusAddress, Int64(try reader.u16()))
                writer.put(.modbusAndMask, Int64(try reader.u16()))
                writer.put(.modbusOrMask, Int64(try reader.u16()))
            case 23: try readWrite(&reader, &facts, &writer, &anomalies)
            case 24: writer.put(.modbusAddress, Int64(try reader.u16()))
            case 43: try encapsulated(&reader, &writer)
            default:
                if function < 0x80, !reader.isAtEnd {
                    writer.put(.modbusRequestData, try reader.span(reader.remaining))
                } else {
                    try reader.skip(reader.remaining)
                }
            }
            if !reader.isAtEnd { anomalies.insert(.trailingData) }
        } catch {
            anomalies.insert(.truncatedPDU)
        }
        return facts
    }

    /// The largest quantity of a function (sections 6.1 to 6.4, 6.11, 6.12).
    private static func limit(_ function: UInt8) -> Int {
        switch function {
        case 1, 2: 2000
        case 3, 4: 125
        case 15: 1968
        default: 123
        }
    }

    private static func check(
        _ address: UInt16, _ quantity: UInt16, limit: Int, _ anomalies: inout ModbusAnomalies
    ) {
        if quantity == 0 || Int(quantity) > limit { anomalies.insert(.invalidQuantity) }
        if Int(address) + Int(quantity) > 65_536 { anomalies.insert(.invalidAddressRange) }
    }

    private static func read(
        _ function: UInt8, _ reader: inout ByteReader, _ facts: inout Facts, _ writer: inout RecordWriter,
        _ anomalies: inout ModbusAnomalies
    ) throws(WireError) {
        let address = try reader.u16()
        writer.put(.modbusAddress, Int64(address))
        let quantity = try reader.u16()
        writer.put(.modbusQuantity, Int64(quantity))
        facts.quantity = Int(quantity)
        check(address, quantity, limit: limit(function), &anomalies)
    }

    private static func single(
        _ function: UInt8, _ reader: inout ByteReader, _ facts: inout Facts, _ writer: inout RecordWriter,
        _ anomalies: inout ModbusAnomalies
    ) throws(WireError) {
        writer.put(.modbusAddress, Int64(try reader.u16()))
        writer.put(.modbusQuantity, 1)
        facts.quantity = 1
        put(single: try reader.u16(), function, &writer, &anomalies)
    }

    /// The value of a single write: a coil is FF00 or 0000 (section 6.5).
    static func put(
        single value: UInt16, _ function: UInt8, _ writer: inout RecordWriter, _ anomalies: inout ModbusAnomalies
    ) {
        switch (function, value) {
        case (5, 0xFF00): writer.put(.modbusValues, 1)
        case (5, 0): writer.put(.modbusValues, 0)
        case (5, _):
            writer.put(.modbusValues, Int64(value))
            anomalies.insert(.invalidValue)
        default: writer.put(.modbusValues, Int64(value))
        }
    }

    private static func multiple(
        _ function: UInt8, _ reader: inout ByteReader, _ facts: inout Facts, _ writer: inout RecordWriter,
        _ anomalies: inout ModbusAnomalies
    ) throws(WireError) {
        try read(function, &reader, &facts, &writer, &anomalies)
        let count = Int(try reader.u8())
        let quantity = facts.quantity ?? 0
        if count != (function == 15 ? (quantity + 7) / 8 : quantity * 2) { anomalies.insert(.malformedField) }
        let data = try reader.span(min(count, reader.remaining))
        if data.byteCount < count { anomalies.insert(.truncatedPDU) }
        if function == 15 {
            ModbusValues.bits(data, quantity, .modbusValues, into: &writer)
        } else {
            ModbusValues.registers(data, .modbusValues, into: &writer)
        }
    }

    private static func readWrite(
        _ reader: inout ByteReader, _ facts: inout Facts, _ writer: inout RecordWriter,
        _ anomalies: inout ModbusAnomalies
    ) throws(WireError) {
        let readAddress = try reader.u16()
        writer.put(.modbusReadAddress, Int64(readAddress))
        let readQuantity = try reader.u16()
        writer.put(.modbusReadQuantity, Int64(readQuantity))
        facts.quantity = Int(readQuantity)
        check(readAddress, readQuantity, limit: 125, &anomalies)
        let address = try reader.u16()
        writer.put(.modbusAddress, Int64(address))
        let quantity = try reader.u16()
        writer.put(.modbusQuantity, Int64(quantity))
        check(address, quantity, limit: 121, &anomalies)
        let count = Int(try reader.u8())
        if count != Int(quantity) * 2 { anomalies.insert(.malformedField) }
        let data = try reader.span(min(count, reader.remaining))
        if data.byteCount < count { anomalies.insert(.truncatedPDU) }
        ModbusValues.registers(data, .modbusValues, into: &writer)
    }

    /// Sub-function and data of function 8; requests and responses are alike (section 6.8).
    static func diagnostics(
        _ reader: inout ByteReader, _ field: RecordField, _ writer: inout RecordWriter,
        _ anomalies: inout ModbusAnomalies
    ) throws(WireError) -> UInt16 {
        let code = try reader.u16()
        if field == .modbusRequestData { put(subFunction: code, &writer, &anomalies) }
        if !reader.isAtEnd { writer.put(field, try reader.span(reader.remaining)) }
        return code
    }

    /// A diagnostics sub-function and its name.
    static func put(
        subFunction code: UInt16, _ writer: inout RecordWriter, _ anomalies: inout ModbusAnomalies
    ) {
        writer.put(.modbusSubFunction, Int64(code))
        if let name = ModbusNames.diagnostic(code) {
            writer.put(.modbusSubFunctionName, name)
        } else {
            anomalies.insert(.unknownSubFunction)
        }
    }

    /// The groups of functions 20 and 21: reference type 6, file, record, length, and the data when written.
    static func fileRecords(
        _ reader: inout ByteReader, holdsData: Bool, _ writer: inout RecordWriter,
        _ anomalies: inout ModbusAnomalies
    ) throws(WireError) {
        let count = Int(try reader.u8())
        if count != reader.remaining { anomalies.insert(.malformedField) }
        // Each turn reads at least 7 bytes, so a message of 2 kB ends the loop.
        while reader.remaining > 0 {
            if try reader.u8() != 6 { anomalies.insert(.invalidValue) }
            writer.put(.modbusFileNumber, Int64(try reader.u16()))
            writer.put(.modbusFileRecordNumber, Int64(try reader.u16()))
            let length = try reader.u16()
            writer.put(.modbusFileRecordLength, Int64(length))
            guard holdsData else { continue }
            ModbusValues.registers(try reader.span(Int(length) * 2), .modbusValues, into: &writer)
        }
    }

    private static func encapsulated(
        _ reader: inout ByteReader, _ writer: inout RecordWriter
    ) throws(WireError) {
        let type = try reader.u8()
        writer.put(.modbusMEIType, Int64(type))
        guard type == 14 else {
            if !reader.isAtEnd { writer.put(.modbusRequestData, try reader.span(reader.remaining)) }
            return
        }
        writer.put(.modbusDeviceIDCode, Int64(try reader.u8()))
        writer.put(.modbusObjectID, Int64(try reader.u8()))
    }
}
