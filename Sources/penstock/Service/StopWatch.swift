// SPDX-License-Identifier: Apache-2.0

/// The time that a lane has for what still comes in after the order to stop.
struct StopWatch {
    private var started: Int64 = 0

    /// Whether five seconds have passed since the first question.
    var isOver: Bool {
        mutating get {
            let now = steadyClock()
            if started == 0 { started = now }
            return now - started > 5_000_000_000
        }
    }
}
