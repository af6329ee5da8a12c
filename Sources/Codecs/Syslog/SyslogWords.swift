// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// What a word with a colon before a Cisco timestamp or message code is.
enum PreambleKind {
    case number, uptime, task, host
}

extension RawSpan {
    /// A sequence number, an uptime (`00:01:01`, `1w2d`), a task name (`*spamApTask1`) or a host.
    var preambleKind: PreambleKind {
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

    /// Whether `tag` is `%FAC-SEV-MNEMONIC` (Cisco; old wireless controllers write `#`): a digit between two hyphens.
    func isEventCode(_ tag: Extent) -> Bool {
        let text = part(tag)
        guard let first = text.byte(at: 0), first == 0x25 || first == 0x23 else { return false }
        var position = 1
        while let hyphen = text.firstIndex(of: 0x2D, from: position) {
            if let digit = text.byte(at: hyphen + 1), digit &- 0x30 <= 7, text.byte(at: hyphen + 2) == 0x2D {
                return true
            }
            position = hyphen + 1
        }
        return false
    }

    /// Whether `%FAC-SEV-MNEMONIC:` stands at `start`.
    func isEventCode(at start: Int) -> Bool {
        guard byte(at: start) == 0x25 else { return false }
        var end = endOfPlainName(from: start + 1)
        while let byte = byte(at: end), byte.isTagCharacter, end < start + 128 { end += 1 }
        return byte(at: end) == 0x3A && isEventCode(Extent(start..<end))
    }

    /// The offset of the text after a word, a blank, a colon and a blank (`0-PPE-0 : text`), or nil.
    func endOfSpacedTag(from start: Int) -> Int? {
        let end = endOfWord(from: start)
        return end > start && hasBytes(" : ", at: end) ? end + 3 : nil
    }

    /// Whether this is the word that a CEF or LEEF payload begins with.
    var isPayloadName: Bool {
        switch byteCount {
        case 3: hasBytes("CEF")
        case 4: hasBytes("LEEF")
        default: false
        }
    }

    /// Whether this is an ISO date and time up to the hour's colon, which a tag's end looks like: `2026-03-05T14`, also
    /// behind a bracket (WatchGuard).
    var isHourOfDay: Bool {
        let start = byte(at: 0) == 0x28 ? 1 : 0
        return byteCount == start + 13 && SyslogTimestamp.looksLikeISO(self, at: start)
            && byte(at: start + 7) == 0x2D && byte(at: start + 10) == 0x54
    }

    /// Whether this is the name of a syslog severity.
    var isSeverityName: Bool {
        switch byteCount {
        case 3: hasBytes("err")
        case 4: hasBytes("info") || hasBytes("crit") || hasBytes("warn")
        case 5: hasBytes("error") || hasBytes("alert") || hasBytes("emerg") || hasBytes("debug")
        case 6: hasBytes("notice")
        case 7: hasBytes("warning")
        default: false
        }
    }
}

extension UInt8 {
    /// A letter, a digit, or one of `-._`: what a host name consists of in practice. Bytes above 127 count as letters.
    var isHostCharacter: Bool {
        switch self {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x80...0xFF: true
        default: false
        }
    }

    var isHexDigit: Bool {
        switch self {
        case 0x30...0x39, 0x41...0x46, 0x61...0x66: true
        default: false
        }
    }

    /// What a tag consists of in practice: printable, but none of ``: [ ] " ' = , ; | < > { }``.
    var isTagCharacter: Bool {
        switch self {
        case 0x22, 0x27, 0x2C, 0x3A...0x3E, 0x5B, 0x5D, 0x7B...0x7D: false
        case 0x21...0x7E, 0x80...0xFF: true
        default: false
        }
    }
}
