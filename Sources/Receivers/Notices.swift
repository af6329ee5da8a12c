// SPDX-License-Identifier: Apache-2.0
internal import Instruments
internal import Transport
internal import Wire

/// The notices of one lane that wait for the next batch, each kind of thing told at most once a minute: a client that
/// tries a hundred times a second is one notice with a count.
struct Notices {
    private struct Key: Hashable {
        let kind: Notice.Kind
        let listener: String
        let address: IPAddress?
        let fingerprint: String
        let reason: String
    }

    private struct Held {
        var next: Int64
        var count = 0
    }

    /// Milliseconds between two notices of one thing.
    private static let pause: Int64 = 60_000
    /// The most things that are remembered; beyond it, those whose time is over are forgotten.
    private static let limit = 4096
    private var held: [Key: Held] = [:]
    private var nextPurge: Int64 = .min
    private(set) var waiting: [Notice] = []
    private let untold: Instrument

    init(_ registry: Registry) { untold = registry.dropped(stage: "receive", reason: "notice_limit") }

    /// Tells `notice`, or counts it when the same was told within the minute.
    mutating func tell(_ notice: Notice, now: Int64) {
        var notice = notice
        // A stranger can show as many certificates as it likes: its address is what counts then.
        let fingerprint = notice.kind == .refusedCertificate ? "" : notice.certificate?.fingerprint ?? ""
        let key = Key(
            kind: notice.kind, listener: notice.listener, address: notice.peer?.ip, fingerprint: fingerprint,
            reason: notice.reason)
        if var known = held[key], now < known.next {
            known.count += notice.count
            held[key] = known
            return
        }
        // Now and then only: with many strangers at the door, looking through all of it for each would be the attack.
        if held.count >= Notices.limit, now >= nextPurge {
            held = held.filter { now < $0.value.next }
            nextPurge = now + Notices.pause / 20
        }
        guard held.count < Notices.limit, waiting.count < 256 else {
            untold.add()
            return
        }
        notice.count += held[key]?.count ?? 0
        held[key] = Held(next: now + Notices.pause)
        waiting.append(notice)
    }

    mutating func removeAll() { waiting.removeAll(keepingCapacity: true) }
}
