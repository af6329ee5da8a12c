// SPDX-License-Identifier: Apache-2.0
import Foundation
import Incidents
import Store
import Testing
import Wire

@Suite struct ChainTests {
    @Test func theChainHoldsAndTamperingBreaksIt() throws {
        var engine = Plant.engine()
        let changes = try engine.accept(Plant.attack())
        var chain = changes.map { (revision: $0.record.revision, hash: $0.hash, json: Optional($0.json)) }
        #expect(IncidentChain.fault(chain) == nil)
        chain[1].json = nil
        #expect(IncidentChain.fault(chain) == nil)
        var altered = chain
        var record = try IncidentRecord(json: changes[3].json)
        record.actions.append(.init(what: "none", by: "x", time: Moment(0), state: "done"))
        let forged = try record.json()
        altered[3].json = forged
        #expect(IncidentChain.fault(altered) == .altered(revision: 4))
        altered[3].hash = SHA256.hex(forged.span.bytes)
        #expect(IncidentChain.fault(altered) == .broken(revision: 5))
        chain.remove(at: 2)
        #expect(IncidentChain.fault(chain) == .missing(revision: 3))
    }

    @Test func anyoneCanCheckTheHash() throws {
        var engine = Plant.engine()
        var firings = Plant.attack()
        firings[0].rule.title = "Überlauf / Füllstand → \"Tank\"\t\u{7F}"
        let change = try #require(try engine.accept(firings).last)
        let script = """
            import hashlib, json, sys
            text = json.dumps(json.load(sys.stdin), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
            print(hashlib.sha256(text.encode()).hexdigest(), end="")
            """
        let answer = try Place.run(["python3", "-c", script], input: change.json)
        #expect(answer.output == change.hash, "\(answer.errors)")
    }

    @Test func evidenceIsTheBytes() throws {
        let store = try StateStore(path: ":memory:")
        var engine = Plant.engine(store: store)
        let record = try #require(try engine.accept(Plant.attack()).last?.record)
        #expect(record.evidence.count == record.timeline.count)
        var original: [String: [UInt8]] = [:]
        for hit in Plant.attack().flatMap(\.hits) { original[hit.uid] = hit.evidence[0].bytes }
        for item in record.evidence {
            let stored = try #require(try store.look { try $0.evidence(item.sha256) })
            let slice = Array(stored.bytes[item.offset..<item.offset + item.length])
            let hash = SHA256.hex(slice.span.bytes)
            #expect(hash == item.sha256)
            #expect(slice == original[item.eventUid])
            let raw = try #require(item.raw)
            #expect(item.encoding == (item.kind == "packet" ? "base64" : "text"))
            let bytes = item.encoding == "text" ? Array(raw.utf8) : Data(base64Encoded: raw).map { [UInt8]($0) }
            #expect(bytes == slice)
            #expect(record.timeline.contains { $0.eventUid == item.eventUid && $0.evidence.contains(item.sha256) })
        }
        #expect(try store.look { try $0.evidence(of: record.id) } == record.evidence.map(\.sha256).sorted())
    }

    @Test func largeEvidenceStaysInItsObject() throws {
        var hit = Plant.hit(1, second: 1)
        hit.evidence[0].bytes = Array(repeating: 0x41, count: 5_000)
        var engine = Plant.engine()
        let change = try engine.accept([Plant.firing(Plant.writing, id: "f", hits: [hit])])[0]
        #expect(change.record.evidence[0].raw == nil && change.record.evidence[0].encoding == "object")
        #expect(change.evidence.map(\.sha256) == change.record.evidence.map(\.sha256))
    }
}
