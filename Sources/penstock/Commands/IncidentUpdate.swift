// SPDX-License-Identifier: Apache-2.0
public import ArgumentParser
internal import Glibc
internal import Incidents
internal import Store
internal import Wire

extension IncidentCommand {
    struct Update: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Moves it on, and fills what only people know.",
            discussion: "Each option is a revision of its own, with a step in the log, in the order of this list.")

        @OptionGroup var target: IncidentTarget
        @Option(help: "Where it stands: in_progress, forwarded, contained, resolved or recovered.")
        var status: IncidentStatus?
        @Option(help: "The functional impact: None, Low, Medium or High.")
        var functional: String?
        @Option(help: "The information impact: None, Privacy Breach, Proprietary Breach or Integrity Loss.")
        var information: String?
        @Option(help: "The recoverability: Regular, Supplemented, Extended or Not Recoverable.")
        var recoverability: String?
        @Option(help: "The type of incident.")
        var type: String?
        @Option(help: "The cause.")
        var cause: String?
        @Option(help: "The attack vector.")
        var vector: String?
        @Option(help: "A containment measure.")
        var measure: String?
        @Option(help: "How long the measure holds: emergency (hours), temporary (about two weeks) or permanent.")
        var duration = "emergency"
        @Option(help: "A step that is taken.")
        var step: String?
        @Option(help: "A step or check of recovery.")
        var recovery: String?
        @Option(help: "Whether step and recovery are planned, done or given up.")
        var state = "done"
        @Option(help: "When a planned step is expected to be done (RFC 3339).")
        var expected: String?
        @Option(help: "The lessons learned.")
        var lessons: String?
        @Option(help: "Keeps the evidence from retention, for this reason.")
        var hold: String?
        @Option(help: "Lets the evidence go, for this reason.")
        var release: String?

        func run() throws {
            var orders: [IncidentOrder] = []
            if let status { orders.append(.move(to: status)) }
            if functional != nil || information != nil || recoverability != nil {
                orders.append(
                    .judge(functional: functional, information: information, recoverability: recoverability))
            }
            if let type { orders.append(.classify(type)) }
            if let cause { orders.append(.explain(cause: cause)) }
            if let vector { orders.append(.trace(vector: vector)) }
            if let measure { orders.append(.contain(measure, duration: duration)) }
            if let step { orders.append(.act(step, state: state, expected: try Update.moment(expected))) }
            if let recovery { orders.append(.recover(recovery, state: state)) }
            if let lessons { orders.append(.learn(lessons)) }
            if let hold { orders.append(.hold(true, reason: hold)) }
            if let release { orders.append(.hold(false, reason: release)) }
            if orders.isEmpty { throw ValidationError("there is nothing to update: give an option") }
            try target.carry(out: orders)
        }

        private static func moment(_ text: String?) throws -> Moment? {
            guard let text else { return nil }
            let bytes = Array(text.utf8)
            guard let time = RFC3339.read(bytes.span.bytes), time.length == bytes.count else {
                throw ValidationError("--expected takes a time such as 2026-11-20T10:00:00Z, not '\(text)'")
            }
            return Moment(time.nanoseconds)
        }
    }

    struct Evidence: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Copies the evidence of an incident to a folder, and notes that in its custody.",
            discussion: "Each file has its SHA-256 as name; SHA256SUMS goes with `sha256sum -c`.")

        @OptionGroup var target: IncidentTarget
        @Option(name: .shortAndLong, help: "The folder, which is made.")
        var output: String

        func run() throws {
            try IncidentPlace.telling {
                var (store, engine) = try target.place.open()
                let id = try engine.resolve(target.id)
                guard mkdir(output, 0o700) == 0 || errno == EEXIST else {
                    throw Input.Failure(description: "\(output): \(String(cString: strerror(errno)))")
                }
                var sums = ""
                for sha256 in Set(try engine.record(id).evidence.map(\.sha256)).sorted() {
                    guard let stored = try store.look({ try $0.evidence(sha256) }) else {
                        complain("\(id): evidence \(sha256) is missing")
                        throw ExitCode(1)
                    }
                    try WholeFile.write(stored.bytes, to: "\(output)/\(sha256)")
                    sums += "\(sha256)  \(sha256)\n"
                }
                try WholeFile.write(Array(sums.utf8), to: "\(output)/SHA256SUMS")
                let order = IncidentOrder.handOut(to: output)
                IncidentTarget.tell(
                    try engine.order(order, of: id, by: target.name, at: wallClock(), announced: true).record)
            }
        }
    }
}

extension IncidentStatus: ExpressibleByArgument {}
