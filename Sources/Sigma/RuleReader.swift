// SPDX-License-Identifier: Apache-2.0
internal import Documents
internal import Wire

/// Reads the documents of rule files: detections, filters and correlations.
struct RuleReader {
    /// A filter before its rules are known.
    struct Filter {
        var rule: FilterRule
        /// The ids or names, or nil for any.
        var targets: [Element]?
        var section: Element
    }

    /// A correlation before its rules are known.
    struct Correlation {
        var facts: RuleFacts
        var body: Element
        var document: Element
    }

    /// A document that was read.
    enum Document {
        case detection(DetectionRule)
        case filter(Filter)
        case correlation(Correlation)
    }

    private static let standardKeys: Set<String> = [
        "title", "id", "name", "related", "taxonomy", "status", "description", "license", "author", "references",
        "date",
        "modified", "logsource", "detection", "fields", "falsepositives", "level", "tags", "scope", "correlation",
        "filter",
        "samples", "penstock", "response",
    ]

    let selections: SelectionReader

    let taxonomy: Taxonomy

    init(placeholders: [String: [String]], taxonomy: Taxonomy) {
        self.taxonomy = taxonomy
        selections = SelectionReader(program: ProgramBuilder(), placeholders: placeholders)
    }

    /// One document; nil after a complaint.
    func read(_ document: Element) -> Document? {
        guard document.isMapping else {
            document.complain("a rule is a mapping")
            return nil
        }
        let kinds = ["detection", "correlation", "filter"].filter { document[$0] != nil }
        guard kinds.count == 1 else {
            document.complain(
                kinds.isEmpty
                    ? "a rule needs 'detection', 'correlation' or 'filter'"
                    : "\(kinds.joined(separator: " and ")) do not go into one document")
            return nil
        }
        // All faults of a document are told at once; one of them is enough to leave it out.
        let before = document.complaints.errors.count
        let facts = facts(document)
        var read: Document?
        switch kinds[0] {
        case "detection": read = detection(document, facts).map { .detection($0) }
        case "filter": read = filter(document, facts).map { .filter($0) }
        default:
            if let body = document["correlation"], let facts {
                if body.isMapping {
                    read = .correlation(Correlation(facts: facts, body: body, document: document))
                } else {
                    body.complain("'correlation' must be a mapping")
                }
            }
        }
        return document.complaints.errors.count == before ? read : nil
    }

    // MARK: Facts

    private func facts(_ document: Element) -> RuleFacts? {
        func text(_ key: String) -> String? {
            guard let element = document[key], !element.isNull else { return nil }
            return element.string
        }
        func texts(_ key: String) -> [String] {
            guard let element = document[key], !element.isNull else { return [] }
            return element.strings
        }
        // Other engines' rules come without title and log source: they can mean only one thing, so they are loaded.
        let id = text("id")
        var title = text("title")
        if title == nil {
            document.complain("a rule needs 'title'", severity: .warning)
            title = text("name") ?? id ?? "\(document.file):\(document.line)"
        }
        if let id, let element = document["id"], !RuleReader.isUUID(id) {
            element.complain("'\(id)' is no UUID", severity: .warning)
        }
        let level = text("level") ?? "medium"
        if !["informational", "low", "medium", "high", "critical"].contains(level) {
            document["level"]?.complain("level must be informational, low, medium, high or critical")
        }
        let status = text("status") ?? ""
        if !["", "stable", "test", "experimental", "deprecated", "unsupported"].contains(status) {
            document["status"]?.complain("status must be stable, test, experimental, deprecated or unsupported")
        }
        var custom: [String: [UInt8]] = [:]
        for (key, value) in document.members {
            if let name = key.scalar, !RuleReader.standardKeys.contains(name) {
                custom[name] = CanonicalDocument.json(value)
            }
        }
        let samples = samples(document["samples"])
        let response = ResponseReader.read(document["response"])
        guard let title else { return nil }
        // Better advice does not make it another rule: its windows and firings stay what they are.
        let content = CanonicalDocument.json(document, omitting: ["samples", "response"])
        return RuleFacts(
            id: id ?? text("name") ?? title, name: text("name"), title: title, description: text("description") ?? "",
            level: level, status: status, tags: texts("tags").map { $0.lowercased() },
            falsePositives: texts("falsepositives"), references: texts("references"),
            contentHash: SHA256.hex(content.span.bytes), samples: samples, file: document.file, line: document.line,
            custom: custom, response: response)
    }

    private func samples(_ element: Element?) -> [RuleSample] {
        guard let element else { return [] }
        guard element.isSequence else {
            element.complain("'samples' must be a list of {event, match}")
            return []
        }
        return element.items.compactMap { item in
            item.allow(only: ["event", "events", "match", "note"])
            guard let match = item.required("match")?.boolean else { return nil }
            let events = item["event"].map { [$0] } ?? item["events"]?.items ?? []
            guard !events.isEmpty, events.allSatisfy(\.isMapping) else {
                item.complain("a sample needs 'event' or 'events'")
                return nil
            }
            return RuleSample(events: events.map { CanonicalDocument.json($0) }, match: match, line: item.line)
        }
    }

    private static func isUUID(_ text: String) -> Bool {
        let groups = text.split(separator: "-", omittingEmptySubsequences: false)
        return groups.map(\.utf8.count) == [8, 4, 4, 4, 12] && groups.joined().allSatisfy(\.isHexDigit)
    }

    // MARK: Detections and filters

    private func logSource(_ document: Element) -> LogSource? {
        guard let element = document["logsource"] else {
            document.complain("a rule needs 'logsource'; it is applied to every event", severity: .warning)
            return LogSource()
        }
        guard element.isMapping else {
            element.complain("'logsource' must be a mapping")
            return nil
        }
        for (key, _) in element.members where !["category", "product", "service", "definition"].contains(key.scalar) {
            key.complain("'\(key.scalar ?? "?")' does not choose a log source", severity: .warning)
        }
        func text(_ key: String) -> String? { element[key].flatMap { $0.isNull ? nil : $0.string } }
        let source = LogSource(category: text("category"), product: text("product"), service: text("service"))
        guard source != LogSource() else {
            element.complain("'logsource' needs a category, product or service")
            return nil
        }
        return source
    }

    /// The formula of a section of selections with its `condition`; nil after a complaint.
    private func formula(
        _ section: Element, besides: [String], _ scope: Taxonomy.Scope
    ) -> (formula: Formula, condition: String)? {
        var selections = selections
        selections.scope = scope
        guard section.isMapping else {
            section.complain("\(section.path) must be a mapping")
            return nil
        }
        var made: [(name: String, formula: Formula)] = []
        var failed = false
        for (key, value) in section.members {
            guard let name = key.scalar, name != "condition", !besides.contains(name) else { continue }
            if name == "timeframe" {
                key.complain("'timeframe' is obsolete and ignored; write a correlation rule", severity: .warning)
            } else if let formula = selections.selection(value) {
                made.append((name, formula))
            } else {
                failed = true
            }
        }
        guard let condition = section.required("condition"), !failed,
            let formula = ConditionReader.read(condition, made)
        else { return nil }
        let words = condition.isSequence ? condition.items.compactMap(\.scalar) : [condition.scalar ?? ""]
        return (formula, words.joined(separator: " | "))
    }

    private func detection(_ document: Element, _ facts: RuleFacts?) -> DetectionRule? {
        let source = logSource(document)
        let folding = folding(document["penstock"])
        // What another taxonomy calls its fields is not known here: they are read as they are written.
        let isStandard = ["", "sigma"].contains(document["taxonomy"]?.scalar ?? "")
        let scope = source.flatMap { isStandard ? taxonomy.scope(of: $0) : nil } ?? .literal
        guard let section = document["detection"], let read = formula(section, besides: [], scope), let facts,
            let source, let folding
        else { return nil }
        let root = selections.program.add(read.formula)
        let slots = selections.program.slots(of: root)
        return DetectionRule(
            facts: facts, logSource: source,
            fields: slots.filter { $0 != Program.keywordSlot }.map { selections.program.fields[$0].name },
            hasKeywords: slots.contains(Program.keywordSlot), condition: read.condition, folding: folding, root: root,
            slots: slots)
    }

    private func folding(_ element: Element?) -> Folding? {
        guard let element else { return .standard }
        element.allow(only: ["group-by", "timespan"])
        guard element.isMapping else { return nil }
        var folding = Folding.standard
        if let group = element["group-by"] { folding.groupBy = group.strings }
        if let span = element["timespan"] {
            guard let milliseconds = span.milliseconds, milliseconds > 0 else { return nil }
            folding.timespan = milliseconds * 1_000_000
        }
        return folding
    }

    private func filter(_ document: Element, _ facts: RuleFacts?) -> Filter? {
        let source = logSource(document)
        guard let section = document["filter"], formula(section, besides: ["rules"], .literal) != nil, let facts,
            let source
        else { return nil }
        guard let rules = section.required("rules") else { return nil }
        let targets = rules.isSequence ? rules.items : rules.scalar == "any" ? nil : [rules]
        if let targets, targets.isEmpty {
            rules.complain("a filter names rules, or any")
            return nil
        }
        return Filter(
            rule: FilterRule(id: facts.id, title: facts.title, logSource: source), targets: targets, section: section)
    }

    /// The root of a filter that was read, for rules of `logSource`: its fields stand where theirs do.
    func root(_ filter: Filter, for logSource: LogSource) -> Int32? {
        formula(filter.section.quiet, besides: ["rules"], taxonomy.scope(of: logSource)).map {
            selections.program.add($0.formula)
        }
    }

    /// The root of what an event must meet to be of a log source; nil after a complaint.
    func root(_ selection: Taxonomy.Selection) -> Int32? {
        selections.selection(selection.element).map { selections.program.add($0) }
    }
}
