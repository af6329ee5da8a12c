// SPDX-License-Identifier: Apache-2.0
internal import Documents
internal import Events

/// Reads the key `response` of a rule: `{contain, verify, prevent}`, each a list of texts or of `{text, protocols}`.
enum ResponseReader {
    /// The response; an empty one where the rule has none, and after a complaint.
    static func read(_ element: Element?) -> Response {
        guard let element, !element.isNull else { return Response() }
        element.allow(only: ["contain", "verify", "prevent"])
        guard element.isMapping else { return Response() }
        if element.members.isEmpty { element.complain("'response' needs contain, verify or prevent") }
        return Response(
            contain: steps(element["contain"]), verify: steps(element["verify"]), prevent: steps(element["prevent"]))
    }

    private static func steps(_ element: Element?) -> [Response.Step] {
        guard let element else { return [] }
        guard element.isSequence, !element.items.isEmpty else {
            element.complain("\(element.path) must be a list of steps")
            return []
        }
        if element.items.count > Response.stepLimit {
            element.complain("\(element.path) has at most \(Response.stepLimit) steps")
        }
        return element.items.compactMap { item in
            if item.isMapping { item.allow(only: ["text", "protocols"]) }
            guard let text = item.isMapping ? item.required("text")?.string : item.string else { return nil }
            for fault in Response.faults(in: text) { item.complain(fault) }
            return Response.Step(text: text, protocols: item["protocols"]?.strings ?? [])
        }
    }
}
