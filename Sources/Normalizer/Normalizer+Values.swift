// SPDX-License-Identifier: Apache-2.0
internal import Codecs
internal import Events
internal import Wire

extension Normalizer {
    /// Writes one line of a mapping into the row under construction.
    ///
    /// - Returns: the line's default, which is only to be written when something else makes the object around it.
    mutating func write(_ line: borrowing EventPlan.Line, _ mapping: Mapping, _ slab: inout Slab) -> Literal? {
        switch mapping.book.evaluate(line.value, captures, slab, scratch) {
        case .none: break
        case .literal(let literal): row.put(line.place, literal: literal)
        case .fallback(let literal):
            guard line.parent.high > 0 else {
                row.put(line.place, literal: literal)
                return nil
            }
            return literal
        case .capture(let slot):
            let capture = captures[slot]
            if capture.kind != .integer, capture.kind != .flag, capture.extent.isEmpty { return nil }
            if !convert(capture, line, mapping, &slab) {
                tally.misfits += 1
                member(slot, mapping, slab)
            }
        }
        return nil
    }

    /// Writes a line in short; false, with nothing written, when that is not what its capture takes.
    @inline(__always)
    mutating func writeStep(_ step: EventPlan.Step, _ mapping: Mapping, _ slab: borrowing Slab) -> Bool {
        if step.kind == .other { return false }
        for index in step.sources.range {
            let slot = Int(mapping.book.sources[index])
            guard captures.has(slot) else { continue }
            let capture = captures[slot]
            guard capture.kind == .text else { return false }
            switch step.kind {
            case .text:
                guard capture.extent.length <= set.longestText else { return false }
                row.put(Int(step.place), text: capture.extent)
            case .integer:
                guard let value = slab.bytes(capture.extent).decimal, value <= UInt64(Int64.max) else { return false }
                row.put(Int(step.place), integer: Int64(value))
            case .port:
                guard let value = slab.bytes(capture.extent).decimal, value <= 65535 else { return false }
                row.put(Int(step.place), integer: Int64(value))
            case .address:
                guard capture.extent.length <= 40, IPAddress(slab.bytes(capture.extent)) != nil else { return false }
                row.put(Int(step.place), text: capture.extent)
            case .other: return false
            }
            return true
        }
        return false
    }

    /// Puts a capture under a line's attribute; false when it does not fit.
    private mutating func convert(
        _ capture: Capture, _ line: EventPlan.Line, _ mapping: Mapping, _ slab: inout Slab
    ) -> Bool {
        if line.isArray, capture.kind == .json { return array(capture, line, mapping, &slab) }
        if line.value.split != 0, capture.kind == .text { return parts(capture, line, mapping, &slab) }
        switch line.conversion {
        case .integer:
            guard let value = number(capture, line, slab) else { return false }
            if line.known.count > 0, !mapping.book.contains(line.known, value) {
                guard mapping.book.contains(line.known, 99) else { return false }
                row.put(line.place, integer: 99)
                if line.sibling >= 0 { row.put(line.sibling, text: plain(capture, &slab)) }
            } else {
                row.put(line.place, integer: value)
            }
        case .port:
            guard let value = integer(capture, slab), (0...65535).contains(value) else { return false }
            row.put(line.place, integer: value)
        case .double:
            guard let number = double(capture, slab) else { return false }
            row.put(line.place, double: number)
        case .boolean:
            guard let flag = Normalizer.flag(capture, slab) else { return false }
            row.put(line.place, boolean: flag)
        case .text, .mac, .digest:
            guard let extent = fitting(capture, line, mapping, &slab) else { return false }
            row.put(line.place, text: extent)
        case .address:
            let extent = plain(capture, &slab)
            if let address = address(extent, &slab) {
                row.put(line.place, text: address)
            } else if line.hostname >= 0 {
                row.put(line.hostname, text: extent)
            } else {
                return false
            }
        case .timestamp:
            guard let time = timestamp(capture, line.value.transform.order, slab) else { return false }
            row.put(line.place, integer: time / 1_000_000)
        case .any: any(capture, line, &slab)
        }
        return true
    }

    /// Puts a capture under an attribute that takes everything: numbers and truth values keep their kind.
    private mutating func any(_ capture: Capture, _ line: EventPlan.Line, _ slab: inout Slab) {
        switch capture.kind {
        case .absent: break
        case .integer: row.put(line.place, integer: capture.integer)
        case .flag: row.put(line.place, boolean: capture.integer != 0)
        case .json: row.put(line.place, kind: .json, capture.extent)
        case .number:
            if let whole = integer(capture, slab) {
                row.put(line.place, integer: whole)
            } else {
                row.put(line.place, kind: .json, capture.extent)
            }
        case .text, .escaped: row.put(line.place, text: transformed(plain(capture, &slab), line, &slab))
        }
    }

    /// Puts the values of a JSON array under an attribute that repeats; false when one of them does not fit.
    mutating func array(
        _ capture: Capture, _ line: EventPlan.Line, _ mapping: Mapping, _ slab: inout Slab
    ) -> Bool {
        do { try list.parse(slab.bytes(capture.extent)) } catch { return false }
        guard list.values[0].kind == .array else { return false }
        var position = 0
        var fits = true
        var index = 1
        while index < list.values.count {
            let value = Normalizer.capture(list.values[index], capture.extent.offset)
            index = Int(list.values[index].next)
            guard value.kind != .absent else { continue }
            // No attribute takes lists of lists or of objects without a schema.
            if value.kind != .json, put(value, at: position, line, mapping, &slab) {
                position += 1
            } else {
                fits = false
            }
        }
        return fits
    }

    /// Puts the parts of a text under an attribute that repeats; false when there are none, or one does not fit.
    mutating func parts(
        _ capture: Capture, _ line: EventPlan.Line, _ mapping: Mapping, _ slab: inout Slab
    ) -> Bool {
        let count = Int(capture.extent.length)
        var position = 0
        var fits = true
        var start = 0
        while start <= count {
            var stop = slab.bytes(capture.extent).firstIndex(of: line.value.split, from: start) ?? count
            var first = start
            start = stop + 1
            while first < stop, slab.bytes(capture.extent).byte(at: first) == 0x20 { first += 1 }
            while stop > first, slab.bytes(capture.extent).byte(at: stop - 1) == 0x20 { stop -= 1 }
            guard stop > first else { continue }
            let part = Capture.text(Extent(first..<stop).shifted(by: capture.extent.offset))
            if put(part, at: position, line, mapping, &slab) { position += 1 } else { fits = false }
        }
        return fits && position > 0
    }

    /// Puts one value of an attribute that repeats at its position; false when it does not fit there.
    mutating func put(
        _ capture: Capture, at position: Int, _ line: EventPlan.Line, _ mapping: Mapping, _ slab: inout Slab
    ) -> Bool {
        guard let element = objects.holder.map({ line.element(position, in: $0) }) ?? line.element(position) else {
            return false
        }
        let entry: Entry
        switch line.conversion {
        case .integer, .port:
            guard let value = number(capture, line, slab),
                line.conversion != .port || (0...65535).contains(value),
                line.known.count == 0 || mapping.book.contains(line.known, value)
            else { return false }
            entry = .integer(line.field, value, element: element)
        case .double:
            guard let number = double(capture, slab) else { return false }
            entry = .double(line.field, number, element: element)
        case .boolean:
            guard let flag = Normalizer.flag(capture, slab) else { return false }
            entry = .boolean(line.field, flag, element: element)
        case .text, .mac, .digest:
            guard let extent = fitting(capture, line, mapping, &slab) else { return false }
            entry = .bytes(line.field, .text, extent, element: element)
        case .address:
            guard let extent = address(plain(capture, &slab), &slab) else { return false }
            entry = .bytes(line.field, .text, extent, element: element)
        case .timestamp:
            guard let time = timestamp(capture, line.value.transform.order, slab) else { return false }
            entry = .integer(line.field, time / 1_000_000, element: element)
        case .any: return false
        }
        if objects.holder == nil {
            row.put(line.place, element: entry)
        } else if line.isArray {
            objects.append(entry)
        } else {
            objects.stage(entry)
        }
        return true
    }

    /// A capture as text of a line's attribute, or nil when the schema does not take it.
    @inline(__always)
    private mutating func fitting(
        _ capture: Capture, _ line: EventPlan.Line, _ mapping: Mapping, _ slab: inout Slab
    ) -> Extent? {
        let extent = transformed(plain(capture, &slab), line, &slab)
        if extent.length > set.longestText { return nil }
        // OCSF dictionary: a mac_t has at most 32 characters, a file_hash_t had at most 64.
        if line.conversion != .text, extent.length > (line.conversion == .mac ? 32 : 64) { return nil }
        if line.knownTexts >= 0, mapping.book.knownTexts.find(slab.bytes(extent), seed: Int(line.knownTexts)) == nil {
            return nil
        }
        return extent
    }

    /// A text that is an address, or nil.
    @inline(__always)
    private func address(_ extent: Extent, _ slab: inout Slab) -> Extent? {
        guard let address = IPAddress(slab.bytes(extent)) else { return nil }
        // An ip_t has at most 40 characters: a longer text has a zone, or zeros to spare.
        return extent.length <= 40 ? extent : slab.append(address)
    }

    /// A capture as a number of a line's attribute, or nil.
    @inline(__always)
    private func number(_ capture: Capture, _ line: EventPlan.Line, _ slab: borrowing Slab) -> Int64? {
        let found = line.value.scale == 1 ? integer(capture, slab) : scaled(capture, line.value.scale, slab)
        if found == nil, line.value.transform == .duration {
            return capture.withText(slab) { LogDuration.read($0, unit: line.value.scale) } ?? nil
        }
        return found
    }

    /// A capture as a finite number, or nil.
    private func double(_ capture: Capture, _ slab: borrowing Slab) -> Double? {
        let number = capture.withText(slab) { Double($0.text) } ?? nil
        return number.flatMap { $0.isFinite ? $0 : nil }
    }

    /// A capture times `scale`, rounded, or nil when it is no number or too large.
    private func scaled(_ capture: Capture, _ scale: Double, _ slab: borrowing Slab) -> Int64? {
        let value = integer(capture, slab).map { Double($0) } ?? capture.withText(slab) { Double($0.text) } ?? nil
        guard let value, value.isFinite, abs(value * scale) < 9e18 else { return nil }
        return Int64((value * scale).rounded())
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
            if bytes.equalsIgnoringCase("true") || bytes.equalsIgnoringCase("1") || bytes.equalsIgnoringCase("yes") {
                return true
            }
            if bytes.equalsIgnoringCase("false") || bytes.equalsIgnoringCase("0") || bytes.equalsIgnoringCase("no") {
                return false
            }
            return nil
        case .absent, .escaped, .json: return nil
        }
    }

    /// The captures of a run, joined with blanks, as nanoseconds since the epoch; nil when one is absent.
    mutating func timestamp(
        _ time: (sources: Run, order: LogTime.Order), _ book: Rulebook, _ slab: inout Slab
    ) -> Int64? {
        let run = time.sources
        if run.count == 1 { return timestamp(captures[Int(book.sources[Int(run.first)])], time.order, slab) }
        let start = slab.count
        for index in run.range {
            let capture = captures[Int(book.sources[index])]
            guard capture.kind != .absent else { return nil }
            if slab.count > start { slab.append(byte: 0x20) }
            if capture.kind == .integer {
                slab.append(decimal: capture.integer)
            } else {
                _ = slab.append(copyOf: capture.extent)
            }
        }
        return timestamp(.text(Extent(start..<slab.count)), time.order, slab)
    }

    /// A capture as nanoseconds since the epoch: a date in any form that ``LogTime`` reads, or a number in seconds,
    /// milliseconds, microseconds or nanoseconds, told apart by its size.
    mutating func timestamp(_ capture: Capture, _ order: LogTime.Order, _ slab: borrowing Slab) -> Int64? {
        switch capture.kind {
        case .absent, .escaped, .json, .flag: return nil
        case .text: return LogTime.read(slab.bytes(capture.extent), zone: zone, order: order, receivedAt: received)
        case .number, .integer: break
        }
        if let whole = integer(capture, slab) {
            // Whole numbers keep every digit.
            guard whole > 0 else { return nil }
            let factor: Int64 =
                whole < 100_000_000_000
                ? 1_000_000_000 : whole < 100_000_000_000_000 ? 1_000_000 : whole < 100_000_000_000_000_000 ? 1_000 : 1
            let (product, over) = whole.multipliedReportingOverflow(by: factor)
            return over ? nil : product
        }
        if let seconds = Normalizer.seconds(slab.bytes(capture.extent)) { return seconds }
        guard let value = Double(slab.bytes(capture.extent).text), value.isFinite, value > 0 else { return nil }
        let factor = value < 1e11 ? 1e9 : value < 1e14 ? 1e6 : value < 1e17 ? 1e3 : 1
        return value * factor < 9e18 ? Int64(value * factor) : nil
    }

    /// Seconds with a fraction of up to nine digits (Zeek's `ts`) as nanoseconds, exactly; nil when it is something else.
    private static func seconds(_ bytes: RawSpan) -> Int64? {
        guard let point = bytes.firstIndex(of: 0x2E), let whole = bytes.part(0, point).decimal,
            whole > 0, whole < 10_000_000_000
        else { return nil }
        let digits = bytes.byteCount - point - 1
        guard (1...9).contains(digits), let fraction = bytes.part(point + 1, digits).decimal else { return nil }
        var nanoseconds = fraction
        for _ in digits..<9 { nanoseconds *= 10 }
        // At most 10^10 seconds: above that 64 bits end (the year 2262).
        let (product, over) = Int64(whole).multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, above) = product.addingReportingOverflow(Int64(nanoseconds))
        return over || above ? nil : sum
    }

    /// The extent of a capture's text in the slab, escapes resolved.
    mutating func plain(_ capture: Capture, _ slab: inout Slab) -> Extent {
        switch capture.kind {
        case .absent: return .empty
        case .text, .number, .json: return capture.extent
        case .integer:
            let start = slab.count
            slab.append(decimal: capture.integer)
            return Extent(start..<slab.count)
        case .flag: return slab.append(capture.integer != 0 ? "true" : "false")
        case .escaped:
            text.reset()
            JSONText.appendUnescaped(slab.bytes(capture.extent), to: &text)
            return slab.append(text.bytes)
        }
    }

    private func transformed(_ extent: Extent, _ line: EventPlan.Line, _ slab: inout Slab) -> Extent {
        let low: UInt8
        switch line.value.transform {
        case .none, .monthFirst, .dayFirst, .duration: return extent
        case .lower: low = 0x41
        case .upper: low = 0x61
        }
        let copy = slab.append(copyOf: extent)
        slab.replace(in: copy) { $0 >= low && $0 < low + 26 ? $0 ^ 0x20 : $0 }
        return copy
    }

    /// Captured values that the chosen event does not read become members of `unmapped`.
    mutating func leftovers(_ plan: EventPlan, _ mapping: Mapping, _ slab: borrowing Slab) {
        for word in plan.unread.indices {
            var open = plan.unread[word] & captures.filled(word)
            while open != 0 {
                member(word << 6 | open.trailingZeroBitCount, mapping, slab)
                open &= open - 1
            }
        }
    }

    /// Adds a capture to what goes to `unmapped`.
    mutating func member(_ slot: SlotID, _ mapping: Mapping, _ slab: borrowing Slab) {
        mapping.book.withText(mapping.keys[slot]) { members.begin(key: $0) }
        members.append(captures[slot], slab)
    }

    /// Adds a value to what goes to `unmapped`, under a name that no mapping knows.
    mutating func member(_ name: String, _ capture: Capture, _ slab: borrowing Slab) {
        let key = Array(name.utf8)
        members.begin(key.span.bytes, isEscaped: false)
        members.append(capture, slab)
    }
}
