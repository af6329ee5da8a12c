// SPDX-License-Identifier: Apache-2.0
internal import Events
internal import Glibc
internal import Incidents
internal import Instruments
internal import Wire

/// What the demonstration shows a person.
struct Report: Sendable {
    let folder: String
    let engine: Engine

    /// Writes a line to standard output at once. Not `print`: its buffer would wait, and flushing all of stdio would
    /// wait for the sensor, whose thread holds its capture's lock while it reads.
    private func say(_ text: String) {
        var output = Output()
        try? output.line(Array(text.utf8).span.bytes)
        try? output.flush()
    }

    /// Tells of the normal hour.
    func normal(_ played: (messages: Int, packets: Int), incidents: Int) {
        say(
            "An hour of normal traffic: \(played.messages) syslog messages, \(played.packets) packets, \(incidents) incidents."
        )
    }

    /// Tells that the attack was played.
    func attack(_ played: (messages: Int, packets: Int)) {
        say("The attack: \(played.messages) syslog messages (UDP, TCP, TLS), \(played.packets) packets.\n")
    }

    /// Shows the incident and what each output has of it.
    ///
    /// - Returns: the parts that are missing.
    func incident(_ records: [IncidentRecord], siem: [String], leef: [String], soc: [String]) -> [String] {
        var missing: [String] = []
        for record in records { show(record) }
        if records.count != 1 { missing.append("one incident: there are \(records.count)") }
        let found = Set(records.flatMap { $0.detections.map(\.name) })
        for name in Rehearsed.expected where !found.contains(name) { missing.append("detection \(name)") }
        let id = records.first?.id ?? "INC-?"

        say("Where it is")
        let lake = folder + "/lake"
        for name in ["network_activity", "detection_finding", "incident_finding", "authentication"] {
            let files = Report.files(below: "\(lake)/\(name)", suffix: ".parquet")
            say("  lake       \(files.count) Parquet files in \(lake)/\(name)")
            if files.isEmpty { missing.append("Parquet files of \(name)") }
        }
        let object = "\(lake)/incidents/\(id).json"
        say("  record     \(object)")
        if access(object, R_OK) != 0 { missing.append("the incident's record \(object)") }
        let alerts = siem.filter { $0.contains("CEF:") && $0.contains(id) }
        say(
            "  SIEM       \(siem.count) CEF lines over TCP, \(leef.count) LEEF lines over UDP; \(alerts.count) name the incident"
        )
        if siem.isEmpty { missing.append("CEF lines") }
        if leef.isEmpty { missing.append("LEEF lines") }
        let subjects = soc.compactMap { try? JSONDocument(Array($0.utf8)).text("Subject") }
        say("  SOC        \(soc.count) webhook notifications, the last: \(subjects.last ?? "none")")
        if !subjects.contains(where: { $0.contains(id) }) { missing.append("a webhook notification of the incident") }
        say("  store      \(engine.configuration.data)/penstock.sqlite")
        let lost = engine.hub.registry.total("penstock_dropped_total")
        say(
            "  counters   \(engine.hub.registry.total("penstock_received_messages_total")) messages received, "
                + "\(engine.hub.registry.total("penstock_events_total")) events made, \(lost) dropped")
        if lost > 0 { missing.append("\(lost) messages or events, see penstock_dropped_total") }
        return missing
    }

    /// Says how to go on with the running service.
    func invite() {
        say("\nThe service keeps running (Ctrl-C ends it):")
        for (name, address) in engine.addresses.sorted(by: { $0.key < $1.key }) { say("  syslog \(name)  \(address)") }
        say("  metrics     http://\(engine.configuration.httpHost):\(engine.configuration.httpPort)/metrics")
        say("  try it:     logger --server 127.0.0.1 --port 5514 --udp 'hello'")
        say(
            "  look:       duckdb -c \"SELECT * FROM read_parquet('\(folder)/lake/network_activity/*/*/*.parquet', union_by_name = true) LIMIT 5\""
        )
    }

    private func show(_ record: IncidentRecord) {
        say(
            "[\(record.severity.rawValue)] OT Incident \(record.id), revision \(record.revision), status \(record.status)"
        )
        say("  \(record.summary)\n")
        say("  Techniques")
        for technique in record.techniques { say("    \(technique.id) \(technique.name) (\(technique.tactic))") }
        say("  Detections")
        for tally in record.rules {
            say(
                "    \(Report.padded(tally.name, 36)) \(tally.detections) firing(s), \(tally.events) event(s), from \(tally.first)"
            )
        }
        say("  Affected")
        for asset in record.affected {
            say(
                "    \(Report.padded(asset.address, 16)) \(Report.padded(asset.asset ?? "", 14)) zone \(asset.zone ?? "unknown"), Purdue level \(asset.level ?? "unknown")"
            )
        }
        say("  Timeline (first and last of \(record.timeline.count))")
        let entries = record.timeline.prefix(6) + record.timeline.dropFirst(6).suffix(3)
        for entry in entries { say("    \(entry.time)  \(entry.text)") }
        say("  Recommended")
        for action in record.recommended.prefix(6) { say("    \(action.part): \(action.text)") }
        say("  Evidence: \(record.evidence.count) original messages and packets with their SHA-256\n")
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    /// The files below a folder whose names end in `suffix`.
    static func files(below folder: String, suffix: String) -> [String] {
        guard let open = opendir(folder) else { return [] }
        defer { closedir(open) }
        var found: [String] = []
        while let entry = readdir(open) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard !name.hasPrefix(".") else { continue }
            if name.hasSuffix(suffix) {
                found.append(folder + "/" + name)
            } else if entry.pointee.d_type == UInt8(DT_DIR) {
                found += files(below: folder + "/" + name, suffix: suffix)
            }
        }
        return found
    }
}
