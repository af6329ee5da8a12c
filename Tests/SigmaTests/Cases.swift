// SPDX-License-Identifier: Apache-2.0
import Documents
import Events
import Foundation
import Sigma

/// Where the shared cases are: beside the package, or where `PENSTOCK_CASES` says.
enum Cases {
    /// The package's own folder, links resolved.
    static let root: URL = {
        URL(fileURLWithPath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
    }()

    static let sigma: URL? = {
        var candidates: [URL] = []
        if let path = ProcessInfo.processInfo.environment["PENSTOCK_CASES"] {
            candidates.append(URL(fileURLWithPath: path))
        }
        var folder = root
        for _ in 0..<6 {
            candidates.append(folder.appendingPathComponent("shared/cases"))
            folder.deleteLastPathComponent()
        }
        return candidates.map { $0.appendingPathComponent("sigma") }
            .first { FileManager.default.fileExists(atPath: $0.path) }
    }()

    /// The objects of a JSON-lines file.
    static func lines(_ name: String) -> [[String: Any]] {
        guard let url = sigma?.appendingPathComponent(name), let text = try? String(contentsOf: url, encoding: .utf8)
        else {
            return []
        }
        return text.split(separator: "\n").compactMap {
            try? JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
        }
    }

    static func bytes(_ object: Any) -> [UInt8] {
        (try? JSONSerialization.data(withJSONObject: object, options: [.fragmentsAllowed])).map { [UInt8]($0) } ?? []
    }

    /// The log sources of a case line.
    static func sources(_ object: Any?) -> LogSources {
        let members = object as? [String: Any] ?? [:]
        func texts(_ key: String) -> Set<String> {
            if let text = members[key] as? String { return [text] }
            return Set(members[key] as? [String] ?? [])
        }
        return LogSources(products: texts("product"), categories: texts("category"), services: texts("service"))
    }

    /// The ids of the rules of `set` that match `event`.
    static func matches(_ set: RuleSet, _ event: [UInt8], _ candidates: RuleCandidates? = nil) throws -> [String] {
        var scratch = MatchScratch()
        var hits: [Int] = []
        set.match(try JSONDocument(event), candidates: candidates ?? set.allCandidates, scratch: &scratch, into: &hits)
        return hits.map { set.rules[$0].id }
    }

    /// The ids of the rules of `set` that match `event` read into a batch.
    static func batchMatches(
        _ set: RuleSet, _ event: [UInt8], paths: [String] = [], candidates: RuleCandidates? = nil
    ) throws -> [String] {
        try BatchMatcher(set, [event], paths: paths, candidates: candidates).matches(event)
    }
}

/// Rules over rows, as the lanes evaluate them: one table for all events.
struct BatchMatcher {
    private let set: RuleSet
    private let table: FieldTable
    private let bound: BoundRules
    private let candidates: RuleCandidates

    /// A table of the paths of `events` and of `paths`.
    init(_ set: RuleSet, _ events: [[UInt8]], paths: [String] = [], candidates: RuleCandidates? = nil) throws {
        var reader = EventReader()
        var builder = FieldTable.Builder()
        for event in events { try reader.collect(event.span.bytes, into: &builder) }
        for path in paths { builder.add(path) }
        self.set = set
        table = builder.build()
        bound = BoundRules(set, table: table)
        self.candidates = candidates ?? set.allCandidates
    }

    func matches(_ event: [UInt8]) throws -> [String] {
        var reader = EventReader()
        var batch = Batch(table: table)
        guard reader.read(event.span.bytes, into: &batch) != nil else { return ["unreadable"] }
        var scratch = MatchScratch()
        var hits: [Int] = []
        bound.match(0, of: batch, candidates: candidates, scratch: &scratch, into: &hits)
        return hits.map { set.rules[$0].id }
    }
}
