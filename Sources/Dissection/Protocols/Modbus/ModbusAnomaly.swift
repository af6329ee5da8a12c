// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// What can be wrong with Modbus/TCP on the wire. Each is counted, is in the record and can be matched by a rule.
enum ModbusAnomaly: Int, CaseIterable {
    /// The MBAP header's protocol identifier is not 0.
    case invalidProtocolID
    /// The MBAP header's length cannot be true.
    case invalidLength
    /// The message is shorter than its function needs.
    case truncatedPDU
    /// The message is longer than its function needs.
    case trailingData
    /// The rest of a message never came.
    case incompletePDU
    /// A field of the message contradicts another.
    case malformedField
    /// The number of items is 0 or above what the specification allows.
    case invalidQuantity
    /// The addressed range ends beyond 65535.
    case invalidAddressRange
    /// A value that the function does not allow (a coil that is neither FF00 nor 0000, say).
    case invalidValue
    /// Function code 0.
    case functionZero
    /// A function code of annex A of the specification.
    case reservedFunction
    /// A public function code without a definition.
    case unassignedFunction
    /// A diagnostics sub-function without a definition.
    case unknownSubFunction
    /// An exception response whose code the specification does not name.
    case invalidExceptionCode
    /// The client sent a function code with the exception bit set.
    case exceptionInRequest
    /// A response to no request.
    case unsolicitedResponse
    /// A response to a pending transaction, with another function.
    case functionMismatch
    /// A response to a pending transaction, from another unit.
    case unitMismatch
    /// A response that does not fit its request: another address, value or number of items.
    case valueMismatch
    /// More requests wait for responses than the engine keeps.
    case flooded
    /// The capture lost bytes of the stream.
    case captureGap
    /// Late bytes that are no message.
    case strayBytes

    var name: StaticString {
        switch self {
        case .invalidProtocolID: "invalid_protocol_id"
        case .invalidLength: "invalid_length"
        case .truncatedPDU: "truncated_pdu"
        case .trailingData: "trailing_data"
        case .incompletePDU: "incomplete_pdu"
        case .malformedField: "malformed_field"
        case .invalidQuantity: "invalid_quantity"
        case .invalidAddressRange: "invalid_address_range"
        case .invalidValue: "invalid_value"
        case .functionZero: "function_zero"
        case .reservedFunction: "reserved_function"
        case .unassignedFunction: "unassigned_function"
        case .unknownSubFunction: "unknown_sub_function"
        case .invalidExceptionCode: "invalid_exception_code"
        case .exceptionInRequest: "exception_in_request"
        case .unsolicitedResponse: "unsolicited_response"
        case .functionMismatch: "function_mismatch"
        case .unitMismatch: "unit_mismatch"
        case .valueMismatch: "value_mismatch"
        case .flooded: "flooded"
        case .captureGap: "capture_gap"
        case .strayBytes: "stray_bytes"
        }
    }
}

/// The anomalies of one record.
struct ModbusAnomalies {
    private var bits: UInt32 = 0

    var isEmpty: Bool { bits == 0 }

    mutating func insert(_ anomaly: ModbusAnomaly) { bits |= 1 << UInt32(anomaly.rawValue) }
    mutating func formUnion(_ other: ModbusAnomalies) { bits |= other.bits }
    func contains(_ anomaly: ModbusAnomaly) -> Bool { bits & (1 << UInt32(anomaly.rawValue)) != 0 }

    /// Writes the names and counts each. Gaps were counted where they happened.
    func report(_ number: Int, _ output: inout Output) {
        var rest = bits
        while rest != 0 {
            let place = rest.trailingZeroBitCount
            rest &= rest - 1
            guard let anomaly = ModbusAnomaly(rawValue: place) else { continue }
            if anomaly != .captureGap { output.counters.anomaly(number, place) }
            output.writer.put(.modbusAnomalies, anomaly.name)
        }
    }
}
