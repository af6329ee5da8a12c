// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Parses one syslog message (a datagram or a frame), whatever its header: RFC 5424, RFC 3164, vendor variants, none.
///
/// Never fails and never drops: what cannot be read is message, and `problems` says why.
public struct SyslogParser: Sendable {
    /// What the source is known to do.
    public var options: SyslogOptions

    /// A parser for messages of one source.
    public init(_ options: SyslogOptions = SyslogOptions()) { self.options = options }

    /// Parses `bytes`, received at `receivedAt` nanoseconds since the epoch.
    public func parse(_ bytes: RawSpan, receivedAt: Int64) -> SyslogMessage {
        var memory = SyslogMemory()
        return parse(bytes, receivedAt: receivedAt, remembering: &memory)
    }

    /// Parses `bytes`, one message of many: what `memory` has from the ones before makes it cheaper, and nothing else.
    public func parse(
        _ bytes: RawSpan, receivedAt: Int64, remembering memory: inout SyslogMemory
    ) -> SyslogMessage {
        // Not more than there are.
        let text = unsafe bytes.extracting(unchecked: 0..<SyslogParser.trimmedCount(bytes))
        let priority = text.strictPriority()
        if options.expected.includesRFC5424, let message = readStrict(text, priority, receivedAt, &memory) {
            return message
        }
        var message = SyslogMessage(receivedAt: receivedAt)
        readLenient(text, priority, &message)
        return message
    }

    @inline(never)
    private func readLenient(
        _ text: RawSpan, _ priority: (value: Int, digits: Int), _ message: inout SyslogMessage
    ) {
        guard text.byteCount > 0 else {
            message.fault(0, .empty)
            message.problems.insert(.timeOfReceipt)
            return
        }
        var start = 0
        if options.expected != .raw {
            start = readPriority(text, priority, &message)
            if options.expected != .noHeader, options.expected != .rfc3164, readRFC5424(text, start, &message) {
                return
            }
        }
        // RFC 5424 demands a VERSION where this message has something else.
        message.fault(start)
        readRFC3164(text, start, &message)
    }

    /// Whether `message` is what the options ask for: the RFC 5424 grammar, or a recognised header.
    public func isValid(_ message: SyslogMessage) -> Bool {
        switch message.format {
        case .rfc5424: options.isLenient ? message.isUsable : message.isStrict
        case .rfc3164: options.expected != .rfc5424
        case .none: options.expected == .raw && !message.message.isEmpty
        }
    }

    /// The length without trailing LF, CR and NUL: one datagram or frame is one message.
    @inline(always)
    static func trimmedCount(_ bytes: RawSpan) -> Int {
        var count = bytes.byteCount
        while count > 0 {
            let last = unsafe bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: count &- 1, as: UInt8.self)
            guard last <= 0x0D, last == 0x0A || last == 0x0D || last == 0x00 else { return count }
            count &-= 1
        }
        return 0
    }

    /// Reads `<PRI>`, or keeps what was read of it, and returns the offset after it; 0 when there is none.
    @inline(__always)
    private func readPriority(
        _ bytes: RawSpan, _ strict: (value: Int, digits: Int), _ message: inout SyslogMessage
    ) -> Int {
        // Nearly all have it, and right.
        if strict.value >= 0 {
            message.priority = Int16(truncatingIfNeeded: strict.value)
            message.priorityText = Extent(at: 1, to: strict.digits &+ 1)
            return strict.digits &+ 2
        }
        return readOddPriority(bytes, &message)
    }

    private func readOddPriority(_ bytes: RawSpan, _ message: inout SyslogMessage) -> Int {
        // Some senders count octets in datagrams too: `230 <14>1 …`, or begin with a blank.
        let blanks = bytes.byte(at: 0) == 0x20 ? bytes.endOfBlanks(from: 0) : 0
        var first = blanks
        while first < blanks + 6, let byte = bytes.byte(at: first), byte &- 0x30 <= 9 { first += 1 }
        if first > blanks, bytes.byte(at: first) == 0x20, bytes.byte(at: first + 1) == 0x3C {
            message.fault(0, .countPrefix)
            first += 1
        } else {
            first = blanks
        }
        if blanks > 0, bytes.byte(at: first) == 0x3C { message.fault(0, .extraBlank) }
        var position = first + 1
        var value = 0
        if bytes.byte(at: first) == 0x3C {
            while position <= first + 40, let byte = bytes.byte(at: position), byte &- 0x30 <= 9 {
                // Above 191 the value does not matter any more; it must only not overflow.
                if value < 1_000 { value = value * 10 + Int(byte &- 0x30) }
                position += 1
            }
            if position > first + 1, bytes.byte(at: position) == 0x3E {
                message.priorityText = Extent(first + 1..<position)
                let hasLeadingZero = position > first + 2 && bytes.byte(at: first + 1) == 0x30
                if value <= 191 { message.priority = Int16(value) }
                if value > 191 || hasLeadingZero { message.fault(first + 1, .priorityInvalid) }
                return position + 1
            }
        }
        message.fault(0, .priorityMissing)
        if let assumed = options.assumedPriority { message.priority = Int16(clamping: assumed) }
        return 0
    }
}
