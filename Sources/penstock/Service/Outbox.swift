// SPDX-License-Identifier: Apache-2.0
internal import Delivery
internal import Incidents
internal import Logging
internal import Store
internal import Synchronization

/// Moves notifications from the store to the webhooks, and records what became of them: a receiver that is down, or a
/// restart, loses none.
final class Outbox: Sendable {
    private let store: StateStore
    private let log: Logger
    private let inFlight = Mutex<[String: OutboxItem]>([:])
    private let webhooks = Mutex<[String: WebhookOutput]>([:])

    init(store: StateStore, log: Logger) {
        self.store = store
        self.log = log
    }

    /// Takes a webhook in, under its name.
    func add(_ name: String, _ webhook: WebhookOutput) { webhooks.withLock { $0[name] = webhook } }

    /// Submits what is due and not under way yet.
    func pump(now: Int64) {
        for (name, webhook) in webhooks.withLock({ $0 }) {
            let due: [OutboxItem]
            do { due = try store.look { try $0.due(sink: name, now: now, limit: 100) } } catch {
                log.error("the outbox cannot be read: \(error)")
                return
            }
            for item in due {
                let key = "\(name)/\(item.sequence)"
                let isNew = inFlight.withLock { items in
                    if items[key] != nil { return false }
                    items[key] = item
                    return true
                }
                guard isNew else { continue }
                let notification = Notification(
                    id: key, messageID: Notification.messageID(incident: item.incident, revision: item.revision),
                    subject: item.subject, message: String(decoding: item.payload, as: UTF8.self), time: now)
                if !webhook.submit(notification) { inFlight.withLock { $0[key] = nil } }
            }
        }
    }

    /// What a webhook says of a notification: the record of it is kept.
    func note(_ key: String, _ outcome: WebhookOutput.Outcome) {
        let result: String
        switch outcome {
        case .delivered: result = "delivered"
        case .deadLettered(_, let reason): result = "rejected: \(reason)"
        case .delayed: return
        }
        guard let item = inFlight.withLock({ $0.removeValue(forKey: key) }) else { return }
        do {
            try store.change { try $0.finish(item, at: wallClock(), result: result) }
        } catch {
            log.error("notification \(key) was \(result), but the store cannot record it: \(error)")
        }
    }
}
