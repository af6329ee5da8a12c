// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// The syslog side of a scenario: headers of both RFCs, and the lines that the plant's machines write.
struct Logbook {
    let start: Int64
    private(set) var messages: [Scripted] = []
    private var random: SeededGenerator

    init(start: Int64, random: SeededGenerator) {
        self.start = start
        self.random = random
    }

    /// Facility and severity as one number (RFC 5424 section 6.2.1).
    enum Priority: Int {
        /// kern.warning
        case kernelWarning = 4
        /// kern.info
        case kernelInfo = 6
        /// auth.info
        case auth = 38
        /// local0.warning
        case firewall = 132
        /// local5.info
        case suricata = 174
    }

    /// Writes a message in the old form (RFC 3164): local time without year or zone; these machines run on UTC.
    mutating func write3164(
        at offset: Int64, _ channel: Scripted.Channel, _ priority: Priority, host: String, tag: String, _ text: String
    ) {
        let time = CivilTime(nanosecondsSinceEpoch: start + offset)
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let day = time.day < 10 ? " \(time.day)" : "\(time.day)"
        let clock = [time.hour, time.minute, time.second].map { $0 < 10 ? "0\($0)" : "\($0)" }.joined(separator: ":")
        let header = "<\(priority.rawValue)>\(months[time.month - 1]) \(day) \(clock) \(host) "
        append(at: offset, channel, header + (tag.isEmpty ? "" : tag + ": ") + text)
    }

    /// Writes a message in the new form (RFC 5424).
    mutating func write5424(
        at offset: Int64, _ channel: Scripted.Channel, _ priority: Priority, host: String, app: String,
        process: String = "-", _ text: String
    ) {
        let time = RFC3339.text(start + offset, digits: 6)
        append(at: offset, channel, "<\(priority.rawValue)>1 \(time) \(host) \(app) \(process) - - \(text)")
    }

    private mutating func append(at offset: Int64, _ channel: Scripted.Channel, _ text: String) {
        messages.append(Scripted(offset: offset, channel: channel, bytes: Array(text.utf8)))
    }

    mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
    mutating func port() -> UInt16 { random.port() }

    /// Suricata's flow ids: 64-bit numbers that a double still holds.
    mutating func flowID() -> UInt64 { UInt64.random(in: 1 << 40..<1 << 50, using: &random) }

    /// Suricata's time stamps: microseconds and a zone without a colon.
    func eveTime(_ offset: Int64) -> String { RFC3339.text(start + offset, digits: 6).dropLast() + "+0000" }
}
