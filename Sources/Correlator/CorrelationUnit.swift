// SPDX-License-Identifier: Apache-2.0
internal import Events
internal import Instruments
internal import Sigma

/// One rule that fires: a correlation, or a detection rule that alerts on its own.
struct CorrelationUnit {
    let rule: Firing.Rule
    /// The contents that its state is good for: its own and those of the rules it refers to.
    let identity: String
    /// The correlation; nil for a detection rule, whose every event fires or joins the open firing.
    let correlation: CorrelationRule?
    /// The group's fields: their names, and by referred rule the field that the event has for it.
    let group: [(name: String, fields: [String?])]
    let timespan: Int64
    let isAbsence: Bool
    let late: Instrument
    let fired: Instrument
    var table = GroupTable()
    /// Ends of full windows to look at (absence), in order of time.
    var timers: [Timer] = []
    var firstTimer = 0

    /// The end of a window that began behind an event.
    struct Timer {
        var time: Int64
        var place: Int
        var serial: Int
        var event: WindowEvent
    }

    init(_ correlation: CorrelationRule, bases: [String], _ registry: Registry) {
        identity = ([correlation.id, correlation.facts.contentHash] + bases).joined(separator: " ")
        rule = correlation.facts.firingRule(criterion: correlation.criterion)
        self.correlation = correlation
        group = correlation.group.map { ($0.name, $0.fields) }
        timespan = correlation.timespan
        isAbsence = correlation.asksForAbsence
        (late, fired) = CorrelationUnit.instruments(rule.id, registry)
    }

    init(_ detection: DetectionRule, _ registry: Registry) {
        let folding = detection.folding
        identity = "\(detection.id) \(detection.facts.contentHash) alone"
        rule = detection.facts.firingRule(criterion: detection.condition)
        correlation = nil
        group = folding.groupBy.map { ($0, [$0]) }
        timespan = folding.timespan
        isAbsence = false
        (late, fired) = CorrelationUnit.instruments(rule.id, registry)
    }

    private static func instruments(_ rule: String, _ registry: Registry) -> (Instrument, Instrument) {
        (
            registry.counter(
                "penstock_correlation_late_events_total", ["rule": rule],
                help: "Events that came after their windows were decided, by rule."),
            registry.counter("penstock_firings_total", ["rule": rule], help: "Firings, without revisions, by rule.")
        )
    }

    /// The group of an event that matched referred rule number `referred`; nil when it takes no part.
    ///
    /// A correlation leaves out events without a group field. A detection rule must not lose an alert over that: there
    /// the group has the fields that the event has.
    func values(_ document: JSONDocument, referred: Int) -> [(field: String, value: String)]? {
        var values: [(field: String, value: String)] = []
        for member in group {
            let value = member.fields[min(referred, member.fields.count - 1)].flatMap {
                CorrelationUnit.text($0, document)
            }
            if let value {
                values.append((member.name, value))
            } else if correlation != nil {
                return nil
            }
        }
        return values
    }

    /// The text of a field. A Detection Finding (OCSF 2004) has its endpoints in `evidences`.
    private static func text(_ field: String, _ document: JSONDocument) -> String? {
        if let text = document.text(field) { return text }
        return field.hasPrefix("src_endpoint.") || field.hasPrefix("dst_endpoint.")
            ? document.text("evidences." + field) : nil
    }

    /// A text that two groups share only when they are one.
    static func key(_ values: [(field: String, value: String)]) -> String {
        values.map { "\($0.field.utf8.count):\($0.field)\($0.value.utf8.count):\($0.value)" }.joined()
    }
}
