// SPDX-License-Identifier: Apache-2.0
public import Documents
internal import Foundation

extension RuleSet {
    /// Rules of these statuses are not loaded unless asked for.
    private static let retiredStatuses: Set<String> = ["deprecated", "unsupported"]

    /// Loads rule files: each path is a file or a folder, whose `*.yml` and `*.yaml` are read in the order of names;
    /// `texts` are files that are already in memory.
    ///
    /// A rule that cannot mean what it says is left out with a complaint; all others are loaded.
    public static func load(
        paths: [String], texts: [(file: String, text: String)] = [], placeholders: [String: [String]] = [:],
        includeRetired: Bool = false, taxonomy: Taxonomy = .none, complaints: Complaints
    ) -> RuleSet {
        var documents = texts.flatMap { Element.documents($0.text, file: $0.file, complaints: complaints) }
        for path in paths {
            for file in files(path, complaints) {
                guard let data = FileManager.default.contents(atPath: file) else {
                    complaints.add(Complaint(file: file, "cannot be read"))
                    continue
                }
                guard let text = String(validating: data, as: UTF8.self) else {
                    complaints.add(Complaint(file: file, "is not UTF-8"))
                    continue
                }
                documents += Element.documents(text, file: file, complaints: complaints)
            }
        }
        return make(documents, placeholders, includeRetired, taxonomy, complaints)
    }

    /// Loads the rules of one text.
    public static func parse(
        text: String, file: String, placeholders: [String: [String]] = [:], includeRetired: Bool = false,
        taxonomy: Taxonomy = .none, complaints: Complaints
    ) -> RuleSet {
        load(
            paths: [], texts: [(file, text)], placeholders: placeholders, includeRetired: includeRetired,
            taxonomy: taxonomy, complaints: complaints)
    }

    /// Loads the rules of several texts as one set, so that they may name each other.
    public static func parse(
        files: [(name: String, text: String)], placeholders: [String: [String]] = [:], includeRetired: Bool = false,
        taxonomy: Taxonomy = .none, complaints: Complaints
    ) -> RuleSet {
        load(
            paths: [], texts: files.map { ($0.name, $0.text) }, placeholders: placeholders,
            includeRetired: includeRetired, taxonomy: taxonomy, complaints: complaints)
    }

    private static func files(_ path: String, _ complaints: Complaints) -> [String] {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            complaints.add(Complaint(file: path, "does not exist"))
            return []
        }
        guard isFolder.boolValue else { return [path] }
        let names = FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []
        return names.filter { $0.hasSuffix(".yml") || $0.hasSuffix(".yaml") }.sorted().map {
            path.hasSuffix("/") ? path + $0 : path + "/" + $0
        }
    }

    private static func make(
        _ documents: [Element], _ placeholders: [String: [String]], _ includeRetired: Bool, _ taxonomy: Taxonomy,
        _ complaints: Complaints
    ) -> RuleSet {
        let reader = RuleReader(placeholders: placeholders, taxonomy: taxonomy)
        var rules: [DetectionRule] = []
        var filters: [RuleReader.Filter] = []
        var correlations: [RuleReader.Correlation] = []
        var retired: [String] = []
        var ids: [String: (file: String, line: Int)] = [:]
        var merging: Element?
        for document in documents where !document.isNull {
            // Of the old form, in which what is written once is part of the documents that follow: half a rule each.
            if let action = document["action"], ["global", "repeat", "reset"].contains(action.scalar) {
                action.complain("'action: \(action.scalar ?? "")' is of an old form; write each rule in full")
                merging = action
                continue
            }
            if let begun = merging, begun.file == document.file {
                document.complain("belongs to 'action' in line \(begun.line): write the rule in full")
                continue
            }
            if !includeRetired, let status = document["status"]?.scalar, retiredStatuses.contains(status) {
                retired.append(document["id"]?.scalar ?? document["title"]?.scalar ?? document.file)
                continue
            }
            guard let read = reader.read(document) else { continue }
            let key: String
            switch read {
            case .detection(let rule): key = rule.id
            case .filter(let filter): key = filter.rule.id
            case .correlation(let correlation): key = correlation.facts.id
            }
            if let first = ids[key] {
                (document["id"] ?? document).complain(
                    "id '\(key)' is taken by \(first.file):\(first.line); this rule is left out")
                continue
            }
            if let name = document["name"], let text = name.scalar, text != key {
                if let first = ids[text] {
                    name.complain("name '\(text)' is taken by \(first.file):\(first.line); this rule is left out")
                    continue
                }
                ids[text] = (document.file, document.line)
            }
            ids[key] = (document.file, document.line)
            switch read {
            case .detection(let rule): rules.append(rule)
            case .filter(let filter): filters.append(filter)
            case .correlation(let correlation): correlations.append(correlation)
            }
        }
        let kept = apply(filters, reader, Set(retired), to: &rules)
        let linked = link(correlations, &rules)
        let routes = taxonomy.sources.compactMap { source -> Route? in
            guard let selection = source.selection else {
                // Without a condition, and of no mapping, it only says where fields stand.
                return source.isOfAll
                    ? Route(logSource: source.logSource, from: source.from, root: nil, slots: []) : nil
            }
            return reader.root(selection).map {
                Route(
                    logSource: source.logSource, from: source.from, root: $0,
                    slots: reader.selections.program.slots(of: $0))
            }
        }
        return RuleSet(
            rules: rules, correlations: linked, filters: kept, retired: retired, taxonomy: taxonomy,
            routes: routes, program: reader.selections.program)
    }

    private static func apply(
        _ filters: [RuleReader.Filter], _ reader: RuleReader, _ retired: Set<String>, to rules: inout [DetectionRule]
    ) -> [FilterRule] {
        let program = reader.selections.program
        var kept: [FilterRule] = []
        for filter in filters {
            var chosen: [Int] = []
            if let targets = filter.targets {
                var failed = false
                for target in targets {
                    guard let name = target.string else {
                        failed = true
                        continue
                    }
                    let found = rules.indices.filter { rules[$0].id == name || rules[$0].facts.name == name }
                    if found.isEmpty, retired.contains(name) {
                        target.complain("rule '\(name)' is retired and not loaded", severity: .warning)
                    } else if found.isEmpty {
                        target.complain("there is no detection rule '\(name)'; the filter is not active")
                        failed = true
                    }
                    for place in found where !filter.rule.logSource.fits(rules[place].logSource) {
                        target.complain(
                            "the filter's log source does not fit rule '\(name)'; it is not applied there",
                            severity: .warning)
                    }
                    chosen += found
                }
                if failed { continue }
            } else {
                chosen = Array(rules.indices)
            }
            var roots: [LogSource: Int32] = [:]
            for place in Set(chosen).sorted() where filter.rule.logSource.fits(rules[place].logSource) {
                let logSource = rules[place].logSource
                guard let root = roots[logSource] ?? reader.root(filter, for: logSource) else { continue }
                roots[logSource] = root
                rules[place].filters.append((root, kept.count))
                rules[place].slots += program.slots(of: root)
            }
            kept.append(filter.rule)
        }
        return kept
    }

    /// The correlations, each behind those that it refers to.
    private static func link(_ sources: [RuleReader.Correlation], _ rules: inout [DetectionRule]) -> [CorrelationRule] {
        var detections: [String: String] = [:]
        var known: [String: CorrelationReader.Referred] = [:]
        for rule in rules {
            for name in [rule.id, rule.facts.name].compactMap(\.self) {
                detections[name] = rule.id
                known[name] = .init(id: rule.id, name: rule.facts.name)
            }
        }
        var places: [String: Int] = [:]
        for (place, source) in sources.enumerated() {
            places[source.facts.id] = place
            if let name = source.facts.name { places[name] = place }
        }
        var reader = CorrelationReader(known: known, correlations: Set(places.keys))
        var linked: [CorrelationRule] = []
        var states = [LinkState](repeating: .new, count: sources.count)
        for place in sources.indices { link(place, 0, sources, places, &states, &reader, &linked) }
        // A correlation that was refused must not turn its base rules into alerts of their own.
        let named = sources.compactMap { $0.body["rules"] }.flatMap { $0.isSequence ? $0.items : [$0] }
        let referred = Set(named.compactMap { $0.scalar.flatMap { detections[$0] } } + linked.flatMap(\.rules))
        let generating = Set(linked.filter(\.generate).flatMap(\.rules))
        for place in rules.indices {
            rules[place].standsAlone = !referred.contains(rules[place].id) || generating.contains(rules[place].id)
        }
        for place in linked.indices {
            linked[place].standsAlone = !referred.contains(linked[place].id) || generating.contains(linked[place].id)
        }
        return linked
    }

    private enum LinkState { case new, open, done }

    /// The longest chain of correlations.
    private static let longestChain = 16

    private static func link(
        _ place: Int, _ depth: Int, _ sources: [RuleReader.Correlation], _ places: [String: Int],
        _ states: inout [LinkState], _ reader: inout CorrelationReader, _ linked: inout [CorrelationRule]
    ) {
        guard states[place] == .new else { return }
        states[place] = .open
        defer { states[place] = .done }
        let source = sources[place]
        let names = source.body["rules"].map { $0.isSequence ? $0.items : [$0] } ?? []
        for name in names {
            guard let inner = name.scalar.flatMap({ places[$0] }) else { continue }
            if states[inner] == .open {
                name.complain("correlations refer to each other in a circle; they are not active")
                return
            }
            guard depth < longestChain else {
                name.complain("a chain of more than \(longestChain) correlations; it is not active")
                return
            }
            link(inner, depth + 1, sources, places, &states, &reader, &linked)
        }
        guard let rule = reader.read(source) else { return }
        linked.append(rule)
        let referred = CorrelationReader.Referred(id: rule.id, name: rule.facts.name)
        reader.known[rule.id] = referred
        if let name = rule.facts.name { reader.known[name] = referred }
    }
}
