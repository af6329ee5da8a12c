// SPDX-License-Identifier: Apache-2.0
public import ArgumentParser
internal import Codecs
internal import Documents
internal import Incidents
internal import Store
internal import Wire

struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report", abstract: "Reports for people and for other systems.", subcommands: [Incident.self])

    struct Incident: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "An incident with all that is known of it: readable, printable, or as STIX 2.1.",
            discussion: "The same record gives the same bytes: no time in a report is that of its making.")

        @OptionGroup var place: IncidentPlace
        @Option(help: "markdown, html (one file, prints), json (the record) or stix (a bundle).")
        var format = IncidentReport.Format.markdown
        @Option(name: .shortAndLong, help: "The file to write; without, standard output.")
        var output: String?
        @Option(help: "A record from the lake (incidents/<id>.json) instead of one in the store.")
        var record: String?
        @Argument(help: "The incident: INC-3F2A9C1B, or the beginning of it.")
        var id: String?

        func validate() throws {
            if (id == nil) == (record == nil) { throw ValidationError("give an incident, or --record FILE") }
        }

        func run() throws {
            let bytes = try IncidentPlace.telling { try (try report()).bytes(format) }
            if let output {
                try WholeFile.write(bytes, to: output)
                return
            }
            var out = Output()
            try out.write { $0.append(bytes.span.bytes) }
            try out.flush()
        }

        private func report() throws -> IncidentReport {
            if let record {
                var bytes: [UInt8] = []
                try Input.frames([record], mode: .none) { span, _ in bytes += span.array }
                let file = "mappings/attack/ics.yaml"
                let catalog = AttackCatalog.parse(text: Content.embedded(file), file: file, complaints: Complaints())
                guard let read = try? IncidentRecord(json: bytes) else {
                    throw Input.Failure(description: "\(record): no record of an incident")
                }
                return try IncidentReport(read, catalog: catalog)
            }
            let (store, engine) = try place.open()
            let id = try engine.resolve(id ?? "")
            guard let row = try store.look({ try $0.incident(id) }) else { throw IncidentError.unknown(id: id) }
            return IncidentReport(
                try IncidentRecord(json: row.json), hash: row.hash,
                deliveries: try store.look { try $0.deliveries(of: id) },
                catalog: engine.catalog)
        }
    }
}

extension IncidentReport.Format: ExpressibleByArgument {}
