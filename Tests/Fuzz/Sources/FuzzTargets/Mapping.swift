// SPDX-License-Identifier: Apache-2.0
internal import Documents
internal import Events
internal import Normalizer
internal import Wire

/// Any text is a mapping file that is refused with places, or one that works: its events are valid.
func fuzzMapping(_ input: RawSpan) {
    var choices = Choices(input)
    let dictionary = choices.next() & 1 == 0 ? OCSFDictionary.v1_8_0 : .v1_1_0
    let text = choices.rest.text
    YAMLCheck.compare(text)
    let complaints = Complaints()
    var builder = FieldTable.Builder(dictionary)
    let drafts = MappingSet.read([("m.yaml", text)], builder: &builder, complaints: complaints)
    let isFaulty = !complaints.errors.isEmpty
    // `check` compiles what it has complained about as well, to tell everything at once.
    let set = MappingSet(drafts, table: builder.build())
    set.review(drafts)
    for complaint in complaints.all {
        check(complaint.file == "m.yaml" && complaint.line > 0 && complaint.column > 0, "no place: \(complaint)")
        check(!complaint.message.isEmpty && complaint.message.utf8.count < 20_000, "\(complaint)")
    }
    check(drafts.count <= 1 + text.utf8.count / 8, "\(drafts.count) mappings")
    guard !isFaulty else { return }
    check(drafts.count > 0 || isEmpty(text), "no mapping, and nothing said")

    _ = set.sampleOutcomes(drafts)
    var normalizer = Normalizer(set)
    var batch = Batch(table: set.table, capacity: 16_384)
    for line in lines + ShippedMappings.samples(of: [("m.yaml", text)]).prefix(4) {
        batch.reset()
        unsafe batch.append(line.span.bytes, received: EventCheck.received, transport: .udp)
        let isWritten = normalizer.normalize(frame: 0, of: &batch)
        let rows = batch.rows.count
        check(rows == (isWritten ? 1 : 0), "\(rows) events")
        while normalizer.next(of: &batch) {}
        for row in batch.rows.indices {
            let part = unsafe EventCheck.part(row, batch, of: line.span.bytes)
            unsafe EventCheck.run(EventCheck.json(row, of: batch), part.span.bytes, dictionary)
        }
    }
}

/// Gives the shipped mappings that are short without their samples.
func prepareMapping(seeds folder: String?) {
    guard let folder else { return }
    let inputs = ShippedMappings.files.map { file in
        Array((file.text.split(separator: "\nsamples:", maxSplits: 1).first ?? "").utf8) + [0x0A, 0x30]
    }
    ShippedMappings.write(inputs, to: folder, longest: 4_096)
}

/// Whether a text holds no document, or nothing but empty ones.
private func isEmpty(_ text: String) -> Bool {
    Element.documents(text, file: "m.yaml", complaints: Complaints()).allSatisfy(\.isNull)
}

/// Lines for whatever the mapping takes: those of the seeds, and of other forms.
private let lines = [
    "", "text", "a=b src=192.0.2.1 dst=2001:db8::7 spt=1 dpt=65536 act=deny user=\"j doe\" n=1.5 t=1h02m",
    "<134>Nov 21 10:00:01 gate3 acmefw: act=deny src=10.1.1.5:4711 dst=192.0.2.7:502 proto=6 user=\"j doe\" dur=1.5",
    "<14>1 2026-11-21T10:00:01Z fw a 7 ID1 [x@1 src=\"192.0.2.1\" dst=\"x\\\"y\"] src=192.0.2.9,7;a|b",
    "CEF:0|Acme|Gate|1|7|a|5|src=192.0.2.1 dst=x spt=-1 cs1Label=Rule cs1=seven rt=1790000000000 act=deny",
    "LEEF:2.0|Acme|Gate|1|7|^|src=192.0.2.1^dst=192.0.2.7^usrName=j^devTime=Nov 21 2026 10:00:01^sev=9",
    #"{"a":[{"src":"192.0.2.1","act":"deny"},{"a":"x"},7,{"n":null}],"user":"u"}"#, #"[{"a":"b"},{"src":"::1"}]"#,
    #"{"src":{"ip":"192.0.2.1","port":70000},"dst":"::1","a":[1,{"b":null}],"act":"deny","t":1e300,"user":"\u00e9"}"#,
    "<Event><System><EventID>4625</EventID></System><EventData><Data Name='src'>192.0.2.1</Data></EventData></Event>",
    "1,2026/11/21 10:00:01,\"a,\"\"b\",192.0.2.1,192.0.2.7,,deny,tcp,17,9999999999999999999",
].map { Array($0.utf8) }
