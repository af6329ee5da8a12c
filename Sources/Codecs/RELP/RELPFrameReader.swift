// SPDX-License-Identifier: Apache-2.0
public import Wire

/// Cuts a RELP stream into frames: `TXNR SP COMMAND SP DATALEN [SP DATA] LF` (RELP specification, "RELP frame").
///
/// Works over the connection's buffer without copying, as ``FrameSplitter`` does, and never needs more than
/// `bufferLimit` bytes. Unlike a syslog stream a RELP stream is not searched for its next frame: the specification has
/// the receiver close a connection whose framing is wrong, and the sender repeats what was not acknowledged.
public struct RELPFrameReader: Sendable {
    /// What a frame asks for.
    public enum Command: UInt8, Sendable {
        /// Opens the session, with offers.
        case open
        /// Ends it.
        case close
        /// Carries a message.
        case syslog
        /// An answer.
        case rsp
        /// The hint that the other end is about to close.
        case serverclose
        /// Asks for TLS.
        case starttls
        /// Any other word.
        case other
    }

    /// Where a frame breaks the grammar.
    public enum Fault: String, Error, Sendable {
        /// TXNR is not 1 to 9 digits.
        case transactionNumber = "txnr"
        /// COMMAND is not 1 to 32 letters.
        case command
        /// DATALEN is not 1 to 9 digits.
        case dataLength = "datalen"
        /// No LF where the frame ends.
        case trailer
    }

    /// One frame.
    public struct Frame: Equatable, Sendable {
        /// TXNR; 0 is a hint, which is not answered.
        public var transaction: UInt32
        /// COMMAND.
        public var command: Command
        /// Where DATA is in the buffer, or its first `maximum` bytes.
        public var data: Extent
        /// DATALEN.
        public var originalLength: Int
        /// The offset from which the buffer is still needed.
        public var consumedTo: Int
        /// Whether DATA is longer than the maximum. Then the frame has not come to its end: `finished` follows.
        public var isTruncated: Bool { originalLength > Int(data.length) }
    }

    /// What the buffer holds next.
    public enum Outcome: Equatable, Sendable {
        /// A frame.
        case frame(Frame)
        /// Bytes of DATA beyond the maximum: the buffer is needed from this offset on.
        case skip(to: Int)
        /// The end of a truncated frame: the buffer is needed from this offset on.
        case finished(to: Int)
        /// Nothing whole. A frame that the end of the stream cuts is not delivered: its sender repeats it.
        case needMore
        /// No frame, and no way to find the next one.
        case malformed(Fault)
    }

    /// The bytes of DATA that are kept.
    public let maximum: Int

    private enum State: Equatable {
        case start
        /// This many bytes of DATA, then the trailer, follow.
        case tail(Int)
        case broken(Fault)
    }
    private var state = State.start

    /// A reader at the start of a stream.
    public init(maximum: Int = 65_536) { self.maximum = min(max(maximum, 1), 1 << 24) }

    /// The bytes that a buffer must be able to hold for any frame to come out.
    public var bufferLimit: Int { maximum + 64 }

    /// Whether the end of a truncated frame has not come yet.
    public var isInsideFrame: Bool { if case .tail = state { true } else { false } }

    /// The next frame in `buffer` from offset `from`.
    ///
    /// Call again with the offset that the outcome names, until `needMore` or `malformed`.
    public mutating func next(in buffer: RawSpan, from: Int) -> Outcome {
        let bytes = buffer.part(from, buffer.byteCount)
        switch state {
        case .start:
            switch read(bytes) {
            case .frame(var frame):
                if frame.isTruncated { state = .tail(frame.originalLength - Int(frame.data.length)) }
                frame.data = frame.data.shifted(by: UInt32(truncatingIfNeeded: from))
                frame.consumedTo += from
                return .frame(frame)
            case .malformed(let fault): return fail(fault)
            case let other: return other
            }
        case .tail(let rest):
            let count = min(rest, bytes.byteCount)
            guard let last = bytes.byte(at: rest) else {
                guard count > 0 else { return .needMore }
                state = .tail(rest - count)
                return .skip(to: from + count)
            }
            guard last == 0x0A else { return fail(.trailer) }
            state = .start
            return .finished(to: from + rest + 1)
        case .broken(let fault): return .malformed(fault)
        }
    }

    private mutating func fail(_ fault: Fault) -> Outcome {
        state = .broken(fault)
        return .malformed(fault)
    }

    private func read(_ bytes: RawSpan) -> Outcome {
        var position = 0
        let transaction: Int
        switch number(bytes, &position) {
        case .value(let value): transaction = value
        case .incomplete: return .needMore
        case .wrong: return .malformed(.transactionNumber)
        }
        guard bytes.byte(at: position) == 0x20 else { return .malformed(.transactionNumber) }
        position += 1
        let start = position
        while let byte = bytes.byte(at: position), byte | 0x20 >= 0x61, byte | 0x20 <= 0x7A, position <= start + 32 {
            position += 1
        }
        let word = bytes.part(start, position - start)
        guard word.byteCount <= 32 else { return .malformed(.command) }
        guard let blank = bytes.byte(at: position) else { return .needMore }
        guard blank == 0x20, word.byteCount > 0 else { return .malformed(.command) }
        position += 1
        let length: Int
        switch number(bytes, &position) {
        case .value(let value): length = value
        case .incomplete: return .needMore
        case .wrong: return .malformed(.dataLength)
        }
        if bytes.byte(at: position) == 0x20 {
            position += 1
        } else if length > 0 {
            return .malformed(.dataLength)
        }
        let kept = min(length, maximum)
        var frame = Frame(
            transaction: UInt32(truncatingIfNeeded: transaction), command: RELPFrameReader.command(word),
            data: Extent(position..<position + kept), originalLength: length, consumedTo: position + kept)
        if frame.isTruncated { return bytes.byteCount >= frame.consumedTo ? .frame(frame) : .needMore }
        guard let trailer = bytes.byte(at: frame.consumedTo) else { return .needMore }
        guard trailer == 0x0A else { return .malformed(.trailer) }
        frame.consumedTo += 1
        return .frame(frame)
    }

    private enum Number {
        case value(Int)
        case incomplete
        case wrong
    }

    /// Reads 1 to 9 digits and leaves `position` at the byte after them, which is in view.
    private func number(_ bytes: RawSpan, _ position: inout Int) -> Number {
        let start = position
        var value = 0
        while let byte = bytes.byte(at: position), byte &- 0x30 <= 9 {
            guard position < start + 9 else { return .wrong }
            value = value * 10 + Int(byte &- 0x30)
            position += 1
        }
        guard position < bytes.byteCount else { return .incomplete }
        return position > start ? .value(value) : .wrong
    }

    private static func command(_ word: RawSpan) -> Command {
        switch word.byteCount {
        case 3 where word.hasBytes("rsp"): .rsp
        case 4 where word.hasBytes("open"): .open
        case 5 where word.hasBytes("close"): .close
        case 6 where word.hasBytes("syslog"): .syslog
        case 8 where word.hasBytes("starttls"): .starttls
        case 11 where word.hasBytes("serverclose"): .serverclose
        default: .other
        }
    }
}
