// SPDX-License-Identifier: Apache-2.0
import Foundation
import Transport
import Wire

/// A certificate and its key.
struct Pair {
    let certificate: String
    let key: String
    var options: [String] { ["-cert", certificate, "-key", key] }
    /// A field that `openssl x509` prints, behind its `=`.
    func field(_ option: String...) -> String {
        let output = Program.openssl(["x509", "-in", certificate, "-noout"] + option).finish().output
        return String(output.drop { $0 != "=" }.dropFirst()).trimmingCharacters(in: .whitespacesAndNewlines)
    }
    var fingerprint: String { field("-fingerprint", "-sha256") }
}

/// A certificate authority run with the `openssl` command line.
final class Authority: Sendable {
    /// Whether there is an `openssl` to run it with.
    static let isPossible = Program("/bin/sh", ["-c", "command -v openssl"]).finish().status == 0
    static let plant = Authority("Plant CA")

    private let folder: String
    private let lock = NSLock()
    let pair: Pair
    /// The certificates between this authority and the root, for a client to send along.
    let chain: String?

    init(_ name: String, issuer: Authority? = nil) {
        folder = Certificates.scratchPath()
        try? FileManager.default.createDirectory(atPath: folder + "/new", withIntermediateDirectories: true)
        try? Data().write(to: URL(filePath: folder + "/index.txt"))
        let configuration = """
            [ca]
            default_ca = own
            [own]
            database = \(folder)/index.txt
            new_certs_dir = \(folder)/new
            crlnumber = \(folder)/crlnumber
            rand_serial = yes
            default_md = sha256
            default_crl_days = 30
            policy = any
            unique_subject = no
            [any]
            domainComponent = optional
            organizationName = optional
            commonName = supplied
            """
        try? Data(configuration.utf8).write(to: URL(filePath: folder + "/ca.cnf"))
        try? Data("01\n".utf8).write(to: URL(filePath: folder + "/crlnumber"))
        let extensions = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign"
        if let issuer {
            pair = issuer.issue(name, extensions: extensions)
            chain = pair.certificate
        } else {
            pair = Authority.selfSigned(name, extensions: extensions)
            chain = nil
        }
    }

    /// A key with a certificate that it has signed itself.
    static func selfSigned(_ name: String, extensions: String = "basicConstraints=CA:FALSE", days: Int = 30) -> Pair {
        let path = Certificates.scratchPath()
        let added = extensions.split(separator: "\n").flatMap { ["-addext", String($0)] }
        run(
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-sha256", "-days",
                "\(days)", "-subj", "/O=Plant/CN=\(name)", "-keyout", path + ".key", "-out", path + ".pem",
                "-config", "/dev/null",
            ] + added, also: "[req]\ndistinguished_name=dn\n[dn]\n")
        return Pair(certificate: path + ".pem", key: path + ".key")
    }

    /// A certificate of this authority, valid between two moments counted from now.
    func issue(
        _ name: String, names: String? = nil, extensions: String? = nil, from start: Int = -3600, to end: Int = 86_400
    ) -> Pair {
        lock.withLock {
            let path = Certificates.scratchPath()
            var text =
                extensions
                ?? "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n"
                + "extendedKeyUsage=clientAuth,serverAuth"
            if let names { text += "\nsubjectAltName=" + names }
            try? Data(text.utf8).write(to: URL(filePath: path + ".ext"))
            Authority.run(
                [
                    "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                    "/O=Plant/CN=\(name)", "-keyout", path + ".key", "-out", path + ".csr", "-config", "/dev/null",
                ], also: "[req]\ndistinguished_name=dn\n[dn]\n")
            run([
                "-in", path + ".csr", "-extfile", path + ".ext", "-startdate", Authority.date(start), "-enddate",
                Authority.date(end), "-notext", "-out", path + ".pem",
            ])
            return Pair(certificate: path + ".pem", key: path + ".key")
        }
    }

    func revoke(_ pair: Pair) { lock.withLock { run(["-revoke", pair.certificate]) } }

    /// A revocation list as of now, which ends at a moment counted from now.
    func revocationList(to end: Int = 86_400) -> String {
        lock.withLock {
            let path = Certificates.scratchPath() + ".crl"
            run([
                "-gencrl", "-crl_lastupdate", Authority.date(-7200), "-crl_nextupdate", Authority.date(end), "-out",
                path,
            ])
            return path
        }
    }

    private func run(_ arguments: [String]) {
        Authority.run(
            ["ca", "-batch", "-config", folder + "/ca.cnf", "-cert", pair.certificate, "-keyfile", pair.key]
                + arguments)
    }

    private static func run(_ arguments: [String], also configuration: String? = nil) {
        var arguments = arguments
        if let configuration, let place = arguments.firstIndex(of: "/dev/null") {
            arguments[place] = Certificates.scratchPath() + ".cnf"
            try? Data(configuration.utf8).write(to: URL(filePath: arguments[place]))
        }
        let result = Program.openssl(arguments).finish()
        guard result.status == 0 else { fatalError("openssl \(arguments): \(result.output)") }
    }

    private static func date(_ seconds: Int) -> String {
        var moment = time(nil) + seconds
        var parts = tm()
        gmtime_r(&moment, &parts)
        var text = [CChar](repeating: 0, count: 32)
        strftime(&text, text.count, "%Y%m%d%H%M%SZ", &parts)
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// What a server saw of one TLS connection.
struct Seen {
    var text = ""
    var failure: TransportError?
    var refusal: CertificateRefusal?
    var certificate: PeerCertificate?
    var isResumed = false
    var version: String?
}

/// A server that serves one connection after the other on the caller's thread.
final class Server {
    let listener: TCPListener
    var context: TLSContext
    var port: UInt16 { listener.address.port }

    init(_ settings: TLSServerSettings) throws {
        listener = try TCPListener(bind: SocketAddress("127.0.0.1:0"))
        context = try TLSContext.server(settings)
    }

    /// Settings of a server of the plant's, with a certificate of its own.
    static func settings(
        _ policy: ClientCertificatePolicy = .required, ca: String? = Authority.plant.pair.certificate
    ) -> TLSServerSettings {
        TLSServerSettings(
            certificate: own.certificate, key: own.key, clientCA: policy == .none ? nil : ca, clientCertificate: policy)
    }
    private static let own = Authority.plant.issue("localhost", names: "DNS:localhost,IP:127.0.0.1")

    /// Waits for one connection.
    func accept(seconds: Int = 60) throws -> StreamConnection {
        let loop = try EventLoop()
        _ = try loop.add(listener.raw, tag: 0, .readable)
        let end = ContinuousClock.now + .seconds(seconds)
        var events: [EventLoop.Event] = []
        while ContinuousClock.now < end {
            if case .connection(let connection) = listener.accept() { return connection }
            loop.wait(milliseconds: 100, into: &events)
        }
        throw TransportError(.timeout, "nobody came")
    }

    /// Serves one connection to its end, or until it has been open for `seconds`.
    func serve(
        seconds: Int = 60, opened: (StreamConnection) -> Void = { _ in }
    ) throws -> Seen {
        let connection = try accept()
        try connection.secure(with: context)
        var seen = Seen()
        let done = try wait(on: connection) {
            switch connection.handshake() {
            case .done: return true
            case .waiting: return false
            case .closed: seen.failure = TransportError(.closed, "closed in the handshake")
            case .failed(let error): seen.failure = error
            }
            return true
        }
        if !done { seen.failure = TransportError(.timeout, "the handshake does not end") }
        seen.refusal = connection.certificateRefusal
        guard seen.failure == nil else { return seen }
        seen.certificate = connection.peerCertificate
        seen.isResumed = connection.isResumed
        seen.version = connection.tlsVersion
        opened(connection)
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)
        defer { room.deallocate() }
        _ = try wait(on: connection, seconds) {
            while true {
                switch connection.read(into: room) {
                case .bytes(let count): seen.text += String(decoding: room[..<count], as: UTF8.self)
                case .wouldBlock: return false
                case .closed: return true
                case .failed(let error):
                    seen.failure = error
                    return true
                }
            }
        }
        return seen
    }

    /// Calls `step` whenever the connection is ready, until it answers true.
    func wait(on connection: StreamConnection, _ seconds: Int = 60, _ step: () throws -> Bool) throws -> Bool {
        let loop = try EventLoop()
        let token = try loop.add(connection.raw, tag: 1, connection.interest)
        let end = ContinuousClock.now + .seconds(seconds)
        var events: [EventLoop.Event] = []
        while ContinuousClock.now < end {
            if try step() { return true }
            loop.change(connection.raw, token, to: connection.interest)
            loop.wait(milliseconds: 200, into: &events)
            events.removeAll()
        }
        return false
    }

    /// `openssl s_client` talking to this server.
    func client(_ options: [String], _ pair: Pair? = nil, input: String = "hello\n") -> Program {
        .openssl(
            ["s_client", "-connect", "127.0.0.1:\(port)", "-CAfile", Authority.plant.pair.certificate]
                + options + (pair?.options ?? []), input: input)
    }
}
