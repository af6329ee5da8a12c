// SPDX-License-Identifier: Apache-2.0
public import Documents

/// What to do about each technique, from `mappings/attack/playbooks.yaml`.
public struct Playbooks: Sendable {
    /// One step of advice.
    public struct Step: Sendable, Equatable {
        /// The text, with `{actor}`, `{targets}` and `{conduit}` to be filled in.
        public let text: String
        /// The protocols that it is for; empty for all.
        public let protocols: [String]
    }

    /// The three parts of advice: RS.MI wants containment apart from the rest.
    public struct Advice: Sendable, Equatable {
        /// What to do at once.
        public var contain: [Step] = []
        /// What to look at.
        public var verify: [Step] = []
        /// What keeps it from coming again.
        public var prevent: [Step] = []
        /// The technique's name, for those that the catalogue does not have.
        public var name = ""

        var isComplete: Bool { !contain.isEmpty && !verify.isEmpty && !prevent.isEmpty }
    }

    /// Advice by technique id.
    public let techniques: [String: Advice]
    /// Advice by a tactic's short name.
    public let tactics: [String: Advice]
    /// Advice for all else.
    public let fallback: Advice

    /// No advice at all.
    public static let empty = Playbooks(techniques: [:], tactics: [:], fallback: Advice())

    init(techniques: [String: Advice], tactics: [String: Advice], fallback: Advice) {
        self.techniques = techniques
        self.tactics = tactics
        self.fallback = fallback
    }

    /// Reads playbooks; complains about what is wrong in them and keeps the rest.
    public static func parse(text: String, file: String, complaints: Complaints) -> Playbooks {
        guard let root = Element.documents(text, file: file, complaints: complaints).first else { return .empty }
        root.allow(only: ["techniques", "tactics", "fallback"])
        func table(_ name: String) -> [String: Advice] {
            var table: [String: Advice] = [:]
            for (key, value) in root.required(name)?.members ?? [] {
                if let id = key.scalar { table[id] = advice(value) }
            }
            return table
        }
        return Playbooks(
            techniques: table("techniques"), tactics: table("tactics"),
            fallback: root.required("fallback").map(advice) ?? Advice())
    }

    private static func advice(_ element: Element) -> Advice {
        element.allow(only: ["name", "contain", "verify", "prevent"])
        return Advice(
            contain: steps(element.required("contain")), verify: steps(element.required("verify")),
            prevent: steps(element.required("prevent")), name: element["name"]?.string ?? "")
    }

    private static func steps(_ element: Element?) -> [Step] {
        guard let element else { return [] }
        if !element.isSequence || element.items.isEmpty { element.complain("\(element.path) must be a list of steps") }
        return element.items.compactMap { item in
            if item.isMapping { item.allow(only: ["text", "protocols"]) }
            guard let text = item.isMapping ? item.required("text")?.string : item.string else { return nil }
            for name in placeholders(text) where !["actor", "targets", "conduit"].contains(name) {
                item.complain("no placeholder '{\(name)}'; there are {actor}, {targets} and {conduit}")
            }
            // A controller that comes up again may come up with other logic, and evidence in memory is gone.
            if text.lowercased().contains("reboot") { item.complain("a playbook never tells anyone to reboot") }
            return Step(text: text, protocols: item["protocols"]?.strings ?? [])
        }
    }

    private static func placeholders(_ text: String) -> [String] {
        text.split(separator: "{", omittingEmptySubsequences: false).dropFirst().map { String($0.prefix { $0 != "}" }) }
    }

    /// The protocols that some step is for.
    public var protocols: Set<String> {
        var all: Set<String> = []
        for advice in Array(techniques.values) + Array(tactics.values) + [fallback] {
            for step in advice.contain + advice.verify + advice.prevent { all.formUnion(step.protocols) }
        }
        return all
    }

    /// The advice for a technique: its own, else that of its tactics, else the fallback.
    public func advice(technique: String, tactics names: [String]) -> Advice {
        if let own = techniques[technique] ?? techniques[String(technique.prefix { $0 != "." })] { return own }
        var joined = Advice()
        for advice in names.compactMap({ tactics[$0] }) {
            joined.contain += advice.contain
            joined.verify += advice.verify
            joined.prevent += advice.prevent
        }
        return joined.isComplete ? joined : fallback
    }
}
