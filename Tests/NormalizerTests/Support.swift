// SPDX-License-Identifier: Apache-2.0
import Documents
import Events
import Foundation
import Normalizer
import Testing
import Wire

/// Where things are: the package, and the shared cases beside it or where `PENSTOCK_CASES` says.
enum Places {
    static let root = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    static let cases: URL? = {
        var candidates: [URL] = []
        if let path = ProcessInfo.processInfo.environment["PENSTOCK_CASES"] {
            candidates.append(URL(fileURLWithPath: path))
        }
        var folder = root
        for _ in 0..<6 {
            candidates.append(folder.appendingPathComponent("shared/cases"))
            folder.deleteLastPathComponent()
        }
        return candidates.first {
            FileManager.default.fileExists(atPath: $0.appendingPathComponent("ocsf/validate.py").path)
        }
    }()

    /// The shipped mapping files.
    static func mappings() throws -> [(name: String, text: String)] {
        let folder = root.appendingPathComponent("mappings/sources")
        let names = try FileManager.default.subpathsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".yaml") }
            .sorted()
        return try names.map { ($0, try String(contentsOf: folder.appendingPathComponent($0), encoding: .utf8)) }
    }
}

/// One mapping set at work.
struct Bench: ~Copyable {
    static let received: Int64 = 1_790_000_000_000_000_000
    let set: MappingSet
    var normalizer: Normalizer
    var batch: Batch

    init(
        _ files: [(name: String, text: String)], records: RecordVocabulary = .none,
        of dictionary: OCSFDictionary = .v1_8_0
    ) throws {
        let complaints = Complaints()
        var builder = FieldTable.Builder(dictionary)
        let drafts = MappingSet.read(files, builder: &builder, complaints: complaints)
        try #require(complaints.all.isEmpty, "\(complaints.all)")
        set = MappingSet(drafts, table: builder.build(), records: records)
        normalizer = Normalizer(set, uidPrefix: "t-")
        batch = Batch(table: set.table)
    }

    init(_ text: String, records: RecordVocabulary = .none, of dictionary: OCSFDictionary = .v1_8_0) throws {
        try self.init([("m.yaml", text)], records: records, of: dictionary)
    }

    /// The number of the event that a message becomes.
    @discardableResult
    mutating func take(
        _ message: [UInt8], transport: TransportKind = .file, peer: IPAddress? = nil, isCut: Bool = false
    ) -> Int {
        batch.append(message.span.bytes, received: Bench.received, peer: peer, transport: transport, isCut: isCut)
        normalizer.normalize(frame: batch.frames.count - 1, of: &batch)
        return batch.rows.count - 1
    }

    @discardableResult
    mutating func take(_ message: String) -> Int { take(Array(message.utf8)) }

    func json(_ row: Int) -> [UInt8] {
        var slab = Slab()
        EventWriter.append(row, of: batch, to: &slab)
        return slab.bytes.array
    }

    func object(_ row: Int) throws -> [String: Any] {
        let json = json(row)
        return try #require(
            try JSONSerialization.jsonObject(with: Data(json)) as? [String: Any],
            "\(String(decoding: json, as: UTF8.self))")
    }

    /// The member of `unmapped` as canonical JSON.
    func unmapped(_ row: Int, without hidden: Set<String> = []) throws -> String {
        let members = (try object(row)["unmapped"] as? [String: Any] ?? [:]).filter { !hidden.contains($0.key) }
        return String(
            decoding: try JSONSerialization.data(
                withJSONObject: members, options: [.sortedKeys, .withoutEscapingSlashes]), as: UTF8.self)
    }
}
