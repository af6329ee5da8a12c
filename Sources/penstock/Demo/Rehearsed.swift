// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Delivery
internal import Glibc
internal import Incidents
internal import Instruments
internal import Logging
internal import Receivers
internal import Rehearsal
internal import Synchronization
internal import Transport
internal import Wire

/// The demonstration: a service on a scratch folder, its own SIEM and SOC on loopback, and the plant attack.
enum Rehearsed {
    /// The rules that the attack must trip.
    static let expected = [
        "CROSS_ZONE_VIOLATION", "UNAUTHORIZED_MODBUS_WRITE", "OT_BRUTE_FORCE_SCAN", "PROCESS_SAFETY_VIOLATION",
    ]

    /// What the engine told, for whoever waits for it.
    private final class Ledger: Sendable {
        private let latest = Mutex<[String: IncidentRecord]>([:])
        private let changed = Atomic<Int64>(0)

        func note(_ change: IncidentChange) {
            latest.withLock { $0[change.record.id] = change.record }
            changed.store(wallClock(), ordering: .releasing)
        }

        var records: [IncidentRecord] { latest.withLock { $0.values.sorted { $0.id < $1.id } } }
        var quiet: Int64 { wallClock() - changed.load(ordering: .acquiring) }
    }

    /// A new folder for one demonstration.
    static func scratch() throws -> String {
        let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array((base + "/penstock-demo-XXXXXX").utf8CString)
        guard mkdtemp(&template) != nil else {
            throw Input.Failure(description: "\(base): \(String(cString: strerror(errno)))")
        }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Writes the recordings as capture and log files.
    static func export(to folder: String) throws {
        if mkdir(folder, 0o755) != 0, errno != EEXIST {
            throw Input.Failure(description: "\(folder): \(String(cString: strerror(errno)))")
        }
        let scenario = PlantScenario(start: wallClock() / 1_000_000_000 * 1_000_000_000 - 3_700_000_000_000)
        for (name, recording) in [("normal", scenario.normal()), ("attack", attack(after: scenario.start))] {
            try write(folder + "/\(name).pcap", PcapFile.encode(recording.capture))
            try write(folder + "/\(name).log", recording.log)
        }
        print("wrote attack.pcap, attack.log, normal.pcap and normal.log to \(folder)")
    }

    private static func attack(after start: Int64) -> Recording {
        PlantScenario(start: start + 3_600_000_000_000).attack
    }

    private static func write(_ path: String, _ bytes: [UInt8]) throws {
        guard let file = fopen(path, "w") else {
            throw Input.Failure(description: "\(path): \(String(cString: strerror(errno)))")
        }
        let count = fwrite(bytes, 1, bytes.count, file)
        guard fclose(file) == 0, count == bytes.count else {
            throw Input.Failure(description: "\(path): \(String(cString: strerror(errno)))")
        }
    }

    /// Runs the demonstration.
    static func run(folder: String, once: Bool, log: Logger) async throws {
        guard let siem = Witness(.lines), let leef = Witness(.datagrams), let soc = Witness(.webhook) else {
            throw Input.Failure(description: "no free port on 127.0.0.1 for the demonstration's SIEM and SOC")
        }
        let witnesses = [siem, leef, soc]
        let threads = witnesses.map { witness in OutputThread("witness") { witness.run() } }
        defer {
            for witness in witnesses { witness.close() }
            for thread in threads { thread.join() }
        }
        try SelfSignedCertificate.write(to: folder)
        let pipe = folder + "/sensor.pcap"
        guard mkfifo(pipe, 0o600) == 0 || errno == EEXIST else {
            throw Input.Failure(description: "\(pipe): \(String(cString: strerror(errno)))")
        }
        let ledger = Ledger()
        let engine = try Engine(
            configuration(folder, pipe, siem: siem.port, leef: leef.port, soc: soc.port, once: once), log: log
        ) { ledger.note($0) }
        var runner = ServiceRunner(engine: engine, log: log)
        runner.endsAfterwards = once
        let outcome = Mutex<[String]>(["the demonstration did not finish"])
        let report = Report(folder: folder, engine: engine)
        runner.whenRunning = {
            let missing = try await play(engine, ledger, folder, pipe, siem, leef, soc, report)
            outcome.withLock { $0 = missing }
            if !once { report.invite() }
        }
        try await runner.run()
        let missing = outcome.withLock { $0 }
        for part in missing { complain("missing: \(part)") }
        if !missing.isEmpty { throw ExitCode(1) }
    }

    /// Plays the normal hour and the attack, waits for the incident, and tells what is missing.
    private static func play(
        _ engine: Engine, _ ledger: Ledger, _ folder: String, _ pipe: String, _ siem: Witness, _ leef: Witness,
        _ soc: Witness, _ report: Report
    ) async throws -> [String] {
        // Everything so far happened in the last hour, so that no clock is ahead.
        let start = wallClock() / 1_000_000_000 * 1_000_000_000 - 3_660_000_000_000
        let scenario = PlantScenario(start: start)
        let ports = engine.addresses.compactMapValues { Configuration.split($0)?.1 }
        let player = try Player(
            udp: ports["udp"] ?? 0, tcp: ports["tcp"] ?? 0, tls: ports["tls"] ?? 0,
            authority: folder + "/certificate.pem", pipe: pipe)
        defer { player.close() }

        let hour = scenario.normal()
        let played = try player.play(hour, start: start, speed: 0)
        try await settle(engine, ledger, seconds: 3)
        let false_alarms = ledger.records
        report.normal(played, incidents: false_alarms.count)

        let attackStart = start + 3_600_000_000_000
        let attack = attack(after: start)
        report.attack(try player.play(attack, start: attackStart, speed: 15))
        var waited = 0
        while waited < 600 {
            let found = Set(ledger.records.flatMap { $0.detections.map(\.name) })
            if expected.allSatisfy(found.contains), ledger.quiet > 2_500_000_000 { break }
            try await Task.sleep(for: .milliseconds(100))
            waited += 1
        }
        // The lake flushes each second; the feeds and the webhook are faster.
        try await Task.sleep(for: .milliseconds(3500))
        var missing = report.incident(ledger.records, siem: siem.received, leef: leef.received, soc: soc.received)
        if !false_alarms.isEmpty {
            missing.append("quiet on normal traffic: \(false_alarms.count) incidents fired on it")
        }
        return missing
    }

    /// Waits until the lanes have worked off what was sent.
    private static func settle(_ engine: Engine, _ ledger: Ledger, seconds: Int) async throws {
        var last: Int64 = -1
        for _ in 0..<30 {
            let now = engine.hub.registry.total("penstock_events_total")
            if now == last, engine.hub.finished.count == 0 { break }
            last = now
            try await Task.sleep(for: .milliseconds(500))
        }
        try await Task.sleep(for: .seconds(seconds))
    }

    private static func configuration(
        _ folder: String, _ pipe: String, siem: Int, leef: Int, soc: Int, once: Bool
    ) -> Configuration {
        var configuration = Configuration()
        configuration.data = folder + "/data"
        configuration.site = "demo"
        let tls = ListenerConfiguration.TLS(certificate: folder + "/certificate.pem", key: folder + "/key.pem")
        // The usual ports when someone may want to send to them, free ones when nobody will.
        let (plain, secure) = once ? (0, 0) : (5514, 6514)
        configuration.listeners = [
            ListenerConfiguration(name: "udp", transport: .udp, address: "127.0.0.1:\(plain)"),
            ListenerConfiguration(name: "tcp", transport: .tcp, address: "127.0.0.1:\(plain)"),
            ListenerConfiguration(name: "tls", transport: .tls, address: "127.0.0.1:\(secure)", tls: tls),
        ]
        configuration.sensors = [.init(name: "span", interface: nil, file: pipe)]
        configuration.lake = .init(directory: folder + "/lake", flushInterval: 1_000)
        var cef = Configuration.Feed(name: "siem", format: "cef", transport: "tcp", address: "127.0.0.1:\(siem)")
        cef.framing = "lf"
        configuration.feeds = [
            cef, Configuration.Feed(name: "qradar", format: "leef", transport: "udp", address: "127.0.0.1:\(leef)"),
        ]
        configuration.webhooks = [.init(name: "soc", url: "http://127.0.0.1:\(soc)/sns")]
        // The attack is played faster than it happened, so events of one moment may be seconds apart.
        configuration.outOfOrder = 20_000
        configuration.httpPort = once ? 0 : 9514
        configuration.logLevel = "warning"
        return configuration
    }
}
