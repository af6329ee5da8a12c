// SPDX-License-Identifier: Apache-2.0
public import Documents
public import Events

/// What to do about each technique, from `mappings/attack/playbooks.yaml`.
public struct Playbooks: Sendable {
    /// One step of advice.
    public typealias Step = Response.Step

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
    /// What ATT&CK's mitigations mean in a plant, by id, in our words.
    public let mitigations: [String: String]

    /// No advice at all.
    public static let empty = Playbooks(
        techniques: [:], tactics: [:], fallback: Advice(), mitigations: [:])

    init(
        techniques: [String: Advice], tactics: [String: Advice], fallback: Advice, mitigations: [String: String]
    ) {
        self.mitigations = mitigations
        self.techniques = techniques
        self.tactics = tactics
        self.fallback = fallback
    }

    /// Reads playbooks; complains about what is wrong in them and keeps the rest.
    public static func parse(text: String, file: String, complaints: Complaints) -> Playbooks {
        guard let root = Element.documents(text, file: file, complaints: complaints).first else { return .empty }
        root.allow(only: ["techniques", "tactics", "fallback", "mitigations"])
        var mitigations: [String: String] = [:]
        for (key, value) in root["mitigations"]?.members ?? [] {
            guard let id = key.scalar, let text = value.string else { continue }
            for fault in Response.faults(in: text) { value.complain(fault) }
            mitigations[id] = text
        }
        func table(_ name: String) -> [String: Advice] {
            var table: [String: Advice] = [:]
            for (key, value) in root.required(name)?.members ?? [] {
                if let id = key.scalar { table[id] = advice(value) }
            }
            return table
        }
        return Playbooks(
            techniques: table("techniques"), tactics: table("tactics"),
            fallback: root.required("fallback").map(advice) ?? Advice(), mitigations: mitigations)
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
            for fault in Response.faults(in: text) { item.complain(fault) }
            return Step(text: text, protocols: item["protocols"]?.strings ?? [])
        }
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
