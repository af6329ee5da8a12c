// SPDX-License-Identifier: Apache-2.0
internal import Events
internal import Wire

extension Normalizer {
    /// Writes one line of a mapping into the row under construction.
    ///
    /// - Returns: the line's default, which is only to be written when something else makes the object around it.
    mutating func write(_ line: Mapping.Line, _ mapping: Mapping, _ batch: inout Batch) -> Literal? {
        switch line.value.evaluate(captures, batch.slab, scratch) {
        case .none: break
        case .literal(let literal): batch.put(.literal(line.field, literal))
        case .fallback(let literal):
            guard set.table.fields[Int(line.field)].parent != nil else {
                batch.put(.literal(line.field, literal))
                return nil
            }
            return literal
        case .capture(let slot):
            let capture = captures[slot]
            if capture.kind != .integer, capture.kind != .flag, capture.extent.isEmpty { return nil }
            if !convert(capture, line, &batch) {
                tally.misfits += 1
                member(mapping.slots.names[slot], capture, batch.slab)
            }
        }
        return nil
    }

    /// Writes the defaults of lines whose object something else has made.
    mutating func writeDefaults(_ batch: inout Batch) {
        guard let row = batch.rows.last else { return }
        for (field, literal) in defaults {
            guard let parent = set.table.fields[Int(field)].parent else { continue }
            let end = set.table.fields[Int(parent)].end
            for index in Int(row.first)..<batch.entries.count
            where batch.entries[index].field > parent && batch.entries[index].field < end {
                batch.put(.literal(field, literal))
                break
            }
        }
    }

    /// Puts a capture under a line's attribute; false when it does not fit.
    private mutating func convert(_ capture: Capture, _ line: Mapping.Line, _ batch: inout Batch) -> Bool {
        if set.table.fields[Int(line.field)].isArray, capture.kind == .json {
            return array(capture, line.field, &batch)
        }
        switch line.conversion {
        case .integer:
            guard let value = integer(capture, batch.slab) else { return false }
            if !line.known.isEmpty, !line.known.contains(value) {
                guard line.known.contains(99) else { return false }
                batch.put(.integer(line.field, 99))
                if let sibling = line.sibling { batch.put(.bytes(sibling, .text, plain(capture, &batch.slab))) }
            } else {
                batch.put(.integer(line.field, value))
            }
        case .port:
            guard let value = integer(capture, batch.slab), (0...65535).contains(value) else { return false }
            batch.put(.integer(line.field, value))
        case .double:
            let number = Condition.with(capture, batch.slab) { Double($0.text) } ?? nil
            guard let number, number.isFinite else { return false }
            batch.put(.double(line.field, number))
        case .boolean:
            guard let flag = Normalizer.flag(capture, batch.slab) else { return false }
            batch.put(.boolean(line.field, flag))
        case .text, .mac:
            var extent = plain(capture, &batch.slab)
            if line.value.transform != .none { extent = cased(extent, line.value.transform == .lower, &batch.slab) }
            // OCSF dictionary: a mac_t has at most 32 characters.
            if line.conversion == .mac, extent.length > 32 { return false }
            if !line.knownTexts.isEmpty, !line.knownTexts.contains(batch.slab.bytes(extent).array) { return false }
            batch.put(.bytes(line.field, .text, extent))
        case .address:
            let extent = plain(capture, &batch.slab)
            if let address = IPAddress(batch.slab.bytes(extent)) {
                // An ip_t has at most 40 characters: a longer text has a zone, or zeros to spare.
                let text = extent.length <= 40 ? extent : batch.slab.append(address.description)
                batch.put(.bytes(line.field, .text, text))
            } else if let hostname = line.hostname {
                batch.put(.bytes(hostname, .text, extent))
            } else {
                return false
            }
        case .timestamp:
            guard let time = timestamp(capture, batch.slab) else { return false }
            batch.put(.integer(line.field, time / 1_000_000))
        case .any:
            switch capture.kind {
            case .absent: break
            case .integer: batch.put(.integer(line.field, capture.integer))
            case .flag: batch.put(.boolean(line.field, capture.integer != 0))
            case .json: batch.put(.bytes(line.field, .json, capture.extent))
            case .number:
                if let whole = integer(capture, batch.slab) {
                    batch.put(.integer(line.field, whole))
                } else {
                    batch.put(.bytes(line.field, .json, capture.extent))
                }
            case .text, .escaped:
                var extent = plain(capture, &batch.slab)
                if line.value.transform != .none { extent = cased(extent, line.value.transform == .lower, &batch.slab) }
                batch.put(.bytes(line.field, .text, extent))
            }
        }
        return true
    }

    /// Puts the scalars of a JSON array under an attribute that repeats.
    private mutating func array(_ capture: Capture, _ field: FieldID, _ batch: inout Batch) -> Bool {
        var tape = JSONTape()
        do { try tape.parse(batch.slab.bytes(capture.extent)) } catch { return false }
        guard tape.values[0].kind == .array else { return false }
        let isNumber = [.integer, .long].contains(set.table.fields[Int(field)].primitive)
        var position = 0
        var index = 1
        while index < tape.values.count {
            let value = tape.values[index]
            let extent = value.extent.shifted(by: capture.extent.offset)
            guard let element = Entry.element(position) else { return true }
            switch value.kind {
            case .string:
                let plain =
                    value.isEscaped
                    ? self.plain(Capture(kind: .escaped, extent: extent, integer: 0), &batch.slab) : extent
                batch.put(.bytes(field, .text, plain, element: element))
            case .number where isNumber:
                if let whole = Int64(batch.slab.bytes(extent).text) {
                    batch.put(.integer(field, whole, element: element))
                }
            case .object, .array, .null: position -= 1
            case .number, .yes, .no: batch.put(.bytes(field, .text, extent, element: element))
            }
            position += 1
            index = Int(value.next)
        }
        return true
    }

    /// A capture as a whole number, or nil.
    func integer(_ capture: Capture, _ slab: borrowing Slab) -> Int64? {
        switch capture.kind {
        case .integer, .flag: return capture.integer
        case .text, .number:
            let bytes = slab.bytes(capture.extent)
            if let value = bytes.decimal { return Int64(exactly: value) }
            if bytes.byte(at: 0) == 0x2D, let value = bytes.part(1, bytes.byteCount).decimal {
                return Int64(exactly: value).map { -$0 }
            }
            if bytes.hasBytes("0x"), bytes.byteCount <= 18 {
                return Int64(bytes.part(2, bytes.byteCount).text, radix: 16)
            }
            return nil
        case .absent, .escaped, .json: return nil
        }
    }

    private static func flag(_ capture: Capture, _ slab: borrowing Slab) -> Bool? {
        switch capture.kind {
        case .flag, .integer: return capture.integer != 0
        case .text, .number:
            let bytes = slab.bytes(capture.extent)
            for yes in ["true", "1", "yes"] where bytes.equalsIgnoringCase(Array(yes.utf8).span.bytes) { return true }
            for no in ["false", "0", "no"] where bytes.equalsIgnoringCase(Array(no.utf8).span.bytes) { return false }
            return nil
        case .absent, .escaped, .json: return nil
        }
    }

    /// A capture as nanoseconds since the epoch: RFC 3339 text, or a number in seconds, milliseconds, microseconds or
    /// nanoseconds, told apart by its size.
    func timestamp(_ capture: Capture, _ slab: borrowing Slab) -> Int64? {
        if capture.kind == .text, let reading = RFC3339.read(slab.bytes(capture.extent)) { return reading.nanoseconds }
        var value = integer(capture, slab).map(Double.init)
        if value == nil, capture.kind == .number || capture.kind == .text {
            value = Double(slab.bytes(capture.extent).text)
        }
        guard let value, value.isFinite, value > 0 else { return nil }
        if let whole = integer(capture, slab) {
            // Whole numbers keep every digit.
            let factor: Int64 =
                whole < 100_000_000_000
                ? 1_000_000_000 : whole < 100_000_000_000_000 ? 1_000_000 : whole < 100_000_000_000_000_000 ? 1_000 : 1
            let (product, over) = whole.multipliedReportingOverflow(by: factor)
            return over ? nil : product
        }
        let factor = value < 1e11 ? 1e9 : value < 1e14 ? 1e6 : value < 1e17 ? 1e3 : 1
        return value * factor < 9e18 ? Int64(value * factor) : nil
    }

    /// The extent of a capture's text in the slab, escapes resolved.
    func plain(_ capture: Capture, _ slab: inout Slab) -> Extent {
        switch capture.kind {
        case .absent: return .empty
        case .text, .number, .json: return capture.extent
        case .integer:
            let start = slab.count
            slab.append(decimal: capture.integer)
            return Extent(start..<slab.count)
        case .flag: return slab.append(capture.integer != 0 ? "true" : "false")
        case .escaped:
            var text = Slab(capacity: Int(capture.extent.length))
            JSONText.appendUnescaped(slab.bytes(capture.extent), to: &text)
            return slab.append(text.bytes)
        }
    }

    private func cased(_ extent: Extent, _ lower: Bool, _ slab: inout Slab) -> Extent {
        let start = slab.count
        for index in 0..<Int(extent.length) {
            guard let byte = slab.bytes.byte(at: Int(extent.offset) + index) else { break }
            let isLetter = lower ? (byte >= 0x41 && byte <= 0x5A) : (byte >= 0x61 && byte <= 0x7A)
            slab.append(byte: isLetter ? byte ^ 0x20 : byte)
        }
        return Extent(start..<slab.count)
    }

    /// Captured values that the chosen event does not read become members of `unmapped`.
    mutating func leftovers(_ event: Mapping.Event, _ mapping: Mapping, _ slab: borrowing Slab) {
        for (slot, reads) in event.reads.enumerated() where !reads && captures[slot].kind != .absent {
            member(mapping.slots.names[slot], captures[slot], slab)
        }
    }

    /// Adds one member to the text that goes to `unmapped`.
    mutating func member(_ name: String, _ capture: Capture, _ slab: borrowing Slab) {
        let key = Array(name.utf8)
        beginMember(key.span.bytes, isEscaped: false)
        switch capture.kind {
        case .absent: members.append("null")
        case .text: JSONText.append(slab.bytes(capture.extent), to: &members)
        case .escaped:
            members.append(byte: 0x22)
            members.append(slab.bytes(capture.extent))
            members.append(byte: 0x22)
        case .number, .json: members.append(slab.bytes(capture.extent))
        case .integer: members.append(decimal: capture.integer)
        case .flag: members.append(capture.integer != 0 ? "true" : "false")
        }
    }

    /// Writes a member's key, with a comma before it when it is not the first; a name that the service itself uses gets
    /// `x_` in front, so that nobody outside can speak for the enrichment.
    mutating func beginMember(_ key: RawSpan, isEscaped: Bool, isNested: Bool = false) {
        if members.count > 0, members.bytes.byte(at: members.count - 1) != 0x7B { members.append(byte: 0x2C) }
        members.append(byte: 0x22)
        if !isNested, isReserved(key, isEscaped: isEscaped) { members.append("x_") }
        if isEscaped { members.append(key) } else { JSONText.appendEscaped(key, to: &members) }
        members.append("\":")
    }

    private func isReserved(_ key: RawSpan, isEscaped: Bool) -> Bool {
        if isEscaped {
            // `\u007aone` is `zone` to every reader of the event.
            var plain = Slab(capacity: key.byteCount)
            JSONText.appendUnescaped(key, to: &plain)
            return isReserved(plain.bytes, isEscaped: false)
        }
        // The first part decides: `zone.src` must not look like an enriched field either.
        let first = key.part(0, key.firstIndex(of: 0x2E) ?? key.byteCount)
        for name in set.reserved where first.equals(name.span.bytes) { return true }
        return false
    }
}
