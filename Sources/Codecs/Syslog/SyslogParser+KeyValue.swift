// SPDX-License-Identifier: Apache-2.0
internal import Wire

extension SyslogParser {
    /// Takes time and host from messages that have no header but say both in their first pairs: FortiGate
    /// (`date=… time=… devname=… eventtime=… tz=…`), Sophos (`device=… date=… time=… timezone=…` or `timestamp=…`),
    /// SonicWall and Stormshield (`id=firewall time="…" fw=… tz=…`), Check Point (`time=…|hostname=…|`). The pairs stay
    /// part of the message.
    func readKeyValueHeader(_ bytes: RawSpan, _ start: Int, _ message: inout SyslogMessage) {
        // A word in small letters and an equals sign.
        guard let first = bytes.byte(at: start), first &- 0x61 <= 25,
            bytes.byte(at: bytes.endOfKey(from: start)) == 0x3D
        else { return }
        var header = KeyValueHeader()
        header.read(bytes, start)
        message.hostname = header.host
        guard var time = header.reading(bytes) else { return }
        if time.offset == nil { time.offset = header.offset(bytes) }
        if time.offset == nil { message.problems.insert(.zoneAssumed) }
        message.timestampText = header.text
        message.timestamp = time.resolve(
            zone: options.zone, receivedAt: options.assumedNow ?? message.receivedAt, &message)
    }
}

/// What the first pairs of a message say about its time and host.
private struct KeyValueHeader {
    var host = Extent.empty
    /// The time as written.
    var text = Extent.empty
    private var date = Extent.empty
    private var time = Extent.empty
    private var stamp = Extent.empty
    private var zone = Extent.empty

    /// How much of a message, and how many pairs, are searched.
    private static let searched = 768
    private static let pairs = 24

    mutating func read(_ bytes: RawSpan, _ start: Int) {
        let text = bytes.part(0, start + KeyValueHeader.searched)
        var position = start
        var hasBars = false
        for _ in 0..<KeyValueHeader.pairs {
            let key = position
            let equals = text.endOfKey(from: key)
            guard equals > key, text.byte(at: equals) == 0x3D else { return }
            var value = equals + 1
            if text.byte(at: value) == 0x22 {
                value += 1
                guard let quote = text.firstIndex(of: 0x22, from: value) else { return }
                take(key, equals, Extent(value..<quote), text)
                position = quote + 1
            } else {
                position = value
                while let byte = text.byte(at: position), byte != 0x7C, byte != 0x20 || hasBars { position += 1 }
                take(key, equals, Extent(value..<position), text)
            }
            guard let separator = text.byte(at: position) else { return }
            if separator == 0x7C { hasBars = true }
            position += 1
            if !host.isEmpty, !zone.isEmpty, !stamp.isEmpty || !date.isEmpty && !time.isEmpty { return }
        }
    }

    private mutating func take(_ start: Int, _ end: Int, _ value: Extent, _ text: RawSpan) {
        let key = text.part(start, end - start)
        switch end - start {
        case 2:
            if key.hasBytes("tz") { zone = value } else if key.hasBytes("fw") { host = value }
        case 4:
            if key.hasBytes("date") { date = value } else if key.hasBytes("time") { time = value }
        case 7: if key.hasBytes("devname") { host = value }
        case 8:
            if key.hasBytes("hostname") { host = value } else if key.hasBytes("timezone") { zone = value }
        case 9: if key.hasBytes("timestamp") || key.hasBytes("eventtime") { stamp = value }
        case 11: if key.hasBytes("device_name") { host = value }
        default: break
        }
    }

    /// The best time that the pairs have.
    mutating func reading(_ bytes: RawSpan) -> SyslogTimestamp? {
        if let reading = whole(stamp, bytes) ?? whole(time, bytes) { return reading }
        let day = Int(date.offset)
        guard date.length == 10, time.length >= 8, SyslogTimestamp.looksLikeISO(bytes, at: day),
            let year = SyslogTimestamp.year(bytes, at: day), let month = bytes.part(day + 5, 2).decimal,
            let ofMonth = bytes.part(day + 8, 2).decimal, let clock = bytes.word(at: Int(time.offset)), clock.isClock
        else { return nil }
        var reading = SyslogTimestamp()
        reading.hasYear = true
        reading.time.year = year
        reading.time.month = Int(month)
        reading.time.day = Int(ofMonth)
        reading.setClock(clock)
        reading.end = Int(time.offset) + 8
        // From the date to the time, as they stand.
        let first = min(date.offset, time.offset)
        text = Extent(offset: first, length: max(date.end, time.end) &- first)
        return reading
    }

    /// A time that one value says in full.
    private mutating func whole(_ extent: Extent, _ bytes: RawSpan) -> SyslogTimestamp? {
        guard !extent.isEmpty,
            let reading = SyslogTimestamp.number(bytes, extent)
                ?? SyslogTimestamp.read(bytes.part(0, Int(extent.end)), at: Int(extent.offset))
        else { return nil }
        text = extent
        return reading
    }

    /// The zone that a pair of its own names: `+0100`, `-06:00` or an abbreviation.
    func offset(_ bytes: RawSpan) -> Int? {
        guard !zone.isEmpty else { return nil }
        let value = bytes.part(0, Int(zone.end))
        var reading = SyslogTimestamp()
        reading.end = Int(zone.offset)
        reading.readOffset(value)
        return reading.offset ?? SyslogTimestamp.zone(value, at: Int(zone.offset))?.0
    }
}

extension SyslogTimestamp {
    /// Seconds, or milli-, micro- or nanoseconds, since the epoch, told apart by their digits.
    fileprivate static func number(_ bytes: RawSpan, _ extent: Extent) -> SyslogTimestamp? {
        guard let value = bytes.part(extent).decimal else { return nil }
        let scale: UInt64
        switch extent.length {
        case 9, 10: scale = 1_000_000_000
        case 13: scale = 1_000_000
        case 16: scale = 1_000
        case 19: scale = 1
        default: return nil
        }
        let (product, isOver) = value.multipliedReportingOverflow(by: scale)
        guard !isOver, let nanoseconds = Int64(exactly: product) else { return nil }
        var reading = SyslogTimestamp()
        reading.time = CivilTime(nanosecondsSinceEpoch: nanoseconds)
        reading.hasYear = true
        reading.offset = 0
        return reading
    }
}

extension RawSpan {
    /// The offset of the first byte at or after `start` that no key has (letters, digits, `_`), within 24.
    fileprivate func endOfKey(from start: Int) -> Int {
        var position = start
        while position < start + 24, let byte = byte(at: position),
            (byte | 0x20) &- 0x61 <= 25 || byte == 0x5F || byte &- 0x30 <= 9
        {
            position += 1
        }
        return position
    }
}
