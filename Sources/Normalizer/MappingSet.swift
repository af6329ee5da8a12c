// SPDX-License-Identifier: Apache-2.0
public import Documents
public import Events
internal import Patterns
public import Wire

/// All mappings of one load, compiled for one field table. Immutable: a reload makes a new one.
public struct MappingSet: Sendable {
    /// Mappings as read from their files, before their attributes are numbered.
    public struct Drafts {
        var all: [MappingDraft] = []

        /// The number of mappings.
        public var count: Int { all.count }
    }

    /// The attributes that the normalizer itself writes, besides those of mappings.
    public static let paths = [
        "activity_id", "category_uid", "class_uid", "type_uid", "severity_id", "time", "message", "raw_data",
        "metadata.uid", "metadata.version", "metadata.product.name", "metadata.profiles", "metadata.logged_time",
        "metadata.original_time", "metadata.log_name", "device.hostname", "device.ip", "device.type_id", "device.type",
        "src_endpoint.ip", "src_endpoint.port", "src_endpoint.hostname", "dst_endpoint.ip", "dst_endpoint.port",
        "dst_endpoint.hostname", "unmapped.syslog.facility", "unmapped.syslog.appname", "unmapped.syslog.procid",
        "unmapped.syslog.msgid", "unmapped.syslog.structured_data", "unmapped.syslog.problems", "unmapped.syslog.relay",
        "unmapped.penstock.mapping", "unmapped.penstock.fault", "unmapped.penstock.class_uid",
        "unmapped.penstock.cut", "unmapped.penstock.claimed_time", "unmapped.peer.ip", "unmapped.origin.tls.subject",
        "unmapped.origin.tls.fingerprint", "unmapped.origin.proxy.ip", "unmapped.origin.file.path",
    ]

    /// How many texts are parsed at a time when they are not kept.
    private static let textsAtATime = 8

    let mappings: [Mapping]
    /// The field table of the events that these mappings make.
    public let table: FieldTable
    /// Top-level names below `unmapped` that the service uses itself; members from outside get out of their way.
    let reserved: ByteTable
    let records: RecordVocabulary
    let recognizer: Recognizer
    /// What the normalizer itself writes.
    let fields: Normalizer.Fields
    /// The shape of events that no mapping makes.
    let base: RowShape
    let basePlaces: EnvelopePlaces
    let profilesPlace: Place
    /// The most places of any shape.
    let places: Int
    /// The most bytes of a text: a `string_t` of OCSF 1.1 has at most 65,535 characters.
    let longestText: UInt32

    /// Reads mapping files and adds their attributes and constants to a table under construction.
    ///
    /// `keepingText`: whether the drafts are reviewed or their samples run afterwards. Otherwise no more than a few texts
    /// are in memory at a time. A mapping of one of the files `givingWay` gives way to one of its name
    /// in another file.
    public static func read(
        _ files: [(name: String, text: String)], builder: inout FieldTable.Builder, complaints: Complaints,
        keepingText: Bool = true, givingWay: Set<String> = []
    ) -> Drafts {
        var drafts = Drafts()
        for path in paths { builder.add(path) }
        for text in ["unknown", "host", builder.dictionary.version] { _ = builder.constant(text) }
        if !builder.dictionary.isNative { for path in OlderVersion.paths { builder.add(path) } }
        let schema = SchemaView(.v1_8_0)
        // By name: whether the mapping gives way.
        var names: [String: Bool] = [:]
        let step = keepingText ? max(1, files.count) : textsAtATime
        for first in stride(from: 0, to: files.count, by: step) {
            let some = Array(files[first..<min(first + step, files.count)])
            for root in Element.documents(some, complaints: complaints).joined() {
                guard var draft = MappingDraft.read(root, schema, builder: &builder) else { continue }
                let isEmbedded = givingWay.contains(root.file)
                switch names[draft.name] {
                case nil: break
                case true? where !isEmbedded: drafts.all.removeAll { $0.name == draft.name }
                case false? where isEmbedded: continue
                default:
                    root.complain("mapping '\(draft.name)' is given twice")
                    continue
                }
                names[draft.name] = isEmbedded
                if !keepingText { draft.forgetText() }
                drafts.all.append(draft)
            }
        }
        for draft in drafts.all {
            for event in draft.events {
                for profile in event.profiles { _ = builder.constant(profile) }
                for line in event.lines + event.lists.flatMap(\.lines) {
                    guard let sibling = line.target.sibling else { continue }
                    let parent = line.path.pathParent
                    builder.add(parent.isEmpty ? sibling : parent + "." + sibling)
                }
            }
        }
        return drafts
    }

    /// Compiles drafts for `table`, which was built from the builder that read them. `records` names the fields of sensor
    /// records.
    public init(_ drafts: Drafts, table: FieldTable, records: RecordVocabulary = .none) {
        self.table = table
        self.records = records
        longestText = table.dictionary.isNative ? .max : 65_535
        var reserved = ByteTable()
        if let unmapped = table.id("unmapped") {
            for field in table.fields where field.parent == unmapped { reserved.insert(Array(field.name.utf8), 0) }
        }
        self.reserved = reserved
        let fields = Normalizer.Fields(table)
        self.fields = fields
        let schema = SchemaView(table.dictionary)
        let order = drafts.all.indices.sorted {
            (drafts.all[$0].rank, drafts.all[$0].name) < (drafts.all[$1].rank, drafts.all[$1].name)
        }
        let mappings = order.enumerated().map {
            Mapping(
                drafts.all[$0.element], number: $0.offset + 1, table: table, schema, records: records, fields: fields,
                reserved: reserved)
        }
        self.mappings = mappings
        recognizer = Recognizer(order.map { drafts.all[$0].matchers })
        base = fields.base
        basePlaces = fields.places(base, fields.baseClass)
        // A Base Event of OCSF 1.1 has no device, and the profile has nothing to say of it.
        profilesPlace = fields.baseClass.shape.attributes["device"] == nil ? -1 : base.place(fields.profiles)
        places = mappings.flatMap { $0.events.map(\.shape.template.count) }.reduce(base.template.count, max)
    }

    /// Complains about what the schema demands of the events of `drafts`, of which this set was made, and nothing in them
    /// makes; and warns of what they say in vain: branches that no record reaches, captures that no
    /// step makes, matches that another mapping covers, and samples that two mappings of one rank take.
    public func review(_ drafts: Drafts) {
        for draft in drafts.all { MappingReview.run(draft, records: records) }
        MatchReview.run(drafts.all)
    }

    /// The name of mapping `number` as a row carries it; `unknown` for records that no mapping knows.
    public func name(_ number: UInt16) -> String {
        number > 0 && Int(number) <= mappings.count ? mappings[Int(number) - 1].name : "unknown"
    }

    /// The names of all mappings, by number; 0 is `unknown`.
    public var names: [String] { ["unknown"] + mappings.map(\.name) }

    /// What rules can route on: products, categories and services of mapping `number`.
    public func logSources(_ number: UInt16) -> (products: Set<String>, categories: Set<String>, services: Set<String>)
    {
        number > 0 && Int(number) <= mappings.count
            ? mappings[Int(number) - 1].logSources : (["ocsf"], [], [])
    }

    /// Runs the samples in the files of `drafts`, of which this set was made.
    ///
    /// - Returns: how many passed; each failure is a complaint at the attribute's place in the file.
    public func runSamples(_ drafts: Drafts) -> (passed: Int, failed: Int) {
        let outcomes = sampleOutcomes(drafts)
        for outcome in outcomes where !outcome.passed { outcome.complain() }
        let passed = outcomes.count { $0.passed }
        return (passed, outcomes.count - passed)
    }

    /// What becomes of the samples in the files of `drafts`, of which this set was made.
    public func sampleOutcomes(_ drafts: Drafts) -> [SampleOutcome] {
        var outcomes: [SampleOutcome] = []
        let older = OlderVersion(table.dictionary)
        for draft in drafts.all {
            for (number, sample) in draft.samples.enumerated() {
                var normalizer = Normalizer(self)
                var batch = Batch(table: table)
                let input = Array(sample.input.utf8)
                let isNotice = draft.matchers.allSatisfy { $0.notice != nil }
                batch.append(
                    input.span.bytes, received: SampleOutcome.received, transport: isNotice ? .service : .file)
                var outcome = SampleOutcome(sample, number: number + 1, of: draft.name)
                guard normalizer.normalize(frame: 0, of: &batch) else {
                    let taken = name(UInt16(normalizer.takeTally().dropped.first?.mapping ?? 0))
                    outcome.isDropped = true
                    if taken != draft.name { outcome.taken = taken }
                    outcomes.append(outcome)
                    continue
                }
                while normalizer.next(of: &batch) {}
                // Of several events some may be Base Events: their mapping could not take that part of the record.
                let names = batch.rows.map { name($0.mapping) }
                if !names.contains(draft.name) { outcome.taken = names[0] }
                outcome.count = batch.rows.count
                for (row, expected) in sample.expected.enumerated() where row < batch.rows.count {
                    for (path, wanted, element) in expected {
                        let found = older?.text(path, in: row, batch) ?? batch.text(at: path, in: row)
                        if found != wanted, older?.agrees(path, wanted, found, in: row, batch) != true {
                            outcome.differences.append(
                                SampleOutcome.Difference(path: path, expected: wanted, actual: found, element: element))
                        }
                    }
                }
                outcome.read(batch)
                outcomes.append(outcome)
            }
        }
        return outcomes
    }
}
