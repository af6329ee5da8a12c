// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// A moment that waiting ends at.
struct Deadline {
    let moment: ContinuousClock.Instant

    init(_ timeout: Duration) { moment = ContinuousClock.now.advanced(by: timeout) }

    var isOver: Bool { ContinuousClock.now >= moment }

    /// Waits until the descriptor is ready or broken; false when the time is over first.
    func wait(_ descriptor: Int32, _ events: Int16) -> Bool {
        while true {
            let left = ContinuousClock.now.duration(to: moment)
            guard left > .zero else { return false }
            let milliseconds = left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000
            var entry = pollfd(fd: descriptor, events: events, revents: 0)
            let count = Glibc.poll(&entry, 1, Int32(clamping: milliseconds + 1))
            if count > 0 { return true }
            if count < 0, errno != EINTR { return false }
        }
    }
}
