// SPDX-License-Identifier: Apache-2.0

/// CISA's location of observed activity, from the Purdue level and kind of an affected asset.
public enum CISALocation: Int, Sendable, CaseIterable, Comparable {
    /// Level 1.
    case businessDMZ = 1
    /// Level 2.
    case businessNetwork
    /// Level 3.
    case businessNetworkManagement
    /// Level 4.
    case criticalSystemDMZ
    /// Level 5.
    case criticalSystemManagement
    /// Level 6.
    case criticalSystems
    /// Level 7.
    case safetySystems

    /// The name.
    public var name: String {
        switch self {
        case .businessDMZ: "business DMZ"
        case .businessNetwork: "business network"
        case .businessNetworkManagement: "business network management"
        case .criticalSystemDMZ: "critical system DMZ"
        case .criticalSystemManagement: "critical system management"
        case .criticalSystems: "critical systems"
        case .safetySystems: "safety systems"
        }
    }

    /// The location of an asset; nil when its level is not known, since that is not the same as level 1.
    public init?(purdue: String?, kind: String?, isSafety: Bool) {
        guard let level = purdue.flatMap(CISALocation.level) else { return nil }
        let kind = CISALocation.words(kind)
        func any(_ words: [String]) -> Bool { words.contains { kind.contains($0) } }
        switch level {
        case ..<3.5:
            if isSafety, level < 2 {
                self = .safetySystems
            } else if level >= 2,
                any(["engineering", "workstation", "historian", "patch", "jump", "configuration", "management"])
            {
                self = .criticalSystemManagement
            } else {
                self = .criticalSystems
            }
        case ..<4: self = .criticalSystemDMZ
        case ..<5:
            self =
                any(["directory", "domain controller", "virtuali", "hypervisor", "management"])
                ? .businessNetworkManagement : .businessNetwork
        default: self = .businessDMZ
        }
    }

    /// A kind of asset in words: plant files write `engineering_workstation`.
    static func words(_ kind: String?) -> String {
        (kind ?? "").lowercased().replacing("_", with: " ").replacing("-", with: " ")
    }

    /// Whether a kind of asset controls the process; a domain controller does not.
    static func isController(kind: String?) -> Bool {
        let words = words(kind).split(separator: " ")
        let isNamed = words.contains { ["plc", "rtu", "ied", "pac", "dcs", "controller"].contains($0) }
        return isNamed && !words.contains("domain")
    }

    /// Whether a kind of asset is a safety system.
    static func isSafety(kind: String?) -> Bool {
        let words = words(kind)
        return words.contains("safety") || words.contains("burner") || words.contains("f cpu")
            || words.split(separator: " ").contains("sis")
    }

    /// The number of a Purdue level written as `1`, `3.5`, `L3` or `Level 2`; nil for anything else.
    static func level(_ text: String) -> Double? {
        let digits = text.drop { !$0.isNumber }
        guard let number = Double(digits), number >= 0, number <= 6 else { return nil }
        return number
    }

    /// By level.
    public static func < (a: CISALocation, b: CISALocation) -> Bool { a.rawValue < b.rawValue }
}
