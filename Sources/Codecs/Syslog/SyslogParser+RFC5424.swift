// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// The sizes of RFC 5424 section 6.
private enum Limit {
    static let hostname = 255
    static let appname = 48
    static let procid = 128
    static let msgid = 32
    /// The longest field that is kept when it breaks its limit.
    static let kept = 255
}

extension SyslogParser {
    /// Reads VERSION and all after it when the bytes look like RFC 5424: PRI, VERSION and a blank, followed by `-` or
    /// something that starts like a date. What looks like RFC 5424 is not guessed at again as RFC 3164.
    ///
    /// - Returns: whether it was read.
    func readRFC5424(_ bytes: RawSpan, _ start: Int, _ message: inout SyslogMessage) -> Bool {
        var position = start
        var version = 0
        while position < start + 3, let byte = bytes.byte(at: position), byte &- 0x30 <= 9 {
            version = version * 10 + Int(byte &- 0x30)
            position += 1
        }
        guard position > start, bytes.byte(at: start) != 0x30, bytes.byte(at: position) == 0x20 else { return false }
        let time = bytes.endOfBlanks(from: position)
        if bytes.byte(at: time) == 0x2D {
            guard bytes.byte(at: time + 1) == 0x20 || time + 1 == bytes.byteCount else { return false }
        } else {
            guard SyslogTimestamp.looksLikeISO(bytes, at: time) else { return false }
        }
        // Without a PRI only a whole timestamp makes it RFC 5424.
        if start == 0, SyslogTimestamp.iso(bytes, at: time) == nil { return false }

        message.format = .rfc5424
        message.version = Int16(version)
        if time > position + 1 { message.fault(position + 1, .extraBlank) }
        position = readTime(bytes, time, &message)
        position = readFields(bytes, position, &message)
        if position >= 0 { readData(bytes, position, &message) }
        message.isStrict = message.faultOffset < 0
        if message.timestamp == nil { message.problems.insert(.timeOfReceipt) }
        return true
    }

    /// Reads the TIMESTAMP and returns the offset after it.
    private func readTime(_ bytes: RawSpan, _ start: Int, _ message: inout SyslogMessage) -> Int {
        if bytes.byte(at: start) == 0x2D, bytes.byte(at: start + 1) == 0x20 || start + 1 == bytes.byteCount {
            return start + 1
        }
        guard let reading = SyslogTimestamp.iso(bytes, at: start) ?? SyslogTimestamp.minutes(bytes, at: start),
            bytes.byte(at: reading.end) == 0x20 || reading.end == bytes.byteCount
        else {
            let end = bytes.endOfWord(from: start)
            message.timestampText = Extent(start..<end)
            message.fault(start, .badTime)
            return end
        }
        message.timestampText = Extent(start..<reading.end)
        if reading.fractionDigits > options.maximumFractionDigits { message.fault(start + 20, .fractionTooLong) }
        if !reading.isCanonical { message.fault(start, .timeForm) }
        if reading.offset == nil { message.fault(reading.end, .zoneAssumed) }
        message.timestamp = reading.resolve(
            zone: options.zone, receivedAt: options.assumedNow ?? message.receivedAt, &message)
        if message.problems.contains(.badTime) { message.fault(start) }
        return reading.end
    }

    /// Reads HOSTNAME, APP-NAME, PROCID and MSGID; returns the offset after them, or -1 when they could not all be
    /// read.
    private func readFields(_ bytes: RawSpan, _ start: Int, _ message: inout SyslogMessage) -> Int {
        var position = start
        if endsEarly(bytes, &position, &message) { return position }
        message.hostname = readField(bytes, &position, Limit.hostname, &message)
        if endsEarly(bytes, &position, &message) { return position }
        message.appname = readField(bytes, &position, Limit.appname, &message)
        if endsEarly(bytes, &position, &message) { return position }
        message.procid = readField(bytes, &position, Limit.procid, &message)
        if endsEarly(bytes, &position, &message) { return position }
        message.msgid = readField(bytes, &position, Limit.msgid, &message)
        return position
    }

    /// Whether the message begins where a field should be: many senders (CyberArk) end the header after HOSTNAME. No field
    /// begins like CEF, LEEF or a JSON object with a member.
    private func endsEarly(_ bytes: RawSpan, _ position: inout Int, _ message: inout SyslogMessage) -> Bool {
        guard position >= 0, bytes.byte(at: position) == 0x20 else { return false }
        let start = position + 1
        switch bytes.byte(at: start) {
        case 0x43:
            guard bytes.hasBytes("CEF:", at: start), (bytes.byte(at: start + 4) ?? 0) &- 0x30 <= 9 else { return false }
        case 0x4C:
            guard bytes.hasBytes("LEEF:", at: start), (bytes.byte(at: start + 5) ?? 0) &- 0x30 <= 9 else {
                return false
            }
        case 0x7B: guard bytes.byte(at: bytes.endOfBlanks(from: start + 1)) == 0x22 else { return false }
        default: return false
        }
        stop(bytes, start, .headerIncomplete, &message)
        position = -1
        return true
    }

    /// Reads a blank and one field; `position` is -1 afterwards, and everything from the fault on is message, when it
    /// cannot be read.
    @inline(__always)
    private func readField(
        _ bytes: RawSpan, _ position: inout Int, _ limit: Int, _ message: inout SyslogMessage
    ) -> Extent {
        guard position >= 0 else { return .empty }
        guard bytes.byte(at: position) == 0x20 else {
            stop(bytes, position, .headerIncomplete, &message)
            position = -1
            return .empty
        }
        let start = position + 1
        var end = bytes.endOfPrintable(from: start)
        if bytes.byte(at: end) != 0x20, end < bytes.byteCount || end == start {
            // 8-bit host names are kept; a control character or the end is where the header stops.
            message.fault(end)
            while let byte = bytes.byte(at: end), byte >= 0x80 || byte >= 0x21 && byte <= 0x7E { end += 1 }
            guard end > start, bytes.byte(at: end) == 0x20 else {
                stop(bytes, start, end >= bytes.byteCount ? .headerIncomplete : .fieldCharacter, &message)
                position = -1
                return .empty
            }
            message.problems.insert(.fieldCharacter)
        } else if end == start {
            message.fault(start, .extraBlank)
            position = bytes.endOfBlanks(from: start) - 1
            return position + 1 < bytes.byteCount ? readAfterBlanks(bytes, &position, limit, &message) : .empty
        }
        position = end
        if end == start + 1, bytes.byte(at: start) == 0x2D { return .empty }
        if end - start > limit { return cut(start, end, limit, &message) }
        return Extent(offset: UInt32(truncatingIfNeeded: start), length: UInt32(truncatingIfNeeded: end &- start))
    }

    /// A field after more than one blank: rare, so out of line.
    private func readAfterBlanks(
        _ bytes: RawSpan, _ position: inout Int, _ limit: Int, _ message: inout SyslogMessage
    ) -> Extent {
        let start = position + 1
        let end = bytes.endOfPrintable(from: start)
        guard bytes.byte(at: end) == 0x20 || end == bytes.byteCount else {
            stop(bytes, start, .fieldCharacter, &message)
            position = -1
            return .empty
        }
        position = end
        if end == start + 1, bytes.byte(at: start) == 0x2D { return .empty }
        return end - start > limit ? cut(start, end, limit, &message) : Extent(start..<end)
    }

    private func cut(_ start: Int, _ end: Int, _ limit: Int, _ message: inout SyslogMessage) -> Extent {
        message.fault(start + limit, .fieldTooLong)
        if end - start > Limit.kept { message.hasLostData = true }
        return Extent(start..<min(end, start + (options.cutsFields ? limit : Limit.kept)))
    }

    /// The header cannot be read beyond `offset`: what follows is message.
    private func stop(_ bytes: RawSpan, _ offset: Int, _ problem: SyslogProblems, _ message: inout SyslogMessage) {
        message.fault(offset, problem)
        message.hasLostData = true
        message.message = Extent(min(offset, bytes.byteCount)..<bytes.byteCount)
        inspectText(bytes, &message)
    }

    /// Reads a blank, the structured data, and MSG.
    private func readData(_ bytes: RawSpan, _ start: Int, _ message: inout SyslogMessage) {
        guard bytes.byte(at: start) == 0x20, start + 1 < bytes.byteCount else {
            return stop(bytes, start, .headerIncomplete, &message)
        }
        var position = bytes.endOfBlanks(from: start + 1)
        if position > start + 1 { message.fault(start + 1, .extraBlank) }
        switch bytes.byte(at: position) {
        case 0x2D where bytes.byte(at: position + 1) == 0x20 || position + 1 == bytes.byteCount: position += 1
        case 0x5B: position = checkStructuredData(bytes, position, &message)
        default: return stop(bytes, position, .structuredDataMalformed, &message)
        }
        guard position < bytes.byteCount else {
            message.message = Extent(bytes.byteCount..<bytes.byteCount)
            return
        }
        if bytes.byte(at: position) == 0x20 {
            position += 1
        } else {
            message.fault(position, .structuredDataMalformed)
        }
        message.message = Extent(position..<bytes.byteCount)
        if bytes.hasBytes("\u{FEFF}", at: position) {
            message.problems.insert(.byteOrderMark)
            message.message = Extent(position + 3..<bytes.byteCount)
            inspectText(bytes, &message)
            if message.problems.contains(.textRepaired), options.requiresUTF8AfterBOM { message.fault(position + 3) }
        } else {
            inspectText(bytes, &message)
        }
    }
}
