// SPDX-License-Identifier: Apache-2.0

/// What an analyst does to an incident: each makes one revision, with its steps in the log.
public enum IncidentOrder: Sendable, Equatable {
    /// Takes it: it is worked on from now.
    case acknowledge
    /// Gives it to someone.
    case assign(to: String)
    /// Adds a fact.
    case comment(String)
    /// Moves it on: forwarded, contained, resolved, recovered, or back to in progress.
    case move(to: IncidentStatus)
    /// Ends it.
    case close(IncidentVerdict, reason: String)
    /// Opens it again.
    case reopen(reason: String)
    /// Notes a step: planned, done or given up, and when it is expected to be done.
    case act(String, state: String, expected: Moment?)
    /// Notes a containment measure: emergency, temporary or permanent.
    case contain(String, duration: String)
    /// Notes a recovery step or check.
    case recover(String, state: String)
    /// Confirms or corrects the impacts; nil leaves one as it is.
    case judge(functional: String?, information: String?, recoverability: String?)
    /// Sets the type of incident.
    case classify(String)
    /// States the cause.
    case explain(cause: String)
    /// States the attack vector.
    case trace(vector: String)
    /// States the lessons learned.
    case learn(String)
    /// Keeps its evidence from retention, or lets it go.
    case hold(Bool, reason: String)
    /// Counts, until a time, what its rules fire for its groups again, and tells nobody; nil ends that.
    case suppress(until: Moment?, reason: String)
    /// Notes that its evidence was handed out.
    case handOut(to: String)
}

extension IncidentRecord {
    /// Carries an order out.
    mutating func carry(out order: IncidentOrder, by: String, at time: Moment) throws(IncidentError) {
        try IncidentRecord.check(by, named: "who does it", limit: 128)
        guard actions.count < IncidentRecord.actionLimit else {
            throw refusal("its log is full (\(IncidentRecord.actionLimit) steps)")
        }
        switch order {
        case .acknowledge:
            guard status.isOpen else { throw refusal("it is \(status.words)") }
            guard status == .new else { throw refusal("it is \(status.words) already, with \(lead)") }
            take(by)
            turn(to: .inProgress, by: by, at: time)
            log("acknowledged", "acknowledged", by: by, at: time)
        case .assign(let name):
            try IncidentRecord.check(name, named: "a name", limit: 128)
            guard status.isOpen else { throw refusal("it is \(status.words)") }
            let before = lead
            assignee = name
            lead = name
            log("assigned", "assigned to \(name), before with \(before)", by: by, at: time)
        case .comment(let text):
            try IncidentRecord.check(text, named: "a comment")
            comments.append(Comment(by: by, time: time, text: text))
            log("commented", text, by: by, at: time)
        case .move(let next):
            guard ![.new, .closed, .falsePositive].contains(next) else {
                throw refusal("an incident becomes \(next.words) by another order")
            }
            guard status.isOpen || status == .resolved || status == .recovered else {
                throw refusal("it is \(status.words); re-open it first")
            }
            guard status != next else { throw refusal("it is \(status.words) already") }
            log("moved", "\(status.words) to \(next.words)", by: by, at: time)
            turn(to: next, by: by, at: time)
        case .close(let verdict, let reason):
            guard status != .closed, status != .falsePositive else { throw refusal("it is \(status.words) already") }
            if !reason.isEmpty {
                try IncidentRecord.check(reason, named: "a comment")
                comments.append(Comment(by: by, time: time, text: reason))
            }
            self.verdict = verdict
            turn(to: verdict == .falsePositive ? .falsePositive : .closed, by: by, at: time)
            log("closed", "\(verdict.caption)\(reason.isEmpty ? "" : ": \(reason)")", by: by, at: time)
        case .reopen(let reason):
            guard !status.isOpen else { throw refusal("it is open") }
            guard !related.contains(where: { $0.relation == Relation.mergedInto }) else {
                throw refusal("it was merged into \(related.first { $0.relation == Relation.mergedInto }?.id ?? "")")
            }
            if !reason.isEmpty { try IncidentRecord.check(reason, named: "a comment") }
            open(again: reason.isEmpty ? "re-opened" : reason, by: by, at: time)
        default: try note(order, by: by, at: time)
        }
    }

    /// The orders that fill the record and leave its status alone.
    private mutating func note(_ order: IncidentOrder, by: String, at time: Moment) throws(IncidentError) {
        switch order {
        case .act(let what, let state, let expected):
            try IncidentRecord.check(what, named: "a step")
            try IncidentRecord.check(state, among: ["planned", "done", "given up"])
            var step = Action(what: what, by: by, time: time, state: state, expected: expected)
            step.kind = "step"
            actions.append(step)
        case .contain(let what, let duration):
            try IncidentRecord.check(what, named: "a measure")
            try IncidentRecord.check(duration, among: ["emergency", "temporary", "permanent"])
            containment.append(Measure(what: what, duration: duration, by: by, time: time))
            log("contained", "\(duration) measure: \(what)", by: by, at: time)
        case .recover(let what, let state):
            try IncidentRecord.check(what, named: "a step")
            try IncidentRecord.check(state, among: ["planned", "done", "given up"])
            recovery.append(Action(kind: "recovery", what: what, by: by, time: time, state: state))
            log("recovery", "\(state): \(what)", by: by, at: time)
        case .judge(let functional, let information, let recoverability):
            let before = impact
            if let functional {
                try IncidentRecord.check(functional, among: ["None", "Low", "Medium", "High"])
                impact.functional = functional
            }
            if let information {
                try IncidentRecord.check(
                    information, among: ["None", "Privacy Breach", "Proprietary Breach", "Integrity Loss"])
                impact.information = information
            }
            if let recoverability {
                try IncidentRecord.check(
                    recoverability, among: ["Regular", "Supplemented", "Extended", "Not Recoverable"])
                impact.recoverability = recoverability
            }
            impact.confirmedBy = by
            let old = "\(before.functional), \(before.information), \(before.recoverability)"
            let new = "\(impact.functional), \(impact.information), \(impact.recoverability)"
            log("judged", "impacts \(new); before \(old)", by: by, at: time)
        case .classify(let type):
            try IncidentRecord.check(type, named: "a type", limit: 128)
            let before = classification.current
            classification.current = type
            classification.setBy = by
            let areClasses = setClasses(type, by: by)
            log(
                "classified", "\(type)\(areClasses ? " (classes of the taxonomy)" : ""), before \(before)", by: by,
                at: time)
        case .explain(let text):
            try IncidentRecord.check(text, named: "a cause")
            cause = text
            log("explained", "cause: \(text)", by: by, at: time)
        case .trace(let text):
            try IncidentRecord.check(text, named: "a vector")
            vector = text
            log("traced", "vector: \(text)", by: by, at: time)
        case .learn(let text):
            try IncidentRecord.check(text, named: "lessons")
            afterAction = text
            log("learned", text, by: by, at: time)
        case .hold(let isHeld, let reason):
            try IncidentRecord.check(reason, named: "a reason", limit: 512)
            evidenceHold = EvidenceHold(isHeld: isHeld, reason: reason)
            log("hold", "\(isHeld ? "evidence is held" : "evidence may go"): \(reason)", by: by, at: time)
        case .suppress(let until, let reason):
            try suppress(until: until, reason: reason, by: by, at: time)
        case .handOut(let place):
            try IncidentRecord.check(place, named: "a place", limit: 512)
            for item in evidence.indices {
                evidence[item].custody.append(Custody(by: by, what: "copied to \(place)", time: time))
            }
            log("handed_out", "\(evidence.count) pieces of evidence copied to \(place)", by: by, at: time)
        default: break
        }
    }

    /// Opens it again, by an analyst or because it goes on.
    mutating func open(again reason: String, by: String, at time: Moment) {
        let before = verdict.map { "; the verdict was \($0.caption)" } ?? ""
        verdict = nil
        turn(to: assignee == nil ? .new : .inProgress, by: by, at: time)
        log("reopened", reason + before, by: by, at: time)
    }

    private mutating func take(_ name: String) {
        guard assignee == nil else { return }
        assignee = name
        lead = name
    }

    /// Changes the status, and what follows from it.
    mutating func turn(to next: IncidentStatus, by: String, at time: Moment) {
        let before = status
        status = next
        change(from: before, by: by, at: time)
    }

    /// The most steps of a log: each revision carries all of them.
    static let actionLimit = 4_096

    func refusal(_ reason: String) -> IncidentError { .refused(id: id, reason: reason) }

    static func check(_ text: String, named name: String, limit: Int = 4_000) throws(IncidentError) {
        guard !text.isEmpty, text.utf8.count <= limit else {
            throw .unfit("\(name) takes 1 to \(limit) bytes")
        }
        let isClean = text.unicodeScalars.allSatisfy {
            $0 == "\n" || $0 == "\t" || ($0.properties.generalCategory != .control && $0 != "\u{2028}")
        }
        guard isClean else { throw .unfit("\(name) takes no control characters") }
    }

    static func check(_ text: String, among known: [String]) throws(IncidentError) {
        guard known.contains(text) else { throw .unfit("'\(text)' is none of \(known.joined(separator: ", "))") }
    }
}

extension IncidentStatus {
    /// Its name in words.
    public var words: String { rawValue.replacing("_", with: " ") }
}
