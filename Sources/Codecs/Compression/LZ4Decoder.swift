// SPDX-License-Identifier: Apache-2.0
internal import CLZ4

/// The LZ4 frame format through liblz4, which checks the checksums that are there. Its window is at most 4 MiB.
@safe
final class LZ4Decoder: FrameDecoder {
    private let context: OpaquePointer?
    /// The bytes up to the end of the next block. Given more at a time, a fault would take the blocks before it along.
    private var wanted = 0
    /// Whether the last call has filled its room: what is left comes out first, for the same reason.
    private var isFull = false

    init() {
        var made: OpaquePointer?
        let status = unsafe LZ4F_createDecompressionContext(&made, UInt32(LZ4F_VERSION))
        unsafe context = LZ4F_isError(status) == 0 ? made : nil
    }

    deinit { unsafe _ = LZ4F_freeDecompressionContext(context) }

    func decode(_ input: UnsafeRawBufferPointer, into room: UnsafeMutableRawBufferPointer) -> Decoded {
        guard let context = unsafe context else { return Decoded(outcome: .noMemory) }
        if isFull {
            let flushed = unsafe call(context, UnsafeRawBufferPointer(rebasing: input[..<0]), room)
            isFull = flushed.produced == room.count
            if flushed.produced > 0 { return flushed }
        }
        // What a decoder asks for includes the next block's header of four bytes, which may be the fault.
        let piece = wanted > 4 ? wanted - 4 : max(wanted, 1)
        let count = min(input.count, piece)
        let decoded = unsafe call(context, UnsafeRawBufferPointer(rebasing: input[..<count]), room)
        isFull = decoded.produced == room.count
        return decoded
    }

    private func call(
        _ context: OpaquePointer, _ input: UnsafeRawBufferPointer, _ room: UnsafeMutableRawBufferPointer
    ) -> Decoded {
        var taken = input.count
        var made = room.count
        let status = unsafe LZ4F_decompress(context, room.baseAddress, &made, input.baseAddress, &taken, nil)
        guard LZ4F_isError(status) == 0 else {
            wanted = 0
            return unsafe Decoded(outcome: .corrupt(String(cString: LZ4F_getErrorName(status))))
        }
        wanted = status
        return Decoded(consumed: taken, produced: made, outcome: status == 0 ? .frameEnd : .more)
    }
}
