// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Version 1: `PROXY TCP4 source destination sourceport destinationport CR LF`.
extension PROXYHeader {
    static func line(_ bytes: RawSpan) -> Outcome {
        let signature: StaticString = "PROXY "
        guard bytes.hasBytes(signature) else {
            return isPrefix(bytes, of: signature) ? .needMore(atLeast: minimumLine) : .none
        }
        guard let lineFeed = bytes.part(0, maximumLine).firstIndex(of: 0x0A) else {
            return bytes.byteCount >= maximumLine
                ? .malformed(.tooLong) : .needMore(atLeast: max(minimumLine, bytes.byteCount + 1))
        }
        var header = PROXYHeader(.v1)
        var end = lineFeed
        if bytes.byte(at: end - 1) == 0x0D { end -= 1 } else { header.marks.insert(.bareLineFeed) }
        let text = bytes.part(6, end - 6)
        let word = text.part(0, text.firstIndex(of: 0x20) ?? text.byteCount)
        if word.equals("UNKNOWN") { return .header(header, length: lineFeed + 1) }
        if word.equals("TCP4") {
            header.family = .inet
        } else if word.equals("TCP6") {
            header.family = .inet6
        } else {
            return .malformed(.protocolName)
        }
        header.transport = .stream
        guard header.readAddresses(text.part(5, text.byteCount)) else { return .malformed(.fields) }
        return .header(header, length: lineFeed + 1)
    }

    /// Reads four words, each after one blank; whether there are four. What they say decides only about the addresses.
    private mutating func readAddresses(_ text: RawSpan) -> Bool {
        var starts: [4 of Int] = [0, 0, 0, 0]
        var ends: [4 of Int] = [0, 0, 0, 0]
        var position = 0
        for index in 0..<4 {
            guard position < text.byteCount else { return false }
            starts[index] = position
            ends[index] = text.firstIndex(of: 0x20, from: position) ?? text.byteCount
            position = ends[index] + 1
        }
        if position <= text.byteCount { marks.insert(.extraText) }
        guard let from = address(text.part(starts[0], ends[0] - starts[0])),
            let to = address(text.part(starts[1], ends[1] - starts[1])),
            let fromPort = PROXYHeader.port(text.part(starts[2], ends[2] - starts[2])),
            let toPort = PROXYHeader.port(text.part(starts[3], ends[3] - starts[3]))
        else {
            marks.insert(.unusableAddress)
            return true
        }
        source = Endpoint(from, fromPort)
        destination = Endpoint(to, toPort)
        return true
    }

    /// An address of the family that the protocol names, without a zone.
    private func address(_ word: RawSpan) -> IPAddress? {
        let isIPv6Text = word.firstIndex(of: 0x3A) != nil
        guard isIPv6Text == (family == .inet6), word.firstIndex(of: 0x25) == nil else { return nil }
        return IPAddress(word)
    }

    private static func port(_ word: RawSpan) -> UInt16? {
        guard word.byteCount <= 5, let value = word.decimal else { return nil }
        return UInt16(exactly: value)
    }

    /// Whether `bytes` could become `text`.
    static func isPrefix(_ bytes: RawSpan, of text: StaticString) -> Bool {
        guard bytes.byteCount < text.utf8CodeUnitCount else { return false }
        for index in 0..<bytes.byteCount where unsafe bytes.byte(at: index) != text.utf8Start[index] { return false }
        return true
    }
}
