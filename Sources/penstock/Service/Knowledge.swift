// SPDX-License-Identifier: Apache-2.0
internal import Codecs
internal import Correlator
internal import Documents
internal import Dissection
internal import Events
internal import Incidents
internal import Inventory
internal import Normalizer
internal import Sigma

/// Everything that lanes and the correlator work by, compiled together: one immutable value, replaced as a whole.
final class Knowledge: Sendable {
    /// Mappings, and the field table that all events use.
    let mappings: MappingSet
    /// The plant.
    let plant: PlantModel
    /// What threat-intelligence lists say.
    let intelligence: ThreatIntelligence
    /// What is known of the senders of syslog.
    let senders: SyslogSources
    /// A fresh enricher for a lane.
    let enricher: Enricher
    /// The rules.
    let ruleSet: RuleSet
    /// The rules bound to the table.
    let rules: BoundRules
    /// What correlating asks of hits.
    let correlation: CorrelationPlan
    /// Techniques and mitigations.
    let catalog: AttackCatalog
    /// What to do about techniques.
    let playbooks: Playbooks
    /// Lake partitions by mapping number; the last is the service itself.
    let sources: [String]

    /// The mapping number of events that the service makes itself.
    var ownMapping: UInt16 { UInt16(sources.count - 1) }

    private init(
        mappings: MappingSet, plant: PlantModel, intelligence: ThreatIntelligence, senders: SyslogSources,
        enricher: Enricher, ruleSet: RuleSet, catalog: AttackCatalog, playbooks: Playbooks
    ) {
        self.mappings = mappings
        self.plant = plant
        self.intelligence = intelligence
        self.senders = senders
        self.enricher = enricher
        self.ruleSet = ruleSet
        self.rules = BoundRules(ruleSet, table: mappings.table)
        self.correlation = CorrelationPlan(ruleSet)
        self.catalog = catalog
        self.playbooks = playbooks
        self.sources = mappings.names + ["penstock"]
    }

    /// What loading found besides the knowledge itself.
    struct Loading {
        var knowledge: Knowledge
        var drafts: MappingSet.Drafts
    }

    /// What the configuration says of the plant.
    static func plant(_ configuration: Configuration, _ complaints: Complaints) -> PlantModel {
        guard let path = configuration.zones else {
            let path = "mappings/zones.example.yaml"
            return PlantModel.parse(Content.embedded(path), file: path, complaints: complaints)
        }
        do {
            return PlantModel.parse(try Input.text(path), file: path, complaints: complaints)
        } catch {
            complaints.add(Complaint(file: configuration.file ?? path, "zones: \(error)"))
            return .empty
        }
    }

    /// Loads everything that `configuration` names; every fault is a complaint. The result is only to be used when no
    /// complaint is an error. `forReview`: the drafts are kept with the texts that they were read from.
    static func load(
        _ configuration: Configuration, complaints: Complaints, forReview: Bool = false
    ) -> Loading {
        var builder = FieldTable.Builder(configuration.ocsfVersion.dictionary)
        // Without events there is nothing to map.
        let isParsed = configuration.pipeline == .parse && !forReview
        let drafts =
            isParsed
            ? MappingSet.read([], builder: &builder, complaints: complaints)
            : Content.mappings(
                configuration.mappings, builder: &builder, complaints: complaints, keepingText: forReview)
        let plant = plant(configuration, complaints)
        let intelligence = Content.intelligence(configuration.intelligence, complaints: complaints)
        let plan = Enricher.Plan(plant, intelligence: intelligence, builder: &builder)
        for path in IncidentEngine.fields { builder.add(path) }
        let ruleSet = rules(configuration, plant, complaints)
        let attack = "mappings/attack/ics.yaml"
        let catalog = AttackCatalog.parse(text: Content.embedded(attack), file: attack, complaints: complaints)
        let book = "mappings/attack/playbooks.yaml"
        let playbooks = Playbooks.parse(text: Content.embedded(book), file: book, complaints: complaints)
        let table = builder.build()
        let mappings = MappingSet(drafts, table: table, records: RecordField.vocabulary)
        return Loading(
            knowledge: Knowledge(
                mappings: mappings, plant: plant, intelligence: intelligence,
                senders: SyslogSources(configuration.senders), enricher: plan.finish(table), ruleSet: ruleSet,
                catalog: catalog, playbooks: playbooks), drafts: drafts)
    }

    /// What rules can route on for an event of mapping `number` and class `uid`.
    func logSources(mapping number: UInt16, classUID uid: Int) -> LogSources {
        let sources = mappings.logSources(number)
        let name = mappings.table.dictionary.classes[uid]?.shape.name
        return LogSources(
            products: sources.products, categories: sources.categories.union(name.map { [$0] } ?? []),
            services: sources.services)
    }

    /// The rules. Those in the binary that name lists which the plant file does not have are left out, with one warning: a
    /// plant that has no engineering stations to name must not keep the service from starting.
    private static func rules(
        _ configuration: Configuration, _ plant: PlantModel, _ complaints: Complaints
    ) -> RuleSet {
        let found = Complaints()
        let set = RuleSet.parse(
            files: Content.files(configuration.rules, embeddedBelow: "mappings/rules", complaints: complaints),
            placeholders: plant.lists, taxonomy: Content.taxonomy(complaints), complaints: found)
        let takesEmbedded = configuration.rules.isEmpty || configuration.rules.contains(Content.embeddedName)
        let embedded = takesEmbedded ? Set(Content.embedded(below: "mappings/rules").map(\.name)) : []
        func isLeftOut(_ complaint: Complaint) -> Bool {
            complaint.severity == .error && embedded.contains(complaint.file)
        }
        complaints.add(found.all.filter { !isLeftOut($0) })
        let left = found.all.filter(isLeftOut)
        guard !left.isEmpty else { return set }
        var lists: Set<String> = []
        for complaint in left {
            let parts = complaint.message.split(separator: "%", omittingEmptySubsequences: false)
            if parts.count == 3 { lists.insert(String(parts[1])) }
        }
        complaints.add(
            Complaint(
                file: configuration.zones ?? "mappings/rules",
                "rules of \(Set(left.map(\.file)).count) embedded files are not active: 'lists' lacks "
                    + lists.sorted().joined(separator: ", "), severity: .warning))
        return set
    }
}
