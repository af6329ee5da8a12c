// SPDX-License-Identifier: Apache-2.0
internal import Wire

extension FrameSplitter {
    /// A frame that a trailer ends.
    mutating func line(_ bytes: RawSpan, _ atEnd: Bool, _ marks: Marks) -> Outcome {
        // A CR LF after the longest frame must be in view before it can be called too long.
        let window = maximum + 2
        let limit = min(bytes.byteCount, window)
        if let trailer = trailer(bytes, from: searched, to: limit) {
            let count = trimmed(bytes, trailer)
            if count > maximum {
                guard oversize == .truncate else { return piece(marks) }
                state = .start
                counters.discardedBytes &+= UInt64(count - maximum)
                return .frame(
                    frame(0, maximum, consumed: trailer + 1, marks.union(.truncated), original: count))
            }
            state = .start
            return count == 0 ? .skip(to: trailer + 1) : .frame(frame(0, count, consumed: trailer + 1, marks))
        }
        if limit == window {
            guard oversize == .truncate else { return piece(marks) }
            state = .discardLine
            return .frame(frame(0, maximum, consumed: maximum, marks.union(.truncated)))
        }
        searched = limit
        guard atEnd, limit > 0 else { return .needMore }
        let count = trimmed(bytes, limit)
        if count > maximum {
            guard oversize == .truncate else { return piece(marks) }
            state = .start
            return .frame(frame(0, maximum, consumed: limit, marks.union([.truncated, .cutByClose]), original: count))
        }
        state = .start
        return count == 0 ? .skip(to: limit) : .frame(frame(0, count, consumed: limit, marks.union(.cutByClose)))
    }

    private mutating func piece(_ marks: Marks) -> Outcome {
        state = .line(marks.union(.piece))
        return .frame(frame(0, maximum, consumed: maximum, marks.union(.piece)))
    }

    /// The offset of the first trailer between two offsets. In auto mode NUL is one as well: no line sender writes it,
    /// and a NUL-delimited stream would otherwise never be cut.
    func trailer(_ bytes: RawSpan, from start: Int, to end: Int) -> Int? {
        switch mode {
        case .nul: return bytes.part(0, end).firstIndex(of: 0x00, from: start)
        case .auto:
            // Most lines end here.
            guard let lineFeed = bytes.part(0, min(start &+ 1024, end)).firstIndex(of: 0x0A, from: start) else {
                return nearer(bytes, from: start, to: end)
            }
            return bytes.part(0, lineFeed).firstIndex(of: 0x00, from: start) ?? lineFeed
        default: return bytes.part(0, end).firstIndex(of: 0x0A, from: start)
        }
    }

    /// The offset of the first LF or NUL, searched for in parts that grow: else each frame that NUL ends would be searched
    /// for LF up to the end of the buffer.
    private func nearer(_ bytes: RawSpan, from start: Int, to end: Int) -> Int? {
        var (from, size) = (start, 1024)
        while from < end {
            let stop = min(from + size, end)
            let lineFeed = bytes.part(0, stop).firstIndex(of: 0x0A, from: from)
            if let found = bytes.part(0, lineFeed ?? stop).firstIndex(of: 0x00, from: from) ?? lineFeed { return found }
            (from, size) = (stop, size * 4)
        }
        return nil
    }

    /// The length of the first `count` bytes without what senders put before the trailer: CR, NUL; LF in NUL mode.
    func trimmed(_ bytes: RawSpan, _ count: Int) -> Int {
        var count = count
        while let last = bytes.byte(at: count - 1), last == 0x0D || last == 0x00 || last == 0x0A { count -= 1 }
        return count
    }
}
