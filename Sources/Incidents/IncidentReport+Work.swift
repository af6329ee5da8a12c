// SPDX-License-Identifier: Apache-2.0

/// What people did, what is missing, and where each outcome stands.
extension IncidentReport {
    var work: [ReportBlock] {
        var blocks: [ReportBlock] = [
            .heading(2, "Response"),
            .facts([
                ("Cause", .some(record.cause)), ("Vector", .some(record.vector)),
                ("Lessons", .some(record.afterAction)),
            ]),
        ]
        func add(_ title: String, _ head: [String], _ rows: [[Cell]]) {
            guard !rows.isEmpty else { return }
            blocks += [.heading(3, title), .table(head, rows)]
        }
        add(
            "Containment", ["When", "By", "Measure", "Holds"],
            record.containment.map { [Cell("\($0.time)"), Cell($0.by), Cell($0.what), Cell($0.duration)] })
        add(
            "Recovery", ["When", "By", "Step", "State"],
            record.recovery.map { [Cell("\($0.time)"), Cell($0.by), Cell($0.what), Cell($0.state)] })
        add(
            "Comments", ["When", "By", "Fact"],
            record.comments.map { [Cell("\($0.time)"), Cell($0.by), Cell($0.text)] })
        add("Related incidents", ["Incident", "How"], record.related.map { [.code($0.id), Cell($0.relation)] })
        add(
            "Notified (RS.CO-02)", ["When", "Who, by which output", "Result"],
            record.notified.map { [Cell("\($0.time)"), Cell($0.output), Cell($0.result)] })
        blocks += [
            .heading(2, "Log of steps (RS.AN-06)"),
            .paragraph("Each step names the hash of the one before; penstock incident verify proves it."),
            .table(
                ["No.", "When", "By", "Kind", "What", "State", "Expected", "SHA-256"],
                record.actions.map {
                    [
                        Cell("\($0.number)"), Cell("\($0.time)"), Cell($0.by), Cell($0.kind), Cell($0.what),
                        Cell($0.state), .time($0.expected), .code($0.hash ?? ""),
                    ]
                }),
            .heading(2, "Coverage"),
            .paragraph(
                record.coverage.isComplete
                    ? "Nothing is known to be missing." : "Something is missing, or was left out of the record."),
        ]
        let missing =
            record.coverage.losses.map { [Cell("lost"), Cell($0.what), .some($0.source), Cell("\($0.count)")] }
            + record.coverage.cuts.map { [Cell("not listed"), Cell($0.what), .some($0.source), Cell("\($0.count)")] }
        if !missing.isEmpty { blocks.append(.table(["", "What", "Of", "Number"], missing)) }
        if !record.coverage.guards.isEmpty { blocks.append(.list(record.coverage.guards.map { Cell($0) })) }
        return blocks
    }

    /// The outcomes of SP 800-61r3 (CSF 2.0), the fields of revision 2 behind them, and what the record holds of each.
    var outcomes: [ReportBlock] {
        func held(_ count: Int, _ what: String) -> String {
            count == 0 ? "open: none noted" : "\(count) \(what)\(count == 1 ? "" : "s")"
        }
        let rows: [(String, String, String, String)] = [
            ("DE.AE-08", "the criterion that made it an incident", "3.2.4", record.declaredBy.name),
            (
                "RS.MA-01", "who leads, whom to reach", "3.2.5",
                "\(record.lead); \(held(record.contacts.count, "contact"))"
            ),
            (
                "RS.MA-02", "severity and urgency, with what they were made from", "3.2.6",
                "\(record.severity.rawValue), \(record.urgency)"
            ),
            ("RS.MA-03", "the type, at first sight and now", "App. B", record.classification.current),
            ("RS.MA-05, RC.RP-03 to 05", "recovery and its checks", "3.3.4", held(record.recovery.count, "step")),
            (
                "RS.AN-03", "what happened, in its order, to which assets", "3.4.1, App. B",
                "\(held(record.timeline.count, "event")), \(held(record.affected.count, "asset"))"
            ),
            ("RS.AN-03", "the cause", "App. B", record.cause == nil ? "open: not stated" : "stated"),
            (
                "RS.AN-06", "each step recorded, its integrity kept", "3.2.5",
                "\(held(record.actions.count, "step")), log \(record.faultyAction == nil ? "intact" : "BROKEN")"
            ),
            ("RS.AN-07", "evidence, its integrity and custody", "3.2.5, 3.3.2", held(record.evidence.count, "piece")),
            ("RS.AN-08", "how far it may reach", "App. B", held(record.otherTargets.count, "other target")),
            ("RS.CO-02", "who was told", "App. B.1", held(record.notified.count, "notification")),
            ("RS.MI-01", "containment, and how long it holds", "3.3.1", held(record.containment.count, "measure")),
            (
                "RC.RP-06, ID.IM", "lessons and corrective actions", "3.4.1",
                record.afterAction == nil ? "open: not stated" : "stated"
            ),
        ]
        return [
            .heading(2, "Outcomes of NIST SP 800-61r3, with the fields of revision 2"),
            .table(
                ["Outcome (CSF 2.0)", "What it asks for", "Revision 2", "In this record"],
                rows.map { [Cell($0.0), Cell($0.1), Cell($0.2), Cell($0.3)] }),
        ]
    }
}
