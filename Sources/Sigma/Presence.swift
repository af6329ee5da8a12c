// SPDX-License-Identifier: Apache-2.0

/// Which rules must have occurred: the condition of a temporal correlation as an expression over the names of its rules
/// (`a and (b or not c)`), in the grammar of detection conditions without quantifiers.
public struct Presence: Sendable {
    /// A node of the expression.
    private indirect enum Node: Sendable {
        case rule(Int)
        case not(Node)
        case all([Node])
        case any([Node])
    }

    /// The deepest nesting.
    private static let deepest = 32

    private let root: Node
    /// The expression as it was written.
    public let words: String

    /// Whether rules that occur make it true, given whether each has.
    public func holds(_ occurs: (Int) -> Bool) -> Bool { Presence.holds(root, occurs) }

    /// The places of the rules in the order in which a plain `a and b and c` names them; nil for anything else.
    var sequence: [Int]? {
        switch root {
        case .rule(let place): return [place]
        case .all(let nodes):
            let places = nodes.compactMap { if case .rule(let place) = $0 { place } else { nil } }
            return places.count == nodes.count ? places : nil
        case .any, .not: return nil
        }
    }

    private static func holds(_ node: Node, _ occurs: (Int) -> Bool) -> Bool {
        switch node {
        case .rule(let place): occurs(place)
        case .not(let inner): !holds(inner, occurs)
        case .all(let nodes): nodes.allSatisfy { holds($0, occurs) }
        case .any(let nodes): nodes.contains { holds($0, occurs) }
        }
    }

    /// What is wrong with an expression.
    struct Fault: Error {
        var reason: String
    }

    /// Reads `text`; `place` tells the number of the rule of a name.
    init(_ text: String, place: (String) -> Int?) throws(Fault) {
        words = text
        var tokens: [String] = []
        var word = ""
        for scalar in text.unicodeScalars {
            if scalar == "(" || scalar == ")" || scalar == " " || scalar == "\t" || scalar == "\n" {
                if !word.isEmpty { tokens.append(word) }
                word = ""
                if scalar == "(" || scalar == ")" { tokens.append(String(scalar)) }
            } else {
                word.unicodeScalars.append(scalar)
            }
        }
        if !word.isEmpty { tokens.append(word) }
        var next = 0
        root = try Presence.either(tokens, &next, place, 0)
        guard next == tokens.count else { throw Fault(reason: "'\(tokens[next])' is not expected here") }
    }

    private static func either(
        _ tokens: [String], _ next: inout Int, _ place: (String) -> Int?, _ depth: Int
    ) throws(Fault) -> Node {
        var nodes = [try both(tokens, &next, place, depth)]
        while next < tokens.count, tokens[next].lowercased() == "or" {
            next += 1
            nodes.append(try both(tokens, &next, place, depth))
        }
        return nodes.count == 1 ? nodes[0] : .any(nodes)
    }

    private static func both(
        _ tokens: [String], _ next: inout Int, _ place: (String) -> Int?, _ depth: Int
    ) throws(Fault) -> Node {
        var nodes = [try single(tokens, &next, place, depth)]
        while next < tokens.count, tokens[next].lowercased() == "and" {
            next += 1
            nodes.append(try single(tokens, &next, place, depth))
        }
        return nodes.count == 1 ? nodes[0] : .all(nodes)
    }

    private static func single(
        _ tokens: [String], _ next: inout Int, _ place: (String) -> Int?, _ depth: Int
    ) throws(Fault) -> Node {
        guard depth < deepest else { throw Fault(reason: "is nested too deep") }
        guard next < tokens.count else { throw Fault(reason: "ends where a rule is expected") }
        let token = tokens[next]
        next += 1
        switch token.lowercased() {
        case "not": return .not(try single(tokens, &next, place, depth + 1))
        case "(":
            let inner = try either(tokens, &next, place, depth + 1)
            guard next < tokens.count, tokens[next] == ")" else { throw Fault(reason: "a bracket is not closed") }
            next += 1
            return inner
        case ")", "and", "or": throw Fault(reason: "'\(token)' is not expected here")
        default:
            guard let number = place(token) else {
                throw Fault(reason: "'\(token)' is none of the correlation's rules")
            }
            return .rule(number)
        }
    }
}
