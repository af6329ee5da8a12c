// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Events
internal import Foundation
internal import Journal
internal import Logging
internal import Wire

struct ReplayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay", abstract: "What the journal holds, as it was received.",
        discussion: """
            One JSON object a frame: log, sequence, epoch, received, transport, listener (its number), source (its name), and raw, or raw_b64 where it is no \
            UTF-8. It reads beside a running service and changes nothing. Times are RFC 3339, of receipt.
            """)

    @OptionGroup var place: JournalPlace
    @Option(help: "Only what was received at or after this time.")
    var from: String?
    @Option(help: "Only what was received before this time.")
    var to: String?
    @Option(help: "Only this log (a lane's number).")
    var log: Int?
    @Flag(help: "The bytes alone, a line feed behind each frame.")
    var raw = false

    func run() throws {
        let (first, end) = (try time(from, "--from") ?? .min, try time(to, "--to") ?? .max)
        let journal = try place.view()
        let names = SourceNames(directory: try place.directory())
        var output = Output()
        let table = FieldTable.Builder().build()
        var batch = Batch(table: table)
        var lost: UInt64 = 0
        for number in journal.logs where log == nil || log == number {
            guard let bounds = journal.bounds(of: number),
                let reader = journal.reader(of: number, from: bounds.first)
            else { continue }
            batch.reset()
            while try reader.next(into: &batch) {
                for index in batch.frames.indices {
                    guard batch.frames[index].received >= first, batch.frames[index].received < end else { continue }
                    try output.write { raw ? line(index, batch, &$0) : object(index, batch, names, &$0) }
                }
                batch.reset()
            }
            lost += reader.lost
            if let fault = reader.lastFault { complain(fault) }
        }
        try output.flush()
        if lost > 0 {
            complain("\(lost) frames cannot be read; `penstock verify` tells more")
            throw ExitCode(1)
        }
    }

    private func time(_ text: String?, _ option: String) throws -> Int64? {
        guard let text else { return nil }
        let bytes = Array(text.utf8)
        guard let time = RFC3339.read(bytes.span.bytes), time.length == bytes.count else {
            throw ValidationError("\(option) takes a time such as 2026-11-20T10:00:00Z, not '\(text)'")
        }
        return time.nanoseconds
    }

    private func line(_ index: Int, _ batch: borrowing Batch, _ slab: inout Slab) {
        slab.append(batch.slab.bytes(batch.frames[index].extent))
        slab.append(byte: 0x0A)
    }

    private func object(_ index: Int, _ batch: borrowing Batch, _ names: SourceNames, _ slab: inout Slab) {
        let frame = batch.frames[index]
        slab.append(#"{"log":\#(batch.position?.log ?? 0),"sequence":"#)
        slab.append(decimal: Int64((batch.position?.first ?? 0) + UInt64(index)))
        slab.append(
            #","epoch":\#(batch.position?.epoch ?? 0),"received":"\#(RFC3339.text(frame.received, digits: 9))""#)
        slab.append(#","transport":"\#(frame.transport.name)","listener":\#(frame.listener)"#)
        slab.append(#","source":"#)
        JSONText.append(names.name(of: frame, at: batch.position), to: &slab)
        if let peer = frame.peer { slab.append(#","peer":"\#(peer)","port":\#(frame.peerPort)"#) }
        if frame.isCut { slab.append(#","cut":true"#) }
        if let origin = batch.origin(of: frame) {
            for (name, text) in [
                ("subject", origin.subject), ("fingerprint", origin.fingerprint),
                ("proxy", origin.proxy?.description ?? ""), ("path", origin.path),
            ] where !text.isEmpty {
                slab.append(",\"\(name)\":")
                JSONText.append(text, to: &slab)
            }
        }
        let bytes = batch.slab.bytes(frame.extent)
        if frame.transport != .sensor, String(validating: bytes.array, as: UTF8.self) != nil {
            slab.append(",\"raw\":")
            JSONText.append(bytes, to: &slab)
        } else {
            slab.append(",\"raw_b64\":\"")
            slab.append(Data(bytes.array).base64EncodedString())
            slab.append(byte: 0x22)
        }
        slab.append("}\n")
    }
}
