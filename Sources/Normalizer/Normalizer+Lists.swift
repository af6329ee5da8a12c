// SPDX-License-Identifier: Apache-2.0
internal import Events
internal import Wire

extension Normalizer {
    /// The most objects that an attribute gets of one list. What the list has beyond them goes to `unmapped`.
    static let mostObjects = 64

    /// The capture that a list is made of, or nil.
    mutating func source(of plan: borrowing ListPlan, _ mapping: Mapping) -> SlotID? {
        for index in plan.sources.range {
            let slot = Int(mapping.book.sources[index])
            // A list without elements says nothing.
            if captures.has(slot), captures[slot].kind != .json || captures[slot].extent.length > 2 { return slot }
        }
        return nil
    }

    /// Makes the objects of a list. What no line reads of its elements goes to `unmapped`, as an array under the name of the
    /// list: in the place of each element what was left of it, or null.
    mutating func writeList(_ plan: ListPlan, _ mapping: Mapping, _ slab: inout Slab) {
        guard let slot = source(of: plan, mapping) else { return }
        let capture = captures[slot]
        let before = members.count
        mapping.book.withText(mapping.keys[slot]) { members.begin(key: $0) }
        members.append(byte: 0x5B)
        objects.reset()
        var progress = Progress()
        switch capture.kind {
        case .json:
            do { try tape.parse(slab.bytes(capture.extent)) } catch {
                members.truncate(to: before)
                tally.misfits += 1
                return member(slot, mapping, slab)
            }
            elements(capture.extent, plan, mapping, &progress, &slab)
        case .text where plan.split != 0: texts(capture.extent, plan, mapping, &progress, &slab)
        default: element(capture, at: -1, plan, mapping, &progress, &slab)
        }
        if progress.isCut { tally.cut += 1 }
        if progress.hasRest { members.append(byte: 0x5D) } else { members.truncate(to: before) }
        for slot in objects.outer { member(slot, mapping, slab) }
        for (field, place) in plan.fields {
            for index in objects.entries.indices where objects.entries[index].field == field {
                row.put(place, element: objects.entries[index])
            }
        }
        objects.reset()
    }

    /// How far a list is.
    struct Progress {
        /// The elements so far that became objects, and those that did not.
        var made = 0
        var left = 0
        /// Whether something goes to `unmapped`.
        var hasRest = false
        /// Whether there are more elements than the attribute gets.
        var isCut = false
    }

    /// The elements of the JSON text on the tape; an object that stands alone is one element.
    private mutating func elements(
        _ extent: Extent, _ plan: ListPlan, _ mapping: Mapping, _ progress: inout Progress, _ slab: inout Slab
    ) {
        guard tape.values[0].kind == .array else {
            return element(.absent, at: 0, of: extent, plan, mapping, &progress, &slab)
        }
        var index = 1
        while index < tape.values.count {
            let next = Int(tape.values[index].next)
            let value = Normalizer.capture(tape.values[index], extent.offset)
            element(value, at: index, of: extent, plan, mapping, &progress, &slab)
            index = next
        }
    }

    /// The parts of a text.
    private mutating func texts(
        _ extent: Extent, _ plan: ListPlan, _ mapping: Mapping, _ progress: inout Progress, _ slab: inout Slab
    ) {
        let count = Int(extent.length)
        var start = 0
        while start <= count {
            var stop = slab.bytes(extent).firstIndex(of: plan.split, from: start) ?? count
            var first = start
            start = stop + 1
            while first < stop, slab.bytes(extent).byte(at: first) == 0x20 { first += 1 }
            while stop > first, slab.bytes(extent).byte(at: stop - 1) == 0x20 { stop -= 1 }
            guard stop > first else { continue }
            let part = Capture.text(Extent(first..<stop).shifted(by: extent.offset))
            element(part, at: -1, plan, mapping, &progress, &slab)
        }
    }

    /// Makes an object of one element: of value number `index` of the tape, whose text is at `extent`, or of `value` alone.
    private mutating func element(
        _ value: Capture, at index: Int, of extent: Extent = .empty, _ plan: ListPlan, _ mapping: Mapping,
        _ progress: inout Progress, _ slab: inout Slab
    ) {
        if progress.made + progress.left > 0 { members.append(byte: 0x2C) }
        let before = members.count
        let isNested = index >= 0 && (tape.values[index].kind == .object || tape.values[index].kind == .array)
        let isNull = index >= 0 && tape.values[index].kind == .null
        members.append(byte: 0x7B)
        let inside = members.count
        guard progress.made < Normalizer.mostObjects,
            let holder = Entry.element(progress.made, level: plan.level),
            !isNull, read(value, isNested ? index : -1, extent, plan, mapping, slab)
        else {
            // Nothing of it is read, or it is one too many.
            forget(plan)
            members.truncate(to: before)
            keep(value, at: index, of: extent, slab)
            if !isNull { progress.hasRest = true }
            if !isNull, progress.made == Normalizer.mostObjects { progress.isCut = true }
            progress.left += 1
            return
        }
        objects.begin(holder)
        let isMade = make(plan, mapping, &slab)
        objects.end(keeping: isMade)
        if isMade {
            progress.made += 1
            for slot in plan.unread where captures[slot].kind != .absent { member(slot, mapping, slab) }
            if members.count == inside {
                members.truncate(to: before)
                members.append(json: Normalizer.null.span.bytes)
            } else {
                members.append(byte: 0x7D)
                progress.hasRest = true
            }
        } else {
            tally.misfits += 1
            progress.left += 1
            members.truncate(to: before)
            keep(value, at: index, of: extent, slab)
            progress.hasRest = true
        }
        forget(plan)
    }

    private static let null = Array("null".utf8)

    /// Captures what lines read of an element; false when that is nothing.
    private mutating func read(
        _ value: Capture, _ index: Int, _ extent: Extent, _ plan: ListPlan, _ mapping: Mapping, _ slab: borrowing Slab
    ) -> Bool {
        if index >= 0 {
            object(index, plan.node, slab.bytes(extent), base: extent.offset, mapping, isNested: true)
        } else if plan.itself >= 0 {
            captures[plan.itself] = value
        }
        if !mapping.absent.isEmpty { dropAbsent(mapping, slab) }
        for slot in plan.slots where captures.has(slot) { return true }
        return false
    }

    /// Writes an element as it stands to what goes to `unmapped`.
    private mutating func keep(_ value: Capture, at index: Int, of extent: Extent, _ slab: borrowing Slab) {
        if index >= 0, tape.values[index].kind == .object || tape.values[index].kind == .array {
            members.append(json: slab.bytes(tape.values[index].extent.shifted(by: extent.offset)))
        } else {
            members.append(value, slab)
        }
    }

    /// Adds a capture of an element to what goes to `unmapped`, once.
    private mutating func keep(
        _ slot: SlotID, _ plan: ListPlan, _ mapping: Mapping, _ slab: borrowing Slab
    ) {
        guard plan.slots.contains(slot) else {
            // One of the record, not of the element.
            if !objects.outer.contains(slot) { objects.outer.append(slot) }
            return
        }
        guard !objects.kept.contains(slot) else { return }
        objects.kept.append(slot)
        member(slot, mapping, slab)
    }

    private mutating func forget(_ plan: ListPlan) {
        for slot in plan.slots where captures[slot].kind != .absent { captures[slot] = .absent }
    }

    /// Makes one object of the captures of an element; false when the schema would not take it.
    private mutating func make(_ plan: ListPlan, _ mapping: Mapping, _ slab: inout Slab) -> Bool {
        guard let holder = objects.holder else { return false }
        for number in plan.lines.indices {
            let line = plan.lines[number]
            switch mapping.book.evaluate(line.value, captures, slab, scratch) {
            case .none: break
            case .literal(let literal): objects.stage(.literal(line.field, literal, element: holder))
            case .fallback(let literal): objects.defaults.append((number, literal))
            case .capture(let slot):
                let capture = captures[slot]
                if capture.kind != .integer, capture.kind != .flag, capture.extent.isEmpty { continue }
                if !put(capture, line, plan.besides[number], mapping, &slab) {
                    tally.misfits += 1
                    keep(slot, plan, mapping, slab)
                }
            }
        }
        for (number, literal) in objects.defaults
        where objects.own.contains(where: { plan.parents[number].contains($0.field) }) {
            objects.stage(.literal(plan.lines[number].field, literal, element: holder))
        }
        // Each turn takes something back.
        while let surplus = plan.surplus(objects.own) {
            if surplus.isWhole { return false }
            tally.misfits += 1
            for line in plan.lines
            where surplus.fields.contains(line.field) && objects.own.contains(where: { $0.field == line.field }) {
                if case .capture(let slot) = mapping.book.evaluate(line.value, captures, slab, scratch) {
                    keep(slot, plan, mapping, slab)
                }
            }
            objects.remove(surplus.fields)
        }
        return !objects.own.isEmpty
    }

    /// Puts a capture under a line's attribute of the object under construction; false when it does not fit.
    private mutating func put(
        _ capture: Capture, _ line: EventPlan.Line, _ beside: (sibling: FieldID?, hostname: FieldID?),
        _ mapping: Mapping, _ slab: inout Slab
    ) -> Bool {
        if line.isArray, capture.kind == .json { return array(capture, line, mapping, &slab) }
        if line.value.split != 0, capture.kind == .text { return parts(capture, line, mapping, &slab) }
        guard let element = objects.holder.flatMap({ line.element(0, in: $0) }) else { return false }
        switch line.conversion {
        case .integer where line.known.count > 0:
            guard let value = integer(capture, slab) else { return false }
            if mapping.book.contains(line.known, value) {
                objects.stage(.integer(line.field, value, element: element))
                return true
            }
            guard mapping.book.contains(line.known, 99) else { return false }
            objects.stage(.integer(line.field, 99, element: element))
            if let sibling = beside.sibling {
                objects.stage(.bytes(sibling, .text, plain(capture, &slab), element: element))
            }
            return true
        case .address:
            if put(capture, at: 0, line, mapping, &slab) { return true }
            guard let hostname = beside.hostname, !line.isArray else { return false }
            objects.stage(.bytes(hostname, .text, plain(capture, &slab), element: element))
            return true
        case .any:
            objects.stage(any(capture, line, element, &slab))
            return true
        default: return put(capture, at: 0, line, mapping, &slab)
        }
    }

    /// A capture under an attribute that takes everything: numbers and truth values keep their kind.
    private mutating func any(
        _ capture: Capture, _ line: EventPlan.Line, _ element: UInt32, _ slab: inout Slab
    ) -> Entry {
        switch capture.kind {
        case .integer: .integer(line.field, capture.integer, element: element)
        case .flag: .boolean(line.field, capture.integer != 0, element: element)
        case .json, .number: .bytes(line.field, .json, capture.extent, element: element)
        case .absent, .text, .escaped: .bytes(line.field, .text, plain(capture, &slab), element: element)
        }
    }
}
