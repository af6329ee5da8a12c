// SPDX-License-Identifier: Apache-2.0
internal import Codecs
internal import Events
internal import Wire

/// The formats that are one line with an own syntax.
extension Normalizer {
    // MARK: CEF and LEEF

    /// Captures the header and the extension of a CEF line.
    mutating func cef(_ extent: Extent, _ strips: Run, _ mapping: Mapping, _ slab: inout Slab) -> Bool {
        pairs.removeAll(keepingCapacity: true)
        guard let line = CEF(slab.bytes(extent)) else { return false }
        var reader = line.pairs(of: slab.bytes(extent))
        while let pair = reader.next(), hasRoom() {
            pairs.append(
                FoundPair(
                    key: pair.key.shifted(by: extent.offset),
                    value: trimmed(pair.value.shifted(by: extent.offset), slab)))
        }
        strip(strips, mapping, slab)
        collectLabels(mapping, slab)
        // Few lines have escapes: one search of the line spares one of each value.
        let hasEscapes = slab.bytes(extent).firstIndex(of: 0x5C) != nil
        func header(_ field: Extent, _ number: Int) {
            let field = trimmed(field.shifted(by: extent.offset), slab)
            guard !field.isEmpty else { return }
            let capture = Capture.text(hasEscapes ? unescaped(field, header: true, &slab) : field)
            take(capture, mapping.headerSlots[number], mapping.headerKeys[number], mapping, slab)
        }
        header(line.vendor, 0)
        header(line.product, 1)
        header(line.deviceVersion, 2)
        header(line.classID, 3)
        header(line.name, 4)
        header(line.severity, 5)
        for index in pairs.indices where !pairs[index].value.isEmpty {
            let key = pairs[index].key
            let value = pairs[index].value
            let capture = Capture.text(hasEscapes ? unescaped(value, header: false, &slab) : value)
            if !labels.isEmpty, let slot = labelled(key, slab), captures[slot].kind == .absent {
                captures[slot] = capture
            } else {
                take(key, capture, mapping, slab)
            }
        }
        return true
    }

    /// The most labels that name other keys of a line.
    static let mostLabels = 64

    /// Finds the labels that name captures which the mapping reads (`cs1Label=Rule cs1=7`: `labels.Rule`).
    private mutating func collectLabels(_ mapping: Mapping, _ slab: borrowing Slab) {
        labels.removeAll(keepingCapacity: true)
        guard mapping.labels >= 0 else { return }
        for pair in pairs {
            let key = slab.bytes(pair.key)
            guard key.byteCount > 5, key.hasBytes("Label", at: key.byteCount - 5),
                let node = mapping.slots.find(mapping.labels, slab.bytes(pair.value)),
                let slot = mapping.slots.nodes[node].slot
            else { continue }
            guard labels.count < Normalizer.mostLabels else {
                tally.cut += 1
                return
            }
            labels.append((Extent(offset: pair.key.offset, length: pair.key.length - 5), slot))
        }
    }

    /// The capture for what a label calls a key, or nil.
    private mutating func labelled(_ key: Extent, _ slab: borrowing Slab) -> SlotID? {
        let name = slab.bytes(key)
        for label in labels where slab.bytes(label.name).equals(name) { return label.slot }
        return nil
    }

    /// Captures the header and the attributes of a LEEF line.
    mutating func leef(_ extent: Extent, _ strips: Run, _ mapping: Mapping, _ slab: inout Slab) -> Bool {
        pairs.removeAll(keepingCapacity: true)
        guard let line = LEEF(slab.bytes(extent)) else { return false }
        // Many senders write blanks or `^` where their header promises tabs; the delimiter that is there counts.
        let attributes = slab.bytes(extent).part(line.attributes)
        if line.delimiter != 0x09 || attributes.firstIndex(of: 0x09) != nil {
            collect(line, line.delimiter, extent, slab)
        } else if attributes.firstIndex(of: 0x5E) != nil {
            collect(line, 0x5E, extent, slab)
        } else {
            collectSpaced(line, extent, slab)
        }
        strip(strips, mapping, slab)
        func header(_ field: Extent, _ number: Int) {
            let field = trimmed(field.shifted(by: extent.offset), slab)
            guard !field.isEmpty else { return }
            take(.text(field), mapping.leefSlots[number], mapping.leefKeys[number], mapping, slab)
        }
        header(line.vendor, 0)
        header(line.product, 1)
        header(line.productVersion, 2)
        header(line.eventID, 3)
        for pair in pairs where !pair.isFlag && !pair.value.isEmpty { take(pair.key, .text(pair.value), mapping, slab) }
        return true
    }

    /// The attributes of a LEEF line.
    private mutating func collect(_ line: LEEF, _ delimiter: UInt8, _ extent: Extent, _ slab: borrowing Slab) {
        var reader = line.pairs(of: slab.bytes(extent), delimiter: delimiter)
        while let pair = reader.next(), hasRoom() {
            pairs.append(
                FoundPair(
                    key: trimmed(pair.key.shifted(by: extent.offset), slab),
                    value: trimmed(pair.value.shifted(by: extent.offset), slab), isFlag: pair.isFlag))
        }
    }

    /// The attributes of a LEEF line with blanks between them, which may stand in values as well.
    private mutating func collectSpaced(_ line: LEEF, _ extent: Extent, _ slab: borrowing Slab) {
        var reader = CEF.Pairs(slab.bytes(extent), line.attributes)
        while let pair = reader.next(), hasRoom() {
            pairs.append(
                FoundPair(
                    key: pair.key.shifted(by: extent.offset),
                    value: trimmed(pair.value.shifted(by: extent.offset), slab)))
        }
    }

    /// A field without blanks, tabs and line ends around it.
    @inline(__always)
    private func trimmed(_ extent: Extent, _ slab: borrowing Slab) -> Extent {
        let bytes = slab.bytes(extent)
        guard let first = bytes.byte(at: 0), let last = bytes.byte(at: bytes.byteCount - 1),
            first <= 0x20 || last <= 0x20
        else { return extent }
        var (start, end) = (0, bytes.byteCount)
        while start < end, Normalizer.isBlank(bytes.byte(at: start)) { start += 1 }
        while end > start, Normalizer.isBlank(bytes.byte(at: end - 1)) { end -= 1 }
        return Extent(start..<end).shifted(by: extent.offset)
    }

    private static func isBlank(_ byte: UInt8?) -> Bool {
        byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D
    }

    private mutating func unescaped(_ extent: Extent, header: Bool, _ slab: inout Slab) -> Extent {
        guard slab.bytes(extent).firstIndex(of: 0x5C) != nil else { return extent }
        text.reset()
        _ =
            header
            ? CEF.unescapeHeader(slab.bytes(extent), into: &text) : CEF.unescapeValue(slab.bytes(extent), into: &text)
        return slab.append(text.bytes)
    }

    /// Captures a field that has a fixed slot (-1: none) or is kept beside under `key`, as ``Members/key(_:_:)`` makes it.
    private mutating func take(
        _ capture: Capture, _ slot: SlotID, _ key: Extent, _ mapping: Mapping, _ slab: borrowing Slab
    ) {
        if slot >= 0 {
            if captures[slot].kind == .absent { captures[slot] = capture }
        } else if !key.isEmpty {
            mapping.book.withText(key) { members.begin(key: $0) }
            members.append(capture, slab)
        }
    }

    // MARK: Separated values

    /// Captures the fields of one record by their position; fields beyond the columns are kept under `column_<number>`.
    mutating func csv(
        _ extent: Extent, _ style: CSV.Style, _ columns: Run, _ mapping: Mapping, _ slab: inout Slab
    ) -> Bool {
        pairs.removeAll(keepingCapacity: true)
        guard let taken = takePlain(extent, style, columns, mapping, slab) else { return false }
        for index in pairs.indices {
            var value = pairs[index].value
            if pairs[index].isQuoted {
                text.reset()
                _ = CSV.unescape(slab.bytes(value), style, into: &text)
                value = slab.append(text.bytes)
            }
            take(taken + index, value, columns, mapping, slab)
        }
        return true
    }

    /// Captures the fields of a record up to the first one with escapes, and tells how many these were; that one and those
    /// behind it go to ``pairs``, of which `isQuoted` marks those that hold escapes. Nil: the record has no two fields.
    private mutating func takePlain(
        _ extent: Extent, _ style: CSV.Style, _ columns: Run, _ mapping: Mapping, _ slab: borrowing Slab
    ) -> Int? {
        var reader = CSV(slab.bytes(extent), style: style)
        var ahead = reader
        guard ahead.next() != nil, ahead.next() != nil else { return nil }
        var taken = 0
        while let field = reader.next() {
            guard taken + pairs.count < Normalizer.mostPairs else {
                tally.cut += 1
                break
            }
            let value = field.value.shifted(by: extent.offset)
            if field.hasEscapes || !pairs.isEmpty {
                pairs.append(FoundPair(key: .empty, value: value, isQuoted: field.hasEscapes))
            } else {
                take(taken, value, columns, mapping, slab)
                taken += 1
            }
        }
        return taken
    }

    /// Captures field number `index` of a record.
    @inline(__always)
    private mutating func take(
        _ index: Int, _ value: Extent, _ columns: Run, _ mapping: Mapping, _ slab: borrowing Slab
    ) {
        if value.isEmpty { return }
        guard index < columns.count else {
            member("column_\(index + 1)", .text(value), slab)
            return
        }
        let column = mapping.tables.columns[Int(columns.first) + index]
        if column.slot >= 0 {
            // The first of two columns of one name stands.
            _ = captures.add(SlotID(column.slot), text: value)
        } else {
            take(.text(value), -1, column.key, mapping, slab)
        }
    }

    // MARK: Dissect

    /// Captures the fields of the first pattern that fits.
    mutating func dissect(_ extent: Extent, _ all: Run, _ mapping: Mapping, _ slab: borrowing Slab) -> Bool {
        for index in all.range {
            let dissection = mapping.tables.dissections[index]
            guard dissection.pattern.match(slab.bytes(extent), into: &fields) else { continue }
            for (number, index) in dissection.slots.range.enumerated() {
                let slot = Int(mapping.tables.groups[index].slot)
                guard slot >= 0, number < fields.count, !fields[number].isEmpty, captures[slot].kind == .absent else {
                    continue
                }
                captures[slot] = .text(fields[number].shifted(by: extent.offset))
            }
            return true
        }
        return false
    }

    // MARK: Structured data

    /// Captures the parameters of RFC 5424 structured data by name, and the first SD-ID as `sd.id`. What no event reads
    /// needs no place beside: the structured data are kept whole.
    mutating func structuredData(_ extent: Extent, _ mapping: Mapping, _ slab: inout Slab) -> Bool {
        pairs.removeAll(keepingCapacity: true)
        collect(extent, slab)
        for pair in pairs where !pair.value.isEmpty {
            let slot =
                pair.isFlag
                ? mapping.elementSlot : mapping.slots.slot(of: slab.bytes(pair.key)) ?? -1
            guard slot >= Builtins.count, captures[slot].kind == .absent else { continue }
            captures[slot] = .text(pair.isFlag ? pair.value : unescapedParameter(pair.value, &slab))
        }
        return !pairs.isEmpty
    }

    /// The parameters; an SD-ID is a flag.
    private mutating func collect(_ extent: Extent, _ slab: borrowing Slab) {
        var reader = StructuredData(slab.bytes(extent))
        while let step = reader.next(), hasRoom() {
            switch step {
            case .element(let name):
                pairs.append(FoundPair(key: .empty, value: name.shifted(by: extent.offset), isFlag: true))
            case .parameter(let name, let value):
                pairs.append(
                    FoundPair(key: name.shifted(by: extent.offset), value: value.shifted(by: extent.offset)))
            }
        }
    }

    private mutating func unescapedParameter(_ extent: Extent, _ slab: inout Slab) -> Extent {
        guard slab.bytes(extent).firstIndex(of: 0x5C) != nil else { return extent }
        text.reset()
        _ = StructuredData.unescape(slab.bytes(extent), into: &text)
        return slab.append(text.bytes)
    }
}
