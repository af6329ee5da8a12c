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
        while let pair = reader.next(), pairs.count < Normalizer.mostPairs {
            pairs.append(
                FoundPair(key: pair.key.shifted(by: extent.offset), value: pair.value.shifted(by: extent.offset)))
        }
        strip(strips, mapping, slab)
        func header(_ field: Extent, _ number: Int) {
            guard !field.isEmpty else { return }
            let capture = Capture.text(unescaped(field.shifted(by: extent.offset), header: true, &slab))
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
            let capture = Capture.text(unescaped(pairs[index].value, header: false, &slab))
            if mapping.labels >= 0, let slot = labelled(key, mapping, slab), captures[slot].kind == .absent {
                captures[slot] = capture
            } else {
                take(key, capture, mapping, slab)
            }
        }
        return true
    }

    /// The capture for what a label calls a key (`cs1Label=Rule cs1=7`: `labels.Rule`), or nil.
    private func labelled(_ key: Extent, _ mapping: Mapping, _ slab: borrowing Slab) -> SlotID? {
        let name = slab.bytes(key)
        for pair in pairs {
            let label = slab.bytes(pair.key)
            guard label.byteCount == name.byteCount + 5, label.part(0, name.byteCount).equals(name),
                label.hasBytes("Label", at: name.byteCount),
                let node = mapping.slots.find(mapping.labels, slab.bytes(pair.value))
            else { continue }
            return mapping.slots.nodes[node].slot
        }
        return nil
    }

    /// Captures the header and the attributes of a LEEF line.
    mutating func leef(_ extent: Extent, _ strips: Run, _ mapping: Mapping, _ slab: inout Slab) -> Bool {
        pairs.removeAll(keepingCapacity: true)
        guard let line = LEEF(slab.bytes(extent)) else { return false }
        // Many senders write blanks or `^` where their header promises tabs; the delimiter that is there counts.
        let attributes = slab.bytes(extent).part(line.attributes)
        var delimiter = line.delimiter
        if attributes.firstIndex(of: delimiter) == nil, delimiter == 0x09, attributes.firstIndex(of: 0x5E) != nil {
            delimiter = 0x5E
        }
        var reader = line.pairs(of: slab.bytes(extent), delimiter: delimiter)
        while let pair = reader.next(), pairs.count < Normalizer.mostPairs {
            pairs.append(
                FoundPair(
                    key: pair.key.shifted(by: extent.offset), value: pair.value.shifted(by: extent.offset),
                    isFlag: pair.isFlag))
        }
        strip(strips, mapping, slab)
        func header(_ field: Extent, _ number: Int) {
            guard !field.isEmpty else { return }
            take(
                .text(field.shifted(by: extent.offset)), mapping.leefSlots[number], mapping.leefKeys[number], mapping,
                slab)
        }
        header(line.vendor, 0)
        header(line.product, 1)
        header(line.productVersion, 2)
        header(line.eventID, 3)
        for pair in pairs where !pair.isFlag && !pair.value.isEmpty { take(pair.key, .text(pair.value), mapping, slab) }
        return true
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
        collect(extent, style, slab)
        guard pairs.count > 1 else { return false }
        for index in pairs.indices where !pairs[index].value.isEmpty {
            var value = pairs[index].value
            if pairs[index].isQuoted {
                text.reset()
                _ = CSV.unescape(slab.bytes(value), style, into: &text)
                value = slab.append(text.bytes)
            }
            guard index < columns.count else {
                member("column_\(index + 1)", .text(value), slab)
                continue
            }
            let column = mapping.tables.columns[Int(columns.first) + index]
            take(.text(value), SlotID(column.slot), column.key, mapping, slab)
        }
        return true
    }

    /// The fields of a record; `isQuoted` marks those that hold escapes.
    private mutating func collect(_ extent: Extent, _ style: CSV.Style, _ slab: borrowing Slab) {
        var reader = CSV(slab.bytes(extent), style: style)
        while let field = reader.next(), pairs.count < Normalizer.mostPairs {
            pairs.append(
                FoundPair(key: .empty, value: field.value.shifted(by: extent.offset), isQuoted: field.hasEscapes))
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
        while let step = reader.next(), pairs.count < Normalizer.mostPairs {
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
