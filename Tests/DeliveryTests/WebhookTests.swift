// SPDX-License-Identifier: Apache-2.0
import Delivery
import Foundation
import Instruments
import Synchronization
import Testing

/// Notifications against an HTTP server written in Python.
@Suite(.enabled(if: Oracle.hasPython, "needs python3 (or PENSTOCK_PYTHON)"))
struct WebhookTests {
    private let registry = Registry()
    private let book = LogBook()

    /// What a server got: status answered, headers in lower case, body.
    private struct Request {
        var status: Int
        var path: String
        var headers: [String: String]
        var raw: String
        var body: [String: Any]
    }

    private func requests(_ server: Receiver) -> [Request] {
        server.lines.compactMap { line in
            guard let object = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any],
                let headers = object["headers"] as? [String: String], let raw = object["body"] as? String,
                let body = try? JSONSerialization.jsonObject(with: Data(raw.utf8)) as? [String: Any]
            else { return nil }
            return Request(
                status: object["status"] as? Int ?? 0, path: object["path"] as? String ?? "",
                headers: .init(uniqueKeysWithValues: headers.map { ($0.key.lowercased(), $0.value) }), raw: raw,
                body: body)
        }
    }

    private let notification = Notification(
        id: "soc/7", messageID: Notification.messageID(incident: "INC-42", revision: 3),
        subject: "[CRITICAL] OT Incident INC-42 – 4 Detection(s) | Techniques: T0886, T0855",
        message: #"{"id":"INC-42","summary":"a \"quoted\" word – ü"}"#, time: 1_767_323_045_678_000_000)

    private final class Heard: Sendable {
        let outcomes = Mutex<[String]>([])
        var all: [String] { outcomes.withLock { $0 } }
    }

    private func webhook(
        _ url: String, _ heard: Heard, change: (inout WebhookSettings) -> Void = { _ in }
    ) throws -> WebhookOutput {
        var settings = WebhookSettings(name: "soc", url: url)
        settings.retryPause = .milliseconds(30)
        settings.slowPause = .milliseconds(200)
        change(&settings)
        return try WebhookOutput(settings, registry: registry, log: book.logger()) { id, outcome in
            heard.outcomes.withLock { $0.append("\(id) \(outcome)") }
        }
    }

    @Test func theFormOfSNS() throws {
        let server = try Receiver(["webhook", "OUTPUT", "200"])
        let heard = Heard()
        let hook = try webhook("http://127.0.0.1:\(server.port)/sns?x=1", heard)
        hook.start()
        #expect(hook.submit(notification))
        #expect(eventually { heard.all == ["soc/7 delivered(attempts: 1)"] }, "\(heard.all) \(book.lines)")
        hook.stop()
        let request = try #require(requests(server).first)
        #expect(requests(server).count == 1)
        #expect(request.path == "/sns?x=1")
        #expect(request.headers["content-type"] == "text/plain; charset=UTF-8")
        #expect(request.headers["x-amz-sns-message-type"] == "Notification")
        #expect(request.headers["x-amz-sns-topic-arn"] == "arn:penstock:sns:local:000000000000:incidents")
        #expect(request.headers["x-amz-sns-message-id"] == request.body["MessageId"] as? String)
        #expect(request.body["Type"] as? String == "Notification")
        #expect(
            request.body["Subject"] as? String
                == "[CRITICAL] OT Incident INC-42 – 4 Detection(s) | Techniques: T0886, T0855")
        #expect(request.body["Message"] as? String == notification.message)
        #expect(request.body["Timestamp"] as? String == "2026-01-02T03:04:05.678Z")
        // Without a key there is no signature, not an empty one.
        #expect(request.body.keys.sorted() == ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"])
    }

    @Test func theIdIsTheIncidentsOwn() {
        let id = Notification.messageID(incident: "INC-42", revision: 3)
        #expect(id == Notification.messageID(incident: "INC-42", revision: 3))
        #expect(id != Notification.messageID(incident: "INC-42", revision: 4))
        #expect(id != Notification.messageID(incident: "INC-4", revision: 23))
        #expect(UUID(uuidString: id) != nil)
        #expect(id.dropFirst(14).first == "8")
    }

    @Test func subjectsFitIntoTheLimit() {
        let long = Notification(
            id: "x", messageID: "x", subject: String(repeating: "a\n", count: 200), message: "", time: 0)
        #expect(long.subject.unicodeScalars.count == 99)
        #expect(!long.subject.contains("\n"))
        #expect(long.subject.hasSuffix("…"))
    }

    @Test func aServerThatFailsGetsTheSameMessageAgain() throws {
        let server = try Receiver(["webhook", "OUTPUT", "503,429,500,502,500,200"])
        let heard = Heard()
        let hook = try webhook("http://127.0.0.1:\(server.port)/", heard)
        hook.start()
        hook.submit(notification)
        #expect(eventually { heard.all.count == 2 }, "\(heard.all)")
        hook.stop()
        #expect(
            heard.all == [
                "soc/7 delayed(attempts: 4, reason: \"HTTP status 502\")", "soc/7 delivered(attempts: 6)",
            ])
        #expect(requests(server).map(\.status) == [503, 429, 500, 502, 500, 200])
        #expect(Set(requests(server).map(\.raw)).count == 1)
        #expect(registry.total("penstock_webhook_failures_total") == 5)
        #expect(registry.total("penstock_dropped_total") == 0)
    }

    @Test(arguments: [400, 404, 301]) func aRefusalIsFinalAndCounted(status: Int) throws {
        let server = try Receiver(["webhook", "OUTPUT", "\(status)"])
        let heard = Heard()
        let hook = try webhook("http://127.0.0.1:\(server.port)/", heard)
        hook.start()
        hook.submit(notification)
        #expect(eventually { heard.all == ["soc/7 deadLettered(attempts: 1, reason: \"HTTP status \(status)\")"] })
        usleep(100_000)
        hook.stop()
        #expect(requests(server).count == 1)
        #expect(registry.dropped(stage: "webhook", reason: "rejected").current == 1)
        #expect(book.lines.contains { $0.hasPrefix("error") && $0.contains("\(status)") })
    }

    @Test func aServerThatIsAwayDoesNotLoseAnything() throws {
        let server = try Receiver(["webhook", "OUTPUT", "200"])
        let port = server.port
        server.stop()
        let heard = Heard()
        let hook = try webhook("http://127.0.0.1:\(port)/", heard) { $0.queueLimit = 2 }
        hook.start()
        #expect(hook.submit(notification))
        var other = notification
        other.id = "other"
        #expect(hook.submit(other))
        other.id = "third"
        #expect(!hook.submit(other))
        #expect(registry.dropped(stage: "webhook", reason: "queue_full").current == 1)
        #expect(eventually { heard.all.count == 2 }, "\(heard.all)")
        #expect(heard.all.allSatisfy { $0.contains("delayed(attempts: 4") })
        hook.stop(timeout: .milliseconds(10))
        #expect(registry.dropped(stage: "webhook", reason: "shutdown").current == 2)
    }

    @Test func httpsWithACheckedCertificate() throws {
        let certificates = try Scratch()
        #expect(try Run(packageRoot.appending(path: "certs/make-certs").path, [certificates.path]).status == 0)
        let server = try Receiver(["webhook", "OUTPUT", "200", certificates.path])
        let heard = Heard()
        let good = try webhook("https://localhost:\(server.port)/", heard) { $0.caFile = certificates.path + "/ca.pem" }
        #expect(good.deliver(notification) == .delivered(status: 200))
        let bad = try webhook("https://localhost:\(server.port)/", heard)
        guard case .failed(let reason) = bad.deliver(notification) else {
            Issue.record("an unknown authority was accepted")
            return
        }
        #expect(reason.lowercased().contains("certificate"))
        #expect(requests(server).count == 1)
    }

    @Test func opensslVerifiesTheSignature() throws {
        let scratch = try Scratch()
        let key = scratch.path + "/key.pem"
        try #require(try Run("openssl", ["genrsa", "-out", key, "2048"]).status == 0)
        try #require(
            try Run("openssl", ["rsa", "-in", key, "-pubout", "-out", scratch.path + "/public.pem"]).status == 0)
        let server = try Receiver(["webhook", "OUTPUT", "200"])
        let heard = Heard()
        let hook = try webhook("http://127.0.0.1:\(server.port)/", heard) {
            $0.signer = try? SNSSigner(keyFile: key, certificateURL: "https://example.org/cert.pem")
            $0.topic = "arn:aws:sns:eu-central-1:000000000000:ot"
        }
        var silent = notification
        silent.subject = ""
        for one in [notification, silent] { #expect(hook.deliver(one) == .delivered(status: 200)) }
        let got = requests(server)
        try #require(got.count == 2)
        for request in got {
            // The string to sign, as the documentation of SNS has it, from what the receiver sees.
            let names = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
            let text = names.compactMap { name in (request.body[name] as? String).map { "\(name)\n\($0)\n" } }.joined()
            let signature = try #require((request.body["Signature"] as? String).flatMap { Data(base64Encoded: $0) })
            try signature.write(to: URL(filePath: scratch.path + "/signature"))
            let file = try scratch.file("text", text)
            let run = try Run(
                "openssl",
                [
                    "dgst", "-sha256", "-verify", scratch.path + "/public.pem", "-signature",
                    scratch.path + "/signature", file,
                ])
            #expect(run.output == "Verified OK\n", Comment(rawValue: run.output + run.errors))
            #expect(request.body["SignatureVersion"] as? String == "2")
            #expect(request.body["SigningCertURL"] as? String == "https://example.org/cert.pem")
        }
        #expect(got[0].body["Subject"] != nil && got[1].body["Subject"] == nil)
    }

    @Test func faultsOfTheSettingsAreTold() throws {
        #expect(throws: WebhookError.self) { try self.webhook("ftp://example.org", Heard()) }
        let scratch = try Scratch()
        let file = try scratch.file("key.pem", "no key")
        #expect(throws: WebhookError.self) { try SNSSigner(keyFile: file, certificateURL: "") }
        #expect(throws: WebhookError.self) { try SNSSigner(keyFile: scratch.path + "/missing", certificateURL: "") }
    }
}
