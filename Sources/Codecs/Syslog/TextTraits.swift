// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Wire

/// What a run of text holds besides printable ASCII.
struct TextTraits {
    /// What a text view has to repair.
    var problems: SyslogProblems = []
    /// Whether there is a byte below 32, or 127.
    var hasControls = false

    /// Looks at the bytes from `start` to `end`.
    @inline(never)
    init(_ bytes: RawSpan, from start: Int, to end: Int) {
        let text = bytes.part(start, end &- start)
        let count = text.byteCount
        var high: UInt32 = 0
        var controls: UInt32 = 0
        var offset = 0
        while offset <= count &- 16 {
            let block = unsafe text.block(uncheckedAt: offset)
            high |= penstock_block_high(block)
            controls |= penstock_block_controls(block)
            offset &+= 16
        }
        while let byte = text.byte(at: offset) {
            if byte >= 0x80 { high = 1 }
            if byte < 0x20 || byte == 0x7F { controls = 1 }
            offset &+= 1
        }
        if high != 0, !text.isValidUTF8 { problems.insert(.textRepaired) }
        guard controls != 0 else { return }
        hasControls = true
        for offset in 0..<count {
            switch text.byte(at: offset) ?? 0x20 {
            case 0x00, 0x0A: problems.insert(.lineBreakInside)
            case 0x09, 0x20...0x7E, 0x80...0xFF: break
            default: problems.insert(.controlCharacters)
            }
        }
    }
}

extension SyslogParser {
    /// Marks what a text view of the message has to repair.
    func inspectText(_ bytes: RawSpan, _ message: inout SyslogMessage) {
        let start = Int(message.message.offset)
        let end = Int(message.message.end)
        message.plain.insert(.text)
        if bytes.isPlainText(from: start, to: end) { return }
        let traits = TextTraits(bytes, from: start, to: end)
        message.problems.formUnion(traits.problems)
        if traits.hasControls { message.plain.remove(.text) }
    }
}
