// SPDX-License-Identifier: Apache-2.0
internal import Events
internal import Wire

extension Normalizer {
    /// Captures the members of a JSON object.
    mutating func json(_ extent: Extent, _ mapping: Mapping, _ slab: inout Slab) -> Bool {
        let extent = readable(extent, &slab)
        let bytes = slab.bytes(extent)
        guard let open = bytes.firstIndex(of: 0x7B) else { return false }
        let text = bytes.part(open, bytes.byteCount)
        do throws(JSONError) { try tape.parse(text) } catch {
            note(error)
            return false
        }
        guard tape.values[0].kind == .object else { return false }
        object(0, 0, text, base: extent.offset &+ UInt32(open), mapping, isNested: false)
        return true
    }

    /// The text whose values can be copied into events as they stand: UTF-8, on one line.
    @inline(__always)
    mutating func readable(_ extent: Extent, _ slab: inout Slab) -> Extent {
        var extent = extent
        if !slab.bytes(extent).isValidUTF8 {
            let repaired = slab.bytes(extent).text
            extent = slab.append(repaired)
        }
        // Between the values of JSON a line end is a blank like any other.
        if slab.bytes(extent).firstIndex(of: 0x0A) != nil || slab.bytes(extent).firstIndex(of: 0x0D) != nil {
            extent = slab.append(copyOf: extent)
            slab.replace(in: extent) { $0 == 0x0A || $0 == 0x0D ? 0x20 : $0 }
        }
        return extent
    }

    /// Counts a text that is more than a step takes.
    mutating func note(_ error: JSONError) {
        switch error {
        case .tooDeep, .tooMany, .tooLong: tally.cut += 1
        case .unexpected, .truncated: break
        }
    }

    /// Captures the members of one JSON object that the mapping reads; the others become members of `unmapped`.
    mutating func object(
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

    /// A value of a tape as a capture; `base` is where the tape's text begins in the slab.
    static func capture(_ value: JSONTape.Value, _ base: UInt32) -> Capture {
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
}
