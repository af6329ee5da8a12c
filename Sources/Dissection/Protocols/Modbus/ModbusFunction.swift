// SPDX-License-Identifier: Apache-2.0

/// A Modbus function code: what it is called and what it touches (Modbus Application Protocol V1.1b3, section 5 and 6).
struct ModbusFunction {
    /// What kind of act a function is.
    enum Category {
        case read
        case write
        case diagnostic
        case identification
        case other

        var name: StaticString {
            switch self {
            case .read: "read"
            case .write: "write"
            case .diagnostic: "diagnostic"
            case .identification: "identification"
            case .other: "other"
            }
        }
    }

    /// The data table that a function addresses (section 4.3).
    enum Table {
        case coil
        case discreteInput
        case holdingRegister
        case inputRegister

        var name: StaticString {
            switch self {
            case .coil: "coil"
            case .discreteInput: "discrete_input"
            case .holdingRegister: "holding_register"
            case .inputRegister: "input_register"
            }
        }
    }

    /// How the specification sees the code.
    enum Standing {
        /// A public code with a definition.
        case assigned
        /// Used by some companies for legacy products (annex A) and not to be used by others.
        case reserved
        /// 65 to 72 and 100 to 110.
        case userDefined
        /// A public code without a definition.
        case unassigned
        /// 0 is not valid.
        case zero
    }

    let code: UInt8
    let name: StaticString
    let category: Category
    let table: Table?
    let isWrite: Bool
    let standing: Standing

    private init(
        _ code: UInt8, _ name: StaticString, _ category: Category, _ table: Table? = nil, isWrite: Bool = false,
        standing: Standing = .assigned
    ) {
        self.code = code
        self.name = name
        self.category = category
        self.table = table
        self.isWrite = isWrite
        self.standing = standing
    }

    private static let defined: [ModbusFunction] = [
        ModbusFunction(1, "read_coils", .read, .coil),
        ModbusFunction(2, "read_discrete_inputs", .read, .discreteInput),
        ModbusFunction(3, "read_holding_registers", .read, .holdingRegister),
        ModbusFunction(4, "read_input_registers", .read, .inputRegister),
        ModbusFunction(5, "write_single_coil", .write, .coil, isWrite: true),
        ModbusFunction(6, "write_single_register", .write, .holdingRegister, isWrite: true),
        ModbusFunction(7, "read_exception_status", .diagnostic),
        ModbusFunction(8, "diagnostics", .diagnostic),
        ModbusFunction(9, "program_484", .other, standing: .reserved),
        ModbusFunction(10, "poll_484", .other, standing: .reserved),
        ModbusFunction(11, "get_comm_event_counter", .diagnostic),
        ModbusFunction(12, "get_comm_event_log", .diagnostic),
        ModbusFunction(13, "program_controller", .other, standing: .reserved),
        ModbusFunction(14, "poll_controller", .other, standing: .reserved),
        ModbusFunction(15, "write_multiple_coils", .write, .coil, isWrite: true),
        ModbusFunction(16, "write_multiple_registers", .write, .holdingRegister, isWrite: true),
        ModbusFunction(17, "report_server_id", .identification),
        ModbusFunction(18, "program_884", .other, standing: .reserved),
        ModbusFunction(19, "reset_communication_link", .other, standing: .reserved),
        ModbusFunction(20, "read_file_record", .read),
        ModbusFunction(21, "write_file_record", .write, isWrite: true),
        ModbusFunction(22, "mask_write_register", .write, .holdingRegister, isWrite: true),
        ModbusFunction(23, "read_write_multiple_registers", .write, .holdingRegister, isWrite: true),
        ModbusFunction(24, "read_fifo_queue", .read, .holdingRegister),
        ModbusFunction(41, "reserved", .other, standing: .reserved),
        ModbusFunction(42, "reserved", .other, standing: .reserved),
        ModbusFunction(43, "encapsulated_interface_transport", .identification),
        // Schneider Electric's UMAS: reserved by the specification, in daily use between Unity Pro and its controllers.
        ModbusFunction(90, "unity", .other, standing: .reserved),
        ModbusFunction(91, "reserved", .other, standing: .reserved),
        ModbusFunction(125, "firmware_replacement", .other, standing: .reserved),
        ModbusFunction(126, "program_584", .other, standing: .reserved),
        ModbusFunction(127, "report_local_address", .other, standing: .reserved),
    ]

    private static let table: [ModbusFunction] = {
        var table = (0..<128).map { code in
            let code = UInt8(code)
            switch code {
            case 0: return ModbusFunction(code, "zero", .other, standing: .zero)
            case 65...72, 100...110: return ModbusFunction(code, "user_defined", .other, standing: .userDefined)
            default: return ModbusFunction(code, "unassigned", .other, standing: .unassigned)
            }
        }
        for function in defined { table[Int(function.code)] = function }
        return table
    }()

    /// The function of a code; the exception bit does not count.
    static func of(_ code: UInt8) -> ModbusFunction { table[Int(code & 0x7F)] }
}

/// The names of codes inside Modbus messages.
enum ModbusNames {
    /// An exception code (section 7; 7 is from older editions).
    static func exception(_ code: UInt8) -> StaticString? {
        switch code {
        case 1: "illegal_function"
        case 2: "illegal_data_address"
        case 3: "illegal_data_value"
        case 4: "server_device_failure"
        case 5: "acknowledge"
        case 6: "server_device_busy"
        case 7: "negative_acknowledge"
        case 8: "memory_parity_error"
        case 10: "gateway_path_unavailable"
        case 11: "gateway_target_failed_to_respond"
        default: nil
        }
    }

    /// A sub-function of diagnostics, function 8 (section 6.8).
    static func diagnostic(_ code: UInt16) -> StaticString? {
        switch code {
        case 0: "return_query_data"
        case 1: "restart_communications_option"
        case 2: "return_diagnostic_register"
        case 3: "change_ascii_input_delimiter"
        case 4: "force_listen_only_mode"
        case 10: "clear_counters_and_diagnostic_register"
        case 11: "return_bus_message_count"
        case 12: "return_bus_communication_error_count"
        case 13: "return_bus_exception_error_count"
        case 14: "return_server_message_count"
        case 15: "return_server_no_response_count"
        case 16: "return_server_nak_count"
        case 17: "return_server_busy_count"
        case 18: "return_bus_character_overrun_count"
        case 20: "clear_overrun_counter_and_flag"
        case 21: "get_clear_modbus_plus_statistics"
        default: nil
        }
    }

    /// The record field of a device identification object (section 6.21), or nil for the others.
    static func object(_ id: UInt8) -> RecordField? {
        switch id {
        case 0: .modbusDeviceVendor
        case 1: .modbusDeviceProductCode
        case 2: .modbusDeviceRevision
        case 3: .modbusDeviceURL
        case 4: .modbusDeviceProduct
        case 5: .modbusDeviceModel
        case 6: .modbusDeviceApplication
        default: nil
        }
    }
}
