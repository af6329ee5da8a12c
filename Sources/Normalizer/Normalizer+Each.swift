// SPDX-License-Identifier: Apache-2.0
internal import Codecs
public import Events
internal import Wire

extension Normalizer {
    /// The most events that are made of the elements of one list. What is beyond becomes one more, a Base Event.
    static let mostElements = 1_000
    /// The most bytes of the record around a list that all of its events have. The first one has the others besides: a
    /// short line must not become a thousand long events.
    static let mostShared = 2_048

    /// Appends the next event of the frame that ``normalize(frame:of:input:)`` appended the first one of, as the last row
    /// of `batch`; to be called before anything else is normalized.
    ///
    /// - Returns: false when the frame has no more: nothing was appended then.
    @inline(__always)
    public mutating func next(of batch: inout Batch) -> Bool {
        split.isOpen && advance(&batch)
    }

    /// Opens the first list of objects among some captures: ``Split/isOpen`` tells whether there was one.
    mutating func divide(_ sources: Run, _ mapping: Mapping, _ slab: inout Slab) {
        for place in sources.range {
            let slot = Int(mapping.book.sources[place])
            let capture = captures[slot]
            guard capture.kind == .json || capture.kind == .text || capture.kind == .escaped,
                slab.bytes(capture.extent).byte(at: 0) == 0x5B
            else { continue }
            split.list = capture.extent
            if capture.kind != .json {
                let text = plain(capture, &slab)
                split.list = readable(text, &slab)
            }
            do throws(JSONError) { try split.tape.parse(slab.bytes(split.list)) } catch {
                note(error)
                continue
            }
            guard split.tape.values[0].kind == .array, split.tape.values.count > 1, hasObject() else { continue }
            captures[slot] = .absent
            keepOuter(mapping, &slab)
            return
        }
    }

    /// Whether an element of the list is an object.
    private mutating func hasObject() -> Bool {
        var index = 1
        while index < split.tape.values.count {
            if split.tape.values[index].kind == .object { return true }
            index = Int(split.tape.values[index].next)
        }
        return false
    }

    /// Opens the list, and keeps what its elements have in common.
    private mutating func keepOuter(_ mapping: Mapping, _ slab: inout Slab) {
        split.outer.removeAll(keepingCapacity: true)
        var room = Normalizer.mostShared
        for word in 0..<CaptureTable.words(captures.count) {
            // The header's own are captured for each element again.
            var bits = captures.filled(word) & (word == 0 ? .max << UInt64(Builtins.count) : .max)
            while bits != 0 {
                let slot = word << 6 | bits.trailingZeroBitCount
                bits &= bits - 1
                let length = Int(captures[slot].extent.length)
                split.outer.append(Split.Outer(slot: slot, capture: captures[slot], isShared: length <= room))
                if length <= room { room -= length }
            }
        }
        split.members = slab.append(members.bytes)
        split.mapping = Int(mapping.number) - 1
        split.isSingle = Int(split.tape.values[1].next) == split.tape.values.count
        (split.index, split.count, split.step) = (1, 0, -1)
        (split.isTold, split.isOpen) = (false, true)
    }

    /// Goes through the elements until one has become an event.
    @inline(never)
    private mutating func advance(_ batch: inout Batch) -> Bool {
        let mapping = set.mappings[split.mapping]
        while split.index < split.tape.values.count, var header = split.header {
            let index = split.index
            split.count += 1
            if !split.isSingle { header.part = UInt16(truncatingIfNeeded: split.count) }
            guard split.count <= Normalizer.mostElements else {
                split.index = split.tape.values.count
                tally.cut += 1
                // From this element to the end of the last.
                let start = Int(split.extent(index).offset) - Int(split.list.offset)
                let end = split.tape.values[0].extent.range.upperBound - 1
                header.take(part: Extent(start..<end).shifted(by: split.list.offset))
                leave(header, &batch)
                return true
            }
            split.index = Int(split.tape.values[index].next)
            let text = split.extent(index)
            if split.isSingle { header.content = text } else { header.take(part: text) }
            // One frame's structured data, a thousand times.
            if split.isTold, header.structuredData.length > Normalizer.mostShared { header.structuredData = .empty }
            let before = batch.rows.count
            guard split.tape.values[index].kind == .object, emit(element: index, mapping, header, &batch) else {
                leave(header, &batch)
                return true
            }
            guard batch.rows.count > before else { continue }
            tally.events[split.mapping + 1] += 1
            end(header, &batch)
            return true
        }
        split.isOpen = false
        return false
    }

    /// Writes the event of an element, unless the mapping drops it; false when that was not possible and nothing was written.
    private mutating func emit(
        element index: Int, _ mapping: Mapping, _ header: Header, _ batch: inout Batch
    ) -> Bool {
        captures.begin(mapping.slots.names.count)
        members.reset()
        header.capture(mapping.builtins, &captures, &batch.slab)
        if !split.isTold { members.append(json: batch.slab.bytes(split.members)) }
        swap(&tape, &split.tape)
        object(index, 0, batch.slab.bytes(split.list), base: split.list.offset, mapping, isNested: false)
        swap(&tape, &split.tape)
        // What the element says goes before what stands around it.
        for outer in split.outer where outer.isShared || !split.isTold {
            if captures[outer.slot].kind == .absent {
                captures[outer.slot] = outer.capture
            } else if !split.isTold {
                member(outer, mapping, batch.slab)
            }
        }
        return proceed(from: split.step, mapping, split.frame, header, &batch)
    }

    /// Writes a Base Event with the text of what becomes nothing else.
    private mutating func leave(_ header: Header, _ batch: inout Batch) {
        tally.events[0] += 1
        baseEvent(split.frame, header, fault: nil, attempted: nil, &batch)
        end(header, &batch)
    }

    private mutating func end(_ header: Header, _ batch: inout Batch) {
        split.isTold = true
        batch.setPart(header.part, header.frame.extent)
    }

    /// What no event has yet of the record around the list, as members of `unmapped`; nil when there is none.
    mutating func untold(_ slab: inout Slab) -> Extent? {
        guard split.isOpen, !split.isTold else { return nil }
        let mapping = set.mappings[split.mapping]
        members.reset()
        members.append(json: slab.bytes(split.members))
        for outer in split.outer { member(outer, mapping, slab) }
        return members.count > 0 ? slab.append(members.bytes) : nil
    }

    private mutating func member(_ outer: Split.Outer, _ mapping: Mapping, _ slab: borrowing Slab) {
        guard !mapping.slots.names[outer.slot].hasPrefix("_") else { return }
        mapping.book.withText(mapping.keys[outer.slot]) { members.begin(key: $0) }
        members.append(outer.capture, slab)
    }
}

extension Normalizer.Header {
    /// Makes it the header of a part of the frame's message.
    mutating func take(part extent: Extent) {
        frame.extent = extent
        content = extent
    }
}
