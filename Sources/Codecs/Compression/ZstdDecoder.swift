// SPDX-License-Identifier: Apache-2.0
internal import CZstd

/// RFC 8878 through libzstd.
@safe
final class ZstdDecoder: FrameDecoder {
    /// 128 MiB, which is what the command-line tool accepts without being asked: a frame may not order more memory.
    private static let largestWindow: Int32 = 27
    private let context: OpaquePointer?
    /// The bytes up to the end of the next block. Given more at a time, a fault would take the blocks before it along.
    private var wanted = 0
    /// Whether the last call has filled its room: what is left comes out first, for the same reason.
    private var isFull = false

    init() {
        unsafe context = ZSTD_createDCtx()
        if let context = unsafe context {
            unsafe _ = ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, ZstdDecoder.largestWindow)
        }
    }

    deinit { unsafe _ = ZSTD_freeDCtx(context) }

    func decode(_ input: UnsafeRawBufferPointer, into room: UnsafeMutableRawBufferPointer) -> Decoded {
        guard let context = unsafe context else { return Decoded(outcome: .noMemory) }
        if isFull {
            let flushed = unsafe call(context, UnsafeRawBufferPointer(rebasing: input[..<0]), room)
            isFull = flushed.produced == room.count
            if flushed.produced > 0 { return flushed }
        }
        // What a decoder asks for includes the next block's header of three bytes, which may be the fault.
        let piece = wanted > 3 ? wanted - 3 : max(wanted, 1)
        let count = min(input.count, piece)
        let decoded = unsafe call(context, UnsafeRawBufferPointer(rebasing: input[..<count]), room)
        isFull = decoded.produced == room.count
        return decoded
    }

    private func call(
        _ context: OpaquePointer, _ input: UnsafeRawBufferPointer, _ room: UnsafeMutableRawBufferPointer
    ) -> Decoded {
        var from = unsafe ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
        var to = unsafe ZSTD_outBuffer(dst: room.baseAddress, size: room.count, pos: 0)
        let status = unsafe ZSTD_decompressStream(context, &to, &from)
        var decoded = unsafe Decoded(consumed: from.pos, produced: to.pos)
        wanted = 0
        if ZSTD_isError(status) != 0 {
            decoded.outcome = unsafe .corrupt(String(cString: ZSTD_getErrorName(status)))
        } else if status == 0 {
            decoded.outcome = .frameEnd
        } else {
            wanted = status
        }
        return decoded
    }
}
