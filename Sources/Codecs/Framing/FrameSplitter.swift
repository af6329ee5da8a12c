// SPDX-License-Identifier: Apache-2.0
public import Wire

/// Cuts a syslog stream into frames: octet counting and trailers (RFC 6587, RFC 5425).
///
/// Works over the connection's buffer without copying: the caller keeps the bytes from the last `consumedTo` on,
/// appends what it reads, and asks again. The frames do not depend on how the stream was cut into reads, and a frame
/// never needs more than `bufferLimit` bytes, whatever the peer sends. Nothing closes the connection: what is no frame
/// is handed out as one that is marked.
public struct FrameSplitter: Sendable {
    /// How frames are told apart.
    public enum Mode: String, Sendable, CaseIterable {
        /// Octet counting for a frame that begins with the whole `LEN SP <PRI>` signature, else LF (or NUL).
        case auto
        /// Octet counting only.
        case octet
        /// A line feed ends a frame; NUL is data.
        case lf
        /// NUL ends a frame; line feeds are data.
        case nul
        /// Everything up to the end is one frame.
        case none
    }

    /// What happens to a frame that is longer than the maximum.
    public enum Oversize: String, Sendable {
        /// The first part is a frame, the rest is skipped.
        case truncate
        /// The rest is further frames.
        case split
    }

    /// What is special about a frame.
    public struct Marks: OptionSet, Sendable {
        /// One bit for each mark.
        public let rawValue: UInt8
        /// A set of marks from its bits.
        public init(rawValue: UInt8) { self.rawValue = rawValue }
        /// It was octet-counted.
        public static let octetCounted = Marks(rawValue: 1 << 0)
        /// It was longer than the maximum: the rest is skipped.
        public static let truncated = Marks(rawValue: 1 << 1)
        /// It is one piece of a frame that was longer than the maximum.
        public static let piece = Marks(rawValue: 1 << 2)
        /// The connection ended inside of it.
        public static let cutByClose = Marks(rawValue: 1 << 3)
        /// A count stood before it that cannot be one (zero, leading zero, far above the maximum).
        public static let badCount = Marks(rawValue: 1 << 4)
        /// It stood where an octet count was expected.
        public static let garbage = Marks(rawValue: 1 << 5)

        /// Every mark with the name that counters use.
        public static let all: [(flag: Marks, name: String)] = [
            (.octetCounted, "octet_counted"), (.truncated, "truncated"), (.piece, "split"),
            (.cutByClose, "cut_by_close"), (.badCount, "bad_count"), (.garbage, "garbage"),
        ]
    }

    /// One frame.
    public struct Frame: Equatable, Sendable {
        /// Where its bytes are in the buffer, without count and trailer.
        public var extent: Extent
        /// The offset from which the buffer is still needed.
        public var consumedTo: Int
        /// What is special about it.
        public var marks: Marks
        /// Its length on the wire when that is known already, else that of `extent`.
        public var originalLength: Int
    }

    /// What the buffer holds next.
    public enum Outcome: Equatable, Sendable {
        /// A frame.
        case frame(Frame)
        /// Bytes that belong to no frame: the buffer is needed from this offset on.
        case skip(to: Int)
        /// Nothing whole. At the end of the stream: nothing left.
        case needMore
    }

    /// What was met so far.
    public struct Counters: Equatable, Sendable {
        /// Frames handed out.
        public var frames: UInt64 = 0
        /// Bytes of oversize frames that were skipped.
        public var discardedBytes: UInt64 = 0
        /// Times that an octet count was expected and not found.
        public var resyncs: UInt64 = 0
    }

    /// How frames are told apart.
    public let mode: Mode
    /// The bytes that a frame may have.
    public let maximum: Int
    /// What happens to a longer one.
    public let oversize: Oversize
    /// What was met so far.
    public internal(set) var counters = Counters()

    enum State: Equatable, Sendable {
        case start
        case line(Marks)
        case octets(Int)
        case discardOctets(Int)
        case discardLine
        case discardAll
        case resync
    }
    var state = State.start
    /// Bytes after `from` that hold no trailer, so that a slow stream is not searched again and again.
    var searched = 0

    /// A splitter at the start of a stream.
    public init(mode: Mode = .auto, maximum: Int = 65_536, oversize: Oversize = .truncate) {
        self.mode = mode
        self.maximum = max(maximum, 1)
        self.oversize = oversize
    }

    /// The bytes that a buffer must be able to hold for any frame to come out.
    public var bufferLimit: Int { maximum + 32 }

    /// The largest count that is believed: far above the maximum it is no count, and would swallow the stream.
    var maximumCount: Int { max(1 << 20, maximum &* 16) }

    /// The next frame in `buffer` from offset `from`; `atEnd` when the peer has closed.
    ///
    /// Call again with the offset that the outcome names, until `needMore`.
    public mutating func next(in buffer: RawSpan, from: Int, atEnd: Bool) -> Outcome {
        let bytes = buffer.part(from, buffer.byteCount)
        let outcome = step(bytes, atEnd)
        guard case .needMore = outcome else {
            searched = 0
            switch outcome {
            case .frame(var frame):
                counters.frames += 1
                frame.extent.offset = UInt32(truncatingIfNeeded: Int(frame.extent.offset) + from)
                frame.consumedTo += from
                return .frame(frame)
            case .skip(let to): return .skip(to: to + from)
            case .needMore: return .needMore
            }
        }
        return outcome
    }

    private mutating func step(_ bytes: RawSpan, _ atEnd: Bool) -> Outcome {
        switch state {
        case .start:
            switch mode {
            case .auto: return startAuto(bytes, atEnd)
            case .octet: return startOctet(bytes, atEnd)
            case .lf, .nul: return line(bytes, atEnd, [])
            case .none: return whole(bytes, atEnd)
            }
        case .line(let marks): return line(bytes, atEnd, marks)
        case .octets(let rest): return octets(bytes, atEnd, header: 0, count: rest, [.octetCounted, .piece])
        case .resync: return garbage(bytes, atEnd)
        case .discardOctets(let rest):
            let count = min(rest, bytes.byteCount)
            state = rest == count || atEnd ? .start : .discardOctets(rest - count)
            return discard(count)
        case .discardLine:
            guard let trailer = trailer(bytes, from: 0, to: bytes.byteCount) else { return discard(bytes.byteCount) }
            state = .start
            return discard(trailer + 1)
        case .discardAll: return discard(bytes.byteCount)
        }
    }

    private mutating func discard(_ count: Int) -> Outcome {
        guard count > 0 else { return .needMore }
        counters.discardedBytes &+= UInt64(count)
        return .skip(to: count)
    }

    /// The whole stream as one frame.
    private mutating func whole(_ bytes: RawSpan, _ atEnd: Bool) -> Outcome {
        if bytes.byteCount > maximum {
            state = oversize == .split ? .start : .discardAll
            return .frame(frame(0, maximum, consumed: maximum, oversize == .split ? .piece : .truncated))
        }
        guard atEnd, bytes.byteCount > 0 else { return .needMore }
        return .frame(frame(0, bytes.byteCount, consumed: bytes.byteCount, []))
    }

    func frame(_ start: Int, _ count: Int, consumed: Int, _ marks: Marks, original: Int? = nil) -> Frame {
        Frame(
            extent: Extent(start..<start + count), consumedTo: consumed, marks: marks, originalLength: original ?? count
        )
    }
}
