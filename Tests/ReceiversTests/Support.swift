// SPDX-License-Identifier: Apache-2.0
import Events
import Foundation
import Instruments
import Logging
import Receivers
import Synchronization
import Transport
import Wire

/// Where the checkout is, also when the tests are linked into a scratch package.
let checkout = URL(filePath: #filePath).resolvingSymlinksInPath()
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

/// Certificates made by `certs/make-certs`, once a run.
enum Certificates {
    static let good = make([])
    /// Another authority, which nobody trusts.
    static let strange = make([])

    private static let root: String = {
        atexit { try? FileManager.default.removeItem(atPath: Certificates.root) }
        return NSTemporaryDirectory() + "penstock-receivers-\(getpid())"
    }()

    static func make(_ options: [String]) -> String {
        let folder = root + "/" + UUID().uuidString
        let result = Program("/bin/bash", [checkout.path + "/certs/make-certs"] + options + [folder]).finish()
        guard result.status == 0 else { fatalError("make-certs: \(result.output)") }
        return folder
    }

    static func tls(
        _ policy: ClientCertificatePolicy = .none, folder: String = good
    ) -> ListenerConfiguration.TLS {
        .init(
            certificate: folder + "/server.pem", key: folder + "/server.key",
            clientCA: policy == .none ? nil : folder + "/ca.pem", clientCertificate: policy)
    }
}

/// A program that runs beside a test.
final class Program {
    private let process = Process()
    private let output = Pipe()

    init(_ path: String, _ arguments: [String], input: String? = nil) {
        process.executableURL = URL(filePath: path)
        process.arguments = arguments
        process.standardOutput = output
        process.standardError = output
        let pipe = Pipe()
        process.standardInput = pipe
        do { try process.run() } catch { fatalError("\(path): \(error)") }
        if let input { pipe.fileHandleForWriting.write(Data(input.utf8)) }
        try? pipe.fileHandleForWriting.close()
    }

    /// Python with `port`, `good` and `strange` (folders of certificates) and the usual modules at hand.
    static func python(_ port: UInt16, _ script: String) -> Program {
        let prelude = """
            import logging, logging.handlers, os, random, select, socket, ssl, struct, sys, time
            port, good, strange = int(sys.argv[1]), sys.argv[2], sys.argv[3]
            def tcp():
                return socket.create_connection(("127.0.0.1", port), 60)
            def tls(version=None, certificate=None):
                c = ssl.create_default_context(cafile=good + "/ca.pem")
                if version: c.minimum_version = c.maximum_version = version
                if certificate: c.load_cert_chain(certificate + "/client.pem", certificate + "/client.key")
                return c.wrap_socket(tcp(), server_hostname="localhost")
            def end(s):
                if isinstance(s, ssl.SSLSocket): s = s.unwrap()
                s.shutdown(socket.SHUT_WR)
                while s.recv(4096): pass
                s.close()

            """
        return Program(
            "/usr/bin/env",
            ["timeout", "120", "python3", "-c", prelude + script, "\(port)", Certificates.good, Certificates.strange])
    }

    /// Waits for its end.
    @discardableResult
    func finish() -> (status: Int32, output: String) {
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: data, as: UTF8.self))
    }
}

/// A frame as a test looks at it.
struct Seen: Sendable {
    var bytes: [UInt8]
    var frame: Frame
    var origin: Origin?
    var lane: Int
    var text: String { String(decoding: bytes, as: UTF8.self) }
}

/// Log lines, kept.
struct LogLines: LogHandler {
    final class Store: Sendable {
        let lines = Mutex<[String]>([])
        var all: [String] { lines.withLock { $0 } }
    }

    let store: Store
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.info

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) { store.lines.withLock { $0.append("\(event.level): \(event.message)") } }
}

/// A service that only receives: a thread for each lane, which keeps every frame.
final class Service: Sendable {
    let input: SyslogInput
    let registry = Registry()
    let log = LogLines.Store()
    private let seen = Mutex<[Seen]>([])
    private let state = Mutex((stopping: false, paused: false, running: 0, resting: 0))

    init(_ configurations: [ListenerConfiguration], lanes: Int = 1, limits: ReceiveLimits = ReceiveLimits()) throws {
        let store = log
        input = try SyslogInput.open(
            configurations, lanes: lanes, limits: limits, registry: registry,
            logger: Logger(label: "test") { _ in LogLines(store: store) })
        state.withLock { $0.running = lanes }
        for receiver in input.receivers {
            let thread = Thread { self.run(receiver) }
            thread.start()
        }
    }

    private func run(_ receiver: SyslogReceiver) {
        var batch = Batch(table: FieldTable.Builder().build(), lane: receiver.lane)
        var last = false
        var rests = false
        while true {
            let (stopping, paused) = state.withLock { ($0.stopping, $0.paused) }
            if rests != (paused && !stopping) {
                rests.toggle()
                state.withLock { $0.resting += rests ? 1 : -1 }
            }
            if rests {
                usleep(5000)
                continue
            }
            batch.reset()
            if stopping {
                receiver.finish(into: &batch)
                last = true
            } else {
                receiver.poll(into: &batch, timeout: 1000)
            }
            var new: [Seen] = []
            for frame in batch.frames {
                new.append(
                    Seen(
                        bytes: batch.slab.bytes(frame.extent).array, frame: frame,
                        origin: batch.origin(of: frame), lane: receiver.lane))
            }
            // Without a journal, what was handed on is safe.
            _ = receiver.recorded(from: 0)
            receiver.acknowledge(durable: .max)
            if !new.isEmpty { seen.withLock { $0 += new } }
            if last { break }
        }
        state.withLock { $0.running -= 1 }
    }

    func port(_ listener: Int = 0) -> UInt16 { input.listeners[listener].address.port }

    /// Everything received so far, without the service's own notices.
    var frames: [Seen] { seen.withLock { $0.filter { $0.frame.transport != .service } } }
    /// What the service itself had to say.
    var notices: [Seen] { seen.withLock { $0.filter { $0.frame.transport == .service } } }

    /// Waits until `condition` holds, for at most `seconds`; answers whether it does.
    @discardableResult
    func wait(seconds: Double = 60, _ condition: (Service) -> Bool) -> Bool {
        let end = ContinuousClock.now + .seconds(seconds)
        while ContinuousClock.now < end {
            if condition(self) { return true }
            usleep(2000)
        }
        return condition(self)
    }

    /// Waits for that many frames.
    func frames(_ count: Int, seconds: Double = 60) -> [Seen] {
        wait(seconds: seconds) { $0.frames.count >= count }
        return frames
    }

    func dropped(_ reason: String) -> Int64 { registry.dropped(stage: "receive", reason: reason).current }

    func connections(_ name: String) -> Int64 {
        registry.gauge("penstock_connections", ["listener": name], help: "").current
    }

    /// Answers when no lane polls any more, or at once when they may again.
    func setPaused(_ paused: Bool) {
        state.withLock { $0.paused = paused }
        guard paused else { return }
        for receiver in input.receivers { receiver.wake() }
        wait { service in service.state.withLock { $0.resting == $0.running } }
    }

    /// Ends the lanes and waits for them.
    func stop() {
        state.withLock { $0.stopping = true }
        for receiver in input.receivers { receiver.wake() }
        wait { $0.state.withLock { $0.running == 0 } }
    }
}

extension ListenerConfiguration {
    /// A listener of a test: on a port of the kernel's choice.
    static func test(
        _ transport: Transport, name: String = "test", tls: TLS? = nil,
        _ change: (inout ListenerConfiguration) -> Void = { _ in }
    ) -> ListenerConfiguration {
        var configuration = ListenerConfiguration(
            name: name, transport: transport, address: "127.0.0.1:0", tls: tls)
        change(&configuration)
        return configuration
    }
}
