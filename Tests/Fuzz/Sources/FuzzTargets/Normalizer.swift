// SPDX-License-Identifier: Apache-2.0
internal import Codecs
internal import Events
internal import Normalizer
internal import Wire

/// Any line is one valid event that has the line in it, or several that have each their part of it, or a record that its mapping drops, with all shipped mappings at
/// work; and what it becomes depends on nothing that was normalized before.
func fuzzNormalizer(_ input: RawSpan) {
    var choices = Choices(input)
    let how = choices.next()
    let origin = choices.next()
    let set = how & 1 == 0 ? ShippedMappings.native : ShippedMappings.older
    let transport = transports[how >> 1 & 7]
    // A long line now and then: what grows faster than its line is found by the time limit.
    var line = choices.rest.array
    if origin & 0xE0 == 0xE0 { line = Array(repeatElement(line, count: 40).joined()) }
    let message = unsafe line.span.bytes

    var normalizer = Normalizer(set, sources: sources[how >> 4 & 3], uidPrefix: "f-")
    var batch = Batch(table: set.table, capacity: 16_384)
    let first = events(message, transport, origin, &normalizer, &batch)
    for (row, json) in first.enumerated() {
        let part = EventCheck.part(row, batch, of: message)
        unsafe EventCheck.run(json, part.span.bytes, set.table.dictionary)
    }
    let neighbour = neighbours[origin & 3]
    _ = unsafe events(neighbour.span.bytes, .file, 0, &normalizer, &batch)
    let again = events(message, transport, origin, &normalizer, &batch)
    check(first == again, "\(first.map(EventCheck.text)), later \(again.map(EventCheck.text))")
}

/// Compiles the mappings, and gives their samples, as they come from a file or a network, for either version.
func prepareNormalizer(seeds folder: String?) {
    check(ShippedMappings.native.names == ShippedMappings.older.names, "one version has other mappings")
    guard let folder else { return }
    let samples = ShippedMappings.samples(of: ShippedMappings.files)
    let inputs = samples.enumerated().map { $0.element + [0, UInt8($0.offset & 3)] }
    ShippedMappings.write(inputs, to: folder, longest: 2_048)
}

private let transports: [TransportKind] = [.file, .udp, .tcp, .tls, .dtls, .relp, .service, .file]

/// What is known of senders: nothing, a zone and a header, a device without headers, whoever sends from a network.
private let sources: [SyslogSources] = {
    var zoned = SyslogSources.Source()
    zoned.zone = SyslogZone(named: "Europe/Vienna") ?? .utc
    zoned.expected = .rfc3164
    var bare = SyslogSources.Source()
    bare.expected = .raw
    var near = SyslogSources.Source()
    near.peers = ["192.0.2.0/24", "2001:db8::/32"].compactMap { IPNetwork($0) }
    near.expected = .rfc5424
    var headless = SyslogSources.Source()
    headless.inputs = ["plant"]
    headless.expected = .noHeader
    return [SyslogSources(), SyslogSources([zoned]), SyslogSources([near, bare]), SyslogSources([near, headless])]
}()

private let peers = [nil, IPAddress("192.0.2.1"), IPAddress("2001:db8::1"), IPAddress("198.51.100.7")]

/// Lines between a line and the same line again, each taken apart by another step.
private let neighbours = [
    "<134>Nov 21 10:00:01 gate3 acmefw: act=deny src=10.1.1.5 spt=4711 dst=192.0.2.7 dpt=502 user=\"j doe\"",
    "CEF:0|Acme|Gate|1.0|100|Denied|7|src=10.1.1.5 dst=192.0.2.7 dpt=502 cs1Label=Rule cs1=seven act=blocked",
    #"[{"time":"2026-11-21T10:00:01Z","source":{"ip":"10.1.1.5"}},{"user":{"name":"j doe"},"outcome":"failure"}]"#,
    "<86>Nov 21 10:00:01 plc-gw sshd[811]: Failed password for invalid user admin from 198.51.100.7 port 51022 ssh2",
].map { Array($0.utf8) }

/// What a line becomes: its events, none when its mapping drops it.
private func events(
    _ line: RawSpan, _ transport: TransportKind, _ origin: Int, _ normalizer: inout Normalizer, _ batch: inout Batch
) -> [[UInt8]] {
    batch.reset()
    // With its place in the journal the event is the same each time, its uid too.
    batch.position = JournalPosition(log: 0, first: 7, epoch: 3)
    var number: UInt16 = 0
    if origin & 0x10 != 0 {
        number = batch.number(of: Origin(subject: "CN=\"gate\\, 3\"", fingerprint: "00ff", path: "/var/log/a b.log"))
    }
    batch.append(
        line, received: EventCheck.received, peer: peers[origin >> 2 & 3], peerPort: 514, transport: transport,
        isCut: origin & 2 != 0, origin: number)
    normalizer.resetTally()
    let isWritten = normalizer.normalize(frame: 0, of: &batch, input: origin & 1 == 0 ? "plant" : "office")
    let first = batch.rows.count
    check(first == (isWritten ? 1 : 0), "\(first) events at once")
    while normalizer.next(of: &batch) {}
    let tally = normalizer.currentTally
    let (rows, events) = (batch.rows.count, tally.events.reduce(0, +))
    let dropped = tally.dropped.reduce(0) { $0 + $1.count }
    check(rows == events && rows + dropped > 0 && rows <= 1_001, "\(rows) events: \(tally)")
    check(
        tally.dropped.allSatisfy { $0.mapping > 0 } && (rows <= 1 || batch.rows[0].part > 0), "\(rows) events: \(tally)"
    )
    var uids: Set<String> = []
    return batch.rows.indices.map { number in
        let row = batch.rows[number]
        check(row.frame == 0 && Int(row.mapping) < tally.events.count, "\(row)")
        check(uids.insert(batch.text("metadata.uid", in: number) ?? "").inserted, "a uid twice: \(row)")
        return EventCheck.json(number, of: batch)
    }
}
