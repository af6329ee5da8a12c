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
            if capture.isNothing { return false }
            extent = plain(capture, &batch.slab)
        }
        switch rule.step {
        case .json: return json(extent, mapping, &batch.slab)
        case .keyValue(let style): return keyValue(extent, style, rule.strip, mapping, &batch.slab)
        case .regex(let alternatives): return regex(extent, alternatives, mapping, &batch.slab)
        case .cef: return cef(extent, rule.strip, mapping, &batch.slab)
        case .leef: return leef(extent, rule.strip, mapping, &batch.slab)
        case .csv(let style, let columns): return csv(extent, style, columns, mapping, &batch.slab)
        case .dissect(let patterns): return dissect(extent, patterns, mapping, batch.slab)
        case .xml: return xml(extent, mapping, &batch.slab)
        case .structuredData:
            return structuredData(rule.source < 0 ? header.structuredData : extent, mapping, &batch.slab)
        case .record: return record(header.content, mapping, &batch.slab)
        case .each(let sources):
            if header.frame.transport != .sensor { divide(sources, mapping, &batch.slab) }
            return false
        }
    }

    // MARK: Regular expressions

    private mutating func regex(_ extent: Extent, _ all: Run, _ mapping: Mapping, _ slab: inout Slab) -> Bool {
        for index in all.range {
            let alternative = mapping.tables.alternatives[index]
            let pattern = mapping.book.patterns[Int(alternative.pattern)]
            guard pattern.matches(slab.bytes(extent), scratch) else { continue }
            for index in alternative.groups.range {
                let group = mapping.tables.groups[index]
                guard let range = pattern.range(of: Int(group.number), scratch), !range.isEmpty else { continue }
                captures[Int(group.slot)] = .text(Extent(range).shifted(by: extent.offset))
            }
            for index in alternative.sets.range {
                let fixed = mapping.tables.sets[index]
                captures[Int(fixed.slot)] = .text(mapping.book.withText(fixed.text) { slab.append($0) })
            }
            return true
        }
        return false
    }

    // MARK: Key-value pairs

    private mutating func keyValue(
        _ extent: Extent, _ style: KeyValue.Style, _ strips: Run, _ mapping: Mapping, _ slab: inout Slab
    ) -> Bool {
        escaped.removeAll(keepingCapacity: true)
        pairs.removeAll(keepingCapacity: true)
        let count = read(extent, style, strips, mapping, slab)
        for slot in escaped { captures[slot] = .text(unescaped(captures[slot].extent, style, &slab)) }
        for pair in pairs {
            members.begin(slab.bytes(pair.key), isEscaped: false)
            let value = unescaped(pair.value, style, &slab)
            members.append(text: slab.bytes(value))
        }
        return count > 0
    }

    private mutating func unescaped(_ extent: Extent, _ style: KeyValue.Style, _ slab: inout Slab) -> Extent {
        text.reset()
        _ = KeyValue.unescape(slab.bytes(extent), quote: style.quote ?? 0x22, into: &text)
        return slab.append(text.bytes)
    }

    /// Captures the pairs of a text in one pass, and tells how many there were. Values with escapes are captured as they
    /// stand, and their slots noted in ``escaped``; such that no mapping reads are noted in ``pairs``.
    private mutating func read(
        _ extent: Extent, _ style: KeyValue.Style, _ strips: Run, _ mapping: Mapping, _ slab: borrowing Slab
    ) -> Int {
        var reader = KeyValue(slab.bytes(extent), style: style)
        var count = 0
        // The key before, of those that the mapping reads; the message's own slot is before the first.
        var last = 0
        let keys = mapping.slots.keys
        let base = keyOrder.base(mapping)
        while true {
            let likely = keyOrder.next(base, after: last)
            let expected = reader.next(expecting: keys[likely])
            if let pair = expected, strips.count == 0, count < Normalizer.mostPairs {
                count += 1
                last = likely
                let value = pair.value.shifted(by: extent.offset)
                if captures.add(likely, text: value) {
                    if pair.mayHaveEscapes, slab.bytes(value).firstIndex(of: 0x5C) != nil { escaped.append(likely) }
                } else {
                    keep(pair, pair.key.shifted(by: extent.offset), value, slab)
                }
                continue
            }
            guard let pair = expected ?? reader.next() else { return count }
            guard count < Normalizer.mostPairs else {
                tally.cut += 1
                return count
            }
            count += 1
            var key = pair.key.shifted(by: extent.offset)
            if strips.count > 0 { key = stripped(key, strips, mapping, slab) }
            let name = slab.bytes(key)
            let value = pair.value.shifted(by: extent.offset)
            // Of a key given twice (netfilter's LEN) the first value stands.
            let slot =
                expected != nil && key.length == pair.key.length ? likely : mapping.slots.slot(of: name)
            if pair.isFlag {
                if let slot, captures[slot].kind == .absent {
                    captures[slot] = Capture(kind: .flag, extent: .empty, integer: 1)
                } else {
                    members.begin(name, isEscaped: false)
                    members.append(Capture(kind: .flag, extent: .empty, integer: 1), slab)
                }
                continue
            }
            guard let slot else {
                keep(pair, key, value, slab)
                continue
            }
            keyOrder.note(base, slot, after: last)
            last = slot
            if captures.add(slot, text: value) {
                if pair.mayHaveEscapes, slab.bytes(value).firstIndex(of: 0x5C) != nil { escaped.append(slot) }
            } else {
                keep(pair, key, value, slab)
            }
        }
    }

    /// Keeps a pair that nothing captures beside: at once, or in ``pairs`` when its value has escapes.
    private mutating func keep(
        _ pair: KeyValue.Pair, _ key: Extent, _ value: Extent, _ slab: borrowing Slab
    ) {
        if pair.mayHaveEscapes, slab.bytes(value).firstIndex(of: 0x5C) != nil {
            pairs.append(FoundPair(key: key, value: value))
        } else if !value.isEmpty {
            members.begin(slab.bytes(key), isEscaped: false)
            members.append(text: slab.bytes(value))
        }
    }

    /// Leaves out what keys begin with.
    mutating func strip(_ strips: Run, _ mapping: Mapping, _ slab: borrowing Slab) {
        guard strips.count > 0 else { return }
        for index in pairs.indices { pairs[index].key = stripped(pairs[index].key, strips, mapping, slab) }
    }

    /// A key without what it begins with.
    private func stripped(_ key: Extent, _ strips: Run, _ mapping: Mapping, _ slab: borrowing Slab) -> Extent {
        let bytes = slab.bytes(key)
        for strip in strips.range {
            let length = mapping.book.withText(mapping.tables.strips[strip]) { text in
                bytes.byteCount > text.byteCount && bytes.part(0, text.byteCount).equals(text) ? text.byteCount : 0
            }
            if length > 0 { return Extent(length..<bytes.byteCount).shifted(by: key.offset) }
        }
        return key
    }

    /// The most pairs, fields or members that one step takes from a record.
    static let mostPairs = 1024

    /// Whether the step may take one more pair or field; the record is cut, and counted, when it may not.
    @inline(__always)
    mutating func hasRoom() -> Bool {
        if pairs.count < Normalizer.mostPairs { return true }
        tally.cut += 1
        return false
    }

    /// Captures the value of a key that the mapping reads, or keeps it beside. Of a key given twice (netfilter's LEN)
    /// the first value stands.
    mutating func take(_ key: Extent, _ capture: Capture, _ mapping: Mapping, _ slab: borrowing Slab) {
        if let slot = mapping.slots.slot(of: slab.bytes(key)), captures[slot].kind == .absent {
            captures[slot] = capture
        } else if capture.kind == .flag || !capture.extent.isEmpty {
            members.begin(slab.bytes(key), isEscaped: false)
            members.append(capture, slab)
        }
    }

    // MARK: Sensor records

    /// The first mapping for the record's kind.
    mutating func recordMapping(_ frame: Frame, _ slab: borrowing Slab) -> Int? {
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
