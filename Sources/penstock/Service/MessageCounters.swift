// SPDX-License-Identifier: Apache-2.0
internal import Codecs
internal import Instruments

/// What a lane counts of messages by where they came in: their formats, and what was wrong with them.
struct MessageCounters {
    /// The formats in the order of their raw values.
    private static let formats: [SyslogMessage.Format] = [.none, .rfc3164, .rfc5424]
    private static let width = formats.count + SyslogProblems.all.count

    private let registry: Registry
    private let sources: [String]
    /// For each source its formats, then its problems.
    private var counts: [Int]
    private var instruments: [Instrument?]
    private var isTouched: [Bool]

    /// Counters for sources by their listener number.
    init(_ registry: Registry, sources: [String]) {
        self.registry = registry
        self.sources = sources
        counts = Array(repeating: 0, count: sources.count * MessageCounters.width)
        instruments = Array(repeating: nil, count: counts.count)
        isTouched = Array(repeating: false, count: sources.count)
    }

    /// Counts a message of a source.
    mutating func note(_ source: Int, _ format: SyslogMessage.Format, _ problems: SyslogProblems) {
        guard isTouched.indices.contains(source) else { return }
        isTouched[source] = true
        let first = source * MessageCounters.width
        counts[first + Int(format.rawValue)] += 1
        // A problem's place in `all` is the number of its bit.
        var open = problems.rawValue
        while open != 0 {
            let place = open.trailingZeroBitCount
            if place < SyslogProblems.all.count { counts[first + MessageCounters.formats.count + place] += 1 }
            open &= open - 1
        }
    }

    /// Adds what was counted to the shared instruments: once a batch.
    mutating func flush() {
        for source in sources.indices where isTouched[source] {
            isTouched[source] = false
            let first = source * MessageCounters.width
            for place in first..<first + MessageCounters.width where counts[place] > 0 {
                instrument(place, source).add(counts[place])
                counts[place] = 0
            }
        }
    }

    /// Sets the counts to nothing.
    mutating func forget() {
        for source in sources.indices where isTouched[source] {
            isTouched[source] = false
            let first = source * MessageCounters.width
            for place in first..<first + MessageCounters.width { counts[place] = 0 }
        }
    }

    private mutating func instrument(_ place: Int, _ source: Int) -> Instrument {
        if let known = instruments[place] { return known }
        let offset = place - source * MessageCounters.width
        let made: Instrument
        if offset < MessageCounters.formats.count {
            made = registry.counter(
                "penstock_parsed_messages_total",
                ["listener": sources[source], "format": MessageCounters.formats[offset].name],
                help: "Messages parsed, by listener and format.")
        } else {
            let problem = SyslogProblems.all[offset - MessageCounters.formats.count].name
            made = registry.counter(
                "penstock_syslog_problems_total", ["listener": sources[source], "problem": problem],
                help: "Messages by listener and what was wrong.")
        }
        instruments[place] = made
        return made
    }
}
