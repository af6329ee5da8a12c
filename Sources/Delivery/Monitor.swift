// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// A value behind a lock, with a condition that threads wait for: what an output's thread and its callers share.
///
/// `Synchronization.Mutex` has no condition variable, and a thread that polls either wakes for nothing or answers late.
final class Monitor<State: ~Copyable>: @unchecked Sendable {
    private let lock: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>
    private var state: State

    init(_ state: consuming State) {
        lock = .allocate(capacity: 1)
        condition = .allocate(capacity: 1)
        pthread_mutex_init(lock, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        // A step of the wall clock must not stretch or end a wait.
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
        self.state = state
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(lock)
        condition.deallocate()
        lock.deallocate()
    }

    /// Runs `body` with the lock held.
    func withLock<Result, Failure: Error>(_ body: (inout State) throws(Failure) -> Result) throws(Failure) -> Result {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        return try body(&state)
    }

    /// Wakes every waiting thread.
    func wake() { pthread_cond_broadcast(condition) }

    /// Waits until `body` answers something, or `nanoseconds` have passed; a negative time never passes.
    func wait<Result>(nanoseconds: Int64, until body: (inout State) -> Result?) -> Result? {
        var deadline = timespec()
        if nanoseconds >= 0 {
            clock_gettime(CLOCK_MONOTONIC, &deadline)
            let (sum, over) = Int64(deadline.tv_nsec).addingReportingOverflow(nanoseconds)
            let total = over ? Int64.max : sum
            deadline.tv_sec += Int(total / 1_000_000_000)
            deadline.tv_nsec = Int(total % 1_000_000_000)
        }
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        while true {
            if let result = body(&state) { return result }
            if nanoseconds < 0 {
                pthread_cond_wait(condition, lock)
            } else if pthread_cond_timedwait(condition, lock, &deadline) == ETIMEDOUT {
                return body(&state)
            }
        }
    }
}

/// Nanoseconds of the monotonic clock.
func monotonicNow() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}

/// Nanoseconds since the epoch.
func wallNow() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}

/// The text of an `errno`.
func errorText(_ number: Int32) -> String { String(cString: strerror(number)) }
