// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Events
internal import Journal
internal import Wire

struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Checks the journal: nothing altered, nothing removed.",
        discussion: """
            One JSON object a log, with its chain value: the SHA-256 over everything in it, in order. Keep it elsewhere, and \
            even a journal that was rewritten as a whole is found out. It reads beside a running service.
            """)

    @OptionGroup var place: JournalPlace

    func run() throws {
        let directory = try place.directory()
        try Input.readable(directory)
        let report: JournalVerifier.Report
        do { report = try JournalVerifier.verify(directory: directory) } catch {
            complain("\(error)")
            throw ExitCode(1)
        }
        var output = Output()
        var faults = 0
        for log in report.logs {
            faults += log.faults.count
            try output.write { slab in
                slab.append(
                    #"{"log":\#(log.log),"segments":\#(log.segments),"blocks":\#(log.blocks),"frames":\#(log.frames)"#)
                slab.append(
                    #","bytes":\#(log.bytes),"first":\#(log.first),"end":\#(log.end),"chain":"\#(log.chain)","faults":["#
                )
                for (number, fault) in log.faults.enumerated() {
                    if number > 0 { slab.append(byte: 0x2C) }
                    JSONText.append(fault, to: &slab)
                }
                slab.append("]}\n")
            }
            for fault in log.faults { complain(fault) }
        }
        try output.flush()
        if faults > 0 { throw ExitCode(1) }
    }
}
