// SPDX-License-Identifier: Apache-2.0
import Documents
import Foundation
import Testing

/// The JSON Schema by which editors judge mapping files: what is shipped must be right by it.
struct MappingSchemaTests {
    /// The part of JSON Schema 2020-12 that the file uses; a keyword beyond it is a fault, so that none goes unread.
    struct Judge {
        let definitions: [String: Any]

        func faults(_ element: Element, _ schema: [String: Any]) -> [String] {
            schema.sorted { $0.key < $1.key }.flatMap { keyword, value in
                isMet(keyword, value, element, schema).map { $0 ? [] : ["\(element.line): \(keyword)"] }
                    ?? inner(keyword, value, element, schema)
            }
        }

        /// Whether the element meets a keyword about itself; nil for those about what it holds.
        private func isMet(_ keyword: String, _ value: Any, _ element: Element, _ schema: [String: Any]) -> Bool? {
            let number = (value as? NSNumber)?.doubleValue ?? 0
            switch keyword {
            case "$schema", "$defs", "title", "description": return true
            case "type": return !types(element).isDisjoint(with: value as? [String] ?? [value as? String ?? ""])
            case "const": return types(element).contains("boolean") && element.scalar == "true"
            case "enum": return (value as? [String] ?? []).contains(element.scalar ?? "")
            case "anyOf": return count(value, element) > 0
            case "oneOf": return count(value, element) == 1
            case "required": return (value as? [String] ?? []).allSatisfy { element[$0] != nil }
            case "minProperties": return Double(element.members.count) >= number
            case "minItems": return Double(element.items.count) >= number
            case "maxItems": return Double(element.items.count) <= number
            case "minLength": return Double(element.scalar?.count ?? 0) >= number
            case "pattern":
                return (value as? String).flatMap { try? Regex($0) }.map {
                    (element.scalar ?? "").firstMatch(of: $0) != nil
                } ?? false
            case "maxLength": return Double(element.scalar?.count ?? 0) <= number
            case "minimum": return (element.double ?? 0) >= number
            case "maximum": return (element.double ?? 0) <= number
            case "exclusiveMinimum": return (element.double ?? 0) > number
            default: return nil
            }
        }

        private func inner(_ keyword: String, _ value: Any, _ element: Element, _ schema: [String: Any]) -> [String] {
            switch (keyword, value) {
            case ("$ref", let name as String):
                let definition = definitions[String(name.dropFirst("#/$defs/".count))] as? [String: Any]
                return definition.map { faults(element, $0) } ?? ["no definition \(name)"]
            case ("items", let item as [String: Any]):
                return element.isSequence ? element.items.flatMap { faults($0, item) } : []
            case ("properties", let known as [String: Any]):
                return element.members.flatMap { key, value in
                    (known[key.scalar ?? ""] as? [String: Any]).map { faults(value, $0) } ?? []
                }
            case ("additionalProperties", _):
                let known = schema["properties"] as? [String: Any] ?? [:]
                return element.members.filter { known[$0.key.scalar ?? ""] == nil }.flatMap { key, member in
                    (value as? [String: Any]).map { faults(member, $0) }
                        ?? ["\(key.line): unknown key '\(key.scalar ?? "")'"]
                }
            default: return ["keyword '\(keyword)'"]
            }
        }

        private func count(_ schemas: Any, _ element: Element) -> Int {
            (schemas as? [[String: Any]] ?? []).count { faults(element, $0).isEmpty }
        }

        private func types(_ element: Element) -> Set<String> {
            if element.isMapping { return ["object"] }
            if element.isSequence { return ["array"] }
            guard let text = element.scalar, element.isPlain else { return ["string"] }
            if element.isNull { return ["null"] }
            if text == "true" || text == "false" { return ["boolean"] }
            if Int64(text) != nil { return ["integer", "number"] }
            return Double(text) != nil ? ["number"] : ["string"]
        }
    }

    private func faults(_ text: String) throws -> [String] {
        let file = Places.root.appendingPathComponent("mappings/mapping.schema.json")
        let schema = try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
        let judge = Judge(definitions: try #require(schema["$defs"] as? [String: Any]))
        let documents = Element.documents(text, file: "m.yaml", complaints: Complaints())
        #expect(!documents.isEmpty)
        return documents.flatMap { judge.faults($0, schema) }
    }

    @Test func whatIsShippedIsRight() throws {
        for file in try Places.mappings() {
            #expect(try faults(file.text) == [], "\(file.name)")
        }
    }

    @Test(arguments: [
        ("", true), ("extra: 1", false), ("rank: 1001", false), ("rank: low", false), ("match: []", false),
        ("parse: [{csv: {columns: [a], separator: '#011'}}]", true),
        ("parse: [{csv: {columns: [a], separator: '#0110'}}]", false),
        ("parse: [{kv: {separator: ', '}}]", true), ("parse: [{kv: {separator: ',;|'}}]", false),
        ("parse: [{kv: true, json: true}]", false), ("parse: [{record: false}]", false),
        ("parse: [{json: true, when: {a: {contain: b}}}]", false), ("absent: '-'", false), ("absent: ['-']", true),
        ("date_order: dmy", true), ("date_order: ymd", false),
        ("match: [{event_code: ASA-6-302013}]", true), ("match: [{event_code: [ASA-302013, x-1-y]}]", true),
        ("match: [{event_code: ASA-*}]", true), ("common: {observables: [src_endpoint.ip]}", true),
        ("common: {observables: {a: b}}", false),
        ("match: [{event_code: 302013}]", false), ("match: [{event_code: [a, b-c]}]", false),
        ("common: {time: {from: [[a, b], c], order: mdy}}", true), ("common: {time: [{from: a, order: dmy}, b]}", true),
        ("common: {time: {order: mdy}}", false), ("common: {time: {from: a, order: ymd}}", false),
        ("common: {map: {duration: {from: a, unit: s}, start_time: {from: b, order: dmy}}}", true),
        ("common: {map: {duration: {from: a, unit: w}}}", false),
        ("samples: [{input: a, dropped: true}]", true), ("events: [{drop: true}]", true),
        ("events: [{when: {a: b}, drop: true}]", true), ("events: [{drop: false}]", false),
        ("events: [{when: {a: b}}]", false), ("events: [{class: base_event}]", false),
        ("samples: [{input: a}]", true), ("samples: [{expect: {time: 1}}]", false),
    ])
    func judged(_ more: String, _ isRight: Bool) throws {
        let events = "events: [{class: base_event, activity_id: 0, map: {message: {from: a, default: none}}}]"
        let text = """
            name: demo
            \(more.hasPrefix("match") ? "" : "match: [{program: demo}]")
            \(more)
            \(more.hasPrefix("events") ? "" : events)
            """
        #expect(try faults(text).isEmpty == isRight)
    }
}
