// SPDX-License-Identifier: Apache-2.0
internal import Documents
internal import Inventory

extension Configuration {
    /// Reads one of `intelligence`. Its file is looked at when the list is loaded, so that one fault is told once.
    static func intelligence(_ item: Element, _ path: (Element?) -> String?) -> IntelligenceList? {
        item.allow(only: ["name", "path", "format", "source", "confidence", "severity", "column", "subdomains"])
        guard let file = existing(item.required("path"), path) else { return nil }
        let base = file.split(separator: "/").last.map { String($0.prefix { $0 != "." }) } ?? ""
        var made = IntelligenceList(name: item["name"]?.string ?? (base.isEmpty ? "list" : base), path: file)
        if let format = item["format"],
            let chosen: IntelligenceList.Format = format.choice(of: [
                "auto": .auto, "plain": .plain, "csv": .csv, "stix": .stix,
            ])
        {
            made.format = chosen
        }
        if let source = item["source"]?.string { made.source = source }
        if let confidence = item["confidence"],
            let chosen: IntelligenceList.Confidence = confidence.choice(of: [
                "low": .low, "medium": .medium, "high": .high,
            ])
        {
            made.confidence = chosen
        }
        if let severity = item["severity"],
            let chosen: IntelligenceList.Severity = severity.choice(of: [
                "informational": .informational, "low": .low, "medium": .medium, "high": .high, "critical": .critical,
            ])
        {
            made.severity = chosen
        }
        if let column = item["column"]?.string { made.column = column }
        if let subdomains = item["subdomains"]?.boolean { made.subdomains = subdomains }
        return made
    }
}
