// SPDX-License-Identifier: Apache-2.0
import Documents
import Events
import Normalizer
import Testing

/// Mappings that are read only to be used, without their texts.
struct LoadingTests {
    private static func read(
        _ files: [(name: String, text: String)], keepingText: Bool
    ) -> (drafts: MappingSet.Drafts, table: FieldTable, told: [String]) {
        let complaints = Complaints()
        var builder = FieldTable.Builder()
        let drafts = MappingSet.read(files, builder: &builder, complaints: complaints, keepingText: keepingText)
        return (drafts, builder.build(), complaints.byPlace.map(\.description))
    }

    /// They become the same set as with them: the same numbers of attributes, the same events of all samples.
    @Test func sameSet() throws {
        let files = try Places.mappings()
        let kept = LoadingTests.read(files, keepingText: true)
        let used = LoadingTests.read(files, keepingText: false)
        #expect(kept.told == [] && used.told == [] && kept.drafts.count == used.drafts.count)
        #expect(kept.table.fields.map(\.path) == used.table.fields.map(\.path))
        #expect(kept.table.constants == used.table.constants)
        let set = MappingSet(used.drafts, table: used.table)
        let known = MappingSet(kept.drafts, table: kept.table)
        #expect(set.names == known.names)
        #expect(set.runSamples(kept.drafts) == known.runSamples(kept.drafts))
        #expect(set.runSamples(used.drafts) == (0, 0))
    }

    /// Their faults are told alike.
    @Test func sameFaults() throws {
        var files = try Places.mappings()
        for number in files.indices where number % 3 == 0 {
            files[number].text = files[number].text.replacing("class: ", with: "class: x", maxReplacements: 2)
                .replacing("src_endpoint.ip:", with: "src_endpoint.ipp:", maxReplacements: 1)
        }
        files[1].text += "\n]"
        let kept = LoadingTests.read(files, keepingText: true)
        let used = LoadingTests.read(files, keepingText: false)
        #expect(kept.told.count > 30 && Set(kept.told) == Set(used.told))
    }

    /// One of the user's takes the place of an embedded one of its name, in either order; two of the user's do not.
    @Test func ownInPlaceOfEmbedded() throws {
        func text(_ vendor: String) -> String {
            """
            name: demo
            title: demo
            product: {name: P, vendor_name: \(vendor)}
            match: [{contains: [demo]}]
            parse: [{kv: true}]
            events: [{class: base_event, activity_id: 0}]
            samples: []
            """
        }
        let files = [("own.yaml", text("Own")), ("embedded.yaml", text("Embedded"))]
        for files in [files, files.reversed()] {
            let complaints = Complaints()
            var builder = FieldTable.Builder()
            let drafts = MappingSet.read(
                files, builder: &builder, complaints: complaints, givingWay: ["embedded.yaml"])
            #expect(drafts.count == 1 && complaints.all.isEmpty)
            let set = MappingSet(drafts, table: builder.build())
            var normalizer = Normalizer(set)
            var batch = Batch(table: set.table)
            let line = Array("<13>Nov 21 10:00:01 h demo a=b".utf8)
            batch.append(line.span.bytes, received: 0, transport: .file)
            #expect(normalizer.normalize(frame: 0, of: &batch))
            #expect(batch.text("metadata.product.vendor_name", in: 0) == "Own")
        }
        let complaints = Complaints()
        var builder = FieldTable.Builder()
        _ = MappingSet.read(files, builder: &builder, complaints: complaints)
        #expect(complaints.all.map(\.message) == ["mapping 'demo' is given twice"])
    }
}
