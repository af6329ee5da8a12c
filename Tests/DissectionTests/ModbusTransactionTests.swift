// SPDX-License-Identifier: Apache-2.0
import Testing

/// One request and one response of each function, written by hand, and the record that they make.
struct ModbusTransactionTests {
    /// The only record of a request PDU and a response PDU (nil: none).
    private func record(_ request: [UInt8]?, _ response: [UInt8]?, port: UInt16 = 502) throws -> Record {
        var talk = Conversation()
        talk.serverPort = port
        talk.handshake()
        if let request { talk.request(modbus(7, request, unit: 3)) }
        if let response { talk.response(modbus(7, response, unit: 3)) }
        talk.finish()
        let outcome = try Outcome.of(talk.packets)
        #expect(outcome.transactions.count == 1)
        #expect(outcome.modbus.pdus == (request == nil ? 0 : 1) + (response == nil ? 0 : 1))
        return try #require(outcome.transactions.first)
    }

    @Test func readCoils() throws {
        let record = try record([1, 0, 0x13, 0, 0x0A], [1, 2, 0xCD, 0x01])
        #expect(record.text("protocol") == "modbus")
        #expect(record.text("transport") == "tcp")
        #expect(record.text("src.ip") == "10.0.0.1")
        #expect(record.number("src.port") == 40_000)
        #expect(record.text("src.mac") == "02:00:00:00:00:01")
        #expect(record.text("dst.ip") == "10.0.0.2")
        #expect(record.number("dst.port") == 502)
        #expect(record.text("dst.mac") == "02:00:00:00:00:02")
        #expect(record.number("modbus.transaction_id") == 7)
        #expect(record.number("modbus.unit_id") == 3)
        #expect(record.number("modbus.function_code") == 1)
        #expect(record.text("modbus.function") == "read_coils")
        #expect(record.text("modbus.category") == "read")
        #expect(record.text("modbus.table") == "coil")
        #expect(record.flag("modbus.is_write") == false)
        #expect(record.number("modbus.address") == 19)
        #expect(record.number("modbus.quantity") == 10)
        #expect(record.numbers("modbus.values") == [1, 0, 1, 1, 0, 0, 1, 1, 1, 0])
        #expect(record.text("modbus.status") == "accepted")
        #expect(record.texts("modbus.anomalies") == [])
        #expect((record.number("response.time") ?? 0) - (record.number("time") ?? 0) == 1_000_000)
        // The frames as captured: the message is at the end of each.
        #expect(record.all("packet.request").map { Array($0.suffix(5)) } == [[1, 0, 0x13, 0, 0x0A]])
        #expect(record.all("packet.response").map { Array($0.suffix(4)) } == [[1, 2, 0xCD, 0x01]])
    }

    @Test(arguments: [
        (UInt8(3), "read_holding_registers", "holding_register"), (4, "read_input_registers", "input_register"),
    ])
    func readRegisters(_ function: UInt8, _ name: String, _ table: String) throws {
        let record = try record([function, 0, 1, 0, 2], [function, 4, 0xFF, 0xFE, 0, 1])
        #expect(record.text("modbus.function") == name)
        #expect(record.text("modbus.table") == table)
        #expect(record.numbers("modbus.values") == [65534, 1])
    }

    @Test func readDiscreteInputs() throws {
        let record = try record([2, 0, 0, 0, 3], [2, 1, 0b101])
        #expect(record.text("modbus.table") == "discrete_input")
        #expect(record.numbers("modbus.values") == [1, 0, 1])
    }

    @Test func writeSingleCoil() throws {
        let on = try record([5, 0, 0xAC, 0xFF, 0], [5, 0, 0xAC, 0xFF, 0])
        #expect(on.flag("modbus.is_write") == true)
        #expect(on.text("modbus.category") == "write")
        #expect(on.number("modbus.address") == 172)
        #expect(on.numbers("modbus.values") == [1])
        #expect(on.texts("modbus.anomalies") == [])
        let odd = try record([5, 0, 0xAC, 0x12, 0x34], [5, 0, 0xAC, 0x12, 0x34])
        #expect(odd.numbers("modbus.values") == [0x1234])
        #expect(odd.texts("modbus.anomalies") == ["invalid_value"])
    }

    @Test func writeSingleRegister() throws {
        let record = try record([6, 0, 1, 0, 3], [6, 0, 1, 0, 4])
        #expect(record.numbers("modbus.values") == [3])
        #expect(record.texts("modbus.anomalies") == ["value_mismatch"])
    }

    @Test func writeMultiple() throws {
        let coils = try record([15, 0, 19, 0, 10, 2, 0xCD, 0x01], [15, 0, 19, 0, 10])
        #expect(coils.numbers("modbus.values") == [1, 0, 1, 1, 0, 0, 1, 1, 1, 0])
        #expect(coils.texts("modbus.anomalies") == [])
        let registers = try record([16, 0, 1, 0, 2, 4, 0, 10, 1, 2], [16, 0, 1, 0, 2])
        #expect(registers.numbers("modbus.values") == [10, 258])
        #expect(registers.number("modbus.quantity") == 2)
        #expect(registers.texts("modbus.anomalies") == [])
    }

    @Test func maskWrite() throws {
        let record = try record([22, 0, 4, 0, 0xF2, 0, 0x25], [22, 0, 4, 0, 0xF2, 0, 0x25])
        #expect(record.number("modbus.address") == 4)
        #expect(record.number("modbus.and_mask") == 0xF2)
        #expect(record.number("modbus.or_mask") == 0x25)
        #expect(record.flag("modbus.is_write") == true)
        #expect(record.texts("modbus.anomalies") == [])
    }

    @Test func readWrite() throws {
        let record = try record([23, 0, 3, 0, 2, 0, 14, 0, 1, 2, 0, 0xFF], [23, 4, 0, 1, 0, 2])
        #expect(record.number("modbus.read_address") == 3)
        #expect(record.number("modbus.read_quantity") == 2)
        #expect(record.numbers("modbus.read_values") == [1, 2])
        #expect(record.number("modbus.address") == 14)
        #expect(record.number("modbus.quantity") == 1)
        #expect(record.numbers("modbus.values") == [255])
        #expect(record.texts("modbus.anomalies") == [])
    }

    @Test func diagnostics() throws {
        let record = try record([8, 0, 4, 0, 0], [8, 0, 4, 0, 0])
        #expect(record.number("modbus.sub_function") == 4)
        #expect(record.text("modbus.sub_function_name") == "force_listen_only_mode")
        #expect(record.all("modbus.request_data") == [[0, 0]])
        #expect(record.text("modbus.category") == "diagnostic")
        let unknown = try self.record([8, 0, 99, 0, 0], nil)
        #expect(unknown.texts("modbus.anomalies") == ["unknown_sub_function"])
    }

    @Test func serialLineFunctions() throws {
        #expect(try record([7], [7, 0x6D]).number("modbus.exception_status") == 0x6D)
        let counter = try record([11], [11, 0xFF, 0xFF, 1, 8])
        #expect(counter.number("modbus.event_status") == 0xFFFF)
        #expect(counter.number("modbus.event_count") == 264)
        let log = try record([12], [12, 8, 0, 0, 1, 8, 1, 0x21, 0x20, 0])
        #expect(log.number("modbus.message_count") == 289)
        #expect(log.all("modbus.response_data") == [[0x20, 0]])
        #expect(try record([17], [17, 3, 1, 2, 0xFF]).all("modbus.response_data") == [[1, 2, 0xFF]])
    }

    @Test func fileRecords() throws {
        let read = try record([20, 7, 6, 0, 4, 0, 1, 0, 2], [20, 6, 5, 6, 13, 0xFE, 0, 0x20])
        #expect(read.number("modbus.file_number") == 4)
        #expect(read.number("modbus.file_record_number") == 1)
        #expect(read.number("modbus.file_record_length") == 2)
        #expect(read.numbers("modbus.values") == [0x0DFE, 0x20])
        #expect(read.texts("modbus.anomalies") == [])
        let write = [21, 11, 6, 0, 4, 0, 7, 0, 2, 6, 0xAF, 4, 0xBE] as [UInt8]
        let written = try record(write, write)
        #expect(written.numbers("modbus.values") == [0x06AF, 0x04BE])
        #expect(written.flag("modbus.is_write") == true)
        #expect(written.texts("modbus.anomalies") == [])
    }

    @Test func queue() throws {
        let record = try record([24, 4, 0xDE], [24, 0, 6, 0, 2, 1, 0xB8, 0x12, 0x84])
        #expect(record.number("modbus.address") == 0x4DE)
        #expect(record.numbers("modbus.values") == [0x1B8, 0x1284])
        #expect(record.texts("modbus.anomalies") == [])
    }

    @Test func deviceIdentification() throws {
        let response: [UInt8] =
            [43, 14, 1, 0x81, 0, 0, 3, 0, 4] + Array("ACME".utf8) + [1, 2] + Array("P1".utf8) + [2, 4]
            + Array("V1.2".utf8)
        let record = try record([43, 14, 1, 0], response)
        #expect(record.number("modbus.mei_type") == 14)
        #expect(record.text("modbus.category") == "identification")
        #expect(record.number("modbus.conformity_level") == 0x81)
        #expect(record.flag("modbus.more_follows") == false)
        #expect(record.text("modbus.device.vendor") == "ACME")
        #expect(record.text("modbus.device.product_code") == "P1")
        #expect(record.text("modbus.device.revision") == "V1.2")
        #expect(record.texts("modbus.object_value") == ["ACME", "P1", "V1.2"])
        #expect(record.texts("modbus.anomalies") == [])
    }

    @Test func schneiderUnity() throws {
        let long = [90, 0] + [UInt8](repeating: 7, count: 600)
        let record = try record(long, [90, 0, 0xFE])
        #expect(record.text("modbus.function") == "unity")
        #expect(record.all("modbus.request_data").first?.count == 601)
        #expect(record.all("modbus.response_data") == [[0, 0xFE]])
        #expect(record.texts("modbus.anomalies") == [])
    }

    @Test(arguments: [
        (UInt8(1), "illegal_function"), (2, "illegal_data_address"), (11, "gateway_target_failed_to_respond"),
    ])
    func exceptions(_ code: UInt8, _ name: String) throws {
        let record = try record([3, 0, 0, 0, 1], [0x83, code])
        #expect(record.text("modbus.status") == "exception")
        #expect(record.number("modbus.function_code") == 3)
        #expect(record.number("modbus.exception_code") == Int64(code))
        #expect(record.text("modbus.exception") == name)
        #expect(record.texts("modbus.anomalies") == [])
    }

    @Test func unknownException() throws {
        #expect(try record([3, 0, 0, 0, 1], [0x83, 99]).texts("modbus.anomalies") == ["invalid_exception_code"])
    }

    @Test func requestWithoutResponse() throws {
        let record = try record([6, 0, 1, 0, 3], nil)
        #expect(record.text("modbus.status") == "no_response")
        #expect(record.number("response.time") == nil)
    }

    @Test func responseWithoutRequest() throws {
        let record = try record(nil, [3, 2, 0, 9])
        #expect(record.text("modbus.status") == "unsolicited")
        #expect(record.text("src.ip") == "10.0.0.1")
        #expect(record.numbers("modbus.values") == [9])
        #expect(record.texts("modbus.anomalies") == ["unsolicited_response"])
    }

    /// Every code from 0 to 127 makes a transaction, accepted or refused.
    @Test func everyFunctionCode() throws {
        var talk = Conversation()
        talk.handshake()
        for code in UInt8(0)...127 {
            talk.request(modbus(UInt16(code), [code, 0, 0, 0, 1]))
            talk.response(modbus(UInt16(code), [code | 0x80, 1]))
        }
        let outcome = try Outcome.of(talk.packets)
        #expect(outcome.modbus.pdus == 256)
        #expect(outcome.modbus.functions == Dictionary(uniqueKeysWithValues: (0...127).map { ($0, 2) }))
        #expect(outcome.transactions.count == 128)
        #expect(outcome.transactions.allSatisfy { $0.text("modbus.status") == "exception" })
        let byCode = Dictionary(
            uniqueKeysWithValues: outcome.transactions.map { ($0.number("modbus.function_code"), $0) })
        #expect(byCode[0]?.texts("modbus.anomalies").contains("function_zero") == true)
        #expect(byCode[9]?.texts("modbus.anomalies").contains("reserved_function") == true)
        #expect(byCode[30]?.texts("modbus.anomalies").contains("unassigned_function") == true)
        #expect(byCode[70]?.text("modbus.function") == "user_defined")
        // An exception response to none of the known functions is unknown neither.
        #expect(outcome.modbus.anomalies["unsolicited_response"] == nil)
    }

    @Test(
        arguments: [
            ([3, 0, 0, 0, 0], "invalid_quantity"), ([3, 0, 0, 0, 126], "invalid_quantity"),
            ([1, 0, 0, 7, 0xD1], "invalid_quantity"), ([3, 0xFF, 0xFF, 0, 2], "invalid_address_range"),
            ([3, 0, 0], "truncated_pdu"), ([3, 0, 0, 0, 1, 9], "trailing_data"),
            ([16, 0, 0, 0, 2, 3, 1, 2, 3], "malformed_field"), ([16, 0, 0, 0, 2, 4, 1], "truncated_pdu"),
            ([0x81, 2], "exception_in_request"),
        ] as [([UInt8], String)])
    func requestAnomalies(_ pdu: [UInt8], _ anomaly: String) throws {
        #expect(try record(pdu, nil).texts("modbus.anomalies").contains(anomaly))
    }

    @Test func responsesThatDoNotFit() throws {
        #expect(try record([3, 0, 0, 0, 2], [3, 2, 0, 1]).texts("modbus.anomalies") == ["value_mismatch"])
        #expect(try record([1, 0, 0, 0, 9], [1, 1, 0]).texts("modbus.anomalies") == ["value_mismatch"])
        #expect(
            try record([16, 0, 0, 0, 1, 2, 0, 1], [16, 0, 9, 0, 1]).texts("modbus.anomalies") == ["value_mismatch"])
        #expect(try record([3, 0, 0, 0, 2], [3, 4, 0, 1]).texts("modbus.anomalies").contains("truncated_pdu"))
    }
}
