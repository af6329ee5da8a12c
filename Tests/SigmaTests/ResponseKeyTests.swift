// SPDX-License-Identifier: Apache-2.0
import Documents
import Events
import Sigma
import Testing

/// The key `response` of a rule.
struct ResponseKeyTests {
    private static func rule(_ response: String) -> String {
        """
        title: R
        name: r
        logsource: {product: linux}
        detection: {sel: {f: x}, condition: sel}
        \(response)
        """
    }

    private static func parse(_ response: String) -> (facts: RuleFacts?, complaints: [String]) {
        let complaints = Complaints()
        let set = RuleSet.parse(text: rule(response), file: "r.yml", complaints: complaints)
        return (set.rules.first?.facts, complaints.errors.map(\.description))
    }

    @Test func isCarriedOnFirings() throws {
        let (facts, complaints) = ResponseKeyTests.parse(
            """
            response:
              contain:
                - Block {actor} at {conduit}.
                - {text: "Close port 502 of {targets}.", protocols: [modbus]}
              verify: [Look.]
            """)
        #expect(complaints == [])
        let rule = try #require(facts).firingRule(criterion: "c")
        #expect(
            rule.response
                == Response(
                    contain: [
                        .init(text: "Block {actor} at {conduit}."),
                        .init(text: "Close port 502 of {targets}.", protocols: ["modbus"]),
                    ], verify: [.init(text: "Look.")]))
        #expect(facts?.custom.isEmpty == true)
        #expect(ResponseKeyTests.parse("").facts?.response.isEmpty == true)
    }

    /// Better advice does not make it another rule.
    @Test func isNoContent() {
        let plain = ResponseKeyTests.parse("").facts?.contentHash
        #expect(plain != nil && ResponseKeyTests.parse("response: {verify: [Look.]}").facts?.contentHash == plain)
    }

    @Test(arguments: [
        ("response: text", "must be a mapping"), ("response: {}", "needs contain, verify or prevent"),
        ("response: {contian: [a]}", "unknown key 'contian'"), ("response: {contain: a}", "must be a list of steps"),
        ("response: {contain: []}", "must be a list of steps"), ("response: {contain: [[a]]}", "must be text"),
        ("response: {verify: [{txt: a}]}", "unknown key 'txt'"), ("response: {verify: ['{who}']}", "no placeholder"),
        ("response: {prevent: [Reboot the PLC]}", "never tells anyone to reboot"),
        ("response: {prevent: [\(String(repeating: "x", count: 601))]}", "at most 600 bytes"),
        (
            "response: {prevent: [\((0..<13).map { "s\($0)" }.joined(separator: ", "))]}", "at most 12 steps"
        ),
    ])
    func faultsRefuseTheRule(_ response: String, _ word: String) {
        let (facts, complaints) = ResponseKeyTests.parse(response)
        #expect(facts == nil)
        #expect(complaints.contains { $0.contains(word) && $0.contains("r.yml:") }, "\(complaints)")
    }
}
