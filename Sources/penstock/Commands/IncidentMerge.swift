// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Incidents

extension IncidentCommand {
    struct Merge: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Merges it into another incident, which takes over what it has; both say so.")

        @OptionGroup var target: IncidentTarget
        @Option(help: "The incident that it becomes part of.")
        var into: String
        @Option(help: "Why.")
        var comment = ""

        func run() throws {
            try IncidentPlace.telling {
                var (_, engine) = try target.place.open(withPlaybooks: true)
                let changes = try engine.merge(
                    try engine.resolve(target.id), into: try engine.resolve(into), reason: comment, by: target.name,
                    at: wallClock(), announced: true)
                for change in changes { IncidentTarget.tell(change.record) }
            }
        }
    }

    struct Split: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Makes an incident of its own of some of its detections; both say so.",
            discussion: "The report lists the firings; the beginning of an id is enough.")

        @OptionGroup var target: IncidentTarget
        @Option(help: "The firing of a detection; may be given several times.")
        var firing: [String] = []
        @Option(help: "Why.")
        var comment = ""

        func run() throws {
            try IncidentPlace.telling {
                var (_, engine) = try target.place.open(withPlaybooks: true)
                let changes = try engine.split(
                    try engine.resolve(target.id), firings: firing, reason: comment, by: target.name, at: wallClock(),
                    announced: true)
                for change in changes { IncidentTarget.tell(change.record) }
            }
        }
    }

    struct Suppress: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Counts what a closed incident's rules fire for the same groups again, and tells nobody.",
            discussion: """
                Rule, actor and group make the fingerprint. Each such firing is a Detection Finding with status Suppressed, \
                and adds to the count in this incident: nothing is dropped unseen.
                """)

        @OptionGroup var target: IncidentTarget
        @Option(help: "For how many days.")
        var days = 30
        @Option(help: "Why.")
        var comment = ""
        @Flag(help: "Ends the suppression.")
        var end = false

        func validate() throws {
            if !(1...3_650).contains(days) { throw ValidationError("--days takes 1 to 3650") }
        }

        func run() throws {
            let until = wallClock() + Int64(days) * 86_400_000_000_000
            try target.carry(out: [.suppress(until: end ? nil : Moment(until), reason: comment)])
        }
    }
}
