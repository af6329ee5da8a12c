// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Wire

/// The memory that one lane receives datagrams into: a fixed number of slots, filled by one recvmmsg(2).
///
/// All sockets of a lane share one arena, so that its memory is bounded by slots × slot size.
public final class DatagramArena {
    /// The number of slots.
    public let slots: Int
    /// The bytes of one slot; a longer datagram is cut.
    public let slotBytes: Int
    let bytes: UnsafeMutableRawPointer
    let datagrams: UnsafeMutablePointer<penstock_datagram>
    /// The headers that recvmmsg(2) wants, made once: making them anew costs a calm receiver more than the datagram.
    let kernel: OpaquePointer

    /// An arena of `slots` (at most 128) slots that hold datagrams of up to `largest` bytes whole.
    public init(slots: Int = 32, largest: Int) {
        self.slots = min(max(slots, 1), 128)
        // An odd number of cache lines: slots at a power of two apart would all compete for the same cache sets.
        let lines = (min(max(largest, 512), 65_536) + 63) / 64
        slotBytes = (lines | 1) * 64
        bytes = .allocate(byteCount: self.slots * slotBytes, alignment: 64)
        datagrams = .allocate(capacity: self.slots)
        datagrams.initialize(repeating: penstock_datagram(), count: self.slots)
        let start = bytes.assumingMemoryBound(to: UInt8.self)
        guard let kernel = penstock_datagrams_make(start, UInt32(slotBytes), Int32(self.slots)) else {
            fatalError("out of memory")
        }
        self.kernel = kernel
    }

    deinit {
        penstock_datagrams_free(kernel)
        bytes.deallocate()
        datagrams.deallocate()
    }

    /// The bytes of the datagram in a slot that the last receive filled.
    @_lifetime(borrow self)
    public func bytes(_ slot: Int) -> RawSpan {
        precondition(slot >= 0 && slot < slots, "no such slot")
        let span = RawSpan(_unsafeStart: bytes + slot * slotBytes, byteCount: Int(datagrams[slot].length))
        return _overrideLifetime(span, borrowing: self)
    }

    /// The length that the datagram had on the wire: more than its bytes when it was cut.
    public func wireLength(_ slot: Int) -> Int {
        precondition(slot >= 0 && slot < slots, "no such slot")
        return Int(datagrams[slot].wire_length)
    }

    /// Who sent the datagram.
    public func peer(_ slot: Int) -> SocketAddress? {
        precondition(slot >= 0 && slot < slots, "no such slot")
        let entry = datagrams + slot
        switch entry.pointee.family {
        case 4:
            return SocketAddress(IPAddress(v4: UInt32(truncatingIfNeeded: entry.pointee.low)), port: entry.pointee.port)
        case 6:
            return SocketAddress(
                IPAddress(high: entry.pointee.high, low: entry.pointee.low), port: entry.pointee.port)
        default: return nil
        }
    }

    /// Whether the datagram of the slot before came from the same address and port, so that what was found out about
    /// its sender holds for this one too. Never so for the first slot.
    public func hasSamePeerAsBefore(_ slot: Int) -> Bool {
        precondition(slot >= 0 && slot < slots, "no such slot")
        return datagrams[slot].same_peer != 0
    }
}
