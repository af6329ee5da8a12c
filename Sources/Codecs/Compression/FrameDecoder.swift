// SPDX-License-Identifier: Apache-2.0

/// What one call of a decoder has done.
struct Decoded {
    enum Outcome {
        /// It needs more input or more room.
        case more
        /// The frame (gzip: the member) is complete and its content handed out.
        case frameEnd
        case corrupt(String)
        case noMemory
    }

    var consumed = 0
    var produced = 0
    var outcome = Outcome.more
}

/// Decompresses one frame after the other; after a frame's end it is ready for the next.
@safe
protocol FrameDecoder: AnyObject {
    func decode(_ input: UnsafeRawBufferPointer, into room: UnsafeMutableRawBufferPointer) -> Decoded
}

/// A decoder that gives up a call's output when it meets a fault. So it gets one block at a time: a fault must not take
/// the blocks before it along.
@safe
protocol BlockDecoder: FrameDecoder {
    /// The bytes of a block's header. What a library asks for includes the next block's, which may be the fault.
    static var headerBytes: Int { get }
    /// The bytes that the library asked for last, up to the end of the next block; 0 before a frame.
    var wanted: Int { get }
    /// Whether the last call has filled its room: what is left comes out first.
    var isFull: Bool { get set }
    /// One call of the library.
    func call(_ input: UnsafeRawBufferPointer, _ room: UnsafeMutableRawBufferPointer) -> Decoded
}

extension BlockDecoder {
    func decode(_ input: UnsafeRawBufferPointer, into room: UnsafeMutableRawBufferPointer) -> Decoded {
        if isFull {
            let flushed = unsafe call(UnsafeRawBufferPointer(rebasing: input[..<0]), room)
            isFull = flushed.produced == room.count
            if flushed.produced > 0 { return flushed }
        }
        let block = wanted > Self.headerBytes ? wanted - Self.headerBytes : max(wanted, 1)
        let decoded = unsafe call(UnsafeRawBufferPointer(rebasing: input[..<min(input.count, block)]), room)
        isFull = decoded.produced == room.count
        return decoded
    }
}
