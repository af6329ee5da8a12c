// SPDX-License-Identifier: Apache-2.0
internal import Documents

/// Reads the documents of `mappings/sigma/`.
enum TaxonomyReader {
    /// The log sources of a document.
    static func sources(_ document: Element) -> [Taxonomy.Source] {
        document.allow(only: ["name", "title", "description", "references", "sources", "sets"])
        guard document.isMapping, let list = document.required("sources") else { return [] }
        guard list.isSequence, !list.items.isEmpty else {
            list.complain("'sources' must be a list")
            return []
        }
        return list.items.flatMap { source($0) }
    }

    private static func source(_ item: Element) -> [Taxonomy.Source] {
        item.allow(only: ["logsource", "from", "when", "fields"])
        guard item.isMapping, let element = item.required("logsource") else { return [] }
        element.allow(only: ["category", "product", "service"])
        func texts(_ key: String) -> [String?] { element[key].map { $0.strings } ?? [nil] }
        let made = texts("category").flatMap { category in
            texts("product").flatMap { product in
                texts("service").map { LogSource(category: category, product: product, service: $0) }
            }
        }
        guard !made.contains(LogSource()) else {
            element.complain("'logsource' needs a category, product or service")
            return []
        }
        var fields: [String: [FieldSource.Path]] = [:]
        if let table = item["fields"] {
            for list in table.isSequence ? table.items : [table] {
                guard list.isMapping else {
                    list.complain("'fields' must be a mapping, or a list of them")
                    continue
                }
                // What stands first counts.
                for (key, value) in list.members {
                    guard let name = key.scalar, fields[name] == nil else { continue }
                    fields[name] = paths(value)
                }
            }
        }
        let selection = item["when"].map { Taxonomy.Selection(element: $0) }
        return made.map { logSource in
            Taxonomy.Source(
                logSource: logSource,
                from: Set((item["from"]?.strings ?? [logSource.product].compactMap(\.self)).map { $0.lowercased() }),
                selection: selection, isOfAll: selection == nil && item["from"] != nil, fields: fields)
        }
    }

    private static func paths(_ element: Element) -> [FieldSource.Path] {
        (element.isSequence ? element.items : [element]).compactMap { item in
            guard item.isMapping else { return item.string.map { FieldSource.Path(path: $0) } }
            item.allow(only: ["path", "values"])
            guard let path = item.required("path")?.string, let values = item.required("values") else { return nil }
            var map: [String: String] = [:]
            for (key, value) in values.members {
                if let name = key.scalar, let text = value.scalar { map[name] = text }
            }
            if map.isEmpty { values.complain("'values' maps what the event says to what rules say") }
            return FieldSource.Path(path: path, values: map)
        }
    }
}
