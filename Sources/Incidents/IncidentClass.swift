// SPDX-License-Identifier: Apache-2.0

/// A class of the Reference Incident Classification Taxonomy that ENISA and the European CSIRTs agreed on.
public enum IncidentClass: String, Sendable, CaseIterable {
    // In the order in which they count where more than three apply: what has come about before what was tried.
    case availability
    case informationContentSecurity = "information-content-security"
    case intrusions
    case maliciousCode = "malicious-code"
    case fraud
    case intrusionAttempts = "intrusion-attempts"
    case informationGathering = "information-gathering"
    case vulnerable
    case abusiveContent = "abusive-content"
    case other
    case test

    /// The most classes of an incident.
    static let limit = 3

    /// The name of the class.
    public var name: String {
        rawValue.split(separator: "-").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined(separator: " ")
    }

    /// The class of that id or name; nil when it is none.
    public init?(named text: String) {
        let id = text.lowercased().split { $0 == " " || $0 == "-" || $0 == "_" }.joined(separator: "-")
        self.init(rawValue: id)
    }

    /// The class of each tactic, of ATT&CK for ICS and for Enterprise.
    private static let tactics: [String: IncidentClass] = [
        "reconnaissance": .informationGathering, "resource-development": .informationGathering,
        "discovery": .informationGathering, "initial-access": .intrusionAttempts,
        "credential-access": .intrusionAttempts, "execution": .intrusions, "persistence": .intrusions,
        "privilege-escalation": .intrusions, "evasion": .intrusions, "defense-evasion": .intrusions,
        "stealth": .intrusions, "defense-impairment": .intrusions, "lateral-movement": .intrusions,
        "command-and-control": .maliciousCode, "collection": .informationContentSecurity,
        "exfiltration": .informationContentSecurity, "impair-process-control": .informationContentSecurity,
        "inhibit-response-function": .availability, "impact": .availability,
    ]

    /// Techniques whose class is not that of their tactic: phishing; sniffing; data destroyed, encrypted or taken, which the
    /// taxonomy counts as loss, modification and leak of information; a device that can be reached from the Internet.
    private static let techniques: [String: IncidentClass] = [
        "T0865": .fraud, "T1566": .fraud, "T1598": .fraud, "T0842": .informationGathering,
        "T1040": .informationGathering, "T0809": .informationContentSecurity, "T1485": .informationContentSecurity,
        "T1486": .informationContentSecurity, "T0882": .informationContentSecurity, "T0883": .vulnerable,
        "T1110": .intrusionAttempts,
    ]

    /// The class of a technique in a tactic; nil where it has none.
    init?(technique: String, tactic: String) {
        let parent = technique.split(separator: ".").first.map(String.init) ?? ""
        guard let found = IncidentClass.techniques[parent] ?? IncidentClass.tactics[tactic] else { return nil }
        self = found
    }
}

extension IncidentRecord {
    /// One of the classes of an incident.
    public struct ClassEntry: Codable, Sendable, Equatable {
        /// The id in the taxonomy, such as `information-gathering`.
        public var id: String
        /// Its name, such as `Information Gathering`.
        public var name: String
        /// What it was derived from: tactic, technique and rule.
        public var reason: String
        /// The analyst who set it; the engine then leaves all of them alone.
        public var setBy: String?
    }

    /// Derives the classes from the tactics of the rules that fired. None is fine: the incident is undetermined then.
    mutating func deriveClasses() {
        if let classes = classification.classes, classes.contains(where: { $0.setBy != nil }) { return }
        // What devices refused was tried only.
        let isRefused = Set(affected.compactMap(\.writes)) == ["refused"]
        var facts: [IncidentClass: Set<String>] = [:]
        for detection in detections {
            for mapping in detection.techniques {
                guard var found = IncidentClass(technique: mapping.technique, tactic: mapping.tactic) else { continue }
                if isRefused, mapping.tactic == "impair-process-control" { found = .intrusionAttempts }
                let name = techniques.first { $0.id == mapping.technique }?.name ?? ""
                let technique = name.isEmpty ? mapping.technique : "\(mapping.technique) \(name)"
                let tactic = mapping.tactic.isEmpty ? "" : " (\(mapping.tactic))"
                facts[found, default: []].insert("\(technique)\(tactic) of \(detection.name)")
            }
            guard detection.techniques.isEmpty else { continue }
            for tag in detection.tags {
                let tactic = tag.hasPrefix("attack.") ? String(tag.dropFirst(7)).replacing("_", with: "-") : ""
                if let found = IncidentClass(technique: "", tactic: tactic) {
                    facts[found, default: []].insert("\(tactic) of \(detection.name)")
                } else if tag.hasPrefix("cve.") {
                    facts[.intrusionAttempts, default: []].insert("\(tag) of \(detection.name)")
                }
            }
        }
        let classes = IncidentClass.allCases.filter { facts[$0] != nil }.prefix(IncidentClass.limit).map { found in
            let all = (facts[found] ?? []).sorted()
            let more = all.count > 3 ? " and \(all.count - 3) more" : ""
            return ClassEntry(
                id: found.rawValue, name: found.name, reason: all.prefix(3).joined(separator: "; ") + more)
        }
        classification.classes = classes.isEmpty ? nil : Array(classes)
    }

    /// Takes an analyst's classes, by ids or names with commas between; false when `text` names anything else.
    mutating func setClasses(_ text: String, by: String) -> Bool {
        let named = text.split(separator: ",").map { IncidentClass(named: String($0)) }
        var classes: [IncidentClass] = []
        for case let found? in named where !classes.contains(found) { classes.append(found) }
        guard !named.isEmpty, !named.contains(nil), classes.count <= IncidentClass.limit else { return false }
        classification.classes = classes.map {
            ClassEntry(id: $0.rawValue, name: $0.name, reason: "set by \(by)", setBy: by)
        }
        return true
    }

    /// The fact that a firing brought, in words: for a change of type.
    func fact(of firing: String) -> String? {
        guard let detection = detections.first(where: { $0.firing == firing }) else { return nil }
        if detection.isSafety { return "\(detection.name) fired: process safety is touched" }
        let names = detection.techniques.prefix(3).map { mapping in
            let name = techniques.first { $0.id == mapping.technique }?.name ?? ""
            return "\(mapping.technique)\(name.isEmpty ? "" : " \(name)") (\(mapping.tactic))"
        }
        return "\(detection.name) fired\(names.isEmpty ? "" : ": \(names.joined(separator: ", "))")"
    }
}
