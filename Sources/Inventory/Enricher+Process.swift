// SPDX-License-Identifier: Apache-2.0
internal import Events
internal import Wire

/// The fields of process points.
struct ProcessFields: Sendable {
    let point, value, opensInlet: FieldID
    /// By the number of the point: its last value, and whether that is high.
    let states: [(value: FieldID, high: FieldID?)]

    /// Dotted paths, beside those of the points.
    static let paths = ["unmapped.process.point", "unmapped.process.value", "unmapped.process.opens_inlet"]

    init?(_ process: ProcessModel, _ table: FieldTable) {
        let ids = ProcessFields.paths.compactMap { table.id($0) }
        guard ids.count == 3 else { return nil }
        (point, value, opensInlet) = (ids[0], ids[1], ids[2])
        states = process.points.map { point in
            (
                table.id("unmapped.process.state." + point.name) ?? 0,
                table.id("unmapped.process.state.\(point.name)_high")
            )
        }
    }
}

extension Enricher {
    /// Adds the points that a Modbus transaction touches and what is known of the device; learns from an accepted one.
    mutating func addProcess(_ number: Int, _ first: Int, _ device: IPAddress, _ batch: inout Batch) {
        func entry(_ role: FieldScan.Role) -> Entry? { scan.place(role, number).map { batch.entries[first + $0] } }
        guard let fields = process, let table = entry(.table), let start = entry(.address),
            let isWrite = entry(.isWrite), (0...65535).contains(start.integer)
        else { return }
        let unit = entry(.unit).map { Int(truncatingIfNeeded: $0.integer) }
        let points = plan.plant.process.points
        func isThere(_ number: Int) -> Bool {
            points[number].device == device
                && (points[number].unit == nil || unit == nil || points[number].unit == unit)
        }
        // Before anything is read of its values: most devices have no point.
        guard points.indices.contains(where: isThere) else { return }
        let accepted =
            entry(.status).map { entry in
                batch.withBytes(of: entry) { $0.equals("accepted") }
            } ?? false
        let kind = batch.withBytes(of: table) { name in ProcessModel.Table.allCases.first { name.equals($0.rawValue) } }
        let first = Int(truncatingIfNeeded: start.integer)
        read(entry(.values), batch)
        func value(_ number: Int) -> Int64? {
            let place = points[number].address - first
            return points[number].table == kind && values.indices.contains(place) ? values[place] : nil
        }
        var touched: (number: Int, value: Int64)?
        var opensInlet = false
        for number in points.indices where isThere(number) {
            guard let value = value(number) else { continue }
            let opens = isWrite.boolean && points[number].opensInletAt == value
            if opens || touched == nil { touched = (number, value) }
            opensInlet = opensInlet || opens
        }
        if let touched {
            batch.put(.constant(fields.point, plan.points[touched.number]))
            batch.put(.integer(fields.value, touched.value))
        }
        if isWrite.boolean { batch.put(.boolean(fields.opensInlet, opensInlet)) }
        // The state before this transaction: what the requester could know when it asked.
        for number in points.indices where points[number].device == device {
            guard let value = image[number] else { continue }
            batch.put(.integer(fields.states[number].value, value))
            if let field = fields.states[number].high, let limit = points[number].high {
                batch.put(.boolean(field, value > limit))
            }
        }
        guard accepted else { return }
        for number in points.indices where isThere(number) { image[number] = value(number) ?? image[number] }
    }

    /// The most values of one event.
    private static let mostValues = 4096

    /// Reads the whole numbers and truth values of a scalar, or of a JSON array of scalars, into ``values``; anything
    /// else counts as 0.
    private mutating func read(_ entry: Entry?, _ batch: borrowing Batch) {
        values.removeAll(keepingCapacity: true)
        guard let entry else { return }
        switch entry.kind {
        case .integer: values.append(entry.integer)
        case .boolean: values.append(entry.boolean ? 1 : 0)
        case .double: values.append(0)
        case .emptyArray: break
        case .text, .constant, .json, .members:
            batch.withBytes(of: entry) { json in
                var start = 0
                while start < json.byteCount, values.count < Enricher.mostValues {
                    var end = start
                    while let byte = json.byte(at: end), byte > 0x20, byte != 0x2C, byte != 0x5B, byte != 0x5D {
                        end += 1
                    }
                    if end > start { values.append(Enricher.number(json.part(start, end - start))) }
                    start = end + 1
                }
            }
        }
    }

    private static func number(_ text: RawSpan) -> Int64 {
        if text.equals("true") { return 1 }
        let isNegative = text.byte(at: 0) == 0x2D
        guard let magnitude = text.part(isNegative ? 1 : 0, .max).decimal else { return 0 }
        guard isNegative else { return Int64(exactly: magnitude) ?? 0 }
        return magnitude <= Int64.min.magnitude ? Int64(truncatingIfNeeded: 0 &- magnitude) : 0
    }
}
