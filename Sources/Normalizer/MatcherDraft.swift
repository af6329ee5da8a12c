// SPDX-License-Identifier: Apache-2.0
internal import Documents
internal import Patterns

extension MappingDraft {
    /// Reads one entry of `match:`.
    mutating func readMatcher(_ item: Element) {
        item.allow(only: [
            "program", "no_program", "msgid", "contains", "startswith", "regex", "json", "cef", "leef", "record",
            "notice", "event_code", "sd", "sd_id",
        ])
        var matcher = Mapping.Matcher()
        matcher.programs = item["program"]?.strings.map(\.lowercasedASCII) ?? []
        if let codes = item["event_code"] {
            if let program = item["program"] { program.complain("give 'program' or 'event_code', not both") }
            let elements = codes.isSequence ? codes.items : [codes]
            matcher.programs = elements.flatMap { MappingDraft.eventCodes($0) }
            if elements.isEmpty { codes.complain("give at least one event code") }
        }
        matcher.needsNoProgram = item["no_program"]?.boolean ?? false
        matcher.messageIDs = item["msgid"]?.strings.map(\.lowercasedASCII) ?? []
        matcher.contains = item["contains"]?.strings.map { Array($0.utf8) } ?? []
        matcher.starts = item["startswith"]?.strings.map { Array($0.utf8) } ?? []
        matcher.record = item["record"]?.string.map { Array($0.utf8) }
        matcher.notice = item["notice"]?.string.map { Array($0.utf8) }
        matcher.contains += (item["json"]?.strings ?? []).map { Array("\"\($0)\"".utf8) }
        for name in ["cef", "leef"] {
            guard let element = item[name] else { continue }
            matcher.contains.append(Array("\(name.uppercased()):".utf8))
            if let text = MappingDraft.header(element) { matcher.contains.append(text) }
        }
        if let regex = item["regex"], let text = regex.string {
            do { matcher.pattern = try Pattern(text) } catch { regex.complain("regular expression: \(error)") }
        }
        matcher.structured = StructuredTest(item, programs: matcher.programs)
        if item.members.isEmpty { item.complain("an empty match takes every record; give at least one test") }
        matchers.append(matcher)
        matcherPlaces.append(item)
    }

    /// An event code as the tag in which it stands, `%ASA-6-302013`; without its severity the tags of all eight, as one text.
    /// All codes of a facility, `ASA-*`, are what stands before the severity: `%ASA-`.
    private static func eventCodes(_ element: Element) -> [[UInt8]] {
        guard let text = element.string else { return [] }
        let name = Array(text.utf8.first == 0x25 ? text.utf8.dropFirst() : text.utf8[...])
        let parts = name.split(separator: 0x2D, omittingEmptySubsequences: false)
        guard parts.count > 1, parts.allSatisfy({ !$0.isEmpty }) else {
            element.complain(
                "an event code is written as FACILITY-SEVERITY-MNEMONIC (ASA-6-302013), without its severity "
                    + "(ASA-302013), or as all codes of a facility (ASA-*)")
            return []
        }
        let lower = name.map(\.lowercasedASCII)
        if parts.contains(where: { $0.contains(0x2A) }) {
            if lower.filter({ $0 == 0x2A }).count == 1, lower.last == 0x2A, lower.dropLast().last == 0x2D {
                return [[0x25] + lower.dropLast()]
            }
            element.complain("'*' stands for all that follows a facility, as in ASA-*")
            return []
        }
        if parts.dropFirst().dropLast().contains(where: { part in
            part.count == 1 && (0x30...0x37).contains(part[part.startIndex])
        }) {
            return [[0x25] + lower]
        }
        let mnemonic = parts[parts.count - 1].startIndex
        return [[0x25] + lower[..<mnemonic] + [Mapping.Matcher.anySeverity, 0x2D] + lower[mnemonic...]]
    }

    /// The fields `|vendor|product|` of a CEF or LEEF header, as they stand in the line; nil for `true`.
    private static func header(_ element: Element) -> [UInt8]? {
        guard element.isMapping else { return nil }
        element.allow(only: ["vendor", "product"])
        switch (element["vendor"]?.string, element["product"]?.string) {
        case (let vendor?, let product?): return Array("|\(vendor)|\(product)|".utf8)
        case (let name?, nil), (nil, let name?): return Array("|\(name)|".utf8)
        case (nil, nil):
            element.complain("give a vendor, a product or both; 'true' takes any")
            return nil
        }
    }
}
