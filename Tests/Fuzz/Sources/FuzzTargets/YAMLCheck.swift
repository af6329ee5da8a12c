// SPDX-License-Identifier: Apache-2.0
internal import Documents

/// Whether the short way through YAML reads what the full parser reads, places included.
enum YAMLCheck {
    /// A comment that the short way does not take: behind it stands the same text for the full parser, a line further down.
    private static let detour = "#\u{FF21}\n"

    static func compare(_ text: String) {
        // A byte order mark has to come first.
        guard !text.unicodeScalars.contains("\u{FEFF}") else { return }
        let complaints = Complaints()
        let found = Element.documents(text, file: "m.yaml", complaints: complaints)
        let wanted = Element.documents(detour + text, file: "m.yaml", complaints: complaints)
        check(found.count == wanted.count, "\(found.count) documents, and \(wanted.count): \(complaints.all)")
        // What aliases of aliases stand for can be larger than any memory.
        var left = 10_000
        for (one, other) in zip(found, wanted) { compare(one, other, &left) }
    }

    private static func compare(_ one: Element, _ other: Element, _ left: inout Int) {
        left -= 1
        guard left > 0 else { return }
        check(
            one.line + 1 == other.line && one.column == other.column,
            "\(one.line):\(one.column), and \(other.line - 1):\(other.column)")
        check(
            one.scalar == other.scalar && one.isPlain == other.isPlain,
            "line \(one.line): \(one.scalar ?? "-"), and \(other.scalar ?? "-")")
        check(one.isSequence == other.isSequence && one.isMapping == other.isMapping, "line \(one.line)")
        check(one.items.count == other.items.count && one.members.count == other.members.count, "line \(one.line)")
        for (item, another) in zip(one.items, other.items) { compare(item, another, &left) }
        for (member, another) in zip(one.members, other.members) {
            compare(member.key, another.key, &left)
            compare(member.value, another.value, &left)
        }
    }
}
