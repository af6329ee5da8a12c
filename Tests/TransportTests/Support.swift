// SPDX-License-Identifier: Apache-2.0
import Foundation
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
    static let expired = make(["--expired"])

    private static let root: String = {
        atexit { try? FileManager.default.removeItem(atPath: Certificates.root) }
        return NSTemporaryDirectory() + "penstock-transport-\(getpid())"
    }()

    /// A path for a file of a test; it goes when the run ends.
    static func scratchPath() -> String {
        try? FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
        return root + "/" + UUID().uuidString
    }

    private static func make(_ options: [String]) -> String {
        let folder = root + "/" + UUID().uuidString
        let result = Program("/bin/bash", [checkout.path + "/certs/make-certs"] + options + [folder]).finish()
        guard result.status == 0 else { fatalError("make-certs: \(result.output)") }
        return folder
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

    static func python(_ script: String, _ arguments: [String] = []) -> Program {
        Program("/usr/bin/env", ["python3", "-c", script] + arguments)
    }

    static func openssl(_ arguments: [String], input: String = "") -> Program {
        Program("/usr/bin/env", ["timeout", "60", "openssl"] + arguments, input: input)
    }

    /// Its first line of output, such as the port it listens on.
    func line() -> String {
        var bytes: [UInt8] = []
        while let byte = try? output.fileHandleForReading.read(upToCount: 1)?.first, byte != 10 { bytes.append(byte) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Waits for its end.
    @discardableResult
    func finish() -> (status: Int32, output: String) {
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: data, as: UTF8.self))
    }

    func kill() { process.terminate() }
}

/// What a server saw of one connection.
struct Served {
    var bytes: [UInt8] = []
    var failure: TransportError?
    var endedCleanly = false
    var certificate: PeerCertificate?
    var version: String?
    var text: String { String(decoding: bytes, as: UTF8.self) }
}

/// Accepts one connection and reads it to its end, for at most `seconds`.
func serveOne(_ listener: TCPListener, tls: TLSContext? = nil, seconds: Int = 60) throws -> Served {
    let loop = try EventLoop()
    let door = try loop.add(listener.raw, tag: 0, .readable)
    var events: [EventLoop.Event] = []
    var served = Served()
    var connection: StreamConnection?
    var token: EventLoop.Token?
    let end = ContinuousClock.now + .seconds(seconds)
    let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 1000, alignment: 16)
    defer { room.deallocate() }
    while ContinuousClock.now < end {
        events.removeAll()
        loop.wait(milliseconds: 100, into: &events)
        for event in events {
            if event.token == door {
                guard connection == nil, case .connection(let new) = listener.accept() else { continue }
                if let tls { try new.secure(with: tls) }
                connection = new
                token = try loop.add(new.raw, tag: 1, new.interest)
                continue
            }
            guard let connection, event.token == token else { continue }
            if !connection.isOpen {
                switch connection.handshake() {
                case .done:
                    served.certificate = connection.peerCertificate
                    served.version = connection.tlsVersion
                case .waiting:
                    loop.change(connection.raw, event.token, to: connection.interest)
                    continue
                case .closed: return served
                case .failed(let error):
                    served.failure = error
                    return served
                }
                loop.change(connection.raw, event.token, to: connection.interest)
            }
            reading: while true {
                switch connection.read(into: room) {
                case .bytes(let count): served.bytes += room[..<count]
                case .wouldBlock: break reading
                case .closed:
                    served.endedCleanly = connection.endedCleanly
                    return served
                case .failed(let error):
                    served.failure = error
                    return served
                }
            }
        }
    }
    served.failure = TransportError(.timeout, "the test's server waited \(seconds) s")
    return served
}

/// Sends text through a client.
extension StreamClient {
    func send(_ text: String) throws(TransportError) {
        let bytes = Array(text.utf8)
        try send(bytes.span.bytes, timeout: .seconds(30))
    }
}
