// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// A bounded queue of owned values between threads: the only way from one stage's thread to another's.
///
/// Values are whole batches, so a lock a batch costs nothing an event. A full ring is back-pressure: `push` hands the
/// value back and the caller decides (wait, shed with a count).
public final class Ring<Element: ~Copyable & Sendable>: Sendable {
    @safe
    private struct State: ~Copyable, @unchecked Sendable {
        var slots: UnsafeMutablePointer<Element>
        var head = 0
        var count = 0
        var isClosed = false
        let capacity: Int

        init(capacity: Int) {
            unsafe slots = .allocate(capacity: capacity)
            self.capacity = capacity
        }

        deinit {
            for index in 0..<count { unsafe (slots + (head + index) % capacity).deinitialize(count: 1) }
            unsafe slots.deallocate()
        }
    }

    private let state: Mutex<State>
    /// The number of values that fit.
    public let capacity: Int

    /// A ring of `capacity` values, at least 1.
    public init(capacity: Int) {
        self.capacity = max(1, capacity)
        self.state = Mutex(State(capacity: max(1, capacity)))
    }

    /// Appends `value`, or hands it back when the ring is full or closed.
    public func push(_ value: consuming sending Element) -> Element? {
        var pending: Element? = value
        state.withLock { state in
            guard !state.isClosed, state.count < state.capacity, let value = pending.take() else { return }
            unsafe (state.slots + (state.head + state.count) % state.capacity).initialize(to: value)
            state.count += 1
        }
        return pending
    }

    /// Removes the oldest value, or nil when there is none.
    public func pop() -> Element? {
        var taken: Element?
        state.withLock { state in
            guard state.count > 0 else { return }
            taken = unsafe (state.slots + state.head).move()
            state.head = (state.head + 1) % state.capacity
            state.count -= 1
        }
        return taken
    }

    /// The number of values waiting.
    public var count: Int { state.withLock { $0.count } }

    /// No further `push` succeeds; what waits can still be popped.
    public func close() { state.withLock { $0.isClosed = true } }

    /// Whether `close` was called and everything was popped.
    public var isDrained: Bool { state.withLock { $0.isClosed && $0.count == 0 } }
}
