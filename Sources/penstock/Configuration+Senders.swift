// SPDX-License-Identifier: Apache-2.0
internal import Codecs
internal import Documents
internal import Foundation
internal import Wire

extension Configuration {
    /// Reads one of `sources`; `inputs` are the names of listeners and file inputs.
    static func sender(_ item: Element, _ inputs: Set<String>) -> SyslogSources.Source {
        item.allow(only: ["peers", "inputs", "time_zone", "format"])
        var made = SyslogSources.Source()
        for peer in oneOrMore(item["peers"]) {
            guard let text = peer.string else { continue }
            if let network = IPNetwork(text) {
                made.peers.append(network)
            } else {
                peer.complain("'\(text)' is no address and no network such as 10.0.0.0/8")
            }
        }
        for input in oneOrMore(item["inputs"]) {
            guard let name = input.string else { continue }
            if !inputs.contains(name) { input.complain("no listener and no file input is called '\(name)'") }
            made.inputs.insert(name)
        }
        if made.peers.isEmpty, made.inputs.isEmpty {
            item.complain("whose messages? Give 'peers' (addresses or networks), 'inputs' (listeners or files) or both")
        }
        if let zone = item["time_zone"], let name = zone.string {
            if let found = timeZone(name) {
                made.zone = found
            } else {
                zone.complain(
                    "'\(name)' is no time zone: give a name of the zone database (Europe/Berlin), an offset (+01:00) or a "
                        + "POSIX TZ text (CET-1CEST,M3.5.0,M10.5.0/3)")
            }
        }
        if let format = item["format"],
            let chosen: SyslogOptions.Expected = format.choice(of: [
                "any": .any, "rfc5424": .rfc5424, "rfc3164": .rfc3164, "none": .noHeader,
            ])
        {
            made.expected = chosen
        }
        return made
    }

    /// A zone by its name in the machine's zone database, whose files end in a line with the POSIX rule in force (RFC 9636
    /// section 3.3); or as ``SyslogZone`` reads it.
    private static func timeZone(_ name: String) -> SyslogZone? {
        let isPath = name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "/_+-".contains($0)) }
        if isPath, name.first?.isLetter == true, name.utf8.count < 64,
            let file = FileManager.default.contents(atPath: "/usr/share/zoneinfo/" + name), file.last == 0x0A
        {
            let footer = file.dropLast().suffix(while: { $0 != 0x0A })
            return SyslogZone(posix: String(decoding: footer, as: UTF8.self))
        }
        return SyslogZone(named: name)
    }
}

extension Data {
    fileprivate func suffix(while isPart: (UInt8) -> Bool) -> Data {
        self[(lastIndex { !isPart($0) }.map { $0 + 1 } ?? startIndex)...]
    }
}
