// SPDX-License-Identifier: Apache-2.0

/// An event inside a group's window.
struct WindowEntry {
    /// Event time in nanoseconds.
    var time: Int64
    /// What it is made of: orders equal times the same on every run.
    var identity: UInt64
    /// The same of its event.
    var content: UInt64
    /// The value that is counted or reckoned with: a hash, or the bits of a number.
    var value: UInt64
    /// The number of the hit among ``HeldHits``; none where only the count goes on, and for the second rule that one hit
    /// matched.
    var hit: UInt32
    /// The number of the rule among those that the unit refers to.
    var step: UInt16
    /// Whether another correlation made it, and not an event.
    var isDerived = false
    /// Whether its hit was given up for want of room.
    var isCut = false

    /// Whether it has a hit.
    var hasHit: Bool { hit != HeldHits.none }

    /// Time, then step, then content: never the order of arrival. Steps of one time satisfy an order.
    static func precedes(_ a: WindowEntry, _ b: WindowEntry) -> Bool {
        (a.time, a.step, a.identity, a.content) < (b.time, b.step, b.identity, b.content)
    }
}
