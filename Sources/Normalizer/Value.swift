// SPDX-License-Identifier: Apache-2.0
internal import Codecs
internal import Documents
internal import Events
internal import Patterns
internal import Wire

/// A value that a mapping file writes down.
enum Literal: Sendable {
    case integer(Int64)
    case double(Double)
    case boolean(Bool)
    case text(ConstantText)
}

/// Where an attribute's value comes from: captures, tables, cases and a default, tried in this order.
struct ValueRule: Sendable {
    /// What is done to text on its way.
    enum Transform: Sendable {
        case none
        case lower
        case upper
        /// A date whose figures stand in this order.
        case monthFirst
        case dayFirst
        /// A span of time becomes milliseconds; a number without a unit is multiplied by ``ValueRule/scale``.
        case duration

        /// The order of the figures of dates.
        var order: LogTime.Order {
            switch self {
            case .monthFirst: .monthFirst
            case .dayFirst: .dayFirst
            case .none, .lower, .upper, .duration: .open
            }
        }
    }

    /// The captures to try; the first that is there is taken.
    var sources: [SlotID] = []
    /// From a capture's text (ASCII lower case) to a value.
    var table: [[UInt8]: Literal] = [:]
    /// Conditions with values; the first that holds is taken.
    var cases: [(when: Condition, value: Literal)] = []
    /// The value when nothing else gave one.
    var fallback: Literal?
    /// Whether `fallback` only completes an object that something else makes (`default:`), or always stands (`value:`).
    var isDefault = false
    /// Applied to text.
    var transform = Transform.none
    /// Numbers are multiplied by it (`scale: 1000` for seconds that the attribute has in milliseconds).
    var scale = 1.0
    /// What stands between the elements of an attribute that repeats; 0: the text is one element.
    var split: UInt8 = 0
}

/// An attribute as a mapping line's target: what values it takes.
struct Target {
    let path: String
    let primitive: OCSFDictionary.Primitive?
    let type: String?
    let isArray: Bool
    let isContainer: Bool
    let enumeration: OCSFDictionary.Enumeration?
    let sibling: String?
    /// Whether it takes at most 64 characters, as a `file_hash_t` of OCSF 1.1 does.
    var isDigest = false
}

extension ValueRule.Transform {
    /// Reads an order of day and month.
    init?(order: Element) {
        guard let found: ValueRule.Transform = order.choice(of: ["mdy": .monthFirst, "dmy": .dayFirst]) else {
            return nil
        }
        self = found
    }
}

extension ValueRule {
    /// Reads the right-hand side of a mapping line: the name of a capture, or a mapping with `from`, `value`, `table`,
    /// `cases`, `default` and `transform`.
    static func read(
        _ element: Element, for target: Target, slots: inout SlotTree, builder: inout FieldTable.Builder
    ) -> ValueRule {
        var rule = ValueRule()
        guard element.isMapping else {
            rule.sources = element.strings.map { slots.slot($0) }
            return rule
        }
        element.allow(only: [
            "from", "value", "table", "cases", "default", "transform", "scale", "unit", "order", "split",
        ])
        rule.sources = element["from"]?.strings.map { slots.slot($0) } ?? []
        for (key, value) in element["table"]?.members ?? [] {
            guard let text = key.scalar, let literal = literal(value, target, &builder) else { continue }
            rule.table[text.lowercasedASCII] = literal
        }
        if element["table"] != nil, rule.sources.isEmpty { element.complain("a table needs 'from'") }
        for item in element["cases"]?.items ?? [] {
            item.allow(only: ["when", "value"])
            guard let when = item.required("when"), let value = item.required("value"),
                let literal = literal(value, target, &builder)
            else { continue }
            rule.cases.append((Condition.read(when, slots: &slots), literal))
        }
        rule.isDefault = element["value"] == nil
        if let value = element["value"] ?? element["default"] { rule.fallback = literal(value, target, &builder) }
        if element["value"] != nil, element["default"] != nil {
            element.complain("give 'value' or 'default', not both")
        }
        if let transform = element["transform"] {
            let found: Transform? = transform.choice(of: ["lower": .lower, "upper": .upper])
            rule.transform = found ?? .none
            if let primitive = target.primitive, primitive != .string, primitive != .json {
                transform.complain("only text has a transform")
            }
        }
        if let scale = element["scale"], let factor = scale.double {
            if factor <= 0 { scale.complain("a scale is above 0") } else { rule.scale = factor }
            if target.primitive != .integer, target.primitive != .long { scale.complain("only numbers have a scale") }
        }
        rule.readUnit(element, target)
        if let split = element["split"], let text = split.string {
            if text.utf8.count != 1 { split.complain("split takes one ASCII character") }
            if !target.isArray { split.complain("\(target.path) is no array") }
            rule.split = text.utf8.first ?? 0
        }
        if rule.sources.isEmpty, rule.cases.isEmpty, element["value"] == nil, element["default"] == nil {
            element.complain("\(target.path) gets no value: give 'from', 'value', 'cases' or 'default'")
        }
        return rule
    }

    /// Reads what says how a text is to be understood: `unit:` of spans of time, `order:` of dates.
    private mutating func readUnit(_ element: Element, _ target: Target) {
        if let unit = element["unit"] {
            let found: LogDuration.Unit? = unit.choice(of: [
                "ns": .nanoseconds, "us": .microseconds, "ms": .milliseconds, "s": .seconds, "m": .minutes,
                "h": .hours, "d": .days,
            ])
            if let found { (transform, scale) = (.duration, found.milliseconds) }
            if target.primitive != .integer, target.primitive != .long || target.type == "timestamp_t" {
                unit.complain("only spans of time in whole numbers have a unit; they become milliseconds")
            } else if element["scale"] != nil {
                unit.complain("give 'unit' or 'scale', not both")
            }
        }
        if let order = element["order"] {
            if let found = Transform(order: order) { transform = found }
            if target.type != "timestamp_t" { order.complain("only dates have an order") }
        }
    }

    /// A written value, checked against what the attribute takes; an enumerated attribute also takes its captions.
    static func literal(_ element: Element, _ target: Target, _ builder: inout FieldTable.Builder) -> Literal? {
        guard let text = element.string else { return nil }
        if let enumeration = target.enumeration, enumeration.captions[text] == nil {
            if let id = enumeration.id(of: text) {
                if target.primitive == .string { return .text(builder.constant(id)) }
                return Int64(id).map { .integer($0) }
            }
            let all = enumeration.captions.sorted { (Int($0.key) ?? 0, $0.key) < (Int($1.key) ?? 0, $1.key) }
            let known =
                all.prefix(12).map { "\($0.key) \($0.value)" }.joined(separator: ", ") + (all.count > 12 ? ", …" : "")
            let hint = Element.hint(text, among: enumeration.captions.values)
            element.complain("\(target.path) has no value '\(text)'\(hint); it takes \(known)")
            return nil
        }
        if let fault = fault(text, target) {
            element.complain("\(target.path) takes \(fault), not '\(text)'")
            return nil
        }
        switch target.primitive {
        case .integer, .long:
            if let value = Int64(text) { return .integer(value) }
            element.complain("\(target.path) takes a whole number, not '\(text)'")
            return nil
        case .float:
            if let value = Double(text) { return .double(value) }
            element.complain("\(target.path) takes a number, not '\(text)'")
            return nil
        case .boolean:
            if text == "true" || text == "false" { return .boolean(text == "true") }
            element.complain("\(target.path) takes true or false, not '\(text)'")
            return nil
        case .string: return .text(builder.constant(text))
        case .json, nil:
            // No schema says what it is: a plain number or truth value keeps its kind.
            if element.isPlain, let value = Int64(text) { return .integer(value) }
            if element.isPlain, text == "true" || text == "false" { return .boolean(text == "true") }
            return .text(builder.constant(text))
        }
    }

    /// What a type takes that a text is not, or nil; of types that are narrower than their primitive.
    private static func fault(_ text: String, _ target: Target) -> String? {
        switch target.type {
        case "ip_t": IPAddress(text) == nil ? "an IP address" : nil
        case "port_t": Int(text).map { (0...65535).contains($0) } == true ? nil : "a port (0 to 65535)"
        case "mac_t": text.utf8.count <= 32 ? nil : "at most 32 characters"
        default: nil
        }
    }
}
