// SPDX-License-Identifier: Apache-2.0
public import Store

/// An incident as people read it, print it and hand it on. The same record gives the same bytes.
public struct IncidentReport: Sendable {
    /// How it is written.
    public enum Format: String, Sendable, CaseIterable {
        /// Markdown.
        case markdown
        /// One HTML file that needs nothing else, and prints.
        case html
        /// The record with its hash.
        case json
        /// A STIX 2.1 bundle.
        case stix
    }

    let record: IncidentRecord
    let hash: String
    let deliveries: [StoredDelivery]
    let catalog: AttackCatalog

    /// A report.
    ///
    /// - Parameters:
    ///   - record: the incident.
    ///   - hash: the SHA-256 of the record's canonical JSON.
    ///   - deliveries: who was told of it.
    ///   - catalog: ATT&CK's names.
    public init(
        _ record: IncidentRecord, hash: String, deliveries: [StoredDelivery] = [], catalog: AttackCatalog
    ) {
        var record = record
        record.notified += deliveries.map {
            IncidentRecord.Notice(
                output: "\($0.sink), revision \($0.revision)", time: Moment($0.time), result: $0.result)
        }
        self.record = record
        self.hash = hash
        self.deliveries = deliveries
        self.catalog = catalog
    }

    /// A report of a record from elsewhere: its hash is taken over its canonical JSON.
    public init(_ record: IncidentRecord, catalog: AttackCatalog) throws {
        self.init(record, hash: Digest.sha256(try record.json()), catalog: catalog)
    }

    /// The report.
    public func bytes(_ format: Format) throws -> [UInt8] {
        switch format {
        case .markdown: return Array(MarkdownReport.text(blocks).utf8)
        case .html: return Array(HTMLReport.text(blocks, title: "Incident \(record.id)").utf8)
        case .json: return try json()
        case .stix: return StixBundle(record, hash: hash, catalog: catalog).bytes
        }
    }

    /// `{"notified", "record", "record_sha256"}`: the record is the canonical JSON that the hash was taken over.
    private func json() throws -> [UInt8] {
        struct Notified: Encodable { var notified: [IncidentRecord.Notice] }
        var kept = record
        kept.notified = []
        var bytes = Array(try CanonicalJSON.bytes(of: Notified(notified: record.notified)).dropLast())
        bytes += Array(#","record":"#.utf8)
        bytes += try kept.json()
        bytes += Array(#","record_sha256":"\#(hash)"}"#.utf8)
        return bytes + [0x0A]
    }

    /// Where an incident stands and what was done, for a terminal.
    public static func brief(_ record: IncidentRecord) -> String {
        var text = "\(record.id)  \(record.severity.rawValue)  \(record.status.words)"
        if let verdict = record.verdict { text += " (\(verdict.caption))" }
        text += "  with \(record.lead)  revision \(record.revision)\n\n\(record.summary)\n\nRules:\n"
        for rule in record.rules.sorted(by: { ($0.first, $0.name) < ($1.first, $1.name) }) {
            text += "  \(rule.first)  \(rule.name): \(rule.detections) detections over \(rule.events) events\n"
        }
        text += "\nAffected:\n"
        for asset in record.affected { text += "  \(asset.placed), \(asset.role)\n" }
        text += "\nContain now:\n"
        for step in record.recommended where step.part == "contain" { text += "  - \(step.text)\n" }
        text += "\nLog:\n"
        for action in record.actions { text += "  \(action.time)  \(action.by): \(action.kind): \(action.what)\n" }
        return Shown.lines(text)
    }
}
