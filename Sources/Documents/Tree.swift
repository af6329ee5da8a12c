// SPDX-License-Identifier: Apache-2.0
internal import Yams

/// A node of a YAML document as ``Element`` reads it, taken over from the parser once: the parser's own nodes are copied
/// with all they hold each time one is looked at.
final class Tree: Sendable {
    /// How a scalar was written.
    enum Style: Sendable {
        case plain
        case singleQuoted
        case doubleQuoted
        /// `|` or `>`.
        case block
    }

    enum Content: Sendable {
        case scalar(String, Style)
        case sequence([Tree])
        case mapping([(key: Tree, value: Tree)])
    }

    let content: Content
    /// Where it begins, from 1; an alias is where its anchor stands.
    let line: Int
    let column: Int

    init(_ content: Content, _ mark: Mark? = nil) {
        self.content = content
        line = mark?.line ?? 0
        column = mark?.column ?? 0
    }

    init(_ content: Content, _ place: SimpleYAML.Place) {
        self.content = content
        line = place.line
        column = place.column
    }

    /// The trees of nodes with an anchor, so that aliases share them: what aliases of aliases stand for can be larger than
    /// any memory.
    typealias Anchored = [ObjectIdentifier: Tree]

    static func make(_ node: Node, _ anchored: inout Anchored) -> Tree {
        if let anchor = node.anchor, let known = anchored[ObjectIdentifier(anchor)] { return known }
        let tree: Tree
        switch node {
        case .scalar(let scalar): tree = Tree(.scalar(scalar.string, style(scalar.style)), scalar.mark)
        case .sequence(let sequence):
            tree = Tree(.sequence(sequence.map { make($0, &anchored) }), sequence.mark)
        case .mapping(let mapping):
            let members = mapping.map { (key: make($0.key, &anchored), value: make($0.value, &anchored)) }
            tree = Tree(.mapping(members), mapping.mark)
        case .alias: tree = Tree(.scalar("", .plain), nil)
        }
        if let anchor = node.anchor { anchored[ObjectIdentifier(anchor)] = tree }
        return tree
    }

    private static func style(_ style: Node.Scalar.Style) -> Style {
        switch style {
        case .any, .plain: .plain
        case .singleQuoted: .singleQuoted
        case .doubleQuoted: .doubleQuoted
        case .literal, .folded: .block
        }
    }

    /// The dotted path to `wanted` from here, for messages; a key has its mapping's.
    func path(to wanted: Tree) -> String? {
        var seen: Set<ObjectIdentifier> = []
        func search(_ tree: Tree, _ path: String) -> String? {
            if tree === wanted { return path }
            guard seen.insert(ObjectIdentifier(tree)).inserted else { return nil }
            switch tree.content {
            case .scalar: return nil
            case .sequence(let items):
                for (index, item) in items.enumerated() {
                    if let found = search(item, "\(path)[\(index)]") { return found }
                }
            case .mapping(let members):
                for (key, value) in members {
                    var name = "?"
                    if case .scalar(let text, _) = key.content { name = text }
                    if key === wanted { return path }
                    if let found = search(value, path.isEmpty ? name : path + "." + name) { return found }
                }
            }
            return nil
        }
        return search(self, "")
    }
}
