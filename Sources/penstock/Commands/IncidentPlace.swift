// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Documents
internal import Glibc
internal import Incidents
internal import Store

/// Where a command finds the incidents: the state store of a configuration.
struct IncidentPlace: ParsableArguments {
    @Option(name: [.customShort("c"), .customLong("config")], help: "The configuration whose service has them.")
    var config: String?

    /// The store, opened beside the service where that runs.
    ///
    /// - Parameter withPlaybooks: what makes advice anew, which most orders leave as it is.
    func open(withPlaybooks: Bool = false) throws -> (store: StateStore, engine: IncidentEngine) {
        let configuration = try RunCommand.load(config)
        let path = configuration.stateFile
        guard access(path, F_OK) == 0 else {
            complain("\(path): \(String(cString: strerror(errno))); the service makes it at its first start")
            throw ExitCode(1)
        }
        do {
            let store = try StateStore(path: path)
            let file = "mappings/attack/ics.yaml"
            let catalog = AttackCatalog.parse(text: Content.embedded(file), file: file, complaints: Complaints())
            var knowledge = IncidentKnowledge(catalog: catalog, playbooks: .empty)
            if withPlaybooks {
                let book = "mappings/attack/playbooks.yaml"
                knowledge.playbooks = Playbooks.parse(
                    text: Content.embedded(book), file: book, complaints: Complaints())
            }
            return (store, IncidentEngine(settings: configuration.incidentSettings, knowledge: knowledge, store: store))
        } catch {
            complain("\(error)")
            throw ExitCode(1)
        }
    }

    /// Runs `body`, and tells what was refused in one line.
    static func telling<Result>(_ body: () throws -> Result) throws -> Result {
        do { return try body() } catch let error as IncidentError {
            complain(error.description)
            throw ExitCode(1)
        } catch let error as StoreError {
            complain(error.description)
            throw ExitCode(1)
        }
    }
}

/// One incident, and who changes it.
struct IncidentTarget: ParsableArguments {
    @OptionGroup var place: IncidentPlace
    @Option(help: "Who does it; without, the user of this session.")
    var by: String?
    @Argument(help: "The incident: INC-3F2A9C1B, or the beginning of it.")
    var id: String

    /// Who does it.
    var name: String {
        if let by { return by }
        for variable in ["SUDO_USER", "USER", "LOGNAME"] {
            if let value = getenv(variable) {
                let text = String(cString: value)
                if !text.isEmpty { return text }
            }
        }
        return "uid \(getuid())"
    }

    /// Carries orders out, one revision each, and tells where the incident stands.
    func carry(out orders: [IncidentOrder]) throws {
        try IncidentPlace.telling {
            var (_, engine) = try place.open()
            let id = try engine.resolve(id)
            var record = try engine.record(id)
            for order in orders {
                record = try engine.order(order, of: id, by: name, at: wallClock(), announced: true).record
            }
            IncidentTarget.tell(record)
        }
    }

    /// One line about where an incident stands.
    static func tell(_ record: IncidentRecord) {
        let verdict = record.verdict.map { ", \($0.caption)" } ?? ""
        print(
            Shown.line(
                "\(record.id): \(record.status.words)\(verdict), with \(record.lead), revision \(record.revision)"))
    }
}
