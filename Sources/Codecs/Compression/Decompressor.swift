// SPDX-License-Identifier: Apache-2.0
public import Wire

/// Decompresses a stream whose format its first bytes tell: gzip, zstd, lz4, or none.
///
/// It does no input or output of its own. Each step writes into room that the caller bounds, so a bomb costs no memory.
/// Concatenated members and frames are one stream, skippable frames and zeros behind a gzip member are passed over. What
/// came before a fault is delivered, up to the block with the fault.
///
/// The output of a sound stream does not depend on how the input was cut. That of a broken one may: it then ends earlier
/// or later, and libzstd finds some faults only in a frame that comes in pieces.
public struct Decompressor: ~Copyable {
    /// Why a stream cannot be read on.
    public struct Failure: Error, Equatable, Sendable, CustomStringConvertible {
        /// What kind of failure it is.
        public enum Code: String, Sendable {
            /// It is not what its format demands.
            case corrupt
            /// It ends in the middle.
            case truncated
            /// A compression that is recognised, but not read.
            case unsupported
            /// No memory for its window.
            case memory
        }

        /// What kind of failure it is.
        public let code: Code
        /// The bytes of the compressed stream in front of the place.
        public let offset: Int
        /// What is wrong there.
        public let reason: String

        /// The failure in words.
        public var description: String { "\(code.rawValue) at byte \(offset): \(reason)" }
    }

    /// What the stream needs next.
    public enum Status: Equatable, Sendable {
        /// More input.
        case needsInput
        /// More room for output.
        case needsRoom
        /// Nothing: all is out.
        case ended
        /// Nothing will come any more.
        case failed(Failure)
    }

    /// What one step did.
    public struct Step: Equatable, Sendable {
        /// The bytes of the input that were taken; the rest is to be offered again.
        public var consumed: Int
        /// The bytes of output that were appended.
        public var produced: Int
        /// What the stream needs next.
        public var status: Status
    }

    private enum State {
        /// Before a frame; `pending` holds what came of its signature.
        case signature
        case plain
        case frame
        case skipping(Int)
        case failed(Failure)
    }

    /// The format, once it is known. Of skippable frames alone it is not.
    public private(set) var format: CompressionFormat?
    /// The bytes of the compressed stream that were taken.
    public private(set) var consumed = 0
    /// The bytes that came out.
    public private(set) var produced = 0
    private var state = State.signature
    private var decoder: (any FrameDecoder)?
    private var pending: [UInt8] = []

    /// A decompressor at the start of a stream.
    public init() {}

    /// Whether the stream could end here: it is plain, or between two frames.
    public var isAtBoundary: Bool {
        switch state {
        case .signature: pending.isEmpty
        case .plain: true
        case .frame, .skipping, .failed: false
        }
    }

    /// Takes of `input` and appends to `output` at most `limit` bytes; `atEnd` when the stream ends with `input`.
    public mutating func step(_ input: RawSpan, atEnd: Bool, into output: inout Slab, upTo limit: Int) -> Step {
        var done = Step(consumed: 0, produced: 0, status: .needsInput)
        while true {
            let rest = input.part(done.consumed, input.byteCount)
            let room = max(limit, 0) - done.produced
            switch state {
            case .failed(let failure):
                done.status = .failed(failure)
                return done
            case .plain:
                let count = min(rest.byteCount, room)
                output.append(rest.part(0, count))
                take(count, &done)
                give(count, &done)
                done.status = count < rest.byteCount ? .needsRoom : (atEnd ? .ended : .needsInput)
                return done
            case .skipping(let left):
                let count = min(left, rest.byteCount)
                take(count, &done)
                state = count == left ? .signature : .skipping(left - count)
                if count < left { return starved(done, atEnd) }
            case .signature:
                guard recognize(rest, atEnd, &done) else { return starved(done, atEnd) }
            case .frame:
                guard room > 0 else {
                    done.status = .needsRoom
                    return done
                }
                guard decode(rest, &output, room, &done) else {
                    if rest.byteCount > 0 {
                        fail(.corrupt, at: consumed, "the \(title) decoder does not get on")
                        continue
                    }
                    return starved(done, atEnd)
                }
            }
        }
    }

    /// The answer when all input is used up.
    private mutating func starved(_ done: Step, _ atEnd: Bool) -> Step {
        var done = done
        switch state {
        case .failed(let failure): done.status = .failed(failure)
        case .signature where atEnd && pending.isEmpty: done.status = .ended
        default:
            guard atEnd else { return done }
            let failure = Failure(code: .truncated, offset: consumed, reason: "the \(title) stream ends in the middle")
            state = .failed(failure)
            done.status = .failed(failure)
        }
        return done
    }

    private var title: String { format?.rawValue ?? "compressed" }

    private mutating func take(_ count: Int, _ done: inout Step) {
        done.consumed += count
        consumed &+= count
    }

    private mutating func give(_ count: Int, _ done: inout Step) {
        done.produced += count
        produced &+= count
    }

    private mutating func fail(_ code: Failure.Code, at offset: Int, _ reason: String) {
        state = .failed(Failure(code: code, offset: offset, reason: reason))
        decoder = nil
    }

    /// Looks at the beginning of a frame; false when it takes more input.
    private mutating func recognize(_ rest: RawSpan, _ atEnd: Bool, _ done: inout Step) -> Bool {
        var index = 0
        while true {
            // Zeros that fill up a tape's or a disk's block (RFC 1952 knows them not, but every tool passes them over).
            if pending.isEmpty, format == .gzip {
                while rest.byte(at: index) == 0 { index += 1 }
            }
            let isLast = index >= rest.byteCount
            if isLast, !(atEnd && !pending.isEmpty) {
                take(index, &done)
                return false
            }
            if let byte = rest.byte(at: index) {
                pending.append(byte)
                index += 1
            }
            let found = unsafe CompressionFormat.recognize(pending.span.bytes, atEnd: isLast && atEnd)
            if case .skippable = found, format != .gzip {
                guard pending.count == 8 else {
                    if isLast { break }
                    continue
                }
                take(index, &done)
                let size = (0..<4).reduce(0) { $0 | Int(pending[4 + $1]) << (8 * $1) }
                pending = []
                state = .skipping(size)
                return true
            }
            if case .undecided = found { continue }
            take(index, &done)
            begin(found)
            return true
        }
        take(index, &done)
        return false
    }

    /// Begins what was recognised.
    private mutating func begin(_ found: CompressionFormat.Recognition) {
        let start = consumed - pending.count
        switch found {
        case .known(.plain) where format == nil && start == 0:
            format = .plain
            state = .frame
        case .known(let next) where next != .plain && (format == nil || format == next):
            format = next
            state = .frame
            if decoder == nil {
                decoder =
                    switch next {
                    case .gzip: GzipDecoder()
                    case .zstd: ZstdDecoder()
                    case .lz4, .plain: LZ4Decoder()
                    }
            }
        case .foreign(let name) where format == nil:
            fail(.unsupported, at: start, "\(name) is not read")
        default:
            fail(.corrupt, at: start, "what follows a \(title) frame is none")
        }
    }

    /// Decodes once; false when nothing moved.
    private mutating func decode(_ rest: RawSpan, _ output: inout Slab, _ room: Int, _ done: inout Step) -> Bool {
        guard let decoder else {
            // Plain: what looked like a signature is content.
            let count = min(pending.count, room)
            unsafe output.append(pending.span.bytes.part(0, count))
            pending.removeFirst(count)
            give(count, &done)
            if pending.isEmpty { state = .plain }
            return count > 0
        }
        var decoded = Decoded()
        let isHeld = !pending.isEmpty
        let before = consumed - pending.count
        _ = unsafe output.append(upTo: room) { free in
            if isHeld {
                unsafe decoded = pending.withUnsafeBytes { unsafe decoder.decode($0, into: free) }
            } else {
                unsafe decoded = rest.withUnsafeBytes { unsafe decoder.decode($0, into: free) }
            }
            return decoded.produced
        }
        if isHeld { pending.removeFirst(decoded.consumed) } else { take(decoded.consumed, &done) }
        give(decoded.produced, &done)
        switch decoded.outcome {
        case .more: return decoded.consumed > 0 || decoded.produced > 0
        case .frameEnd: state = .signature
        case .corrupt(let reason): fail(.corrupt, at: before + decoded.consumed, reason)
        case .noMemory: fail(.memory, at: before, "no memory for the \(title) stream's window")
        }
        return true
    }
}

extension Decompressor {
    /// Decompresses `bytes` as a caller would who has `chunk` bytes of it at a time and `room` bytes of room, and hands out
    /// at most the first `limit` bytes: for files at hand, tests and fuzzers.
    public static func whole(
        _ bytes: RawSpan, chunk: Int = .max, room: Int = 64 << 10, limit: Int
    ) -> (bytes: [UInt8], status: Status) {
        var decompressor = Decompressor()
        var output = Slab(capacity: 0)
        var from = 0
        while true {
            let end = from + min(max(chunk, 1), bytes.byteCount - from)
            let step = decompressor.step(
                bytes.part(from, end - from), atEnd: end == bytes.byteCount, into: &output,
                upTo: min(max(room, 1), limit - output.count))
            from += step.consumed
            switch step.status {
            case .ended, .failed: return (output.bytes.array, step.status)
            case .needsRoom where output.count >= limit: return (output.bytes.array, step.status)
            case .needsRoom, .needsInput: break
            }
        }
    }
}
