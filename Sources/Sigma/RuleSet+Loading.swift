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
        includeRetired: Bool = false, complaints: Complaints
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
        return make(documents, placeholders, includeRetired, complaints)
    }

    /// Loads the rules of one text.
    public static func parse(
        text: String, file: String, placeholders: [String: [String]] = [:], includeRetired: Bool = false,
        complaints: Complaints
    ) -> RuleSet {
        load(
            paths: [], texts: [(file, text)], placeholders: placeholders, includeRetired: includeRetired,
            complaints: complaints)
    }

    /// Loads the rules of several texts as one set, so that they may name each other.
    public static func parse(
        files: [(name: String, text: String)], placeholders: [String: [String]] = [:], includeRetired: Bool = false,
        complaints: Complaints
    ) -> RuleSet {
        load(
            paths: [], texts: files.map { ($0.name, $0.text) }, placeholders: placeholders,
            includeRetired: includeRetired, complaints: complaints)
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
        _ documents: [Element], _ placeholders: [String: [String]], _ includeRetired: Bool, _ complaints: Complaints
    ) -> RuleSet {
        let reader = RuleReader(placeholders: placeholders)
        var rules: [DetectionRule] = []
        var filters: [RuleReader.Filter] = []
        var correlations: [RuleReader.Correlation] = []
        var retired: [String] = []
        var ids: [String: (file: String, line: Int)] = [:]
        for document in documents where !document.isNull {
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
        let kept = apply(filters, reader.selections.program, to: &rules)
        let linked = link(correlations, &rules)
        return RuleSet(
            rules: rules, correlations: linked, filters: kept, retired: retired, program: reader.selections.program)
    }

    private static func apply(
        _ filters: [RuleReader.Filter], _ program: ProgramBuilder, to rules: inout [DetectionRule]
    ) -> [FilterRule] {
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
                    if found.isEmpty {
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
            for place in chosen where filter.rule.logSource.fits(rules[place].logSource) {
                rules[place].filters.append((filter.root, kept.count))
                rules[place].slots += program.slots(of: filter.root)
            }
            kept.append(filter.rule)
        }
        return kept
    }

    private static func link(_ sources: [RuleReader.Correlation], _ rules: inout [DetectionRule]) -> [CorrelationRule] {
        var byName: [String: DetectionRule] = [:]
        for rule in rules {
            byName[rule.id] = rule
            if let name = rule.facts.name { byName[name] = rule }
        }
        var names: Set<String> = []
        for source in sources {
            names.insert(source.facts.id)
            if let name = source.facts.name { names.insert(name) }
        }
        let reader = CorrelationReader(detections: byName, correlations: names)
        let correlations = sources.compactMap { reader.read($0) }
        // A correlation that was refused must not turn its base rules into alerts of their own.
        let refused = sources.compactMap { $0.body["rules"] }.flatMap { $0.isSequence ? $0.items : [$0] }
        let referred = Set(refused.compactMap { $0.scalar.flatMap { byName[$0]?.id } })
        let generating = Set(correlations.filter(\.generate).flatMap(\.rules))
        for place in rules.indices {
            rules[place].standsAlone = !referred.contains(rules[place].id) || generating.contains(rules[place].id)
        }
        return correlations
    }
}
