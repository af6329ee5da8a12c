// SPDX-License-Identifier: Apache-2.0
public import Documents
internal import Events

/// Which OCSF events answer the log sources that rules name, and where the fields of those rules stand in them: the
/// tables in `mappings/sigma/`.
public struct Taxonomy: Sendable {
    /// One log source.
    struct Source: Sendable {
        /// What rules ask for.
        var logSource: LogSource
        /// The products of mappings whose events may answer it; empty for any.
        var from: Set<String>
        /// What an event must meet to be of it, as a selection.
        var selection: Selection?
        /// Whether all events of these mappings are of it.
        var isOfAll: Bool
        /// Where fields stand, by the name that rules use.
        var fields: [String: [FieldSource.Path]]
    }

    /// A selection that is read again for each set of rules.
    struct Selection: @unchecked Sendable {
        // Immutable once it is parsed.
        let element: Element
    }

    let sources: [Source]

    /// No table: rules are read as they are written.
    public static let none = Taxonomy(sources: [])

    private init(sources: [Source]) { self.sources = sources }

    /// Reads the tables of `files`.
    public static func parse(files: [(name: String, text: String)], complaints: Complaints) -> Taxonomy {
        Taxonomy(
            sources: files.flatMap { file in
                Element.documents(file.text, file: file.name, complaints: complaints).filter { !$0.isNull }.flatMap {
                    TaxonomyReader.sources($0)
                }
            })
    }

    /// The places of the fields that a rule with `logSource` names.
    func scope(of logSource: LogSource) -> Scope {
        // What is asked for, and each log source that is part of it, with what is said of these more generally.
        let exact = sources.map(\.logSource).filter { logSource.isWithin($0) && $0 != logSource }
        var seen: Set<LogSource> = []
        return Scope(
            lines: ([logSource] + exact).filter { seen.insert($0).inserted }.map { asked in
                sources.filter { $0.logSource.isWithin(asked) }
                    .sorted { $0.logSource.specificity > $1.logSource.specificity }
            })
    }

    /// The places of fields for one log source.
    struct Scope: Sendable {
        /// For each log source the tables that say something of it, the most exact first.
        let lines: [[Source]]

        static let literal = Scope(lines: [])

        /// Where `field` stands: in `unmapped`, where mappings leave what the source said besides, where the tables say,
        /// and where its name says.
        func source(_ field: String) -> FieldSource {
            guard lines.contains(where: { !$0.isEmpty }), !Scope.isOCSF(field) else { return FieldSource(field) }
            var paths: [FieldSource.Path] = []
            func add(_ more: [FieldSource.Path]) {
                for path in more where !paths.contains(path) { paths.append(path) }
            }
            for line in lines {
                if let nearest = line.lazy.compactMap({ $0.fields[field] }).first { add(nearest) }
            }
            // What the source said itself comes first, unless a table says when.
            let own = FieldSource.Path(path: "unmapped." + field)
            if !paths.contains(own) { paths.insert(own, at: 0) }
            add([FieldSource.Path(path: field)])
            return FieldSource(field, paths: paths)
        }

        /// Whether a name is a path of OCSF: a rule may name those of any event.
        private static func isOCSF(_ field: String) -> Bool {
            let parts = field.split(separator: ".", maxSplits: 1)
            guard let root = parts.first, OCSFDictionary.v1_8_0.roots[String(root)] != nil else { return false }
            return parts.count > 1 || root.hasSuffix("_uid") || root.hasSuffix("_id")
        }
    }
}

extension LogSource {
    /// How many keys it names.
    var specificity: Int { [category, product, service].count { $0 != nil } }

    /// Whether every key that it names is `other`'s.
    func isWithin(_ other: LogSource) -> Bool {
        (category == nil || category == other.category) && (product == nil || product == other.product)
            && (service == nil || service == other.service)
    }

    /// Whether a rule with this log source looks at an event of `sources` that is `answer` as well.
    func covers(_ sources: LogSources, with answer: LogSource) -> Bool {
        (category.map { sources.categories.contains($0) || answer.category == $0 } ?? true)
            && (product.map { sources.products.contains($0) || answer.product == $0 } ?? true)
            && (service.map { sources.services.contains($0) || answer.service == $0 } ?? true)
    }
}
