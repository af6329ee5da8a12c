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
        let preamble = readPreamble(bytes, position)
        if let time = preamble.time {
            message.format = .rfc3164
            message.hostname = preamble.host
            position = readTime(bytes, time, preamble.timeStart, &message)
            position = readHost(bytes, position, &message)
        } else if preamble.code > 0 {
            // Cisco without a clock: `20: host: 00:01:01: %SYS-5-…`.
            message.format = .rfc3164
            message.hostname = preamble.host
            position = preamble.code
        } else if start == 0 {
            // Neither PRI nor timestamp: nothing tells a host or a tag from text.
            message.problems.insert(.noHeader)
            return
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
        if time.hasYear, time.offset == nil, SyslogTimestamp.looksLikeISO(bytes, at: start) {
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
            case .number: hasNumber = true
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

    /// Reads the host after a timestamp and returns the offset of the tag.
    private func readHost(_ bytes: RawSpan, _ start: Int, _ message: inout SyslogMessage) -> Int {
        var position = bytes.endOfBlanks(from: start)
        // Cisco: a colon alone after the timestamp or after the host.
        if bytes.byte(at: position) == 0x3A { position = bytes.endOfBlanks(from: position + 1) }
        guard options.expectsHostname, message.hostname.isEmpty else { return position }
        // AIX puts this before the tag; the name is that of the device, unless a relay's stands there already.
        if bytes.hasBytes("Message forwarded from ", at: position) {
            let name = position + 23
            let end = bytes.endOfWord(from: name)
            if end > name + 1, bytes.byte(at: end - 1) == 0x3A {
                message.hostname = Extent(name..<end - 1)
                return bytes.endOfBlanks(from: end)
            }
        }
        let end = bytes.endOfWord(from: position)
        guard end > position, isHost(bytes, position, end) else { return position }
        if !options.notHosts.isEmpty {
            let word = bytes.part(position, end - position)
            if options.notHosts.contains(where: { word.part(0, $0.utf8.count).equals($0) }) { return position }
        }
        if end - position != 1 || bytes.byte(at: position) != 0x2D {
            if end - position > 255 { message.problems.insert(.fieldTooLong) }
            message.hostname = Extent(position..<min(end, position + 255))
        }
        position = end
        // `host : %ASA-…`
        let next = bytes.endOfBlanks(from: position)
        if bytes.byte(at: next) == 0x3A, bytes.byte(at: next + 1) == 0x20 { return bytes.endOfBlanks(from: next + 1) }
        if bytes.hasBytes("Message forwarded from ", at: next) {
            let stop = bytes.endOfWord(from: next + 23)
            if stop < bytes.byteCount, bytes.byte(at: stop - 1) == 0x3A { return bytes.endOfBlanks(from: stop) }
        }
        return bytes.byte(at: position) == 0x20 ? position + 1 : position
    }

    /// Whether the word can be a host: a word that ends in `:` or has a process id is the tag, one that begins with `%`
    /// or `#` as well.
    private func isHost(_ bytes: RawSpan, _ start: Int, _ end: Int) -> Bool {
        let word = bytes.part(start, end - start)
        guard let first = word.byte(at: 0), first.isHostCharacter || first == 0x5B || first == 0x3A else {
            return false
        }
        // Nearly every host is letters, digits, dots and hyphens.
        var plain = 1
        while plain < word.byteCount, let byte = word.byte(at: plain), byte.isHostCharacter { plain += 1 }
        if plain == word.byteCount, first != 0x5B, first != 0x3A { return true }
        var colons = 0
        var isAddress = true
        for offset in 0..<min(word.byteCount, 256) {
            let byte = word.byte(at: offset) ?? 0
            if byte < 0x20 { return false }
            if byte == 0x5B, offset > 0 { return false }
            if byte == 0x3A { colons += 1 } else if !byte.isHexDigit, byte != 0x2E, byte != 0x25 { isAddress = false }
        }
        if colons >= 2, isAddress { return true }
        if word.byte(at: word.byteCount - 1) == 0x3A { return false }
        // `date=…`, `key="…"`, `{json`, `CEF:0|…`: content without host.
        return colons == 0 && word.firstIndex(of: 0x3D) == nil && word.firstIndex(of: 0x7C) == nil
            || first == 0x5B && word.firstIndex(of: 0x5D) != nil
    }

    /// Reads the tag at `start`, and makes the rest the message.
    private func readTag(_ bytes: RawSpan, _ start: Int, _ message: inout SyslogMessage) {
        let word = bytes.endOfBlanks(from: start)
        var position = word
        while let byte = bytes.byte(at: position), byte.isTagCharacter, position < word + 255 { position += 1 }
        let name = Extent(word..<position)
        var process = Extent.empty
        if bytes.byte(at: position) == 0x5B, let close = bytes.firstIndex(of: 0x5D, from: position),
            close < position + 130,
            bytes.part(position, close - position).firstIndex(of: 0x20) == nil
        {
            process = Extent(position + 1..<close)
            position = close + 1
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
            message.message = Extent(min(start, bytes.byteCount)..<bytes.byteCount)
            return
        }
        message.appname = name
        message.procid = process
        if bytes.byte(at: word) == 0x25 { message.eventCode = SyslogParser.eventCode(bytes, name) }
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
            case 0x20: return position + 2
            case let after?:
                // `tag:text`, but neither a time of day, a URL nor a payload header (`CEF:0|`, `LEEF:1.0|`).
                guard process.isEmpty else { return position + 1 }
                let text = bytes.part(name)
                let isPayload = text.equals("CEF") || text.equals("LEEF")
                let isText = after == 0x2F || after == 0x5C || isPayload || text.decimal != nil || isSpaced
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

/// What a word with a colon before a Cisco timestamp or message code is.
private enum PreambleKind {
    case number, uptime, task, host
}

extension RawSpan {
    /// A sequence number, an uptime (`00:01:01`, `1w2d`), a task name (`*spamApTask1`) or a host.
    fileprivate var preambleKind: PreambleKind {
        if decimal != nil { return .number }
        if byte(at: 0) == 0x2A { return .task }
        for offset in 0..<byteCount {
            switch byte(at: offset) ?? 0 {
            case 0x30...0x3A, 0x64, 0x68, 0x6D, 0x73, 0x77, 0x79: break
            default: return .host
            }
        }
        return (byte(at: 0) ?? 0) &- 0x30 <= 9 ? .uptime : .host
    }

    /// Whether `tag` is `%FAC-SEV-MNEMONIC` (Cisco): a digit between two hyphens.
    fileprivate func isEventCode(_ tag: Extent) -> Bool {
        let text = part(tag)
        guard text.byte(at: 0) == 0x25 else { return false }
        var position = 1
        while let hyphen = text.firstIndex(of: 0x2D, from: position) {
            if let digit = text.byte(at: hyphen + 1), digit &- 0x30 <= 7, text.byte(at: hyphen + 2) == 0x2D {
                return true
            }
            position = hyphen + 1
        }
        return false
    }
}

extension UInt8 {
    /// A letter, a digit, or one of `-._`: what a host name consists of in practice. Bytes above 127 count as letters.
    fileprivate var isHostCharacter: Bool {
        switch self {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x80...0xFF: true
        default: false
        }
    }

    fileprivate var isHexDigit: Bool {
        switch self {
        case 0x30...0x39, 0x41...0x46, 0x61...0x66: true
        default: false
        }
    }

    /// What a tag consists of in practice: printable, but none of ``: [ ] " ' = , ; | < > { }``.
    fileprivate var isTagCharacter: Bool {
        switch self {
        case 0x22, 0x27, 0x2C, 0x3A...0x3E, 0x5B, 0x5D, 0x7B...0x7D: false
        case 0x21...0x7E, 0x80...0xFF: true
        default: false
        }
    }
}
