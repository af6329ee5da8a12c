// SPDX-License-Identifier: Apache-2.0
internal import Codecs
internal import Events
internal import Patterns
internal import Wire

extension Normalizer {
    /// Runs one parse step; false when the record is not what the step takes.
    mutating func run(_ rule: Mapping.StepRule, _ mapping: Mapping, _ header: Header, _ batch: inout Batch) -> Bool {
        var extent = header.content
        if rule.source >= 0 {
            let capture = captures[rule.source]
            if capture.kind == .absent { return false }
            extent = plain(capture, &batch.slab)
        }
        switch rule.step {
        case .json: return json(extent, mapping, &batch.slab)
        case .keyValue(let style): return keyValue(extent, style, mapping, batch.slab)
        case .regex(let alternatives): return regex(extent, alternatives, mapping, &batch.slab)
        case .cef: return cef(header.content, mapping, &batch.slab)
        case .record: return record(header.content, mapping, &batch.slab)
        }
    }

    // MARK: JSON

    private mutating func json(_ extent: Extent, _ mapping: Mapping, _ slab: inout Slab) -> Bool {
        var extent = extent
        // Whole values of it are copied into events as they stand, so they have to be UTF-8 from here on.
        if !slab.bytes(extent).isValidUTF8 {
            let repaired = slab.bytes(extent).text
            extent = slab.append(repaired)
        }
        let bytes = slab.bytes(extent)
        guard let open = bytes.firstIndex(of: 0x7B) else { return false }
        let text = bytes.part(open, bytes.byteCount)
        do { try tape.parse(text) } catch { return false }
        guard tape.values[0].kind == .object else { return false }
        object(0, 0, text, base: extent.offset &+ UInt32(open), mapping, isNested: false)
        return true
    }

    /// Captures the members of one JSON object that the mapping reads; the others become members of `unmapped`.
    private mutating func object(
        _ index: Int, _ node: Int, _ text: RawSpan, base: UInt32, _ mapping: Mapping, isNested: Bool
    ) {
        var member = index + 1
        var position = 0
        while member < Int(tape.values[index].next) {
            let value = tape.values[member]
            let isElement = tape.values[index].kind == .array
            let number = isElement ? Array(String(position).utf8) : []
            let child =
                isElement
                ? mapping.slots.find(node, number.span.bytes) : mapping.slots.find(node, text.part(value.key))
            // The header's own captures are not for members to fill, and of two values the first stands: both stay beside.
            let isTaken =
                child.flatMap { mapping.slots.nodes[$0].slot }.map {
                    $0 < Builtins.count || captures[$0].kind != .absent
                } ?? false
            if let child, !isTaken || mapping.slots.nodes[child].hasChildren {
                let found = mapping.slots.nodes[child]
                if let slot = found.slot, !isTaken { captures[slot] = Normalizer.capture(value, base) }
                if found.hasChildren, value.kind == .object || value.kind == .array, found.slot == nil {
                    let start = members.count
                    beginNested(isElement ? number.span.bytes : text.part(value.key), value.isKeyEscaped, isNested)
                    let inside = members.count
                    object(member, child, text, base: base, mapping, isNested: true)
                    if members.count == inside { members.truncate(to: start) } else { members.append(byte: 0x7D) }
                } else if found.hasChildren, value.kind == .object || value.kind == .array {
                    object(member, child, text, base: base, mapping, isNested: true, isSilent: true)
                }
            } else if value.kind != .null {
                if isElement {
                    members.begin(number.span.bytes, isEscaped: false, isNested: isNested)
                } else {
                    members.begin(text.part(value.key), isEscaped: value.isKeyEscaped, isNested: isNested)
                }
                if value.kind == .string {
                    members.append(inside: text.part(value.extent))
                } else {
                    members.append(json: text.part(value.extent))
                }
            }
            position += 1
            member = Int(value.next)
        }
    }

    /// As above without leftovers: the object itself is captured whole.
    private mutating func object(
        _ index: Int, _ node: Int, _ text: RawSpan, base: UInt32, _ mapping: Mapping, isNested: Bool, isSilent: Bool
    ) {
        let length = members.count
        object(index, node, text, base: base, mapping, isNested: isNested)
        members.truncate(to: length)
    }

    private mutating func beginNested(_ key: RawSpan, _ isEscaped: Bool, _ isNested: Bool) {
        members.begin(key, isEscaped: isEscaped, isNested: isNested)
        members.append(byte: 0x7B)
    }

    private static func capture(_ value: JSONTape.Value, _ base: UInt32) -> Capture {
        let extent = value.extent.shifted(by: base)
        switch value.kind {
        case .string: return Capture(kind: value.isEscaped ? .escaped : .text, extent: extent, integer: 0)
        case .number: return Capture(kind: .number, extent: extent, integer: 0)
        case .yes: return Capture(kind: .flag, extent: .empty, integer: 1)
        case .no: return Capture(kind: .flag, extent: .empty, integer: 0)
        case .object, .array: return Capture(kind: .json, extent: extent, integer: 0)
        case .null: return .absent
        }
    }

    // MARK: Regular expressions

    private mutating func regex(_ extent: Extent, _ all: Run, _ mapping: Mapping, _ slab: inout Slab) -> Bool {
        for index in all.range {
            let alternative = mapping.alternatives[index]
            // One reference for the match and for all of its groups.
            let pattern = mapping.book.patterns[Int(alternative.pattern)]
            guard pattern.matches(slab.bytes(extent), scratch) else { continue }
            for index in alternative.groups.range {
                let group = mapping.groups[index]
                guard let range = pattern.range(of: Int(group.number), scratch), !range.isEmpty else { continue }
                captures[Int(group.slot)] = .text(Extent(range).shifted(by: extent.offset))
            }
            for index in alternative.sets.range {
                let fixed = mapping.sets[index]
                captures[Int(fixed.slot)] = .text(mapping.book.withText(fixed.text) { slab.append($0) })
            }
            return true
        }
        return false
    }

    // MARK: Key-value pairs

    private mutating func keyValue(
        _ extent: Extent, _ style: KeyValue.Style, _ mapping: Mapping, _ slab: borrowing Slab
    ) -> Bool {
        let bytes = slab.bytes(extent)
        var reader = KeyValue(bytes, style: style)
        var count = 0
        while let pair = reader.next() {
            count += 1
            let key = bytes.part(pair.key)
            let capture: Capture =
                pair.isFlag
                ? Capture(kind: .flag, extent: .empty, integer: 1) : .text(pair.value.shifted(by: extent.offset))
            // A key given twice (netfilter's LEN): the first stands, the second is kept beside.
            if let slot = mapping.slots.slot(of: key), captures[slot].kind == .absent {
                captures[slot] = capture
            } else if pair.isFlag || !pair.value.isEmpty {
                members.begin(key, isEscaped: false)
                members.append(capture, slab)
            }
        }
        return count > 0
    }

    // MARK: CEF

    private mutating func cef(_ extent: Extent, _ mapping: Mapping, _ slab: inout Slab) -> Bool {
        pairs.removeAll(keepingCapacity: true)
        guard let line = CEF(slab.bytes(extent)) else { return false }
        var reader = line.pairs(of: slab.bytes(extent))
        while let pair = reader.next(), pairs.count < 1024 { pairs.append((pair.key, pair.value)) }
        header(line.vendor, 0, extent, mapping, &slab)
        header(line.product, 1, extent, mapping, &slab)
        header(line.deviceVersion, 2, extent, mapping, &slab)
        header(line.classID, 3, extent, mapping, &slab)
        header(line.name, 4, extent, mapping, &slab)
        header(line.severity, 5, extent, mapping, &slab)
        for index in pairs.indices where !pairs[index].value.isEmpty {
            let place = pairs[index].key.shifted(by: extent.offset)
            let value = pairs[index].value.shifted(by: extent.offset)
            let capture = Capture.text(unescaped(value, header: false, &slab))
            if let slot = mapping.slots.slot(of: slab.bytes(place)), captures[slot].kind == .absent {
                captures[slot] = capture
            } else {
                members.begin(slab.bytes(place), isEscaped: false)
                members.append(capture, slab)
            }
        }
        return true
    }

    /// Captures field number `number` of a CEF header, or keeps it beside.
    private mutating func header(
        _ field: Extent, _ number: Int, _ extent: Extent, _ mapping: Mapping, _ slab: inout Slab
    ) {
        guard !field.isEmpty else { return }
        let capture = Capture.text(unescaped(field.shifted(by: extent.offset), header: true, &slab))
        if mapping.headerSlots[number] >= 0 {
            captures[mapping.headerSlots[number]] = capture
        } else {
            member("cef_" + Mapping.headerNames[number], capture, slab)
        }
    }

    private mutating func unescaped(_ extent: Extent, header: Bool, _ slab: inout Slab) -> Extent {
        guard slab.bytes(extent).firstIndex(of: 0x5C) != nil else { return extent }
        text.reset()
        _ =
            header
            ? CEF.unescapeHeader(slab.bytes(extent), into: &text) : CEF.unescapeValue(slab.bytes(extent), into: &text)
        return slab.append(text.bytes)
    }

    // MARK: Sensor records

    /// The first mapping for the record's kind.
    func recordMapping(_ frame: Frame, _ slab: borrowing Slab) -> Int? {
        let bytes = slab.bytes(frame.extent)
        var reader = RecordReader(bytes)
        while let pair = try? reader.next() {
            guard pair.field == set.records.kind, case .bytes(let extent) = pair.value else { continue }
            return set.recognizer.mapping(record: bytes.part(extent))
        }
        return nil
    }

    /// The first mapping for a notice of the service: a JSON object whose member `penstock` says what kind it is.
    mutating func noticeMapping(_ frame: Frame, _ slab: borrowing Slab) -> Int? {
        let bytes = slab.bytes(frame.extent)
        do { try tape.parse(bytes) } catch { return nil }
        guard let kind = tape.member("penstock", of: 0, in: bytes) else { return nil }
        return set.recognizer.mapping(notice: bytes.part(tape.values[kind].extent))
    }

    private mutating func record(_ extent: Extent, _ mapping: Mapping, _ slab: inout Slab) -> Bool {
        lists.removeAll(keepingCapacity: true)
        do {
            var reader = RecordReader(slab.bytes(extent))
            do {
                while let pair = try reader.next() {
                    let capture: Capture
                    switch pair.value {
                    case .number(let number): capture = .integer(number)
                    case .flag(let flag): capture = Capture(kind: .flag, extent: .empty, integer: flag ? 1 : 0)
                    case .bytes(let part): capture = .text(part.shifted(by: extent.offset))
                    }
                    guard Int(pair.field) < mapping.recordSlots.count else { continue }
                    let slot = mapping.recordSlots[Int(pair.field)]
                    if slot >= 0 {
                        if set.records.repeated.contains(pair.field) {
                            lists.append((slot, capture))
                        } else {
                            captures[slot] = capture
                        }
                    } else if !set.records.octets.contains(pair.field) {
                        member(set.records.names[Int(pair.field)], capture, slab)
                    }
                }
            } catch { return false }
        }
        // A repeated field becomes a JSON array.
        var index = 0
        while index < lists.count {
            let slot = lists[index].slot
            let start = slab.count
            var end = index
            slab.append(byte: 0x5B)
            while end < lists.count, lists[end].slot == slot {
                if end > index { slab.append(byte: 0x2C) }
                let value = lists[end].value
                switch value.kind {
                case .integer: slab.append(decimal: value.integer)
                case .flag: slab.append(value.integer != 0 ? "true" : "false")
                default:
                    text.reset()
                    JSONText.append(slab.bytes(value.extent), to: &text)
                    slab.append(text.bytes)
                }
                end += 1
            }
            slab.append(byte: 0x5D)
            captures[slot] = Capture(kind: .json, extent: Extent(start..<slab.count), integer: 0)
            index = end
        }
        return true
    }
}
