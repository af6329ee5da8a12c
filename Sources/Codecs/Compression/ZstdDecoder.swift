// SPDX-License-Identifier: Apache-2.0
internal import CZstd

/// RFC 8878 through libzstd.
@safe
final class ZstdDecoder: BlockDecoder {
    static let headerBytes = 3
    /// 128 MiB, which is what the command-line tool accepts without being asked: a frame may not order more memory.
    private static let largestWindow: Int32 = 27
    private let context: OpaquePointer?
    private(set) var wanted = 0
    var isFull = false

    init() {
        unsafe context = ZSTD_createDCtx()
        if let context = unsafe context {
            unsafe _ = ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, ZstdDecoder.largestWindow)
        }
    }

    deinit { unsafe _ = ZSTD_freeDCtx(context) }

    func call(_ input: UnsafeRawBufferPointer, _ room: UnsafeMutableRawBufferPointer) -> Decoded {
        guard let context = unsafe context else { return Decoded(outcome: .noMemory) }
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
