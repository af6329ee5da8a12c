// SPDX-License-Identifier: Apache-2.0
public import Events
internal import Instruments
public import Logging
internal import Wire

/// `penstock lake write`: OCSF events as NDJSON to a lake.
///
/// The input is read twice: once for the attributes that occur, which make the columns, and once for the events. All
/// objects of one run have the same columns; those of several runs are joined by name.
public enum LakeImport {
    /// What a run did.
    public struct Summary: Sendable, Equatable {
        /// Events written.
        public var events = 0
        /// Objects written.
        public var objects = 0
        /// Bytes written.
        public var bytes = 0
        /// Lines that are no events, values left out and objects that could not be stored.
        public var problems = 0
        /// The exit status: 0 when everything was written.
        public var status: Int32 { problems == 0 ? 0 : 1 }
    }

    /// Writes the events of `inputs` (`-` is standard input; none at all as well) to `store`.
    ///
    /// - Parameter complain: gets each problem as `file:line: text`; at most ``complaintLimit`` of them, and a last
    ///   line that counts the others.
    public static func run(
        inputs: [String], to store: any ObjectStore, settings: LakeSettings = LakeSettings(),
        dictionary: OCSFDictionary = .v1_8_0, log: Logger? = nil, complain: (String) -> Void
    ) -> Summary {
        var summary = Summary()
        var told = 0
        func problem(_ text: String) {
            summary.problems += 1
            told += 1
            if told <= complaintLimit { complain(text) }
        }
        var sources: [EventLines.Source] = []
        for path in inputs.isEmpty ? ["-"] : inputs {
            do { sources.append(try EventLines.Source(path)) } catch { problem(error.description) }
        }

        var reader = EventReader()
        var builder = FieldTable.Builder(dictionary)
        for source in sources {
            source.forEach(complain: { _, _ in }) { line, _ in try? reader.collect(line, into: &builder) }
        }
        let table = builder.build()
        if table.fields.count >= FieldTable.limit {
            problem("the input has more than \(FieldTable.limit) attributes; values of the others are left out")
        }

        var objects: [LakeObject] = []
        let writer = LakeWriter(
            settings, registry: Registry(),
            log: log ?? Logger(label: "penstock.lake", factory: { _ in SwiftLogNoOpLogHandler() })
        ) { objects.append($0) }
        func deliver(finished: Bool) {
            if finished { writer.flush() }
            for object in objects {
                do throws(StoreError) {
                    try object.put(into: store)
                    summary.events += object.rows
                    summary.objects += 1
                    summary.bytes += object.byteCount
                } catch {
                    problem("\(object.rows) events are not in the lake: \(error.description)")
                }
            }
            objects.removeAll()
        }

        var batch = Batch(table: table, capacity: 1 << 20)
        for source in sources {
            source.forEach(complain: { problem("\($0.text): \($1)") }) { line, place in
                if let outcome = reader.read(line, into: &batch) {
                    if outcome.unknown + outcome.cut > 0 {
                        problem("\(place.text): \(outcome.unknown + outcome.cut) values have no place in the lake")
                    }
                } else {
                    problem("\(place.text): \(reason(line, &reader))")
                }
                if batch.slab.count > 1 << 20 || batch.rows.count >= 1024 {
                    writer.append(batch)
                    batch.reset()
                    deliver(finished: false)
                }
            }
        }
        writer.append(batch)
        deliver(finished: true)
        if told > complaintLimit { complain("\(told - complaintLimit) more problems are not listed") }
        return summary
    }

    /// The most problems that are listed one by one.
    public static let complaintLimit = 100

    /// Why a line is no event.
    static func reason(_ line: RawSpan, _ reader: inout EventReader) -> String {
        var builder = FieldTable.Builder()
        do {
            try reader.collect(line, into: &builder)
        } catch {
            return switch error {
            case .unexpected(let at): "no JSON: column \(at + 1) is unexpected"
            case .truncated: "no JSON: the line ends too early"
            case .tooDeep(let at): "more than \(JSONTape.depthLimit) levels at column \(at + 1)"
            case .tooMany(let at): "more than \(JSONTape.valueLimit) values at column \(at + 1)"
            case .tooLong(let at): "a number of more than \(JSONTape.numberLimit) characters at column \(at + 1)"
            }
        }
        return "no OCSF event: it needs to be an object with a class_uid"
    }
}
