// SPDX-License-Identifier: Apache-2.0
import Documents
import Events
import Foundation
import Incidents
import Store

/// Where the repository and the cases are: the package may be built from links elsewhere.
enum Place {
    static let root: URL = {
        var folder = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
        while folder.path != "/", !FileManager.default.fileExists(atPath: folder.path + "/mappings/attack/ics.yaml") {
            folder.deleteLastPathComponent()
        }
        return folder
    }()

    static let cases: URL? = {
        if let named = ProcessInfo.processInfo.environment["PENSTOCK_CASES"] { return URL(fileURLWithPath: named) }
        var folder = root
        while folder.path != "/" {
            let here = folder.appendingPathComponent("shared/cases")
            if FileManager.default.fileExists(atPath: here.path) { return here }
            folder.deleteLastPathComponent()
        }
        return nil
    }()

    static func scratch() throws -> URL {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("penstock-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return folder
    }

    /// Runs a program with `input` and gives its status, output and complaints.
    static func run(_ program: [String], input: [UInt8] = []) throws -> (status: Int32, output: String, errors: String)
    {
        let folder = try scratch()
        defer { try? FileManager.default.removeItem(at: folder) }
        let (given, said, complained) = (folder.path + "/in", folder.path + "/out", folder.path + "/err")
        try Data(input).write(to: URL(fileURLWithPath: given))
        for path in [said, complained] { try Data().write(to: URL(fileURLWithPath: path)) }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = program
        process.standardInput = FileHandle(forReadingAtPath: given)
        process.standardOutput = FileHandle(forWritingAtPath: said)
        process.standardError = FileHandle(forWritingAtPath: complained)
        try process.run()
        process.waitUntilExit()
        return (
            process.terminationStatus, try String(contentsOfFile: said, encoding: .utf8),
            try String(contentsOfFile: complained, encoding: .utf8)
        )
    }
}

/// A generator of numbers that is the same on each run (SplitMix64).
struct Dice: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }
}

/// An attack on a small plant, as the correlator would tell it.
enum Plant {
    static let attacker = "172.24.0.66"
    static let plc = "172.21.0.10"
    static let start: Int64 = 1_767_323_045_000_000_000

    static let catalog: AttackCatalog = {
        let text = try! String(
            contentsOf: Place.root.appendingPathComponent("mappings/attack/ics.yaml"), encoding: .utf8)
        return AttackCatalog.parse(text: text, file: "ics.yaml", complaints: Complaints())
    }()
    static let playbooks: Playbooks = {
        let file = Place.root.appendingPathComponent("mappings/attack/playbooks.yaml")
        let text = try! String(contentsOf: file, encoding: .utf8)
        return Playbooks.parse(text: text, file: "playbooks.yaml", complaints: Complaints())
    }()
    static var knowledge: IncidentKnowledge { IncidentKnowledge(catalog: catalog, playbooks: playbooks) }

    static func rule(_ name: String, _ level: String, _ tags: [String]) -> Firing.Rule {
        Firing.Rule(
            id: "rule-" + name.lowercased(), name: name, title: "Title of \(name)",
            description: "Description of \(name).",
            level: level, tags: tags, contentHash: String(repeating: "ab", count: 32), criterion: "one event",
            falsePositives: ["maintenance"])
    }

    static let crossing = rule("CROSS_ZONE_VIOLATION", "high", ["attack.lateral-movement", "attack.t0886"])
    static let writing = rule("UNAUTHORIZED_MODBUS_WRITE", "medium", ["attack.impair-process-control", "attack.t0855"])
    static let scanning = rule("OT_BRUTE_FORCE_SCAN", "high", ["attack.discovery", "attack.t0846"])
    static let harming = rule("PROCESS_SAFETY_VIOLATION", "high", ["attack.impair-process-control", "attack.t0836"])

    /// A Modbus request, `second` seconds after the start.
    static func hit(
        _ number: Int, second: Int, source: String = attacker, target: String = plc, function: Int = 6,
        delay: Int64 = 250,
        message: String = ""
    ) -> Hit {
        let time = start + Int64(second) * 1_000_000_000
        let event = """
            {"class_uid":4001,"activity_id":6,"type_uid":400106,"class_name":"Network Activity","activity_name":"Traffic",\
            "time":\(time / 1_000_000),"metadata":{"uid":"e-\(number)","version":"1.8.0"},"status_id":1,\
            "message":"\(message)","src_endpoint":{"ip":"\(source)","port":50123},\
            "dst_endpoint":{"ip":"\(target)","port":502},"actor":{"user":{"name":"operator\(number % 3)"}},\
            "unmapped":{"zone":{"src":"it_office","dst":"ot_cell","src_level":"4","dst_level":"1",\
            "conduit":"it_office -> ot_cell"},"modbus":{"function_code":\(function),"address":\(number % 5),"table":"holding",\
            "is_write":true,"values":[1],"status":"success"},"process":{"point":"inlet","value":1,"state":{"level":95}}}}
            """
        return Hit(
            rules: [], uid: "e-\(number)", time: time, received: time + delay * 1_000_000, event: Array(event.utf8),
            evidence: [
                Evidence(
                    kind: number % 2 == 0 ? .packet : .syslog, bytes: Array("bytes of event \(number) \(source)".utf8),
                    received: time + delay * 1_000_000, collector: "udp-514", peer: source)
            ])
    }

    static func firing(
        _ rule: Firing.Rule, id: String, revision: Int = 1, hits: [Hit], count: Int? = nil, first: Int64? = nil,
        source: String? = attacker, omitted: Int = 0, fired: Int64? = nil
    ) -> Firing {
        let times = hits.map(\.time)
        return Firing(
            id: id, revision: revision, rule: rule, group: source.map { [("src_endpoint.ip", $0)] } ?? [],
            time: fired ?? times.max() ?? start, first: first ?? times.min() ?? start, last: times.max() ?? start,
            count: count ?? hits.count, hits: hits, omitted: omitted)
    }

    /// A crossing, a scan that grows, writes, and a dangerous one: in the order of event time.
    static func attack(delay: Int64 = 250) -> [Firing] {
        func hit(_ number: Int, _ second: Int, target: String = plc, function: Int = 6) -> Hit {
            Plant.hit(number, second: second, target: target, function: function, delay: delay)
        }
        let scanned = (10..<15).map { hit($0, $0, target: "172.21.0.\($0)", function: 43) }
        let more = (20..<25).map { hit($0, $0, target: "172.21.0.\($0)", function: 17) }
        return [
            firing(crossing, id: "f-cross", hits: [hit(1, 1)]),
            firing(scanning, id: "f-scan", hits: scanned),
            firing(
                scanning, id: "f-scan", revision: 2, hits: more, count: 10, first: scanned[0].time,
                fired: scanned[4].time),
            firing(writing, id: "f-write-1", hits: [hit(30, 30)]),
            firing(writing, id: "f-write-2", hits: [hit(31, 31)]),
            firing(harming, id: "f-harm", hits: [hit(31, 31), hit(40, 40)]),
            firing(
                crossing, id: "f-cross", revision: 2, hits: [hit(41, 41), hit(42, 42)], count: 3, first: hit(1, 1).time,
                fired: hit(1, 1).time),
        ]
    }

    static func engine(_ settings: IncidentSettings = IncidentSettings(), store: StateStore? = nil) -> IncidentEngine {
        IncidentEngine(settings: settings, knowledge: knowledge, store: store)
    }
}
