// SPDX-License-Identifier: Apache-2.0
internal import Wire

extension SyslogParser {
    /// Reads an RFC 3164 header as far as there is one: timestamp, host, tag. What is left is message.
    func readRFC3164(_ bytes: RawSpan, _ start: Int, _ message: inout SyslogMessage) {
        defer {
            if message.timestamp == nil { message.problems.insert(.timeOfReceipt) }
            inspectText(bytes, &message)
        }
        message.message = Extent(start..<bytes.byteCount)
        guard options.expected != .raw else { return }
        if start > 0 { message.format = .rfc3164 }
        guard options.expected != .noHeader else { return }
        var position = bytes.endOfBlanks(from: start)
        // The timestamp stands here in nearly all.
        if (bytes.byte(at: position) ?? 0) >= 0x41 || bytes.byte(at: position + 4) == 0x2D,
            let time = SyslogTimestamp.read(bytes, at: position), !time.isInFigures
        {
            message.format = .rfc3164
            let isSpaced = position > start && start > 0
            position = readTime(bytes, time, position, &message)
            position = readHost(bytes, position, &message)
            readInnerHeader(bytes, position, &message)
            if isSpaced, bytes.byte(at: start) == 0x20 { message.problems.insert(.extraBlank) }
            return readTag(bytes, position, &message)
        }
        let preamble = readPreamble(bytes, position)
        if let time = preamble.time {
            message.format = .rfc3164
            message.hostname = preamble.host
            position = readTime(bytes, time, preamble.timeStart, &message)
            position = readHost(bytes, position, &message)
            if time.isInFigures, let tag = bytes.endOfSpacedTag(from: position) {
                // NetScaler: `host 0-PPE-0 : text`.
                message.appname = Extent(position..<bytes.endOfWord(from: position))
                message.message = Extent(tag..<bytes.byteCount)
                return
            }
            readInnerHeader(bytes, position, &message)
        } else if preamble.code > 0 || bytes.isEventCode(at: position) {
            // Cisco without a clock: `20: host: 00:01:01: %SYS-5-…`, and FTD with nothing but the code.
            message.format = .rfc3164
            message.hostname = preamble.host
            position = max(position, preamble.code)
        } else {
            readKeyValueHeader(bytes, position, &message)
            if start == 0 {
                // Neither PRI nor timestamp: nothing tells a host or a tag from text.
                guard options.headerless != .message, position < bytes.byteCount else {
                    message.problems.insert(.noHeader)
                    return
                }
                message.format = .rfc3164
                if options.headerless == .hostAndTag { position = readHost(bytes, position, &message) }
            }
        }
        if position > start, start > 0, preamble.time == nil || bytes.byte(at: start) == 0x20 {
            message.problems.insert(.extraBlank)
        }
        readTag(bytes, position, &message)
    }

    /// Keeps the timestamp and returns the offset of what follows it and its blank.
    private func readTime(
        _ bytes: RawSpan, _ time: SyslogTimestamp, _ start: Int, _ message: inout SyslogMessage
    ) -> Int {
        message.timestampText = Extent(start..<time.end)
        message.timestamp = time.resolve(
            zone: options.zone, receivedAt: options.assumedNow ?? message.receivedAt, &message)
        let isInFigures = time.isInFigures || bytes.byte(at: start + 4) == 0x3A
        if time.hasYear, time.offset == nil, isInFigures || SyslogTimestamp.looksLikeISO(bytes, at: start) {
            message.problems.insert(.zoneAssumed)
        }
        return bytes.byte(at: time.end) == 0x20 ? time.end + 1 : time.end
    }

    /// What stands before a timestamp.
    private struct Preamble {
        var time: SyslogTimestamp?
        var timeStart = 0
        var host = Extent.empty
        /// Where a Cisco message code stands when there is no timestamp.
        var code = 0
    }

    /// Looks for the timestamp: at `start`, or after what Cisco devices put before it in free combination
    /// (`20: host: 6340004: *Mar 05 …`: sequence numbers, a host, a task name).
    private func readPreamble(_ bytes: RawSpan, _ start: Int) -> Preamble {
        var result = Preamble()
        var position = start
        var hasNumber = false
        for word in 0..<5 {
            // `*` or `.`: the clock was not set, or not in sync. `:` is what ASA puts there.
            let isMarked = bytes.byte(at: position).map { $0 == 0x2A || $0 == 0x2E || $0 == 0x3A } ?? false
            let timeStart = isMarked ? bytes.endOfBlanks(from: position + 1) : position
            if let time = SyslogTimestamp.read(bytes, at: timeStart) {
                // A word with a colon is a host only beside a sequence number or a Cisco message code; else it is a
                // tag.
                let isCisco =
                    hasNumber || result.host.isEmpty || bytes.byte(at: bytes.endOfBlanks(from: time.end)) == 0x25
                guard isCisco else { return Preamble() }
                result.time = time
                result.timeStart = timeStart
                return result
            }
            if word > 0, bytes.byte(at: position) == 0x25 {
                result.code = position
                return result
            }
            // Meraki: VERSION 1, then the epoch.
            if word == 0, bytes.byte(at: position) == 0x31, bytes.byte(at: position + 1) == 0x20 {
                position += 2
                continue
            }
            if word == 0, let node = endOfNode(bytes, position) {
                position = node
                continue
            }
            guard let colon = endOfColonWord(bytes, position) else { return Preamble() }
            switch bytes.part(position, colon - position).preambleKind {
            case .number, .task: hasNumber = true
            case .host where result.host.isEmpty: result.host = Extent(position..<colon)
            default: break
            }
            position = bytes.endOfBlanks(from: colon + 1)
        }
        return Preamble()
    }

    /// The offset after a Cisco IOS XR node (`RP/0/RP0/CPU0:`), which no blank follows.
    private func endOfNode(_ bytes: RawSpan, _ start: Int) -> Int? {
        guard let colon = bytes.part(0, start + 64).firstIndex(of: 0x3A, from: start),
            bytes.part(start, colon - start).firstIndex(of: 0x2F) != nil,
            bytes.part(start, colon - start).firstIndex(of: 0x20) == nil,
            SyslogTimestamp.read(bytes, at: colon + 1) != nil
        else { return nil }
        return colon + 1
    }

    /// The colon that ends a short word of host name characters at `start`, followed by a blank.
    private func endOfColonWord(_ bytes: RawSpan, _ start: Int) -> Int? {
        var position = start
        while let byte = bytes.byte(at: position), position < start + 256 {
            if byte == 0x3A, bytes.byte(at: position + 1) == 0x20 { return position > start ? position : nil }
            guard byte.isHostCharacter || byte == 0x3A || byte == 0x2A && position == start else { return nil }
            position += 1
        }
        return nil
    }

    /// Reads the tag at `start`, and makes the rest the message.
    private func readTag(
        _ bytes: RawSpan, _ start: Int, isAfterSeverity: Bool = false, _ message: inout SyslogMessage
    ) {
        let word = bytes.endOfBlanks(from: start)
        var position = bytes.endOfPlainName(from: word)
        while let byte = bytes.byte(at: position), byte.isTagCharacter { position += 1 }
        position = min(position, word + 255)
        let name = Extent(word..<position)
        var process = Extent.empty
        if bytes.byte(at: position) == 0x5B {
            var close = position + 1
            while let byte = bytes.byte(at: close), byte != 0x5D, byte != 0x20, close < position + 130 { close += 1 }
            if bytes.byte(at: close) == 0x5D {
                process = Extent(position + 1..<close)
                position = close + 1
            }
        }
        if options.tagWithoutColon, position < bytes.byteCount, bytes.byte(at: position) != 0x20 {
            // The tag is the whole word then, whatever it consists of.
            let end = bytes.endOfWord(from: word)
            if end == bytes.byteCount || bytes.part(position, end - position).firstIndex(of: 0x3A) == nil {
                message.appname = Extent(word..<min(end, word + 255))
                message.message = Extent(min(end + 1, bytes.byteCount)..<bytes.byteCount)
                return
            }
        }
        guard !name.isEmpty, let end = endOfTag(bytes, name, process, position, isSpaced: word > start) else {
            // F5 puts the severity's name before the tag: `notice mcpd[6760]: …`.
            if !isAfterSeverity, bytes.byte(at: position) == 0x20, bytes.part(name).isSeverityName {
                readTag(bytes, position + 1, isAfterSeverity: true, &message)
                if !message.appname.isEmpty { return }
            }
            message.message = Extent(min(start, bytes.byteCount)..<bytes.byteCount)
            return
        }
        message.appname = name
        message.procid = process
        if let first = bytes.byte(at: word), first == 0x25 || first == 0x23 {
            message.eventCode = SyslogParser.eventCode(bytes, name)
        }
        message.message = Extent(end..<bytes.byteCount)
    }

    /// The offset of the message after a tag whose name (and process id) ends at `position`, or nil when it is no tag.
    private func endOfTag(
        _ bytes: RawSpan, _ name: Extent, _ process: Extent, _ position: Int, isSpaced: Bool
    ) -> Int? {
        let next = bytes.byte(at: position)
        if next == 0x3A {
            switch bytes.byte(at: position + 1) {
            case nil: return position + 1
            case 0x20:
                // `CEF: 0|` of Check Point is the payload's own header.
                let isPayload =
                    bytes.part(name).isPayloadName && (bytes.byte(at: position + 2) ?? 0) &- 0x30 <= 9
                return isPayload ? nil : position + 2
            case let after?:
                // `tag:text`, but neither a time of day, a URL nor a payload header (`CEF:0|`, `LEEF:1.0|`).
                guard process.isEmpty else { return position + 1 }
                let text = bytes.part(name)
                let isText =
                    after == 0x2F || after == 0x5C || text.isPayloadName || text.decimal != nil || text.isHourOfDay
                    || isSpaced
                return isText ? nil : position + 1
            }
        }
        guard next == nil || next == 0x20 else { return nil }
        guard !process.isEmpty || options.tagWithoutColon || bytes.isEventCode(name) else { return nil }
        return next == nil ? position : position + 1
    }

    /// `FAC-SEV-MNEMONIC` without the percent sign, when the tag is one.
    private static func eventCode(_ bytes: RawSpan, _ tag: Extent) -> Extent {
        bytes.isEventCode(tag) ? Extent(offset: tag.offset &+ 1, length: tag.length &- 1) : .empty
    }
}
