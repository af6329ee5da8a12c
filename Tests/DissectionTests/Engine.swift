// SPDX-License-Identifier: Apache-2.0
import Dissection
import Wire

/// A record as names and values, for comparing.
struct Record: Equatable, CustomStringConvertible {
    enum Value: Equatable {
        case number(Int64)
        case bytes([UInt8])
        case flag(Bool)
    }

    var fields: [(name: String, value: Value)]

    init(_ bytes: RawSpan) throws {
        fields = []
        var reader = RecordReader(bytes)
        while let (number, value) = try reader.next() {
            let name = RecordField.numbered(number)?.name ?? "?\(number)"
            switch value {
            case .number(let number): fields.append((name, .number(number)))
            case .flag(let flag): fields.append((name, .flag(flag)))
            case .bytes(let extent): fields.append((name, .bytes(bytes.part(extent).array)))
            }
        }
    }

    static func == (a: Record, b: Record) -> Bool { a.description == b.description }

    subscript(name: String) -> Value? { fields.first { $0.name == name }?.value }
    func text(_ name: String) -> String? {
        if case .bytes(let bytes) = self[name] { return String(decoding: bytes, as: UTF8.self) }
        return nil
    }
    func number(_ name: String) -> Int64? {
        if case .number(let number) = self[name] { return number }
        return nil
    }
    func flag(_ name: String) -> Bool? {
        if case .flag(let flag) = self[name] { return flag }
        return nil
    }
    func numbers(_ name: String) -> [Int64] {
        fields.compactMap { field in
            if field.name == name, case .number(let number) = field.value { return number }
            return nil
        }
    }
    func texts(_ name: String) -> [String] { all(name).map { String(decoding: $0, as: UTF8.self) } }
    func all(_ name: String) -> [[UInt8]] {
        fields.compactMap { field in
            if field.name == name, case .bytes(let bytes) = field.value { return bytes }
            return nil
        }
    }

    /// What the record says about the protocol: without the packets, addresses and times that a variant changes.
    var meaning: String {
        fields.filter { $0.name.hasPrefix("modbus.") || $0.name == "record" || $0.name.hasSuffix(".ip") }
            .map { field in
                if case .bytes(let bytes) = field.value {
                    return "\(field.name)=\(String(decoding: bytes, as: UTF8.self))"
                }
                return "\(field.name)=\(field.value)"
            }.joined(separator: " ")
    }

    var description: String { fields.map { "\($0.name)=\($0.value)" }.joined(separator: " ") }
}

/// What an engine made of packets.
struct Outcome {
    var summary: EngineSummary
    var records: [Record]
    var modbus: EngineSummary.OfProtocol { summary.protocols["modbus"] ?? EngineSummary.OfProtocol() }
    var transactions: [Record] { records.filter { $0.text("record") == "modbus" } }
    var flows: [Record] { records.filter { $0.text("record") == "conn" } }

    /// Runs `packets` through one engine to the end.
    static func of(_ packets: [CapturedPacket], options: EngineOptions = EngineOptions()) throws -> Outcome {
        var engine = PacketEngine(options: options)
        var records: [Record] = []
        for packet in packets {
            if let link = LinkType(number: packet.link) {
                engine.packet(
                    packet.bytes.span.bytes, link: link, time: packet.time, originalLength: packet.originalLength)
            } else {
                engine.skipUnsupportedLink()
            }
            for index in 0..<engine.recordCount { records.append(try Record(engine.record(at: index))) }
            engine.resetRecords()
        }
        engine.flush()
        for index in 0..<engine.recordCount { records.append(try Record(engine.record(at: index))) }
        return Outcome(summary: engine.summary, records: records)
    }
}
