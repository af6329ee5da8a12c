// SPDX-License-Identifier: Apache-2.0
internal import Codecs
internal import Wire

private struct FoundFrame: Equatable {
    var bytes: [UInt8]
    var marks: FrameSplitter.Marks
    var originalLength: Int
}

/// Frames lie inside the buffer, each step gets on, a bounded buffer is enough, and the chunks change nothing.
func fuzzFraming(_ input: RawSpan) {
    var choices = Choices(input)
    let modes = FrameSplitter.Mode.allCases
    let mode = modes[choices.next() % modes.count]
    let size = choices.next()
    let maximum = [4, 16, 100, 480, 65_536][(size >> 1) % 5]
    let splitter = FrameSplitter(mode: mode, maximum: maximum, oversize: size & 1 == 0 ? .truncate : .split)
    let chunks = Chunks(seed: choices.next())
    let stream = choices.rest
    let whole = frames(stream, splitter, nil)
    let cut = frames(stream, splitter, chunks)
    check(whole == cut, "\(mode) \(maximum) \(splitter.oversize): whole \(whole), in chunks \(cut)")
}

private func frames(_ stream: RawSpan, _ splitter: FrameSplitter, _ chunks: Chunks?) -> [FoundFrame] {
    var splitter = splitter
    var chunks = chunks
    var buffer = ConnectionBuffer()
    var frames: [FoundFrame] = []
    var position = 0
    var isLast = false
    while !isLast {
        // The end of the connection comes alone, as it does from a socket.
        isLast = position == stream.byteCount
        let size = isLast ? 0 : min(chunks?.next() ?? stream.byteCount, stream.byteCount - position)
        buffer.append(stream.part(position, size))
        position += size
        var from = 0
        steps: while true {
            let bytes = unsafe buffer.bytes.span.bytes
            switch splitter.next(in: bytes, from: from, atEnd: isLast) {
            case .frame(let frame):
                let extent = frame.extent.range
                check(extent.lowerBound >= from && extent.upperBound <= frame.consumedTo, "\(frame) from \(from)")
                check(frame.consumedTo > from && frame.consumedTo <= bytes.byteCount, "\(frame) from \(from)")
                check(extent.count <= splitter.maximum && extent.count > 0, "\(frame)")
                check(frame.originalLength >= extent.count, "\(frame)")
                frames.append(
                    FoundFrame(
                        bytes: bytes.part(frame.extent).array, marks: frame.marks, originalLength: frame.originalLength)
                )
                from = frame.consumedTo
            case .skip(let to):
                check(to > from && to <= bytes.byteCount, "skip to \(to) from \(from)")
                from = to
            case .needMore: break steps
            }
        }
        check(!isLast || from == buffer.bytes.count, "\(buffer.bytes.count - from) bytes are left at the end")
        buffer.consume(from)
        check(buffer.bytes.count < splitter.bufferLimit, "\(buffer.bytes.count) bytes and no frame")
    }
    check(splitter.counters.frames == UInt64(frames.count), "the frames are miscounted")
    return frames
}
