// SPDX-License-Identifier: Apache-2.0
internal import Wire

extension FrameSplitter {
    /// What stands where a count is expected.
    private enum Count {
        /// Too few bytes to tell.
        case incomplete
        /// No count.
        case none
        /// `LEN SP`, and the length of that.
        case count(Int, header: Int)
        /// The form of a count with a value that cannot be one.
        case impossible(header: Int)
    }

    /// The longest signature: ten digits, a blank, `<191>`.
    private static var signatureLength: Int { 16 }

    /// Reads `LEN SP`, and `<PRI>` after it when `withPriority`, at `start`.
    private func readCount(_ bytes: RawSpan, at start: Int, withPriority: Bool) -> Count {
        var position = start
        var value = 0
        while let byte = bytes.byte(at: position), byte &- 0x30 <= 9, position < start + 10 {
            value = value * 10 + Int(byte &- 0x30)
            position += 1
        }
        guard let blank = bytes.byte(at: position) else { return .incomplete }
        guard position > start, blank == 0x20 else { return .none }
        position += 1
        let header = position - start
        var least = 1
        if withPriority {
            guard let open = bytes.byte(at: position) else { return .incomplete }
            guard open == 0x3C else { return .none }
            var end = position + 1
            while let byte = bytes.byte(at: end), byte &- 0x30 <= 9, end < position + 4 { end += 1 }
            guard let close = bytes.byte(at: end) else { return .incomplete }
            guard end > position + 1, close == 0x3E else { return .none }
            least = end + 1 - position
        }
        guard bytes.byte(at: start) != 0x30, value >= least, value <= maximumCount else {
            return .impossible(header: header)
        }
        return .count(value, header: header)
    }

    /// Auto mode between frames: a count is believed only with the whole signature; else the frame is a line.
    mutating func startAuto(_ bytes: RawSpan, _ atEnd: Bool) -> Outcome {
        guard let first = bytes.byte(at: 0) else { return .needMore }
        guard first &- 0x30 <= 9 else { return line(bytes, atEnd, []) }
        switch readCount(bytes, at: 0, withPriority: true) {
        case .incomplete where !atEnd: return .needMore
        case .incomplete, .none: return line(bytes, atEnd, [])
        case .count(let count, let header): return octets(bytes, atEnd, header: header, count: count, .octetCounted)
        case .impossible(let header):
            // The message begins at its PRI: the digits are framing, whatever they were meant to say.
            state = .line(.badCount)
            return .skip(to: header)
        }
    }

    /// Octet-counting mode between frames.
    mutating func startOctet(_ bytes: RawSpan, _ atEnd: Bool) -> Outcome {
        // Some senders end counted frames with a trailer that the count leaves out.
        var stray = 0
        while let byte = bytes.byte(at: stray), byte == 0x0A || byte == 0x0D || byte == 0x00 { stray += 1 }
        if stray > 0 { return .skip(to: stray) }
        guard bytes.byteCount > 0 else { return .needMore }
        switch readCount(bytes, at: 0, withPriority: false) {
        case .incomplete where !atEnd: return .needMore
        case .count(let count, let header): return octets(bytes, atEnd, header: header, count: count, .octetCounted)
        case .incomplete, .none, .impossible:
            state = .resync
            counters.resyncs += 1
            return garbage(bytes, atEnd)
        }
    }

    /// A frame of `count` bytes after `header` bytes, or what is left of one.
    mutating func octets(_ bytes: RawSpan, _ atEnd: Bool, header: Int, count: Int, _ marks: Marks) -> Outcome {
        let take = min(count, maximum)
        guard bytes.byteCount - header >= take else {
            guard atEnd else { return .needMore }
            state = .start
            let rest = bytes.byteCount - header
            guard rest > 0 else { return bytes.byteCount > 0 ? .skip(to: bytes.byteCount) : .needMore }
            return .frame(
                frame(header, rest, consumed: bytes.byteCount, marks.union(.cutByClose), original: count))
        }
        guard count > maximum else {
            state = .start
            // Explicit octet counting is binary-safe; where it was only recognised, the sender may count its LF.
            let length = mode == .auto ? trimmed(bytes.part(header, count), count) : count
            guard length > 0 else { return .skip(to: header + count) }
            return .frame(frame(header, length, consumed: header + count, marks))
        }
        let isSplit = oversize == .split
        state = isSplit ? .octets(count - maximum) : .discardOctets(count - maximum)
        return .frame(
            frame(
                header, maximum, consumed: header + maximum, marks.union(isSplit ? .piece : .truncated), original: count
            ))
    }

    /// What stands where a count was expected: up to the next LF or the next signature, so that counting can go on.
    mutating func garbage(_ bytes: RawSpan, _ atEnd: Bool) -> Outcome {
        let window = bytes.part(0, maximum)
        let lineFeed = window.firstIndex(of: 0x0A, from: searched)
        let back = max(0, searched - FrameSplitter.signatureLength)
        if let signature = signature(bytes, from: back, before: lineFeed ?? maximum) {
            state = .start
            guard signature > 0 else { return startOctet(bytes, atEnd) }
            return .frame(frame(0, signature, consumed: signature, .garbage))
        }
        if let lineFeed {
            state = .start
            let count = trimmed(bytes, lineFeed)
            return count == 0 ? .skip(to: lineFeed + 1) : .frame(frame(0, count, consumed: lineFeed + 1, .garbage))
        }
        if bytes.byteCount >= maximum + FrameSplitter.signatureLength {
            return .frame(frame(0, maximum, consumed: maximum, .garbage))
        }
        searched = min(bytes.byteCount, maximum)
        guard atEnd, bytes.byteCount > 0 else { return .needMore }
        let count = min(bytes.byteCount, maximum)
        return .frame(frame(0, count, consumed: count, [.garbage, .cutByClose]))
    }

    /// The offset of the first `LEN SP <PRI>` that begins between two offsets and is whole.
    private func signature(_ bytes: RawSpan, from start: Int, before end: Int) -> Int? {
        var position = start
        let view = bytes.part(0, end + FrameSplitter.signatureLength)
        while let open = view.firstIndex(of: 0x3C, from: position) {
            position = open + 1
            guard bytes.byte(at: open - 1) == 0x20 else { continue }
            var digits = open - 1
            while digits > 0, let byte = bytes.byte(at: digits - 1), byte &- 0x30 <= 9, open - digits <= 11 {
                digits -= 1
            }
            guard digits < open - 1, digits < end else { continue }
            if case .count = readCount(bytes, at: digits, withPriority: true) { return digits }
        }
        return nil
    }
}
