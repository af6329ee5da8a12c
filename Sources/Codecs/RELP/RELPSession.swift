// SPDX-License-Identifier: Apache-2.0
public import Wire

/// The server's side of a RELP session, without sockets: reads frames, delivers messages, and answers them in their
/// order once the caller says that they are safe.
///
/// A message is answered only after `acknowledge`: until then its sender keeps it and repeats it on a new connection.
/// What waits is bounded: with a full window `next` takes nothing more, so the caller stops reading and TCP slows the
/// sender. A caller whose answers cannot be sent stops reading as well. Nothing is allocated for a frame once the ring
/// has grown to the sender's window.
public struct RELPSession: Sendable {
    /// A message that came in.
    public struct Message: Equatable, Sendable {
        /// Its transaction number.
        public var transaction: UInt32
        /// Where it is in the buffer, or its first bytes.
        public var extent: Extent
        /// Its length on the wire.
        public var originalLength: Int
        /// Whether it was longer than the maximum and only its beginning is kept.
        public var isTruncated: Bool { originalLength > Int(extent.length) }
    }

    /// Why a session is over.
    public enum Ending: Equatable, Sendable {
        /// The client asked for it, and everything before is answered.
        case closed
        /// The caller asked for it.
        case server
        /// The framing is wrong.
        case malformed(RELPFrameReader.Fault)
        /// A transaction number other than the next one.
        case transaction
        /// A command before `open`.
        case notOpen
        /// An `open` whose offers cannot be met: no `relp_version`, or commands without `syslog`.
        case offers
        /// An answer, where nothing was asked.
        case unexpectedAnswer

        /// The name that counters use.
        public var name: String {
            switch self {
            case .closed: "closed"
            case .server: "server"
            case .malformed(let fault): "relp_frame_\(fault.rawValue)"
            case .transaction: "relp_transaction"
            case .notOpen: "relp_not_open"
            case .offers: "relp_offers"
            case .unexpectedAnswer: "relp_unexpected_answer"
            }
        }
    }

    /// What to do next.
    public enum Step: Equatable, Sendable {
        /// Take this message, and acknowledge it when it is safe; the buffer may be reused after that many bytes.
        case deliver(Message)
        /// Read more.
        case needMore
        /// Read nothing before something is acknowledged.
        case windowFull
        /// Send the answers, then close. Messages that are not acknowledged come again on another connection.
        case close(Ending)
    }

    /// The largest transaction number; 1 comes after it.
    public static let lastTransaction: UInt32 = 999_999_999

    /// The messages that may wait for their acknowledgement.
    public let windowFrames: Int
    /// The bytes of messages that may wait; one message is taken in any case.
    public let windowBytes: Int
    /// The `relp_software` that `open` is answered with.
    public let software: String
    /// Why the session is over, or nil; set by `next` and `acknowledge`.
    public internal(set) var ending: Ending?
    /// Whether the client has opened the session.
    public internal(set) var isOpen = false
    /// The `relp_version` agreed on.
    public internal(set) var version = 0
    /// The bytes of messages that were delivered and are not answered.
    public private(set) var outstandingBytes = 0
    /// Messages that were delivered and are not answered.
    public private(set) var outstanding = 0

    var reader: RELPFrameReader
    var isClosing = false
    /// Messages that the caller acknowledged and that something before them keeps from being answered.
    private var granted = 0
    private var expected: UInt32
    private var pending = RELPAnswerRing()
    /// Whether the rest of the last frame is still to come: what is not whole is not answered.
    private var isLastUnfinished = false

    /// A session on a new connection.
    ///
    /// - Parameters:
    ///   - maximum: the bytes of a message that are kept; a longer one is cut, marked and answered.
    ///   - firstTransaction: the number that the client begins with.
    public init(
        maximum: Int = 65_536, windowFrames: Int = 1_024, windowBytes: Int = 4 << 20, software: String = "penstock",
        firstTransaction: UInt32 = 1
    ) {
        expected = min(max(firstTransaction, 1), RELPSession.lastTransaction)
        reader = RELPFrameReader(maximum: maximum)
        self.windowFrames = min(max(windowFrames, 1), 1 << 20)
        self.windowBytes = max(windowBytes, 1)
        self.software = software
    }

    /// The bytes that a buffer must be able to hold for any frame to come out.
    public var bufferLimit: Int { reader.bufferLimit }

    /// Whether nothing more is taken before something is acknowledged.
    public var isWindowFull: Bool {
        // The rest of a truncated frame takes no room, and nothing is answered before it has come.
        (pending.count >= windowFrames || outstandingBytes >= windowBytes) && !reader.isInsideFrame
    }

    /// The next thing to do about `buffer`, which is used up to `from` and is needed only after it; appends what is to
    /// be sent to `answers`.
    ///
    /// Call until it is not `deliver`. Bytes may be left over with `windowFull`: call again after an acknowledgement.
    public mutating func next(in buffer: RawSpan, from: inout Int, answers: inout Slab) -> Step {
        while ending == nil {
            if isClosing {
                // Nothing may follow a close.
                from = buffer.byteCount
                return .needMore
            }
            guard !isWindowFull else { return .windowFull }
            switch reader.next(in: buffer, from: from) {
            case .needMore: return .needMore
            case .skip(let to): from = to
            case .finished(let to):
                from = to
                isLastUnfinished = false
                answerWhatIsDue(&answers)
            case .malformed(let fault): end(.malformed(fault), &answers)
            case .frame(let frame):
                from = frame.consumedTo
                if let message = take(frame, buffer.part(frame.data), &answers) { return .deliver(message) }
            }
        }
        return .close(ending ?? .closed)
    }

    /// The first `count` messages that were delivered and not acknowledged are safe.
    ///
    /// - Returns: the number of messages that were answered; fewer when the last one is not whole.
    @discardableResult
    public mutating func acknowledge(_ count: Int, answers: inout Slab) -> Int {
        granted += min(max(count, 0), outstanding - granted)
        return answerWhatIsDue(&answers)
    }

    /// The caller closes the session for reasons of its own: appends the hint that tells the client.
    public mutating func close(answers: inout Slab) {
        guard ending == nil else { return }
        end(.server, &answers)
    }

    // MARK: Frames

    /// The transaction of the oldest frame that waits.
    private var oldest: UInt32 {
        let last = RELPSession.lastTransaction
        return (expected - 1 + last - UInt32(truncatingIfNeeded: pending.count)) % last + 1
    }

    private mutating func take(_ frame: RELPFrameReader.Frame, _ data: RawSpan, _ answers: inout Slab) -> Message? {
        if frame.command == .rsp {
            end(.unexpectedAnswer, &answers)
            return nil
        }
        guard frame.transaction != 0 else {
            // A hint may be ignored; a command without a number cannot be answered.
            let isHint = frame.command != .syslog && frame.command != .open && frame.command != .close
            if !isHint { end(.transaction, &answers) }
            return nil
        }
        guard frame.transaction == expected else {
            end(.transaction, &answers)
            return nil
        }
        expected = expected % RELPSession.lastTransaction + 1
        isLastUnfinished = frame.isTruncated
        switch frame.command {
        case .open where !isOpen:
            // Offers that are longer than a message may be are none.
            open(frame.isTruncated ? data.part(0, 0) : data, frame.transaction, &answers)
            return nil
        case .syslog where !isOpen, .close where !isOpen:
            RELPAnswer.notOpen.write(frame.transaction, &answers)
            end(.notOpen, &answers)
            return nil
        case .syslog where frame.data.length > 0:
            pending.append(.stored, bytes: frame.data.length)
            outstanding += 1
            outstandingBytes += Int(frame.data.length)
            return Message(
                transaction: frame.transaction, extent: frame.data, originalLength: frame.originalLength)
        case .syslog: pending.append(.empty, bytes: 0)
        // librelp sends it again in a session at times; it answers that with 200 and changes nothing.
        case .open: pending.append(.openAlready, bytes: 0)
        case .close:
            isClosing = true
            pending.append(.closed, bytes: 0)
        case .rsp, .serverclose, .starttls, .other: pending.append(.unknown, bytes: 0)
        }
        answerWhatIsDue(&answers)
        return nil
    }

    /// Answers frames from the oldest on until one has to wait.
    @discardableResult
    private mutating func answerWhatIsDue(_ answers: inout Slab) -> Int {
        var count = 0
        while ending == nil, let (answer, bytes) = pending.first {
            if pending.count == 1, isLastUnfinished { break }
            let number = oldest
            if answer == .stored {
                guard granted > 0 else { break }
                granted -= 1
                outstanding -= 1
                outstandingBytes -= Int(bytes)
                count += 1
            }
            pending.removeFirst()
            answer.write(number, &answers)
            if answer == .closed { end(.closed, &answers) }
        }
        return count
    }

    /// Ends the session and hints so.
    mutating func end(_ reason: Ending, _ answers: inout Slab) {
        ending = reason
        RELPAnswer.hint.write(0, &answers)
    }
}
