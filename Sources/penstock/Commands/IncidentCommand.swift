// SPDX-License-Identifier: Apache-2.0
public import ArgumentParser
internal import Events
internal import Incidents
internal import Store
internal import Wire

struct IncidentCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "incident", abstract: "Incidents: look at them, take them, comment, close, re-open, verify.",
        discussion: """
            They work on the state store of the configuration, beside a running service or without one. Each change is a \
            revision, with its step in a log that only grows; the service sends it out as an Update or Close.
            """,
        subcommands: [
            List.self, Show.self, Acknowledge.self, Assign.self, Comment.self, Update.self, Close.self, Reopen.self,
            Merge.self, Split.self, Suppress.self, Evidence.self, Verify.self,
        ])

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "The open incidents, latest event first.")

        @OptionGroup var place: IncidentPlace
        @Flag(help: "Closed ones too.")
        var all = false
        @Option(help: "The most to list.")
        var limit = 100
        @Flag(help: "The records as JSON, one a line.")
        var json = false

        func run() throws {
            try IncidentPlace.telling {
                let (store, _) = try place.open()
                var output = Output()
                let rows = try store.look { try $0.incidents(limit: all ? limit : 10_000) }
                for row in rows.filter({ all || $0.isOpen }).prefix(max(0, limit)) {
                    if json {
                        try output.line(row.json.span.bytes)
                        continue
                    }
                    let record = try IncidentRecord(json: row.json)
                    let detections = record.rules.reduce(0) { $0 + $1.detections }
                    let names = record.rules.sorted { ($0.first, $0.name) < ($1.first, $1.name) }.map(\.name)
                    let columns = [
                        record.id, List.wide(record.severity.rawValue, 13), List.wide(record.status.words, 14),
                        "\(record.times.lastEvent ?? record.times.started)", List.wide("\(detections)", 6),
                        List.wide(record.actor.value, 24), List.wide(record.lead, 16), names.joined(separator: ", "),
                    ]
                    let line = Array((Shown.line(columns.joined(separator: "  "))).utf8)
                    try output.line(line.span.bytes)
                }
                try output.flush()
            }
        }

        private static func wide(_ text: String, _ width: Int) -> String {
            text + String(repeating: " ", count: max(0, width - text.count))
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "One incident: where it stands, and its log.",
            discussion: "`penstock report incident` gives the whole of it.")

        @OptionGroup var place: IncidentPlace
        @Flag(help: "The record as canonical JSON: its SHA-256 is the hash of the revision.")
        var json = false
        @Argument(help: "The incident: INC-3F2A9C1B, or the beginning of it.")
        var id: String

        func run() throws {
            try IncidentPlace.telling {
                var (store, engine) = try place.open()
                let id = try engine.resolve(id)
                var output = Output()
                if json, let row = try store.look({ try $0.incident(id) }) {
                    try output.line(row.json.span.bytes)
                } else {
                    let text = IncidentReport.brief(try engine.record(id))
                    try output.write { $0.append(text) }
                }
                try output.flush()
            }
        }
    }

    struct Acknowledge: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Takes it: it is worked on from now.")

        @OptionGroup var target: IncidentTarget

        func run() throws { try target.carry(out: [.acknowledge]) }
    }

    struct Assign: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Gives it to someone.")

        @OptionGroup var target: IncidentTarget
        @Option(help: "The person who leads from now.")
        var to: String

        func run() throws { try target.carry(out: [.assign(to: to)]) }
    }

    struct Comment: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Adds a fact.",
            discussion:
                "Facts only: what one thinks of it belongs into a report, not into the record (SP 800-61r2 3.2.5).")

        @OptionGroup var target: IncidentTarget
        @Argument(help: "The fact.")
        var text: String

        func run() throws { try target.carry(out: [.comment(text)]) }
    }

    struct Close: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Ends it with a verdict.")

        @OptionGroup var target: IncidentTarget
        @Option(help: "What it was: \(IncidentVerdict.allCases.map(\.rawValue).joined(separator: ", ")).")
        var verdict: IncidentVerdict
        @Option(help: "Why.")
        var comment = ""

        func run() throws { try target.carry(out: [.close(verdict, reason: comment)]) }
    }

    struct Reopen: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Opens it again; its verdict is in the log.")

        @OptionGroup var target: IncidentTarget
        @Option(help: "Why.")
        var comment = ""

        func run() throws { try target.carry(out: [.reopen(reason: comment)]) }
    }

    struct Verify: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Proves revisions, log and evidence: nothing altered, nothing removed.",
            discussion: """
                One JSON object an incident, with the hash of its newest revision. Keep it elsewhere (the lake and feeds have \
                it), and even a store that was rewritten as a whole is found out.
                """)

        @OptionGroup var place: IncidentPlace
        @Argument(help: "An incident; without, all.")
        var id: String?

        func run() throws {
            var faults = 0
            try IncidentPlace.telling {
                let (store, engine) = try place.open()
                let ids = try id.map { [try engine.resolve($0)] } ?? store.look { try $0.incidentIDs() }
                var output = Output()
                for id in ids {
                    let audit = try IncidentAudit(id, in: store)
                    faults += audit.faults.count
                    try output.write { slab in
                        slab.append(#"{"incident":"\#(audit.id)","revisions":\#(audit.revisions),"actions":"#)
                        slab.append(#"\#(audit.actions),"evidence":\#(audit.evidence),"head":"\#(audit.head)","#)
                        slab.append(#""faults":["#)
                        for (number, fault) in audit.faults.enumerated() {
                            if number > 0 { slab.append(",") }
                            JSONText.append(fault, to: &slab)
                        }
                        slab.append("]}\n")
                    }
                    for fault in audit.faults { complain("\(audit.id): \(fault)") }
                }
                try output.flush()
            }
            if faults > 0 { throw ExitCode(1) }
        }
    }
}

extension IncidentVerdict: ExpressibleByArgument {}
