// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Bytes that wait to be written: one buffer that is used again, bounded.
struct OutboundQueue: ~Copyable {
    /// What an empty queue may keep; a burst's memory goes back.
    private static let kept = 16 * 1024
    private static let smallest = 512
    private var buffer = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    private var head = 0
    private var tail = 0
    /// The most bytes that may wait.
    var limit: Int

    init(limit: Int) { self.limit = limit }

    deinit { buffer.deallocate() }

    var count: Int { tail - head }
    var waiting: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: buffer[head..<tail]) }

    /// Appends all of `bytes`, or nothing when the limit stands against it.
    mutating func append(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count <= limit - count else { return false }
        if buffer.count - tail < bytes.count { makeRoom(for: bytes.count) }
        UnsafeMutableRawBufferPointer(rebasing: buffer[tail...]).copyMemory(from: bytes)
        tail += bytes.count
        return true
    }

    /// Takes `count` bytes from the front, which were written.
    mutating func remove(_ count: Int) {
        head += min(max(count, 0), self.count)
        guard head == tail else { return }
        head = 0
        tail = 0
        guard buffer.count > OutboundQueue.kept else { return }
        buffer.deallocate()
        buffer = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    }

    /// Moves what waits to the front, into a larger buffer when this one is more than half full: a byte is moved a bounded
    /// number of times.
    private mutating func makeRoom(for more: Int) {
        let needed = count + more
        let old = buffer
        let waiting = count
        if needed > buffer.count / 2 {
            var capacity = max(buffer.count, OutboundQueue.smallest)
            while capacity < needed * 2, capacity < limit { capacity *= 2 }
            buffer = .allocate(byteCount: max(min(capacity, limit), needed), alignment: 16)
        }
        if waiting > 0 {
            buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: old[head..<(head + waiting)]))
        }
        if old.baseAddress != buffer.baseAddress { old.deallocate() }
        head = 0
        tail = waiting
    }
}
