// SPDX-License-Identifier: Apache-2.0
internal import CLZ4

/// The LZ4 frame format through liblz4, which checks the checksums that are there. Its window is at most 4 MiB.
@safe
final class LZ4Decoder: BlockDecoder {
    static let headerBytes = 4
    private let context: OpaquePointer?
    private(set) var wanted = 0
    var isFull = false

    init() {
        var made: OpaquePointer?
        let status = unsafe LZ4F_createDecompressionContext(&made, UInt32(LZ4F_VERSION))
        unsafe context = LZ4F_isError(status) == 0 ? made : nil
    }

    deinit { unsafe _ = LZ4F_freeDecompressionContext(context) }

    func call(_ input: UnsafeRawBufferPointer, _ room: UnsafeMutableRawBufferPointer) -> Decoded {
        guard let context = unsafe context else { return Decoded(outcome: .noMemory) }
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
