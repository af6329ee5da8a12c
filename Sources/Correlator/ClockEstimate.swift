// SPDX-License-Identifier: Apache-2.0

/// What is known of the clock of one sender, from the times that its events carry and the times of their receipt.
///
/// An event comes after it happened, so receipt less event time is the delay of its way and the error of the sender's
/// clock together. The delay is never negative and small at best; so the least difference is that of the clocks, and what
/// the others are above it is delay. A clock that is ahead proves itself, because no delay makes a difference negative. One
/// that is behind looks like a way that never takes less: only a difference that stays the same is taken for it.
public struct ClockEstimate: Sendable, Equatable {
    /// What a clock is taken for.
    public enum State: String, Sendable, CaseIterable {
        /// As ours.
        case level
        /// Ahead of ours by at least that much.
        case ahead
        /// Behind ours; or everything takes that long, and as long each time.
        case behind
        /// The clock may be right: what comes is late, by times that change.
        case late
    }

    /// The least of receipt less event time, in microseconds; below zero the clock is ahead. The one least slice of the
    /// window is left out, so that one wrong time moves nothing.
    public var offset: Int64
    /// The usual delay beyond that, in microseconds.
    public var delay: Int64
    /// How far the least differences of the window's slices are apart, in microseconds.
    public var spread: Int64
    /// Whether all slices of the window are filled.
    public var isWhole: Bool
    /// The events that it was made of, since the sender came.
    public var events: Int
    /// The receipt of the newest, in nanoseconds since the epoch.
    public var lastReceived: Int64

    /// What the clock is taken for where `tolerance` microseconds are nothing to speak of.
    public func state(tolerance: Int64) -> State {
        if offset < -tolerance { return .ahead }
        guard offset > tolerance else { return .level }
        return isWhole && spread <= max(1_000_000, tolerance / 2) ? .behind : .late
    }

    /// The difference in words: `clock 73 s ahead`.
    public var words: String {
        let seconds = (abs(offset) + 500_000) / 1_000_000
        let span =
            switch seconds {
            case ..<600: "\(seconds) s"
            case ..<7_200: "\(seconds / 60) min"
            case ..<172_800: "\(seconds / 3_600) h \(seconds / 60 % 60) min"
            default: "\(seconds / 86_400) d"
            }
        // Offsets of zones are whole quarters of an hour, up to 14 hours.
        let rest = (seconds + 60) % 900
        let hint = seconds > 800 && seconds < 50_500 && rest <= 120 ? ", which may be its time zone" : ""
        return "clock \(span) \(offset < 0 ? "ahead" : "behind")\(hint)"
    }

    /// The estimate of a sender that several lanes hear.
    func merged(with other: ClockEstimate) -> ClockEstimate {
        // What a lane has not heard of for so long says nothing of the clock as it is.
        let stale: Int64 = 600_000_000_000
        if lastReceived > other.lastReceived.addingClamped(stale) { return self }
        if other.lastReceived > lastReceived.addingClamped(stale) { return other }
        var merged = events >= other.events ? self : other
        let center = merged.offset + merged.delay
        merged.offset = min(offset, other.offset)
        merged.delay = max(0, center - merged.offset)
        merged.spread = max(spread, other.spread, abs(offset - other.offset))
        merged.isWhole = isWhole || other.isWhole
        merged.events = events + other.events
        merged.lastReceived = max(lastReceived, other.lastReceived)
        return merged
    }
}

/// The running estimate of one sender's clock: the least differences of the last slices of time in which it sent, and a
/// center of all differences that follows slowly. Fixed in size, and a handful of instructions an event.
struct ClockEstimator: Sendable {
    /// Nanoseconds of receipt that a slice takes.
    static let slice: Int64 = 15_000_000_000
    /// The slices of the window; those in which the sender was silent do not count.
    static let slices = 8

    private var least = [8 of Int64](repeating: .max)
    private var started: Int64 = 0
    private var place: Int32 = -1
    private var filled: Int32 = 0
    /// Microseconds: the center of the differences, and how far they usually are from it.
    private var center: Int64 = 0
    private var deviation: Int64 = 0
    private(set) var lastReceived: Int64 = .min
    private var events = 0

    /// Whether it has heard enough to say something.
    var isEstablished: Bool { filled >= 2 }

    /// Takes the difference of an event, in microseconds, that was received at `received` nanoseconds since the epoch.
    mutating func observe(_ difference: Int64, received: Int64) {
        // A receive clock that was set back begins a new slice as well.
        if place < 0 || UInt64(bitPattern: received &- started) >= UInt64(ClockEstimator.slice) {
            place = (place + 1) % Int32(ClockEstimator.slices)
            filled = min(filled + 1, Int32(ClockEstimator.slices))
            started = received
            least[Int(place)] = difference
            if events == 0 { center = difference }
        } else if difference < least[Int(place)] {
            least[Int(place)] = difference
        }
        // Steps of the usual deviation at most: one wrong time moves the center by little.
        let error = difference - center
        deviation += (min(abs(error), 8 * deviation + 1_000) - deviation) / 16
        center += min(max(error, -deviation - 8), deviation + 8) / 8
        lastReceived = received
        events += 1
    }

    /// What it has come to; nil before there is enough.
    var estimate: ClockEstimate? {
        guard isEstablished else { return nil }
        var (lowest, second, highest) = (Int64.max, Int64.max, Int64.min)
        for number in 0..<Int(filled) {
            let value = least[number]
            highest = max(highest, value)
            if value < lowest {
                second = lowest
                lowest = value
            } else {
                second = min(second, value)
            }
        }
        return ClockEstimate(
            offset: second, delay: max(0, center - second), spread: highest - lowest,
            isWhole: filled == ClockEstimator.slices, events: events, lastReceived: lastReceived)
    }
}
