// SPDX-License-Identifier: Apache-2.0

/// What an analyst found an incident to be: OCSF's `verdict_id`.
public enum IncidentVerdict: String, Codable, Sendable, CaseIterable {
    /// Nothing of what was said happened.
    case falsePositive = "false_positive"
    /// It is what it was said to be.
    case truePositive = "true_positive"
    /// It is of no interest.
    case disregard
    /// It looks bad, and nothing proves it.
    case suspicious
    /// It happened, and does no harm.
    case benign
    /// It was a test.
    case test
    /// What is known does not suffice.
    case insufficientData = "insufficient_data"
    /// It happened, and puts the plant at risk.
    case securityRisk = "security_risk"
    /// Others have it.
    case managedExternally = "managed_externally"
    /// Another incident has it.
    case duplicate

    /// OCSF's `verdict_id`.
    public var id: Int { (IncidentVerdict.allCases.firstIndex(of: self) ?? 0) + 1 }

    /// OCSF's caption.
    public var caption: String {
        rawValue.split(separator: "_").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined(separator: " ")
    }
}
