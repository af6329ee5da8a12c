// SPDX-License-Identifier: Apache-2.0
internal import Delivery
internal import Incidents
internal import Logging
internal import Store
internal import Synchronization

/// Moves notifications from the store to the webhooks, and records what became of them: a receiver that is down, or a
/// restart, loses none.
final class Outbox: Sendable {
    private struct State {
        /// What the webhooks have: under way until the store has its end on record, or it would be found due again.
        var inFlight: [String: OutboxItem] = [:]
        /// What has ended and the store could not record yet.
        var ended: [String: String] = [:]
    }

    private let store: StateStore
    private let log: Logger
    private let state = Mutex(State())
    private let webhooks = Mutex<[String: WebhookOutput]>([:])

    init(store: StateStore, log: Logger) {
        self.store = store
        self.log = log
    }

    /// Takes a webhook in, under its name.
    func add(_ name: String, _ webhook: WebhookOutput) { webhooks.withLock { $0[name] = webhook } }

    /// Submits what is due and not under way yet.
    func pump(now: Int64) {
        // A store that takes none of them is not asked for each.
        for (key, result) in state.withLock({ $0.ended }) where !record(key, result) { break }
        for (name, webhook) in webhooks.withLock({ $0 }) {
            // Asked before the look: what ends during it may be seen as due, and would be sent twice.
            let known = state.withLock { $0.inFlight }
            let due: [OutboxItem]
            do { due = try store.look { try $0.due(sink: name, now: now, limit: 100) } } catch {
                log.error("the outbox cannot be read: \(error)")
                return
            }
            for item in due {
                let key = "\(name)/\(item.sequence)"
                guard known[key] == nil else { continue }
                state.withLock { $0.inFlight[key] = item }
                let notification = Notification(
                    id: key, messageID: Notification.messageID(incident: item.incident, revision: item.revision),
                    subject: item.subject, message: String(decoding: item.payload, as: UTF8.self), time: now)
                if !webhook.submit(notification) { state.withLock { $0.inFlight[key] = nil } }
            }
        }
    }

    /// What a webhook says of a notification: the record of it is kept.
    func note(_ key: String, _ outcome: WebhookOutput.Outcome) {
        let result: String
        let made: Int
        switch outcome {
        case .delivered(let attempts): (result, made) = ("delivered", attempts)
        case .deadLettered(let attempts, let reason): (result, made) = ("rejected: \(reason)", attempts)
        case .delayed: return
        }
        // The store counts the last attempt itself.
        state.withLock { $0.inFlight[key]?.attempts += made - 1 }
        record(key, result)
    }

    /// - Returns: whether the store has it on record now.
    @discardableResult
    private func record(_ key: String, _ result: String) -> Bool {
        guard let item = state.withLock({ $0.inFlight[key] }) else { return true }
        do {
            try store.change { try $0.finish(item, at: wallClock(), result: result) }
            state.withLock { state in
                state.inFlight[key] = nil
                state.ended[key] = nil
            }
            return true
        } catch {
            let isNew = state.withLock { $0.ended.updateValue(result, forKey: key) == nil }
            if isNew { log.error("notification \(key) was \(result), but the store cannot record it yet: \(error)") }
            return false
        }
    }
}
