// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc

/// Waits for sockets with epoll(7), level-triggered. One thread owns it; only its ``waker`` may be used from others.
///
/// Level-triggered: what a reader leaves in a socket is reported again, so back-pressure is simply not reading.
public final class EventLoop {
    /// What to wait for.
    public struct Interest: OptionSet, Sendable {
        /// The bits.
        public let rawValue: UInt8
        /// A set of those bits.
        public init(rawValue: UInt8) { self.rawValue = rawValue }
        /// There is something to read, or the other side closed.
        public static let readable = Interest(rawValue: 1)
        /// There is room to write.
        public static let writable = Interest(rawValue: 2)

        var bits: UInt32 {
            (contains(.readable) ? penstock_EPOLLIN : 0) | (contains(.writable) ? penstock_EPOLLOUT : 0)
        }
    }

    /// Names one registration. Its generation tells an event of a descriptor that was closed, and whose number or place
    /// was given away again within the same wake-up, from one of its successor.
    public struct Token: Hashable, Sendable {
        let raw: UInt64
        /// The number that the registration was made with.
        public var tag: UInt32 { UInt32(truncatingIfNeeded: raw) }
    }

    /// One registration that is ready.
    public struct Event: Sendable {
        /// Which one.
        public let token: Token
        /// For what; an error or a hang-up counts as readable, because reading tells which.
        public let interest: Interest

        /// An event that the loop did not see itself, such as bytes that OpenSSL has read ahead.
        public init(token: Token, interest: Interest) {
            self.token = token
            self.interest = interest
        }
    }

    private static let capacity = 64
    private static let wakeUp = UInt64.max
    private let epoll: Descriptor
    private let events: UnsafeMutablePointer<penstock_epoll_event>
    private var generation: UInt32 = 0
    /// Ends a ``wait(milliseconds:)`` from another thread.
    public let waker: Waker

    /// A loop that waits for nothing yet.
    public init() throws(TransportError) {
        let raw = penstock_epoll_create()
        guard raw >= 0 else { throw TransportError(errno: -raw, "epoll_create1") }
        epoll = Descriptor(raw)
        waker = try Waker()
        events = .allocate(capacity: EventLoop.capacity)
        events.initialize(repeating: penstock_epoll_event(), count: EventLoop.capacity)
        let status = penstock_epoll_ctl(epoll.raw, 1, waker.descriptor.raw, penstock_EPOLLIN, EventLoop.wakeUp)
        guard status == 0 else {
            events.deallocate()
            throw TransportError(errno: -status, "epoll_ctl")
        }
    }

    deinit { events.deallocate() }

    /// Starts to wait for `descriptor`, which the caller keeps open and removes before it closes it.
    public func add(_ descriptor: Int32, tag: UInt32, _ interest: Interest) throws(TransportError) -> Token {
        generation = generation &+ 1
        // The highest generation is kept for the waker.
        if generation == .max { generation = 0 }
        let token = Token(raw: UInt64(generation) << 32 | UInt64(tag))
        let status = penstock_epoll_ctl(epoll.raw, 1, descriptor, interest.bits, token.raw)
        guard status == 0 else { throw TransportError(errno: -status, "epoll_ctl") }
        return token
    }

    /// Waits for something else on a registered descriptor.
    public func change(_ descriptor: Int32, _ token: Token, to interest: Interest) {
        _ = penstock_epoll_ctl(epoll.raw, 3, descriptor, interest.bits, token.raw)
    }

    /// Waits no longer for a descriptor.
    public func remove(_ descriptor: Int32) { _ = penstock_epoll_ctl(epoll.raw, 2, descriptor, 0, 0) }

    /// Waits for at most `milliseconds` (-1: without end, 0: not at all) and appends what is ready to `ready`.
    ///
    /// - Returns: whether ``Waker/wake()`` ended or preceded the wait.
    @discardableResult
    public func wait(milliseconds: Int, into ready: inout [Event]) -> Bool {
        let timeout = Int32(clamping: milliseconds)
        let count = penstock_epoll_wait(epoll.raw, events, Int32(EventLoop.capacity), timeout)
        var woken = false
        // A negative answer is EINTR: a signal came, nothing is ready.
        for index in 0..<Int(max(count, 0)) {
            let event = events[index]
            if event.data == EventLoop.wakeUp {
                waker.drain()
                woken = true
                continue
            }
            var interest: Interest = []
            if event.events & ~penstock_EPOLLOUT != 0 { interest.insert(.readable) }
            if event.events & ~penstock_EPOLLIN != 0 { interest.insert(.writable) }
            ready.append(Event(token: Token(raw: event.data), interest: interest))
        }
        return woken
    }

    /// Wakes a loop from any thread (eventfd(2)).
    public final class Waker: Sendable {
        let descriptor: Descriptor

        init() throws(TransportError) {
            let raw = penstock_eventfd()
            guard raw >= 0 else { throw TransportError(errno: -raw, "eventfd") }
            descriptor = Descriptor(raw)
        }

        /// Makes the running or the next wait return.
        public func wake() {
            var one: UInt64 = 1
            _ = Glibc.write(descriptor.raw, &one, 8)
        }

        func drain() {
            var count: UInt64 = 0
            _ = Glibc.read(descriptor.raw, &count, 8)
        }
    }
}
