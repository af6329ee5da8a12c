// SPDX-License-Identifier: Apache-2.0
internal import Events

/// What the enricher reads of an event, noted in one pass over its entries.
struct FieldScan: Sendable {
    /// What a field means to the plant; only the first entry of a field is noted, as ``Batch/find(_:in:)`` finds it.
    enum Role: UInt8, Sendable, CaseIterable {
        case none, source, destination, port, transport, direction, directionText
        case evidenceSource, evidenceDestination, evidencePort, evidenceTransport
        case evidenceDirection, evidenceDirectionText
        case table, address, unit, values, isWrite, status

        /// The path of its field.
        var path: String? {
            switch self {
            case .none: nil
            case .source: "src_endpoint.ip"
            case .destination: "dst_endpoint.ip"
            case .port: "dst_endpoint.port"
            case .transport: "connection_info.protocol_name"
            case .direction: "connection_info.direction_id"
            case .directionText: "connection_info.direction"
            case .evidenceSource: "evidences.src_endpoint.ip"
            case .evidenceDestination: "evidences.dst_endpoint.ip"
            case .evidencePort: "evidences.dst_endpoint.port"
            case .evidenceTransport: "evidences.connection_info.protocol_name"
            case .evidenceDirection: "evidences.connection_info.direction_id"
            case .evidenceDirectionText: "evidences.connection_info.direction"
            case .table: "unmapped.modbus.table"
            case .address: "unmapped.modbus.address"
            case .unit: "unmapped.modbus.unit_id"
            case .values: "unmapped.modbus.values"
            case .isWrite: "unmapped.modbus.is_write"
            case .status: "unmapped.modbus.status"
            }
        }
    }

    /// By field: what is read of it. The role in the lower five bits, the ``IntelligenceFields/Kind`` above; 0 for nothing.
    struct Codes: Sendable {
        /// As many as there are field numbers, so that none is out of range.
        fileprivate let codes: [UInt8]
        /// Whether nothing is read of any field.
        let isEmpty: Bool

        /// The codes of a table: of roles when the plant knows something, of kinds when a list does.
        init(_ table: FieldTable, plant: Bool, intelligence: Bool) {
            var codes = [UInt8](repeating: 0, count: Int(FieldID.max) + 1)
            if intelligence {
                for (field, kind) in IntelligenceFields.kinds(table).enumerated() { codes[field] = kind.rawValue << 5 }
            }
            if plant {
                for role in Role.allCases {
                    if let field = role.path.flatMap({ table.id($0) }) { codes[Int(field)] |= role.rawValue }
                }
            }
            self.codes = codes
            isEmpty = codes.allSatisfy { $0 == 0 }
        }
    }

    /// An entry that is looked up in threat-intelligence lists.
    struct Asked: Sendable {
        /// Its index in ``Batch/entries``.
        var index: Int32
        var kind: IntelligenceFields.Kind
    }

    /// A bit by role: whether the event has it.
    private var seen: UInt32 = 0
    /// By role: the index of its entry in ``Batch/entries``, of use where `seen` says so.
    private var places = [32 of Int32](repeating: 0)
    /// What is looked up, in the order of the entries: the first ``askedCount``.
    private(set) var asked: [Asked] = []
    private(set) var askedCount = 0

    /// Notes what event number `row` of `batch` has.
    mutating func look(at row: Int, of batch: borrowing Batch, _ codes: borrowing Codes) {
        seen = 0
        askedCount = 0
        let range = batch.entries(of: row)
        // Room for all, once: the loop need not ask.
        if asked.count < range.count {
            asked = Array(repeating: Asked(index: 0, kind: .none), count: max(64, range.count * 2))
        }
        var asked: [Asked] = []
        swap(&asked, &self.asked)
        codes.codes.withUnsafeBufferPointer { codes in
            batch.entries.withUnsafeBufferPointer { entries in
                asked.withUnsafeMutableBufferPointer { asked in
                    guard range.upperBound <= entries.count, let entries = entries.baseAddress else { return }
                    @inline(__always)
                    func code(_ index: Int) -> UInt8 { codes[Int(entries[index].field)] }
                    @inline(__always)
                    func note(_ index: Int) {
                        let code = code(index)
                        if code & 31 != 0 { self.note(Int(code & 31), index) }
                        if code >= 32 {
                            asked[askedCount] = Asked(
                                index: Int32(truncatingIfNeeded: index),
                                kind: IntelligenceFields.Kind(rawValue: code >> 5) ?? .none)
                            askedCount &+= 1
                        }
                    }
                    // Most entries are of no interest: four are passed over at once.
                    var index = range.lowerBound
                    while index &+ 4 <= range.upperBound {
                        if code(index) | code(index &+ 1) | code(index &+ 2) | code(index &+ 3) != 0 {
                            for next in index..<index &+ 4 where code(next) != 0 { note(next) }
                        }
                        index &+= 4
                    }
                    for next in index..<range.upperBound where code(next) != 0 { note(next) }
                }
            }
        }
        swap(&asked, &self.asked)
    }

    @inline(__always)
    private mutating func note(_ role: Int, _ index: Int) {
        let bit: UInt32 = 1 &<< UInt32(truncatingIfNeeded: role)
        guard seen & bit == 0 else { return }
        seen |= bit
        places[role] = Int32(truncatingIfNeeded: index)
    }

    /// Where the entry of a role is in ``Batch/entries``, or nil.
    @inline(__always)
    func place(_ role: Role) -> Int? {
        seen & (1 &<< UInt32(role.rawValue)) != 0 ? Int(places[Int(role.rawValue)]) : nil
    }

    /// The entry of a role, or nil.
    @inline(__always)
    func entry(_ role: Role, _ batch: borrowing Batch) -> Entry? { place(role).map { batch.entries[$0] } }

    /// The entry of the first role that the event has, or nil.
    @inline(__always)
    func entry(_ role: Role, or other: Role, _ batch: borrowing Batch) -> Entry? {
        (place(role) ?? place(other)).map { batch.entries[$0] }
    }
}
