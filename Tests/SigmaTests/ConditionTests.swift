// SPDX-License-Identifier: Apache-2.0
import Documents
import Events
import Sigma
import Testing

struct ConditionTests {
    private static func rule(_ condition: String) -> String {
        """
        title: t
        logsource: {product: test}
        detection:
          a: {a: 1}
          b: {b: 1}
          c: {c: 1}
          sel_x: {x: 1}
          sel_y: {y: 1}
          sel-z: {z: 1}
          _hidden: {h: 1}
          condition: \(condition)
        """
    }

    private static func holds(_ condition: String, _ present: String) throws -> Bool? {
        let complaints = Complaints()
        let set = RuleSet.parse(text: rule(condition), file: "t.yml", complaints: complaints)
        guard !set.rules.isEmpty else { return nil }
        let members = present.map { "\"\($0)\":1" }.joined(separator: ",")
        return try !Cases.matches(set, Array("{\(members)}".utf8)).isEmpty
    }

    @Test(arguments: [
        ("a or b and c", "a", true), ("a or b and c", "b", false), ("(a or b) and c", "a", false),
        ("(a or b) and c", "bc", true),
        ("not a and b", "b", true), ("not (a and b)", "ab", false), ("not a or b", "ab", true),
        ("not not a", "a", true),
        ("not not not a", "a", false), ("not a and not b", "c", true), ("1 of sel_*", "y", true),
        ("1 of sel_*", "z", false),
        ("all of sel*", "xy", false), ("all of sel*", "xyz", true), ("any of sel_*", "x", true),
        ("not 1 of sel*", "a", true),
        ("1 of them", "h", false), ("all of them", "abcxyz", true), ("1 of _hid*", "h", true), ("1 of *", "h", false),
        ("all of sel*-z", "z", true), ("1 of *_x and a", "ax", true), ("sel-z", "z", true), ("A", "a", nil),
        ("a AND b", "ab", true), ("NOT a", "b", true), ("1 OF sel_*", "x", true), ("all of THEM", "abcxyz", true),
        ("((a))", "a", true),
        ("[a, b and c]", "bc", true), ("[a, b and c]", "b", false), ("(a)or(b)", "b", true), ("_hidden", "h", true),
        ("sel_x or 1 of them", "c", true),
        // Refused.
        ("(a", "a", nil), ("a)", "a", nil), ("a b", "a", nil), ("a and", "a", nil), ("or a", "a", nil),
        ("not", "a", nil), ("()", "a", nil),
        ("nothing", "a", nil), ("2 of sel_*", "a", nil), ("1 of nothing*", "a", nil), ("1 of", "a", nil),
        ("all of (a)", "a", nil),
        ("a | count() > 5", "a", nil), ("'a & b'", "a", nil), ("''", "a", nil), ("[]", "a", nil), ("null", "a", nil),
        ("of", "a", nil),
        ("a and and b", "a", nil),
    ])
    func table(_ condition: String, _ present: String, _ expected: Bool?) throws {
        #expect(try ConditionTests.holds(condition, present) == expected)
    }

    @Test func upperCaseIsWarnedOf() {
        let complaints = Complaints()
        let set = RuleSet.parse(text: ConditionTests.rule("a AND b"), file: "t.yml", complaints: complaints)
        #expect(set.rules.count == 1 && complaints.errors.isEmpty && complaints.all.count == 1)
    }

    @Test func depthIsBounded() {
        for depth in [10, 63, 64, 100_000] {
            let condition = String(repeating: "(", count: depth) + "a" + String(repeating: ")", count: depth)
            let complaints = Complaints()
            let set = RuleSet.parse(text: ConditionTests.rule(condition), file: "t.yml", complaints: complaints)
            #expect(set.rules.isEmpty == (depth > 63))
        }
    }
}
