// SPDX-License-Identifier: Apache-2.0

extension IncidentRecord {
    /// A step that someone took or will take (SP 800-61r2 3.2.5: every step documented and time-stamped).
    ///
    /// The steps of an incident are a log that only grows: each names the hash of the one before.
    public struct Action: Codable, Sendable, Equatable {
        /// Its place in the log, from 1; 0 until the record was kept.
        public var number: Int
        /// What was done, in one word: opened, acknowledged, assigned, commented, closed, reopened, merged, split, …
        public var kind: String
        /// What.
        public var what: String
        /// By whom.
        public var by: String
        /// When.
        public var time: Moment
        /// planned, done or given up.
        public var state: String
        /// When it is expected to be done.
        public var expected: Moment?
        /// The revision of the record that brought it.
        public var revision: Int
        /// The hash of the step before; nil in the first.
        public var prevHash: String?
        /// The SHA-256 of this step's canonical JSON without this member.
        public var hash: String?

        /// A step that is not in the log yet.
        public init(
            kind: String = "step", what: String, by: String, time: Moment, state: String, expected: Moment? = nil
        ) {
            number = 0
            self.kind = kind
            self.what = what
            self.by = by
            self.time = time
            self.state = state
            self.expected = expected
            revision = 0
        }

        /// Its hash as its content has it.
        func digest() throws -> String {
            var content = self
            content.hash = nil
            return Digest.sha256(try CanonicalJSON.bytes(of: content))
        }
    }

    /// The first step whose hash, number or link to the one before is wrong, by its number; nil when all are right.
    public var faultyAction: Int? {
        var previous: String?
        for (place, action) in actions.enumerated() {
            guard action.number == place + 1, action.prevHash == previous, let hash = action.hash,
                (try? action.digest()) == hash
            else { return place + 1 }
            previous = hash
        }
        return nil
    }

    /// Adds a step.
    mutating func log(_ kind: String, _ what: String, by: String, at time: Moment) {
        actions.append(Action(kind: kind, what: clip(what, 4_096), by: clip(by, 128), time: time, state: "done"))
    }

    /// Closes the log over the steps that were added since `before`, which nobody may change.
    mutating func seal(after before: [Action]) throws {
        let added = actions.dropFirst(before.count).filter { $0.hash == nil }
        actions = before
        for var action in added {
            action.number = actions.count + 1
            action.revision = revision
            action.prevHash = actions.last?.hash
            action.hash = try action.digest()
            actions.append(action)
        }
    }

    /// Takes back what is not an analyst's to change: the chain, the identity and the evidence.
    mutating func protect(_ before: IncidentRecord) {
        (id, uid, revision, prevHash) = (before.id, before.uid, before.revision, before.prevHash)
        (timeline, detections, rules) = (before.timeline, before.detections, before.rules)
        // Custody only grows.
        let handled = Dictionary(evidence.map { ($0.sha256 + $0.eventUid, $0.custody) }) { first, _ in first }
        evidence = before.evidence.map { item in
            var item = item
            if let custody = handled[item.sha256 + item.eventUid], custody.starts(with: item.custody) {
                item.custody = custody
            }
            return item
        }
    }

    /// The steps of this revision.
    var news: [Action] { actions.reversed().prefix { $0.revision == revision }.reversed() }
}
