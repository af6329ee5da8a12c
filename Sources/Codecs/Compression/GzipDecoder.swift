// SPDX-License-Identifier: Apache-2.0
internal import CZlib

/// RFC 1952 through zlib, which checks each member's CRC and length.
@safe
final class GzipDecoder: FrameDecoder {
    /// On the heap: zlib compares the address at every call.
    private let stream: UnsafeMutablePointer<z_stream>
    private var isReady: Bool

    init() {
        unsafe stream = .allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        // 15 is the largest window of 32 KiB, and 16 more mean gzip only. inflateInit2 is a macro.
        isReady = unsafe inflateInit2_(stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
    }

    deinit {
        if isReady { unsafe _ = inflateEnd(stream) }
        unsafe stream.deallocate()
    }

    func decode(_ input: UnsafeRawBufferPointer, into room: UnsafeMutableRawBufferPointer) -> Decoded {
        guard isReady else { return Decoded(outcome: .noMemory) }
        let most = 1 << 30
        let given = UInt32(truncatingIfNeeded: min(input.count, most))
        let free = UInt32(truncatingIfNeeded: min(room.count, most))
        unsafe stream.pointee.next_in = UnsafeMutablePointer(
            mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self))
        unsafe stream.pointee.avail_in = given
        unsafe stream.pointee.next_out = room.baseAddress?.assumingMemoryBound(to: UInt8.self)
        unsafe stream.pointee.avail_out = free
        let status = unsafe inflate(stream, Z_NO_FLUSH)
        var decoded = Decoded()
        decoded.consumed = unsafe Int(given - stream.pointee.avail_in)
        decoded.produced = unsafe Int(free - stream.pointee.avail_out)
        switch status {
        // Z_BUF_ERROR only says that there was nothing to do.
        case Z_OK, Z_BUF_ERROR: break
        case Z_STREAM_END:
            decoded.outcome = .frameEnd
            unsafe _ = inflateReset(stream)
        case Z_MEM_ERROR: decoded.outcome = .noMemory
        default:
            let reason = unsafe stream.pointee.msg.map { unsafe String(cString: $0) }
            decoded.outcome = .corrupt(reason ?? "zlib says \(status)")
        }
        return decoded
    }
}
