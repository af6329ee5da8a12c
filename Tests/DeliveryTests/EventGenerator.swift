// SPDX-License-Identifier: Apache-2.0
import Events

/// Random events that follow the OCSF dictionary, and now and then do not: the same ones at every run.
struct EventGenerator: RandomNumberGenerator {
    private var state: UInt64
    private let dictionary = OCSFDictionary.v1_8_0

    init(seed: UInt64) { state = seed }

    /// SplitMix64 (Steele, Lea and Flood 2014).
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    private mutating func below(_ limit: Int) -> Int { Int.random(in: 0..<limit, using: &self) }

    private mutating func pick<Value>(_ values: [Value]) -> Value { values[below(values.count)] }

    /// One event of class `uid`, as JSON.
    mutating func event(_ uid: Int, number: Int) -> String {
        guard let shape = dictionary.classes[uid]?.shape else { return "{}" }
        var members: [(String, String)] = [
            ("class_uid", "\(uid)"), ("time", "\(1_767_000_000_000 + below(2) * 86_400_000 + number)"),
            ("metadata", "{\"uid\":\"event-\(number)\",\"product\":{\"name\":\"Product\"}}"),
        ]
        let fixed = Set(members.map(\.0))
        for name in shape.attributes.keys.sorted() where !fixed.contains(name) && below(8) == 0 {
            guard let attribute = shape.attributes[name] else { continue }
            members.append((name, value(attribute, depth: 1)))
        }
        if below(10) == 0 { members.append(("not_in_the_schema", scalar())) }
        if below(10) == 0 { members.append(("vendor_thing", "{\"a\":[1,{\"b\":\(scalar())}],\"c\":\(scalar())}")) }
        return object(members)
    }

    private func object(_ members: [(String, String)]) -> String {
        "{" + members.map { "\(quoted($0.0)):\($0.1)" }.joined(separator: ",") + "}"
    }

    private mutating func value(_ attribute: OCSFDictionary.Attribute, depth: Int) -> String {
        // A value of another kind than the schema's.
        if below(40) == 0 {
            // A lone value where the schema has an array becomes an array of it: that is not tried here.
            let others = attribute.isArray ? [] : [scalar(), "{\"odd\":\(scalar())}", "{}"]
            return pick(["[\(scalar())]", "null", "[]", "[null]", "[{\"odd\":\(scalar())}]"] + others)
        }
        guard attribute.isArray else { return single(attribute, depth: depth) }
        let count = pick([0, 1, 1, 2, 3, 9])
        return "[" + (0..<count).map { _ in single(attribute, depth: depth) }.joined(separator: ",") + "]"
    }

    private mutating func single(_ attribute: OCSFDictionary.Attribute, depth: Int) -> String {
        if let object = attribute.object {
            if object == "object" {
                return "{\"Any Key.x\":\(scalar()),\"list\":[1,[2,\(scalar())],{}],\"s\":\(scalar())}"
            }
            guard depth < 5, let shape = dictionary.objects[object] else { return "{}" }
            var members: [(String, String)] = []
            for name in shape.attributes.keys.sorted() where below(max(3, shape.attributes.count / 3)) < 2 {
                if let inner = shape.attributes[name] { members.append((name, value(inner, depth: depth + 1))) }
            }
            if below(15) == 0 { members.append(("dotted.key", scalar())) }
            return self.object(members)
        }
        switch attribute.primitive {
        case .string: return quoted(text())
        case .integer: return "\(pick([0, 1, 99, 502, -1, 65_535, Int(Int32.max), Int(Int32.min), Int(Int32.max) + 1]))"
        case .long: return "\(pick([0, 1_767_000_000_123, Int.max, Int.min, -5]))"
        case .float: return pick(["0.5", "-1e-9", "3", "1.7976931348623157e308", "0.1"])
        case .boolean: return pick(["true", "false"])
        case .json: return pick([scalar(), "{\"k\":\(scalar())}", "[1,2]"])
        }
    }

    private mutating func scalar() -> String {
        pick(["1", "-2.25", "true", "null", quoted(text()), "9007199254740993"])
    }

    private mutating func text() -> String {
        pick([
            "", "plain", "Größe – 50 % |=\\", "line\nbreak\ttab", "\u{0}nul", "日本語", "🏭", "\"quoted\"", "ends\\",
            " blank ",
            "192.0.2.1", String(repeating: "long ", count: 40),
        ])
    }
}
