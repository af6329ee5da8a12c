// SPDX-License-Identifier: Apache-2.0
public import Documents

/// The ids, names and relations of MITRE ATT&CK for ICS, from `mappings/attack/ics.yaml`.
public struct AttackCatalog: Sendable {
    /// A tactic.
    public struct Tactic: Sendable, Equatable {
        /// Its id, such as `TA0106`.
        public let id: String
        /// Its name.
        public let name: String
        /// Its short name as in rule tags, such as `impair-process-control`.
        public let shortName: String
    }

    /// A technique.
    public struct Technique: Sendable, Equatable {
        /// Its id, such as `T0855`.
        public let id: String
        /// Its name.
        public let name: String
        /// The short names of its tactics, in kill-chain order.
        public let tactics: [String]
        /// The ids of its mitigations.
        public let mitigations: [String]
    }

    /// "Mitigation Limited or Not Effective": ATT&CK's word for having no advice.
    public static let noMitigation = "M0816"

    /// The version, such as `18.1`.
    public let version: String
    /// The tactics in kill-chain order.
    public let tactics: [Tactic]
    /// The techniques by id.
    public let techniques: [String: Technique]
    /// The names of mitigations by id.
    public let mitigations: [String: String]

    /// A catalogue without any technique: ids stay ids.
    public static let empty = AttackCatalog(version: "", tactics: [], techniques: [:], mitigations: [:])

    init(version: String, tactics: [Tactic], techniques: [String: Technique], mitigations: [String: String]) {
        self.version = version
        self.tactics = tactics
        self.techniques = techniques
        self.mitigations = mitigations
    }

    /// Reads the table; complains about what is wrong in it and keeps the rest.
    public static func parse(text: String, file: String, complaints: Complaints) -> AttackCatalog {
        guard let root = Element.documents(text, file: file, complaints: complaints).first else { return .empty }
        root.allow(only: ["version", "tactics", "techniques", "mitigations"])
        var tactics: [Tactic] = []
        for (key, value) in root.required("tactics")?.members ?? [] {
            value.allow(only: ["id", "name"])
            guard let short = key.scalar, let id = value.required("id")?.string,
                let name = value.required("name")?.string
            else { continue }
            tactics.append(Tactic(id: id, name: name, shortName: short))
        }
        var mitigations: [String: String] = [:]
        for (key, value) in root.required("mitigations")?.members ?? [] {
            if let id = key.scalar, let name = value.string { mitigations[id] = name }
        }
        var techniques: [String: Technique] = [:]
        let order = tactics.map(\.shortName)
        for (key, value) in root.required("techniques")?.members ?? [] {
            value.allow(only: ["name", "tactics", "mitigations"])
            guard let id = key.scalar, let name = value.required("name")?.string else { continue }
            let named = value.required("tactics")?.strings ?? []
            for tactic in named where !order.contains(tactic) { value.complain("\(id): no tactic '\(tactic)'") }
            let advice = value["mitigations"]?.strings ?? []
            for mitigation in advice where mitigations[mitigation] == nil {
                value.complain("\(id): no mitigation '\(mitigation)'")
            }
            techniques[id] = Technique(
                id: id, name: name, tactics: order.filter { named.contains($0) }, mitigations: advice.sorted())
        }
        return AttackCatalog(
            version: root.required("version")?.string ?? "", tactics: tactics, techniques: techniques,
            mitigations: mitigations)
    }

    /// The tactic of that short name, or nil.
    public func tactic(_ shortName: String) -> Tactic? { tactics.first { $0.shortName == shortName } }

    /// The place of a tactic in the kill chain; unknown ones come last.
    func order(_ shortName: String) -> Int { tactics.firstIndex { $0.shortName == shortName } ?? tactics.count }

    /// The techniques that a rule's tags name, each with the one tactic that this detection counts for.
    ///
    /// Of a technique with several tactics it is the one that the tags name as well, else the first in the kill chain:
    /// counting all of them would make one remote logon look like two stages of an attack. Tags that ATT&CK for ICS does
    /// not have are kept by their id, since rules carry those of Enterprise and of later versions.
    func mapped(_ tags: [String]) -> [Mapped] {
        let named = tags.compactMap { $0.hasPrefix("attack.") ? String($0.dropFirst(7)) : nil }
        let ids = named.filter(AttackCatalog.isTechnique).map { $0.uppercased() }
        let stages = named.filter { !AttackCatalog.isTechnique($0) }.map { $0.replacing("_", with: "-") }
        var seen: Set<String> = []
        return ids.filter { seen.insert($0).inserted }.map { id in
            guard let technique = techniques[id] else { return Mapped(id: id, name: "", tactic: stages.first ?? "") }
            let tactic = technique.tactics.first { stages.contains($0) } ?? technique.tactics.first ?? ""
            return Mapped(id: id, name: technique.name, tactic: tactic)
        }
    }

    struct Mapped: Equatable {
        let id: String
        let name: String
        let tactic: String
    }

    /// Whether a tag's end is a technique's id: `t0855`, or `t1110.001` of Enterprise.
    private static func isTechnique(_ tag: String) -> Bool {
        let bytes = Array(tag.utf8)
        guard bytes.count >= 5, bytes.count <= 9, bytes[0] == 0x74 || bytes[0] == 0x54 else { return false }
        return bytes.dropFirst().allSatisfy { ($0 >= 0x30 && $0 <= 0x39) || $0 == 0x2E }
    }
}
