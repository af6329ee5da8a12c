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
