// SPDX-License-Identifier: Apache-2.0
internal import Instruments
internal import Logging
internal import Transport

/// Counts what a lane refuses, cuts or loses, and logs it.
///
/// Every one is counted. A log line is written at most once per listener and reason in ten seconds: a flood that is
/// refused must not become a flood in the log.
final class Refusals {
    private struct Key: Hashable {
        let listener: UInt16
        let reason: String
    }

    private struct State {
        var next: Int64
        var suppressed = 0
    }

    /// Milliseconds between two lines.
    private static let pause: Int64 = 10_000
    private let logger: Logger
    private let connections: [Listener.Refusal: Instrument]
    private let kernel: Instrument
    private let oversize: Instrument
    private let empty: Instrument
    private let notDTLS: Instrument
    private let noSession: Instrument
    private var states: [Key: State] = [:]
    /// When a disk that confirms nothing is told of again.
    private var nextDisk: Int64 = .min

    init(registry: Registry, logger: Logger) {
        self.logger = logger
        func dropped(_ reason: String) -> Instrument { registry.dropped(stage: "receive", reason: reason) }
        connections = Dictionary(
            uniqueKeysWithValues: Listener.Refusal.allCases.map { ($0, dropped($0.rawValue)) })
        kernel = dropped("kernel")
        oversize = dropped("oversize")
        empty = dropped("empty")
        notDTLS = dropped("not_dtls")
        noSession = dropped("no_session")
    }

    /// A connection was refused or closed.
    func connection(
        _ listener: Listener, _ reason: Listener.Refusal, peer: SocketAddress?, now: Int64, _ details: String
    ) {
        connections[reason]?.add()
        listener.refused[reason]?.add()
        note(listener, reason.rawValue, 1, now: now) { "\(peer.map { "\($0)" } ?? "a peer"): \(details)" }
    }

    /// The kernel dropped datagrams.
    func kernel(_ listener: Listener, _ count: Int, now: Int64) {
        kernel.add(count)
        note(listener, "kernel", count, now: now) {
            "the kernel dropped \(count) datagrams; more lanes, a larger `receive_buffer` or less load would keep them"
        }
    }

    /// A message was longer than allowed, and cut.
    func oversize(_ listener: Listener, peer: SocketAddress?, length: Int, now: Int64) {
        oversize.add()
        note(listener, "oversize", 1, now: now) {
            "\(peer.map { "\($0)" } ?? "a peer") sent \(length) bytes in one message; "
                + "`max_message_bytes` is \(listener.configuration.maxMessageBytes)"
        }
    }

    /// Datagrams on a DTLS port that are none of DTLS, or of no session.
    func strayDatagrams(_ notDTLS: Int, _ noSession: Int) {
        self.notDTLS.add(notDTLS)
        self.noSession.add(noSession)
    }

    /// Messages in the journal are not acknowledged because its disk does not confirm them. Said at once, then each ten
    /// minutes.
    func disk(_ messages: Int, lane: Int, seconds: Int64, now: Int64) {
        guard messages > 0, now >= nextDisk else { return }
        nextDisk = now + 600_000
        logger.error(
            """
            lane \(lane): \(messages) RELP messages have waited for their acknowledgement for \(seconds) s: the journal's \
            disk confirms nothing, and their senders send nothing more. The journal's own lines say why; after a failed \
            write it confirms again only when the service has been restarted
            """)
    }

    /// A datagram without content.
    func emptyDatagram() { empty.add() }

    private func note(_ listener: Listener, _ reason: String, _ count: Int, now: Int64, _ text: () -> String) {
        let key = Key(listener: listener.number, reason: reason)
        var state = states[key] ?? State(next: .min)
        if now < state.next {
            state.suppressed += count
        } else {
            let more = state.suppressed > 0 ? " (and \(state.suppressed) more since the last such line)" : ""
            logger.warning("\(listener.title): \(reason): \(text())\(more)")
            state = State(next: now + Refusals.pause)
        }
        states[key] = state
    }
}
