// SPDX-License-Identifier: Apache-2.0
public import Instruments
public import Logging

/// Notifications to one HTTP(S) receiver in the form of Amazon SNS, on a thread of its own.
///
/// It keeps nothing across a restart: the caller's outbox does, and hears what became of each notification. Attempts
/// keep the MessageId, so that a receiver can drop repeats.
public final class WebhookOutput: Sendable {
    /// What became of one request.
    public enum Result: Sendable, Equatable {
        /// The receiver took it (2xx).
        case delivered(status: Int)
        /// The receiver will never take it (4xx but 429, 3xx): no further attempt.
        case rejected(status: Int)
        /// Not now: no connection, no answer in time, 429 or 5xx.
        case failed(reason: String)
    }

    /// What the caller hears about one notification.
    public enum Outcome: Sendable, Equatable {
        /// The receiver has it.
        case delivered(attempts: Int)
        /// The quick attempts are used up; slow ones go on until it is delivered, rejected or the service stops.
        case delayed(attempts: Int, reason: String)
        /// No attempt will follow: the caller keeps it as a dead letter.
        case deadLettered(attempts: Int, reason: String)
    }

    private struct Item {
        var notification: Notification
        var attempts = 0
        var due: Int64 = 0
    }

    private struct State {
        var items: [Item] = []
        var isClosed = false
        var isStopped = false
    }

    private let settings: WebhookSettings
    private let log: Logger
    private let onResult: @Sendable (String, Outcome) -> Void
    private let monitor = Monitor(State())
    private let thread = Monitor<OutputThread?>(nil)
    private let delivered: Instrument
    private let failures: Instrument
    private let waiting: Instrument
    private let deadLetters: Instrument
    private let queueFull: Instrument
    private let left: Instrument

    /// A webhook that tells `onResult` (on its own thread) what became of each notification, by its `id`.
    ///
    /// - Throws: a text that says what is wrong with the settings.
    public init(
        _ settings: WebhookSettings, registry: Registry, log: Logger,
        onResult: @escaping @Sendable (String, Outcome) -> Void
    ) throws(WebhookError) {
        guard settings.url.hasPrefix("https://") || settings.url.hasPrefix("http://"), settings.url.utf8.count > 8
        else {
            throw WebhookError("`\(settings.url)` is no URL of a webhook; it begins with https:// or http://")
        }
        self.settings = settings
        self.log = log
        self.onResult = onResult
        let labels: KeyValuePairs<String, String> = ["webhook": settings.name]
        delivered = registry.counter(
            "penstock_webhook_delivered_total", labels, help: "Notifications that a receiver took.")
        failures = registry.counter("penstock_webhook_failures_total", labels, help: "Requests that did not succeed.")
        waiting = registry.gauge("penstock_webhook_waiting", labels, help: "Notifications that wait for a receiver.")
        deadLetters = registry.dropped(stage: "webhook", reason: "rejected")
        queueFull = registry.dropped(stage: "webhook", reason: "queue_full")
        left = registry.dropped(stage: "webhook", reason: "shutdown")
    }

    /// Starts the thread.
    public func start() {
        thread.withLock { $0 = $0 ?? OutputThread("webhook-\(settings.name)") { [self] in run() } }
    }

    /// Takes a notification for delivery.
    ///
    /// - Returns: false when the queue is full or closed; it is counted, and the caller's outbox still has it.
    @discardableResult
    public func submit(_ notification: Notification) -> Bool {
        let taken = monitor.withLock { state in
            guard !state.isClosed, state.items.count < settings.queueLimit else { return false }
            state.items.append(Item(notification: notification))
            waiting.set(Int64(state.items.count))
            return true
        }
        if taken {
            monitor.wake()
        } else {
            queueFull.add()
            log.error(
                "webhook \(settings.name) refuses notification \(notification.id): \(settings.queueLimit) wait already")
        }
        return taken
    }

    /// Makes one attempt, for at most `timeout`, on the caller's thread.
    public func deliver(_ notification: Notification) -> Result {
        guard let client = HTTPPost(settings) else { return .failed(reason: "libcurl cannot be used") }
        return deliver(notification, client)
    }

    /// Waits up to `timeout` for what is due, then ends the thread; what is left stays in the caller's outbox and is
    /// counted.
    public func stop(timeout: Duration = .seconds(5)) {
        monitor.withLock { $0.isClosed = true }
        monitor.wake()
        let end = monotonicNow() + WebhookOutput.nanoseconds(timeout)
        // What waits for another attempt would not be there in time.
        _ = monitor.wait(nanoseconds: max(0, end - monotonicNow())) { state in
            state.items.contains { $0.due <= end } ? nil : true
        }
        monitor.withLock { $0.isStopped = true }
        monitor.wake()
        thread.withLock { $0.take() }?.join()
        let rest = monitor.withLock { state in
            defer { state.items.removeAll() }
            return state.items.count
        }
        waiting.set(0)
        guard rest > 0 else { return }
        left.add(rest)
        log.warning("webhook \(settings.name) stopped with \(rest) notifications undelivered; they stay in the outbox")
    }

    // MARK: The thread

    private func deliver(_ notification: Notification, _ client: borrowing HTTPPost) -> Result {
        guard notification.message.utf8.count <= Notification.messageLimit else { return .rejected(status: 413) }
        let body: [UInt8]
        do {
            body = try SNSEnvelope.body(notification, topic: settings.topic, signer: settings.signer)
        } catch { return .failed(reason: error.description) }
        var headers = [
            "Content-Type: \(settings.contentType)", "x-amz-sns-message-type: Notification",
            "x-amz-sns-message-id: \(notification.messageID)", "x-amz-sns-topic-arn: \(settings.topic)",
            // A receiver that must first say "go on" costs a second; the bodies are small.
            "Expect:",
        ]
        if !settings.subscription.isEmpty { headers.append("x-amz-sns-subscription-arn: \(settings.subscription)") }
        switch client.post(body, headers: headers) {
        case .failure(let reason): return .failed(reason: reason)
        case .status(let status):
            switch status {
            case 200..<300: return .delivered(status: status)
            case 429: return .failed(reason: "HTTP status 429")
            case 300..<500: return .rejected(status: status)
            default: return .failed(reason: "HTTP status \(status)")
            }
        }
    }

    private func run() {
        guard let client = HTTPPost(settings) else {
            log.critical("webhook \(settings.name): libcurl cannot be used; notifications stay in the outbox")
            return
        }
        var complaint = Occasionally()
        while let item = next() {
            let attempts = item.attempts + 1
            switch deliver(item.notification, client) {
            case .delivered:
                remove(item)
                delivered.add()
                complaint.reset()
                onResult(item.notification.id, .delivered(attempts: attempts))
            case .rejected(let status):
                remove(item)
                failures.add()
                deadLetters.add()
                log.error(
                    "webhook \(settings.name): the receiver refuses \(item.notification.id); no further attempt",
                    metadata: ["http_status": "\(status)"])
                onResult(item.notification.id, .deadLettered(attempts: attempts, reason: "HTTP status \(status)"))
            case .failed(let reason):
                failures.add()
                postpone(item, attempts)
                if let held = complaint.pass() {
                    log.warning(
                        "webhook \(settings.name): \(reason); notification \(item.notification.id) is tried again",
                        metadata: ["attempt": "\(attempts)", "failures_not_logged": "\(held)"])
                }
                if attempts == settings.retries + 1 {
                    log.error(
                        "webhook \(settings.name): \(item.notification.id) is not delivered yet; attempts go on",
                        metadata: ["attempts": "\(attempts)", "reason": "\(reason)", "pause": "\(settings.slowPause)"])
                    onResult(item.notification.id, .delayed(attempts: attempts, reason: reason))
                }
            }
        }
    }

    /// Waits for the notification that is due first, or nil when it is time to end.
    private func next() -> Item? {
        while true {
            let wait = monitor.withLock { state -> Int64 in
                guard let due = state.items.map(\.due).min() else { return -1 }
                return max(0, due - monotonicNow())
            }
            let found: Item?? = monitor.wait(nanoseconds: wait) { state -> Item?? in
                if state.isStopped || state.isClosed && state.items.isEmpty { return .some(nil) }
                let now = monotonicNow()
                guard let item = state.items.min(by: { $0.due < $1.due }), item.due <= now else { return nil }
                return .some(item)
            }
            if case .some(let answer) = found { return answer }
        }
    }

    private func remove(_ item: Item) {
        monitor.withLock { state in
            if let index = state.items.firstIndex(where: { $0.notification.id == item.notification.id }) {
                state.items.remove(at: index)
            }
            waiting.set(Int64(state.items.count))
        }
        monitor.wake()
    }

    private func postpone(_ item: Item, _ attempts: Int) {
        let pause = WebhookOutput.nanoseconds(attempts <= settings.retries ? settings.retryPause : settings.slowPause)
        monitor.withLock { state in
            if let index = state.items.firstIndex(where: { $0.notification.id == item.notification.id }) {
                state.items[index].attempts = attempts
                state.items[index].due = monotonicNow() + pause
            }
        }
        monitor.wake()
    }

    private static func nanoseconds(_ duration: Duration) -> Int64 {
        duration.components.seconds * 1_000_000_000 + duration.components.attoseconds / 1_000_000_000
    }
}
