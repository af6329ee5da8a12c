// SPDX-License-Identifier: Apache-2.0
public import Wire

extension RecordField {
    /// The field names by number, for whoever reads records.
    public static let vocabulary: RecordVocabulary = {
        var names = [String](repeating: "", count: Int(allCases.map(\.rawValue).max() ?? 0) + 1)
        for field in allCases { names[Int(field.rawValue)] = field.name }
        let repeated: [RecordField] = [
            .modbusValues, .modbusReadValues, .modbusAnomalies, .modbusFileNumber, .modbusFileRecordNumber,
            .modbusFileRecordLength, .modbusObjectID, .modbusObjectValue, .vlan,
            .packetRequest, .packetResponse,
        ]
        let octets: [RecordField] = [.packetRequest, .packetResponse, .modbusRequestData, .modbusResponseData]
        return RecordVocabulary(
            names: names, kind: RecordField.record.rawValue, repeated: Set(repeated.map(\.rawValue)),
            octets: Set(octets.map(\.rawValue)))
    }()
}
