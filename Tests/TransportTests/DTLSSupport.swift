// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import Testing
import Transport
import Wire

/// A DTLS server on one thread, driven by a test.
final class DTLSHarness {
    let socket: UDPSocket
    let endpoint: DTLSEndpoint
    private let arena = DatagramArena(slots: 32, largest: 20_000)
    private let loop: EventLoop
    private let start = ContinuousClock.now
    /// What was delivered: the text and the sender's certificate subject.
    var messages: [(text: String, subject: String?, peer: SocketAddress)] = []
    var notices: [DTLSNotice] = []
    /// The datagrams received.
    var arrivals: [[UInt8]] = []
    /// Called in each turn of ``serve(seconds:until:)``.
    var turn: () -> Void = {}
    /// Milliseconds added to the clock that the endpoint sees.
    var skew: Int64 = 0

    init(_ context: DTLSContext, limits: DTLSLimits = DTLSLimits(), bind: String = "127.0.0.1:0") throws {
        // A client that has failed must not take the tests along when they write to it.
        signal(SIGPIPE, SIG_IGN)
        socket = try UDPSocket(bind: SocketAddress(bind), receiveBuffer: 1 << 20)
        endpoint = try DTLSEndpoint(socket: socket, context: context, limits: limits)
        loop = try EventLoop()
        _ = try loop.add(socket.raw, tag: 0, .readable)
        endpoint.onNotice = { [unowned self] in notices.append($0) }
    }

    var port: UInt16 { socket.address.port }

    var now: Int64 {
        let passed = start.duration(to: .now).components
        return passed.seconds * 1000 + passed.attoseconds / 1_000_000_000_000_000 + skew
    }

    /// Serves until `isEnough`, for at most `seconds`; answers whether it was enough.
    @discardableResult
    func serve(seconds: Double = 60, until isEnough: () -> Bool) -> Bool {
        let end = ContinuousClock.now + .milliseconds(Int(seconds * 1000))
        var events: [EventLoop.Event] = []
        while !isEnough() {
            guard ContinuousClock.now < end else { return false }
            events.removeAll()
            loop.wait(milliseconds: 5, into: &events)
            turn()
            drain()
            endpoint.tick(now: now)
        }
        return true
    }

    /// Hands over what waits in the socket.
    func drain() {
        let arena = arena
        while case .datagrams(let count) = socket.receive(into: arena) {
            for slot in 0..<count {
                guard let peer = arena.peer(slot) else { continue }
                let bytes = arena.bytes(slot)
                take(bytes, from: peer)
            }
        }
    }

    /// Hands over one datagram.
    func take(_ datagram: RawSpan, from peer: SocketAddress) {
        if arrivals.count < 1000 { arrivals.append(datagram.array) }
        endpoint.receive(datagram, from: peer, now: now) { bytes, session in
            messages.append((bytes.text, session.certificate?.subject, session.address))
        }
    }
}

/// Settings of a DTLS server with the test's certificates.
func dtlsSettings(
    _ policy: ClientCertificatePolicy = .none, folder: String = Certificates.good,
    allow: CertificateAllowList = CertificateAllowList()
) -> TLSServerSettings {
    TLSServerSettings(
        certificate: folder + "/server.pem", key: folder + "/server.key",
        clientCA: policy == .none ? nil : Certificates.good + "/ca.pem", clientCertificate: policy, allow: allow)
}

/// OpenSSL's own DTLS client: sends `input`, then ends with close_notify.
func dtlsClient(_ port: UInt16, _ options: [String] = [], host: String = "127.0.0.1", input: String) -> Program {
    // SIGKILL: children of a test's thread inherit a mask that blocks SIGTERM.
    Program(
        "/usr/bin/env",
        [
            "timeout", "-s", "KILL", "60", "openssl", "s_client", "-dtls1_2", "-connect", "\(host):\(port)", "-CAfile",
            Certificates.good + "/ca.pem",
        ] + options,
        input: input)
}

/// OpenSSL's DTLS client with an input that stays open.
final class LongClient {
    private let process = Process()
    private let pipe = Pipe()

    init(_ port: UInt16, _ options: [String] = []) throws {
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments =
            ["openssl", "s_client", "-dtls1_2", "-connect", "127.0.0.1:\(port)"] + options
        process.standardInput = pipe
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
    }

    func send(_ text: String) throws { try pipe.fileHandleForWriting.write(contentsOf: Data(text.utf8)) }

    func endInput() throws { try pipe.fileHandleForWriting.close() }

    /// Ends it without a word to the server.
    func kill() {
        Glibc.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    deinit { if process.isRunning { kill() } }

    func finish() -> Int32 {
        process.waitUntilExit()
        return process.terminationStatus
    }
}

/// A network between a client and the server, which sees everything come from one address and port.
final class Relay {
    let front: UDPSocket
    let back: UDPSocket
    private let server: SocketAddress
    private var client: SocketAddress?
    private let arena = DatagramArena(slots: 32, largest: 20_000)
    /// What becomes of a datagram to the server, and of one to the client: the datagrams that go on in its place.
    var toServer: ([UInt8]) -> [[UInt8]] = { [$0] }
    var toClient: ([UInt8]) -> [[UInt8]] = { [$0] }

    init(to server: SocketAddress) throws {
        self.server = server
        front = try UDPSocket(bind: SocketAddress("127.0.0.1:0"))
        back = try UDPSocket(bind: SocketAddress("127.0.0.1:0"))
    }

    func pump() {
        for (datagram, peer) in Relay.receive(front, arena) {
            client = peer
            for bytes in toServer(datagram) { back.send(bytes.span.bytes, to: server) }
        }
        for (datagram, _) in Relay.receive(back, arena) {
            guard let client else { continue }
            for bytes in toClient(datagram) { front.send(bytes.span.bytes, to: client) }
        }
    }

    static func receive(_ socket: UDPSocket, _ arena: DatagramArena) -> [([UInt8], SocketAddress?)] {
        var all: [([UInt8], SocketAddress?)] = []
        while case .datagrams(let count) = socket.receive(into: arena) {
            for slot in 0..<count {
                let bytes = arena.bytes(slot)
                all.append((bytes.array, arena.peer(slot)))
            }
        }
        return all
    }
}

/// ClientHellos made from one that OpenSSL has sent.
struct HelloTemplate {
    private let first: [UInt8]

    /// Takes the first ClientHello of OpenSSL's client.
    init() throws {
        let harness = try DTLSHarness(DTLSContext(dtlsSettings()))
        let client = try LongClient(harness.port)
        try #require(harness.serve { harness.endpoint.statistics.verifyRequests > 0 })
        client.kill()
        first = try #require(harness.arrivals.first)
    }

    /// A ClientHello with a random number of its own, and a cookie if there is one.
    func hello(_ number: Int, cookie: [UInt8] = []) -> [UInt8] {
        var bytes = first
        for index in 0..<8 { bytes[27 + index] = UInt8(truncatingIfNeeded: number >> (8 * index)) }
        guard !cookie.isEmpty else { return bytes }
        let place = 60 + Int(bytes[59])
        bytes[place] = UInt8(cookie.count)
        bytes.insert(contentsOf: cookie, at: place + 1)
        // The record's sequence number, the message's, and the three lengths.
        bytes[10] = 1
        bytes[18] = 1
        let body = bytes.count - 25
        for (offset, value) in [(11, body + 12), (15, body), (23, body)] {
            bytes[offset] = UInt8(value >> 8)
            bytes[offset + 1] = UInt8(value & 255)
        }
        return bytes
    }

    /// The cookie in a HelloVerifyRequest.
    static func cookie(_ answer: [UInt8]) -> [UInt8]? {
        guard answer.count > 28, answer[0] == 22, answer[13] == 3 else { return nil }
        return Array(answer[28...].prefix(Int(answer[27])))
    }
}

/// A deterministic generator for mutations.
struct Mutator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }
}
