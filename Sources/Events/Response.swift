// SPDX-License-Identifier: Apache-2.0

/// What a rule's author says to do when it fires: the rule's key `response`, one playbook of three parts.
public struct Response: Sendable, Codable, Hashable {
    /// One step.
    public struct Step: Sendable, Codable, Hashable {
        /// The text, with `{actor}`, `{targets}` and `{conduit}` to be filled in.
        public var text: String
        /// The protocols that it is for; empty for all.
        public var protocols: [String]

        /// A step.
        public init(text: String, protocols: [String] = []) {
            self.text = text
            self.protocols = protocols
        }
    }

    /// What to do at once.
    public var contain: [Step]
    /// What to look at.
    public var verify: [Step]
    /// What keeps it from coming again.
    public var prevent: [Step]

    /// A response.
    public init(contain: [Step] = [], verify: [Step] = [], prevent: [Step] = []) {
        self.contain = contain
        self.verify = verify
        self.prevent = prevent
    }

    /// Whether it says nothing.
    public var isEmpty: Bool { contain.isEmpty && verify.isEmpty && prevent.isEmpty }

    /// What a text may name.
    public static let placeholders = ["actor", "targets", "conduit"]

    /// What is wrong with a step's text, in the words of a complaint.
    public static func faults(in text: String) -> [String] {
        let named = text.split(separator: "{", omittingEmptySubsequences: false).dropFirst().map {
            String($0.prefix { $0 != "}" })
        }
        var faults = named.filter { !placeholders.contains($0) }.map {
            "no placeholder '{\($0)}'; there are {actor}, {targets} and {conduit}"
        }
        // A controller that comes up again may come up with other logic, and evidence in memory is gone.
        if text.lowercased().contains("reboot") { faults.append("a playbook never tells anyone to reboot") }
        if text.utf8.count > textLimit { faults.append("a step has at most \(textLimit) bytes") }
        return faults
    }

    /// The most bytes of a step: it goes into every revision of an incident, and into notifications.
    public static let textLimit = 600
    /// The most steps of a part.
    public static let stepLimit = 12
}
