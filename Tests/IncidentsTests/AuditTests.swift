// SPDX-License-Identifier: Apache-2.0
import Foundation
import Incidents
import Store
import Testing

/// `penstock incident verify`: an untouched store is proven, and each way of touching it is found out.
@Suite struct AuditTests {
    /// A store with a worked-on incident, after `sql` was run on it by another program.
    private func audit(after sql: String) throws -> IncidentAudit {
        let folder = try Place.scratch()
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.path + "/penstock.sqlite"
        var store = try StateStore(path: path)
        var engine = Plant.engine(store: store)
        let id = try #require(try engine.accept(Plant.attack()).last?.record.id)
        for number in 0..<3 { _ = try engine.order(.comment("fact \(number)"), of: id, by: "ana", at: Int64(number)) }
        try store.close()
        if !sql.isEmpty {
            let script =
                "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.executescript(sys.argv[2]); c.commit()"
            let answer = try Place.run(["python3", "-c", script, path, sql])
            #expect(answer.status == 0, "\(answer.errors)")
        }
        store = try StateStore(path: path)
        return try IncidentAudit(id, in: store)
    }

    @Test func anUntouchedStoreIsProven() throws {
        let audit = try audit(after: "")
        #expect(audit.faults == [] && audit.revisions == 10 && audit.actions == 4 && audit.evidence == 16)
        #expect(audit.head.utf8.count == 64)
    }

    @Test(arguments: [
        ("UPDATE incident_revisions SET json = replace(json, 'fact 0', 'fact X') WHERE revision = 9", "altered"),
        ("DELETE FROM incident_revisions WHERE revision = 4", "revision 4 is missing"),
        ("DELETE FROM incident_revisions WHERE revision = 10", "not that of its newest revision"),
        (
            "UPDATE incidents SET json = CAST(replace(CAST(json AS TEXT), 'fact 1', 'fact Y') AS BLOB)",
            "step 3 of the log"
        ),
        ("UPDATE evidence SET bytes = zeroblob(length(bytes)) WHERE rowid = 1", "is not what was received"),
        ("DELETE FROM evidence WHERE rowid = 2", "is missing"),
        ("UPDATE incidents SET json = CAST('{}' AS BLOB)", "cannot be read"),
    ])
    func tamperingIsFoundOut(_ sql: String, _ word: String) throws {
        let sql = sql.replacing("json = replace(json,", with: "json = CAST(replace(CAST(json AS TEXT),")
            .replacing("'fact X')", with: "'fact X') AS BLOB)")
        let faults = try audit(after: sql).faults
        #expect(faults.contains { $0.contains(word) }, "\(faults)")
    }

    @Test func idsAreFound() throws {
        let store = try StateStore(path: ":memory:")
        var engine = Plant.engine(store: store)
        let id = try engine.accept([Plant.attack()[0]])[0].record.id
        for text in [id, id.lowercased(), String(id.dropFirst(4)), String(id.prefix(7))] {
            #expect(try engine.resolve(text) == id)
        }
        for text in ["", "INC-", "INC-0000", "nonsense", "%", "INC-_"] {
            #expect(throws: IncidentError.unknown(id: text)) { try engine.resolve(text) }
        }
        _ = try engine.accept(
            (1...40).map { number in
                Plant.firing(
                    Plant.writing, id: "f\(number)", hits: [Plant.hit(number, second: 1, source: "10.0.0.\(number)")],
                    source: "10.0.0.\(number)")
            })
        #expect(throws: (any Error).self) {
            for digit in "0123456789ABCDEF" { _ = try engine.resolve("INC-\(digit)") }
        }
    }
}
