// SPDX-License-Identifier: Apache-2.0
internal import Wire

extension SyslogParser {
    /// Reads the host after a timestamp and returns the offset of the tag.
    func readHost(_ bytes: RawSpan, _ start: Int, _ message: inout SyslogMessage) -> Int {
        var position = bytes.endOfBlanks(from: start)
        // Cisco: a colon alone after the timestamp or after the host.
        if bytes.byte(at: position) == 0x3A { position = bytes.endOfBlanks(from: position + 1) }
        guard options.expectsHostname, message.hostname.isEmpty else { return position }
        // AIX puts this before the tag; the name is that of the device, unless a relay's stands there already.
        if bytes.byte(at: position) == 0x4D, bytes.hasBytes("Message forwarded from ", at: position) {
            let name = position + 23
            let end = bytes.endOfWord(from: name)
            if end > name + 1, bytes.byte(at: end - 1) == 0x3A {
                message.hostname = Extent(name..<end - 1)
                return bytes.endOfBlanks(from: end)
            }
        }
        // Nearly every host is letters, digits, dots and hyphens.
        var end = bytes.endOfPlainName(from: position)
        if end == position || end < bytes.byteCount && bytes.byte(at: end) != 0x20 {
            guard let host = oddHost(bytes, position) else { return position }
            if let next = host.next {
                message.hostname = host.name
                return next
            }
            position = Int(host.name.offset)
            end = Int(host.name.end)
        }
        if !options.notHosts.isEmpty {
            let word = bytes.part(position, end - position)
            if options.notHosts.contains(where: { word.part(0, $0.utf8.count).equals($0) }) { return position }
        }
        if end - position != 1 || bytes.byte(at: position) != 0x2D {
            if end - position > 255 { message.problems.insert(.fieldTooLong) }
            message.hostname = Extent(position..<min(end, position + 255))
        }
        position = end
        let next = bytes.endOfBlanks(from: position)
        switch bytes.byte(at: next) {
        case 0x3A where bytes.byte(at: next + 1) == 0x20:
            // `host : %ASA-…`
            return bytes.endOfBlanks(from: next + 1)
        case 0x4D where bytes.hasBytes("Message forwarded from ", at: next):
            let stop = bytes.endOfWord(from: next + 23)
            if stop < bytes.byteCount, bytes.byte(at: stop - 1) == 0x3A { return bytes.endOfBlanks(from: stop) }
        default: break
        }
        return next > position || bytes.byte(at: position) == 0x09 ? position + 1 : position
    }

    /// A host that has more than letters, digits, dots and hyphens, or what stands where a host is expected.
    private func oddHost(_ bytes: RawSpan, _ start: Int) -> (name: Extent, next: Int?)? {
        var end = bytes.endOfWord(from: start)
        guard end > start, let first = bytes.byte(at: start) else { return nil }
        // VIPRION names the blade first: `slot1/host`.
        if bytes.hasBytes("slot", at: start), let digit = bytes.byte(at: start + 4), digit &- 0x30 <= 9,
            bytes.byte(at: start + 5) == 0x2F, end > start + 6
        {
            return (Extent(start + 6..<end), nil)
        }
        let plain = bytes.endOfPlainName(from: start)
        if plain > start, plain < end {
            switch bytes.byte(at: plain) {
            case 0x09: return (Extent(start..<plain), plain + 1)
            case 0x23 where bytes.hasBytes("#011", at: plain):
                // Snare: a tab, as rsyslog writes it.
                return (Extent(start..<plain), plain + 4)
            case 0x2C:
                // `host,key=value,…` (F5 iRules), `host,mac,version` (UniFi); CSV begins with a number (PAN-OS).
                return bytes.part(start, plain - start).decimal == nil ? (Extent(start..<plain), plain + 1) : nil
            case 0x3A where plain + 1 == end:
                // `host: %ASA-…`; any other word with a colon is the tag.
                let code = bytes.endOfBlanks(from: end)
                return bytes.isEventCode(at: code) ? (Extent(start..<plain), code) : nil
            default: break
            }
        }
        guard first.isHostCharacter || first == 0x5B || first == 0x3A else { return nil }
        if let tab = bytes.part(0, end).firstIndex(of: 0x09, from: start) { end = tab }
        return isHost(bytes, start, end) ? (Extent(start..<end), nil) : nil
    }

    /// Whether the word can be a host: a word that ends in `:` or has a process id is the tag, one that begins with `%`
    /// or `#` as well.
    private func isHost(_ bytes: RawSpan, _ start: Int, _ end: Int) -> Bool {
        let word = bytes.part(start, end - start)
        guard let first = word.byte(at: 0) else { return false }
        var plain = 1
        while let byte = word.byte(at: plain), byte.isHostCharacter { plain += 1 }
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

    /// Looks for a second header at `start`, after a relay's: a timestamp and a host. Both stay part of the message.
    @inline(__always)
    func readInnerHeader(_ bytes: RawSpan, _ start: Int, _ message: inout SyslogMessage) {
        // `Mar  5 14:`, `Mar 5 14:`, `2026-03-05T`
        let isLikely =
            bytes.byte(at: start + 3) == 0x20
            && (bytes.byte(at: start + 9) == 0x3A || bytes.byte(at: start + 8) == 0x3A)
            || bytes.byte(at: start + 4) == 0x2D && bytes.byte(at: start + 10) == 0x54
        if isLikely, !message.hostname.isEmpty { keepInnerHeader(bytes, start, &message) }
    }

    @inline(never)
    private func keepInnerHeader(_ bytes: RawSpan, _ start: Int, _ message: inout SyslogMessage) {
        guard let time = SyslogTimestamp.read(bytes, at: start), bytes.byte(at: time.end) == 0x20 else { return }
        let name = bytes.endOfBlanks(from: time.end)
        let end = bytes.endOfPlainName(from: name)
        guard end > name, bytes.byte(at: end) == 0x20, isTag(bytes, bytes.endOfBlanks(from: end)),
            !isLevel(bytes.part(name, end - name))
        else { return }
        message.innerTimestampText = Extent(start..<time.end)
        message.innerHostname = Extent(name..<end)
    }

    /// Whether a tag begins at `start`: a word with a colon at its end or before a bracket with figures, or one of Cisco's.
    /// What a program writes behind a date of its own (`2026-03-05T14:07:09 worker started`) is no header.
    private func isTag(_ bytes: RawSpan, _ start: Int) -> Bool {
        if bytes.byte(at: start) == 0x25 || bytes.hasBytes("CISE_", at: start) || bytes.hasBytes("CSCOacs_", at: start)
        {
            return true
        }
        let word = bytes.part(start, min(bytes.endOfWord(from: start) - start, 128))
        guard word.byteCount > 1, let last = word.byte(at: word.byteCount - 1) else { return false }
        return last == 0x3A || last == 0x5D && word.firstIndex(of: 0x5B) ?? 0 > 0
    }

    /// Whether a word is the level that programs write behind their dates, and so no host.
    private func isLevel(_ word: RawSpan) -> Bool {
        guard word.byteCount <= 8 else { return false }
        var key: UInt64 = 0
        for index in 0..<word.byteCount { key = key << 8 | UInt64((word.byte(at: index) ?? 0) | 0x20) }
        return SyslogParser.levels.contains(key)
    }

    private static let levels = Set(
        [
            "trace", "debug", "info", "notice", "warn", "warning", "error", "err", "crit", "critical", "alert", "emerg",
            "fatal", "severe",
        ].map { (name: String) in name.utf8.reduce(UInt64(0)) { $0 << 8 | UInt64($1) } })
}
