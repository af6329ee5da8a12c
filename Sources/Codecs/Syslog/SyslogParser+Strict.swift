// SPDX-License-Identifier: Apache-2.0
internal import Wire

extension SyslogParser {
    /// Reads a message that is as RFC 5424 wants it in every byte, which nearly all of them are, in one pass and at a
    /// fifth of the lenient reader's cost.
    ///
    /// It gives up at the first byte that is unusual, valid or not (a VERSION of two digits, an escape in a PARAM-VALUE,
    /// a header beyond ASCII): the lenient reader then begins anew, and comes to the same record where both can read.
    ///
    /// - Returns: the message, or nil.
    @inline(always)
    func readStrict(
        _ bytes: RawSpan, _ start: (value: Int, digits: Int), _ receivedAt: Int64, _ memory: inout SyslogMemory
    ) -> SyslogMessage? {
        let count = bytes.byteCount
        let (priority, digits) = start
        // VERSION 1 to 9 and a blank.
        guard priority >= 0, let head = bytes.word(at: digits &+ 2), head & 0xFF &- 0x31 <= 8,
            head & 0xFF00 == 0x2000
        else { return nil }
        let timeStart = digits &+ 4
        let time =
            head & 0xFFFF_0000 == 0x202D_0000
            ? StrictTime.none(end: timeStart &+ 1) : StrictTime.read(bytes, at: timeStart, &memory)
        let timeEnd = time.end
        guard timeEnd > 0 else { return nil }
        let fields = StrictFields.read(bytes, at: timeEnd &+ 1)
        let data = fields.end
        guard data > 0 else { return nil }
        let dataEnd = bytes.at(data) == 0x2D ? data &+ 1 : bytes.endOfStrictData(data)
        // MSG may be missing, together with the blank before it.
        guard dataEnd > data, dataEnd == count || bytes.at(dataEnd) == 0x20 else { return nil }
        var text = Swift.min(dataEnd &+ 1, count)
        var problems: SyslogProblems = []
        var plain: SyslogMessage.Plain = [.data, .text]
        // Blanks and quotes were looked for only, so the rest is still to be seen.
        if !bytes.isPlain(from: timeEnd) {
            // The header must be plain all the same.
            guard bytes.isPlainText(from: timeEnd, to: text) else { return nil }
            let hasMark = bytes.hasBytes("\u{FEFF}", at: text)
            if hasMark { text &+= 3 }
            let traits = TextTraits(bytes, from: text, to: count)
            problems = traits.problems
            if traits.hasControls { plain = .data }
            if hasMark {
                // Text that is no UTF-8 after a byte order mark is a fault.
                guard !problems.contains(.textRepaired) else { return nil }
                problems.insert(.byteOrderMark)
            }
        }
        if !fields.hasEscapes { plain.insert(.header) }
        let hasTime = timeEnd > timeStart &+ 1
        if !hasTime { problems.insert(.timeOfReceipt) }
        let none = Extent(at: 0, to: 0)
        // Made in one piece, so that each field is written once, to where the caller wants it.
        var message = SyslogMessage(receivedAt: receivedAt)
        message.format = .rfc5424
        message.isStrict = true
        message.priority = Int16(truncatingIfNeeded: priority)
        message.version = Int16(truncatingIfNeeded: head & 15)
        message.priorityText = Extent(at: 1, to: timeStart &- 3)
        message.timestamp = hasTime ? time.nanoseconds : nil
        message.zoneOffset = Int32(truncatingIfNeeded: time.offset)
        message.timestampText = hasTime ? Extent(at: timeStart, to: timeEnd) : none
        message.hostname = fields.hostname
        message.appname = fields.appname
        message.procid = fields.procid
        message.msgid = fields.msgid
        message.structuredData = dataEnd &- data > 1 ? Extent(at: data, to: dataEnd) : none
        message.message = Extent(at: text, to: count)
        message.problems = problems
        message.plain = plain
        return message
    }
}

extension Extent {
    /// The extent from `start` to `end`, which is not before it.
    @inline(always)
    init(at start: Int, to end: Int) {
        self.init(offset: UInt32(truncatingIfNeeded: start), length: UInt32(truncatingIfNeeded: end &- start))
    }
}
