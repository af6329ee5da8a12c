// SPDX-License-Identifier: Apache-2.0
internal import Documents
internal import Events
internal import Wire

/// A YAML element as JSON: members sorted by name, plain numbers and truth values as themselves, no blanks.
///
/// The content hash of a rule is taken over it, so that comments and layout do not make it another rule.
enum CanonicalDocument {
    private static let depthLimit = 64

    /// The JSON of `element`, without the members of the root named in `omitting`.
    static func json(_ element: Element, omitting: Set<String> = []) -> [UInt8] {
        var slab = Slab(capacity: 1_024)
        append(element, omitting, 0, &slab)
        return slab.bytes.array
    }

    private static func append(_ element: Element, _ omitting: Set<String>, _ depth: Int, _ slab: inout Slab) {
        guard depth < depthLimit else {
            slab.append("null")
            return
        }
        if element.isMapping {
            slab.append("{")
            let members = element.members.map { (key: $0.key.scalar ?? "", value: $0.value) }
                .filter { !omitting.contains($0.key) }.sorted { $0.key < $1.key }
            for (index, member) in members.enumerated() {
                if index > 0 { slab.append(",") }
                JSONText.append(member.key, to: &slab)
                slab.append(":")
                append(member.value, [], depth + 1, &slab)
            }
            slab.append("}")
        } else if element.isSequence {
            slab.append("[")
            for (index, item) in element.items.enumerated() {
                if index > 0 { slab.append(",") }
                append(item, [], depth + 1, &slab)
            }
            slab.append("]")
        } else if element.isNull {
            slab.append("null")
        } else if let scalar = element.scalar {
            let isBare = element.isPlain && (["true", "false"].contains(scalar) || isNumber(scalar))
            if isBare { slab.append(scalar) } else { JSONText.append(scalar, to: &slab) }
        } else {
            slab.append("null")
        }
    }

    private static func isNumber(_ text: String) -> Bool {
        guard let first = text.utf8.first, first == 0x2D || (0x30...0x39).contains(first), text.utf8.count <= 64 else {
            return false
        }
        var tape = JSONTape()
        do { try tape.parse(Array(text.utf8).span.bytes) } catch { return false }
        return tape.values[0].kind == .number
    }
}
