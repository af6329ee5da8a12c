// SPDX-License-Identifier: Apache-2.0

/// The vocabulary of sensor records: the number of each field and the dotted name that mappings use.
///
/// Records are kept in the journal, so a number is never reused: new fields are added with new numbers.
public enum RecordField: UInt16, CaseIterable, Sendable {
    // What every record has
    case time = 1
    case record = 2
    case protocolName = 3
    case transport = 4
    case sourceAddress = 5
    case sourcePort = 6
    case sourceMAC = 7
    case destinationAddress = 8
    case destinationPort = 9
    case destinationMAC = 10
    case vlan = 11
    case flowID = 12
    case communityID = 13
    case responseTime = 14
    case packetRequest = 15
    case packetResponse = 16

    // Flow records
    case connState = 32
    case connReason = 33
    case connDuration = 34
    case connSourcePackets = 35
    case connSourceBytes = 36
    case connDestinationPackets = 37
    case connDestinationBytes = 38
    case connStartSeen = 39
    case connGaps = 40
    case connGapBytes = 41
    case connRetransmissions = 42
    case connService = 43

    // Modbus
    case modbusTransactionID = 64
    case modbusUnitID = 65
    case modbusFunctionCode = 66
    case modbusFunction = 67
    case modbusCategory = 68
    case modbusTable = 69
    case modbusAddress = 70
    case modbusQuantity = 71
    case modbusValues = 72
    case modbusStatus = 73
    case modbusExceptionCode = 74
    case modbusException = 75
    case modbusIsWrite = 76
    case modbusAndMask = 77
    case modbusOrMask = 78
    case modbusReadAddress = 79
    case modbusReadQuantity = 80
    case modbusReadValues = 81
    case modbusSubFunction = 82
    case modbusSubFunctionName = 83
    case modbusRequestData = 84
    case modbusResponseData = 85
    case modbusAnomalies = 86
    case modbusFileNumber = 87
    case modbusFileRecordNumber = 88
    case modbusFileRecordLength = 89
    case modbusMEIType = 90
    case modbusDeviceIDCode = 91
    case modbusConformity = 92
    case modbusMoreFollows = 93
    case modbusObjectID = 94
    case modbusObjectValue = 95
    case modbusDeviceVendor = 96
    case modbusDeviceProductCode = 97
    case modbusDeviceRevision = 98
    case modbusDeviceURL = 99
    case modbusDeviceProduct = 100
    case modbusDeviceModel = 101
    case modbusDeviceApplication = 102
    case modbusExceptionStatus = 103
    case modbusEventStatus = 104
    case modbusEventCount = 105
    case modbusMessageCount = 106
    case modbusProtocolID = 107
    case modbusLength = 108
    case modbusSender = 109

    /// The dotted lower-case name.
    public var name: String {
        switch self {
        case .time: "time"
        case .record: "record"
        case .protocolName: "protocol"
        case .transport: "transport"
        case .sourceAddress: "src.ip"
        case .sourcePort: "src.port"
        case .sourceMAC: "src.mac"
        case .destinationAddress: "dst.ip"
        case .destinationPort: "dst.port"
        case .destinationMAC: "dst.mac"
        case .vlan: "vlan"
        case .flowID: "flow.id"
        case .communityID: "community_id"
        case .responseTime: "response.time"
        case .packetRequest: "packet.request"
        case .packetResponse: "packet.response"
        case .connState: "conn.state"
        case .connReason: "conn.reason"
        case .connDuration: "conn.duration"
        case .connSourcePackets: "conn.src.packets"
        case .connSourceBytes: "conn.src.bytes"
        case .connDestinationPackets: "conn.dst.packets"
        case .connDestinationBytes: "conn.dst.bytes"
        case .connStartSeen: "conn.start_seen"
        case .connGaps: "conn.gaps"
        case .connGapBytes: "conn.gap_bytes"
        case .connRetransmissions: "conn.retransmissions"
        case .connService: "conn.service"
        case .modbusTransactionID: "modbus.transaction_id"
        case .modbusUnitID: "modbus.unit_id"
        case .modbusFunctionCode: "modbus.function_code"
        case .modbusFunction: "modbus.function"
        case .modbusCategory: "modbus.category"
        case .modbusTable: "modbus.table"
        case .modbusAddress: "modbus.address"
        case .modbusQuantity: "modbus.quantity"
        case .modbusValues: "modbus.values"
        case .modbusStatus: "modbus.status"
        case .modbusExceptionCode: "modbus.exception_code"
        case .modbusException: "modbus.exception"
        case .modbusIsWrite: "modbus.is_write"
        case .modbusAndMask: "modbus.and_mask"
        case .modbusOrMask: "modbus.or_mask"
        case .modbusReadAddress: "modbus.read_address"
        case .modbusReadQuantity: "modbus.read_quantity"
        case .modbusReadValues: "modbus.read_values"
        case .modbusSubFunction: "modbus.sub_function"
        case .modbusSubFunctionName: "modbus.sub_function_name"
        case .modbusRequestData: "modbus.request_data"
        case .modbusResponseData: "modbus.response_data"
        case .modbusAnomalies: "modbus.anomalies"
        case .modbusFileNumber: "modbus.file_number"
        case .modbusFileRecordNumber: "modbus.file_record_number"
        case .modbusFileRecordLength: "modbus.file_record_length"
        case .modbusMEIType: "modbus.mei_type"
        case .modbusDeviceIDCode: "modbus.device_id_code"
        case .modbusConformity: "modbus.conformity_level"
        case .modbusMoreFollows: "modbus.more_follows"
        case .modbusObjectID: "modbus.object_id"
        case .modbusObjectValue: "modbus.object_value"
        case .modbusDeviceVendor: "modbus.device.vendor"
        case .modbusDeviceProductCode: "modbus.device.product_code"
        case .modbusDeviceRevision: "modbus.device.revision"
        case .modbusDeviceURL: "modbus.device.url"
        case .modbusDeviceProduct: "modbus.device.product"
        case .modbusDeviceModel: "modbus.device.model"
        case .modbusDeviceApplication: "modbus.device.application"
        case .modbusExceptionStatus: "modbus.exception_status"
        case .modbusEventStatus: "modbus.event_status"
        case .modbusEventCount: "modbus.event_count"
        case .modbusMessageCount: "modbus.message_count"
        case .modbusProtocolID: "modbus.protocol_id"
        case .modbusLength: "modbus.length"
        case .modbusSender: "modbus.sender"
        }
    }

    private static let byNumber: [RecordField?] = {
        var table = [RecordField?](repeating: nil, count: Int(allCases.map(\.rawValue).max() ?? 0) + 1)
        for field in allCases { table[Int(field.rawValue)] = field }
        return table
    }()

    /// The field of a number read from a record, or nil when this version does not know it.
    public static func numbered(_ number: UInt16) -> RecordField? {
        Int(number) < byNumber.count ? byNumber[Int(number)] : nil
    }
}
