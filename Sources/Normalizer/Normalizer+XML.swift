// SPDX-License-Identifier: Apache-2.0
internal import Codecs
internal import Events
internal import Wire

/// XML records, such as events of the Windows event log: what stands below the root, by dotted path.
extension Normalizer {
    /// One open element below the root.
    struct OpenElement {
        /// Its node in the mapping's names; -1 where none is read.
        var node: Int
        /// The length of ``xmlPath`` without it.
        var pathLength: Int
    }

    /// The most bytes of a path that a value is kept beside under; it is cut there.
    static let longestPath = 256
    /// The most bytes of JSON beside for each byte of a record, and for a record of any size: an element's name is written
    /// once and stands before each of its values.
    static let mostBeside = (perByte: 8, perRecord: 4_096)

    /// Captures texts by the path of their element (`System.EventID`), attributes below it (`System.Provider.Name`), and
    /// `<Data Name="X">` as if the element's name were X.
    mutating func xml(_ extent: Extent, _ mapping: Mapping, _ slab: inout Slab) -> Bool {
        tokens.removeAll(keepingCapacity: true)
        collect(extent, slab)
        guard !tokens.isEmpty else { return false }
        elements.removeAll(keepingCapacity: true)
        xmlPath.reset()
        xmlRoom =
            members.count + Normalizer.mostBeside.perRecord + Normalizer.mostBeside.perByte * Int(extent.length)
        var depth = 0
        for index in tokens.indices {
            switch tokens[index] {
            case .start(let name):
                depth += 1
                if depth > 1 { open(slab.bytes(name.shifted(by: extent.offset)), mapping) }
            case .end:
                if depth > 1, let last = elements.popLast() { xmlPath.truncate(to: last.pathLength) }
                depth -= 1
            case .attribute(let name, let value):
                // The root's own are name spaces.
                guard depth > 1 else { continue }
                let text = plain(value, extent, &slab)
                let place = name.shifted(by: extent.offset)
                if place.length == 4, slab.bytes(place).hasBytes("Name"), let last = elements.last, isData(last) {
                    rename(text, last, mapping, slab)
                } else {
                    open(slab.bytes(place), mapping)
                    take(text, mapping, &slab)
                    if let last = elements.popLast() { xmlPath.truncate(to: last.pathLength) }
                }
            case .text(let value):
                guard depth > 1 else { continue }
                let text = plain(value, extent, &slab)
                take(text, mapping, &slab)
            }
        }
        return true
    }

    /// Reads tokens; what stands before a fault counts.
    private mutating func collect(_ extent: Extent, _ slab: borrowing Slab) {
        let bytes = slab.bytes(extent)
        guard let start = bytes.firstIndex(of: 0x3C) else { return }
        var reader = EventXML(bytes, Extent(start..<bytes.byteCount))
        do throws(EventXML.Fault) {
            while let token = try reader.next() {
                guard tokens.count < 4 * Normalizer.mostPairs else {
                    tally.cut += 1
                    return
                }
                tokens.append(token)
            }
        } catch {
            switch error {
            case .tooDeep, .tooManyElements, .tooManyAttributes: tally.cut += 1
            case .malformed, .mismatched, .truncated: break
            }
        }
    }

    private mutating func open(_ name: RawSpan, _ mapping: Mapping) {
        let parent = elements.last?.node ?? 0
        let node = parent < 0 ? -1 : mapping.slots.find(parent, name) ?? -1
        elements.append(OpenElement(node: node, pathLength: xmlPath.count))
        if xmlPath.count > 0 { xmlPath.append(byte: 0x2E) }
        xmlPath.append(name)
    }

    /// Whether the innermost element is a `Data`, whose attribute tells its name.
    private mutating func isData(_ element: OpenElement) -> Bool {
        let start = element.pathLength == 0 ? 0 : element.pathLength + 1
        let name = xmlPath.bytes.part(start, xmlPath.count - start)
        return name.byteCount == 4 && name.hasBytes("Data")
    }

    private mutating func rename(_ name: Extent, _ element: OpenElement, _ mapping: Mapping, _ slab: borrowing Slab) {
        guard !name.isEmpty else { return }
        elements.removeLast()
        xmlPath.truncate(to: element.pathLength)
        open(slab.bytes(name), mapping)
    }

    private mutating func plain(_ value: EventXML.Text, _ extent: Extent, _ slab: inout Slab) -> Extent {
        let place = value.extent.shifted(by: extent.offset)
        guard value.hasEntities else { return place }
        text.reset()
        _ = EventXML.unescape(slab.bytes(place), into: &text)
        return slab.append(text.bytes)
    }

    /// Captures a text under the path of the innermost element, or keeps it beside.
    private mutating func take(_ value: Extent, _ mapping: Mapping, _ slab: inout Slab) {
        guard let element = elements.last, !value.isEmpty else { return }
        if element.node >= 0, let slot = mapping.slots.nodes[element.node].slot, slot >= Builtins.count,
            captures[slot].kind == .absent
        {
            captures[slot] = .text(value)
        } else {
            // A long name would make a line grow a thousand times, a short one forty times.
            guard members.count < xmlRoom else {
                if xmlRoom > 0 { tally.cut += 1 }
                xmlRoom = 0
                return
            }
            if xmlPath.count > Normalizer.longestPath { tally.misfits += 1 }
            let path = slab.append(xmlPath.bytes.part(0, Normalizer.longestPath))
            members.begin(slab.bytes(path), isEscaped: false)
            members.append(.text(value), slab)
        }
    }
}
