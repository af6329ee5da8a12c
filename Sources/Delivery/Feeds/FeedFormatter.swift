// SPDX-License-Identifier: Apache-2.0
public import Events
public import Wire

/// Writes events as lines of a feed; it belongs to one thread.
///
/// For each class it compiles once, against the field table in use, which entry of an event goes to which key. An event
/// then costs one pass over its entries and one over its keys, and no allocation.
public struct FeedFormatter: ~Copyable {
    /// The format.
    public let format: FeedFormat
    private let productVersion: String
    private var table: FieldTable?
    private var plans: [Int32: Plan] = [:]
    /// The first entry of each slot, -1 for none.
    private var found: [Int32] = []
    /// Whether a key was written, by its number.
    private var written: [Bool] = []
    private var joined = Slab(capacity: 1024)

    /// One key of a plan. A class, because a copy of the struct would cost a retain a member at each event.
    private final class Step {
        let number: Int
        let form: FeedFormat.Form
        let limit: Int
        /// The slots of its paths; for JSON the fields.
        let slots: [Int]
        let fields: [FieldID]
        let key: [UInt8]
        let label: [UInt8]
        let v6Key: [UInt8]
        let v6Label: [UInt8]
        let map: [String: String]?

        init(_ field: FeedFormat.Field, slots: [Int], fields: [FieldID], label: [UInt8], v6Label: [UInt8]) {
            number = field.number
            form = field.form
            limit = field.limit
            self.slots = slots
            self.fields = fields
            key = Array((field.key + "=").utf8)
            self.label = label
            v6Key = field.v6Key.map { Array(($0 + "=").utf8) } ?? []
            self.v6Label = v6Label
            map = field.map
        }
    }

    private final class Plan {
        /// The slot of each field, -1 for none.
        var slotOf: [Int16] = []
        var slotCount = 0
        var signature: [Int] = []
        var name: [Int] = []
        var severity = -1
        var steps: [Step] = []
    }

    /// A formatter of `format` that names `version` as the product's.
    public init(_ format: FeedFormat, version: String) {
        self.format = format
        productVersion = version
        written = [Bool](repeating: false, count: format.keyCount)
    }

    /// Appends event number `row` of `batch` as one line, without a line end.
    public mutating func append(_ row: Int, of batch: borrowing Batch, to slab: inout Slab) {
        if table !== batch.table {
            table = batch.table
            plans.removeAll()
        }
        let uid = batch.rows[row].classUID
        let plan: Plan
        if let known = plans[uid] {
            plan = known
        } else {
            if plans.count >= 1024 { plans.removeAll() }
            plan = self.plan(uid, batch.table)
            plans[uid] = plan
        }
        for index in 0..<found.count { found[index] = -1 }
        if found.count < plan.slotCount { found = [Int32](repeating: -1, count: plan.slotCount) }
        for index in 0..<written.count { written[index] = false }
        let entries = batch.entries
        for index in batch.entries(of: row) {
            let slot = Int(plan.slotOf[Int(entries[index].field)])
            if slot >= 0, found[slot] < 0 { found[slot] = Int32(index) }
        }
        header(plan, uid, batch, entries, to: &slab)
        var isFirst = format.grammar == .cef
        for step in plan.steps where !written[step.number] {
            if value(step, row, batch, entries, isFirst: isFirst, to: &slab) {
                written[step.number] = true
                isFirst = false
            }
        }
    }

    // MARK: Header

    private mutating func header(
        _ plan: Plan, _ uid: Int32, _ batch: borrowing Batch, _ entries: [Entry], to slab: inout Slab
    ) {
        var severity = format.grammar == .cef ? "Unknown" : "1"
        if plan.severity >= 0, found[plan.severity] >= 0 {
            let entry = entries[Int(found[plan.severity])]
            if entry.kind == .integer, let text = format.severity[Int(truncatingIfNeeded: entry.integer)] {
                severity = text
            }
        }
        switch format.grammar {
        case .cef:
            slab.append("CEF:")
            slab.append(decimal: Int64(format.version))
            slab.append(byte: 0x7C)
            part(format.vendor, 63, &slab)
            part(format.product, 63, &slab)
            part(productVersion, 31, &slab)
            part(plan.signature, String(uid), 1023, batch, entries, &slab)
            part(plan.name, "Event", 512, batch, entries, &slab)
            slab.append(severity)
            slab.append(byte: 0x7C)
        case .leef:
            slab.append(format.version == 1 ? "LEEF:1.0|" : "LEEF:2.0|")
            part(format.vendor, 1023, &slab)
            part(format.product, 1023, &slab)
            part(productVersion, 1023, &slab)
            part(plan.signature, String(uid), 1023, batch, entries, &slab)
            // The delimiter is named: some readers of version 2 take a missing one for a caret.
            if format.version > 1 { slab.append("x09|") }
            slab.append("sev=")
            slab.append(severity)
        }
    }

    private func part(_ text: String, _ limit: Int, _ slab: inout Slab) {
        headerText(text.utf8.span.bytes, limit, &slab)
        slab.append(byte: 0x7C)
    }

    private mutating func part(
        _ slots: [Int], _ other: String, _ limit: Int, _ batch: borrowing Batch, _ entries: [Entry], _ slab: inout Slab
    ) {
        for slot in slots where found[slot] >= 0 {
            joined.reset()
            FeedFormatter.append(entries[Int(found[slot])], batch, to: &joined)
            guard joined.count > 0 else { continue }
            headerText(joined.bytes, limit, &slab)
            slab.append(byte: 0x7C)
            return
        }
        part(other, limit, &slab)
    }

    private func headerText(_ text: RawSpan, _ limit: Int, _ slab: inout Slab) {
        switch format.grammar {
        case .cef: FeedText.appendCEFHeader(text, limit: limit, to: &slab)
        case .leef: FeedText.appendLEEFHeader(text, limit: limit, to: &slab)
        }
    }

    // MARK: Values

    /// Appends the key and value of a step.
    ///
    /// - Returns: false when the event has no value for it.
    private mutating func value(
        _ step: Step, _ row: Int, _ batch: borrowing Batch, _ entries: [Entry], isFirst: Bool, to slab: inout Slab
    ) -> Bool {
        if let done = single(step, batch, entries, isFirst: isFirst, to: &slab) { return done }
        joined.reset()
        if step.form == .json {
            for field in step.fields {
                if batch.table.fields[Int(field)].isContainer {
                    EventWriter.append(container: field, row: row, of: batch, to: &joined)
                } else if let entry = batch.find(field, in: row) {
                    FeedFormatter.append(entry, batch, to: &joined)
                }
                if joined.count > 0 { break }
            }
        } else {
            for slot in step.slots where found[slot] >= 0 {
                join(step, Int(found[slot]), batch, entries)
                if joined.count > 0 { break }
            }
        }
        // Blanks alone are no value: a reader would cut them.
        while let last = joined.bytes.byte(at: joined.count - 1), last == 0x20 || last == 0x09 {
            joined.truncate(to: joined.count - 1)
        }
        guard joined.count > 0 else { return false }
        pair(step, joined.bytes, isFirst: isFirst, to: &slab)
        return true
    }

    /// The usual case without a copy: one text as it is, or one number.
    ///
    /// - Returns: nil when it is not that case, else whether there was a value.
    private func single(
        _ step: Step, _ batch: borrowing Batch, _ entries: [Entry], isFirst: Bool, to slab: inout Slab
    ) -> Bool? {
        guard step.map == nil, step.form != .json, step.form != .upper else { return nil }
        guard let slot = step.slots.first(where: { found[$0] >= 0 }) else { return false }
        let index = Int(found[slot])
        let entry = entries[index]
        if index + 1 < entries.count, entries[index + 1].field == entry.field { return nil }
        switch (step.form, entry.kind) {
        case (.text, .text), (.address, .text):
            let bytes = batch.slab.bytes(entry.extent)
            // A text that ends in a blank, or has nothing: the long way knows what to do.
            guard let last = bytes.byte(at: bytes.byteCount - 1), last != 0x20, last != 0x09 else { return nil }
            pair(step, bytes, isFirst: isFirst, to: &slab)
        case (.integer, .integer):
            separator(isFirst, &slab)
            put(step.key, &slab)
            slab.append(decimal: entry.integer)
            label(step.label, &slab)
        default: return nil
        }
        return true
    }

    private func pair(_ step: Step, _ value: RawSpan, isFirst: Bool, to slab: inout Slab) {
        let isSix =
            step.form == .address && format.version == 0 && !step.v6Key.isEmpty && value.firstIndex(of: 0x3A) != nil
        separator(isFirst, &slab)
        put(isSix ? step.v6Key : step.key, &slab)
        switch format.grammar {
        case .cef: FeedText.appendCEFValue(value, limit: step.limit, to: &slab)
        case .leef: FeedText.appendLEEFValue(value, limit: step.limit, to: &slab)
        }
        label(isSix ? step.v6Label : step.label, &slab)
    }

    private func label(_ label: [UInt8], _ slab: inout Slab) {
        guard !label.isEmpty else { return }
        separator(false, &slab)
        put(label, &slab)
    }

    private func put(_ bytes: [UInt8], _ slab: inout Slab) { slab.append(bytes.span.bytes) }

    private func separator(_ isFirst: Bool, _ slab: inout Slab) {
        if !isFirst { slab.append(byte: format.grammar == .cef ? 0x20 : 0x09) }
    }

    /// Puts the values of the field at entry `index` into `joined`, commas between them.
    private mutating func join(_ step: Step, _ index: Int, _ batch: borrowing Batch, _ entries: [Entry]) {
        let field = entries[index].field
        var next = index
        while next < entries.count, entries[next].field == field,
            next == index || entries[next].element > entries[next - 1].element
        {
            let entry = entries[next]
            next += 1
            let start = joined.count
            if start > 0 { joined.append(byte: 0x2C) }
            let inside = joined.count
            switch step.form {
            case .integer, .time:
                guard let number = number(entry, batch), step.form == .integer || number > 0 else { break }
                // LEEF tells seconds from milliseconds by the number of digits: 10 or 13.
                if step.form == .time, format.grammar == .leef {
                    var digits = 0
                    var rest = number
                    while rest > 0 {
                        rest /= 10
                        digits += 1
                    }
                    for _ in 0..<max(0, 13 - digits) { joined.append(byte: 0x30) }
                }
                joined.append(decimal: number)
            case .upper:
                let from = joined.count
                FeedFormatter.append(entry, batch, to: &joined)
                let text = joined.bytes.part(from, joined.count - from).array
                joined.truncate(to: from)
                for byte in text { joined.append(byte: (0x61...0x7A).contains(byte) ? byte & 0xDF : byte) }
            case .text, .address, .json:
                FeedFormatter.append(entry, batch, to: &joined)
            }
            if let map = step.map {
                let text = joined.bytes.part(inside, joined.count - inside).text
                joined.truncate(to: inside)
                if let mapped = map[text] { joined.append(mapped) }
            }
            if joined.count == inside { joined.truncate(to: start) }
        }
    }

    private func number(_ entry: Entry, _ batch: borrowing Batch) -> Int64? {
        switch entry.kind {
        case .integer: entry.integer
        case .text: batch.slab.bytes(entry.extent).decimal.flatMap { Int64(exactly: $0) }
        case .double: Int64(exactly: entry.double)
        default: nil
        }
    }

    private static func append(_ entry: Entry, _ batch: borrowing Batch, to slab: inout Slab) {
        switch entry.kind {
        case .integer: slab.append(decimal: entry.integer)
        case .double: slab.append(String(entry.double))
        case .boolean: slab.append(entry.boolean ? "true" : "false")
        case .text, .json, .members: slab.append(batch.slab.bytes(entry.extent))
        case .constant:
            let constants = batch.table.constants
            slab.append(constants.span.bytes.part(entry.extent))
        case .emptyArray: break
        }
    }

    // MARK: Plans

    private func plan(_ uid: Int32, _ table: FieldTable) -> Plan {
        let plan = Plan()
        plan.slotOf = [Int16](repeating: -1, count: table.fields.count)
        func slots(_ paths: [String]) -> [Int] {
            // In an older version of the schema some classes have an attribute below `unmapped`.
            paths.flatMap { [table.id($0), table.movedID($0)].compactMap { $0 } }.map { field in
                if plan.slotOf[Int(field)] < 0 {
                    plan.slotOf[Int(field)] = Int16(plan.slotCount)
                    plan.slotCount += 1
                }
                return Int(plan.slotOf[Int(field)])
            }
        }
        let program = format.program(of: Int(uid))
        plan.signature = slots(program.signature)
        plan.name = slots(program.name)
        plan.severity = slots(["severity_id"]).first ?? -1
        for field in program.fields {
            let fields = field.paths.compactMap { table.id($0) }
            guard !fields.isEmpty else { continue }
            plan.steps.append(
                Step(
                    field, slots: field.form == .json ? [] : slots(field.paths), fields: fields,
                    label: label(field.key, field.label), v6Label: label(field.v6Key ?? "", field.v6Label)))
        }
        return plan
    }

    private func label(_ key: String, _ text: String?) -> [UInt8] {
        guard let text else { return [] }
        var slab = Slab(capacity: 256)
        slab.append(key + "Label=")
        FeedText.appendCEFValue(text.utf8.span.bytes, limit: 1023, to: &slab)
        return slab.bytes.array
    }
}
