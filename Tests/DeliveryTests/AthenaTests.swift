// SPDX-License-Identifier: Apache-2.0
import Codecs
import Delivery
import Events
import Foundation
import Testing

/// The tables and questions of `deploy/athena`.
@Suite struct AthenaTests {
    private static let folder = packageRoot.appending(path: "deploy/athena")
    private static let classes = [0, 2004, 2005, 3002, 4001]

    /// A node of a table's columns.
    private final class Node {
        var type: ParquetType?
        var children: [(name: String, node: Node)] = []

        func child(_ name: String) -> Node {
            if let known = children.first(where: { $0.name == name }) { return known.node }
            let node = Node()
            children.append((name, node))
            return node
        }

        /// The type in Hive's words.
        var hive: String {
            switch type {
            case .boolean: return "boolean"
            case .int32: return "int"
            case .int64, .timestampMillis: return "bigint"
            case .double: return "double"
            case .string, .json: return "string"
            case nil: break
            }
            if children.map(\.name) == ["list"] { return "array<\(children[0].node.child("element").hive)>" }
            return "struct<" + children.map { "\($0.name):\($0.node.hive)" }.joined(separator: ",") + ">"
        }
    }

    private static func statement(_ uid: Int) throws -> (name: String, text: String) {
        let schema = try LakeSchema(classUID: uid, table: FieldTable.Builder().build())
        let root = Node()
        for leaf in schema.parquet.leaves {
            var node = root
            for name in leaf.path { node = node.child(name) }
            node.type = leaf.type
        }
        let name = schema.className
        let columns = root.children.map { "    `\($0.name)` \($0.node.hive)" }.joined(separator: ",\n")
        return (
            name,
            """
            -- SPDX-License-Identifier: Apache-2.0
            -- OCSF class \(name) (\(uid)): the columns that every object of the lake has. Made from the lake's schema by
            -- AthenaTests (UPDATE_GOLDEN=1); further columns of your mappings: ALTER TABLE \(name) ADD COLUMNS (…).
            -- Put your bucket in, run it, then make new partitions known: MSCK REPAIR TABLE \(name)
            CREATE EXTERNAL TABLE IF NOT EXISTS \(name) (
            \(columns)
            )
            PARTITIONED BY (`date` string, `source` string)
            STORED AS PARQUET
            LOCATION 's3://YOUR-BUCKET/lake/\(name)/'
            TBLPROPERTIES ('classification' = 'parquet', 'ocsf.class_uid' = '\(uid)', 'ocsf.version' = '\(OCSFDictionary.v1_8_0.version)')

            """
        )
    }

    @Test func tablesAreTheLakesSchema() throws {
        var names: [String] = []
        for uid in Self.classes {
            let (name, text) = try Self.statement(uid)
            names.append(name + ".sql")
            let file = Self.folder.appending(path: name + ".sql")
            if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] == "1" {
                try text.write(to: file, atomically: true, encoding: .utf8)
            }
            #expect(try String(contentsOf: file, encoding: .utf8) == text, "UPDATE_GOLDEN=1 writes it anew")
        }
        let files = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path).filter {
            $0.hasSuffix(".sql")
        }
        #expect(files.sorted() == names.sorted())
    }

    private static func finding(
        _ number: Int, severity: Int, rule: String, techniques: [String], host: String, hour: Int
    ) -> String {
        let attacks = techniques.map {
            #"{"technique":{"uid":"\#($0)","name":"Name of \#($0)"},"tactic":{"uid":"TA0106"}}"#
        }
        return
            #"{"class_uid":2004,"class_name":"Detection Finding","time":\#(1_767_312_000_000 + hour * 3_600_000 + number),"severity_id":\#(severity),"severity":"S\#(severity)","count":2,"metadata":{"uid":"f\#(number)","product":{"name":"Penstock"}},"finding_info":{"uid":"finding-\#(number)","title":"T","analytic":{"name":"\#(rule)"},"attacks":[\#(attacks.joined(separator: ","))]},"evidences":[{"src_endpoint":{"ip":"\#(host)"}}]}"#
    }

    @Test(.enabled(if: Oracle.hasReaders, "needs python3 (or PENSTOCK_PYTHON) with pyarrow and duckdb"))
    func theThreeQuestionsInDuckDB() throws {
        let scratch = try Scratch()
        var events = (0..<30).map {
            #"{"class_uid":4001,"time":\#(1_767_312_000_000 + $0 * 60_000),"metadata":{"uid":"n\#($0)","product":{"name":"FW"}},"src_endpoint":{"ip":"10.0.0.\#($0 % 3)"},"dst_endpoint":{"ip":"10.1.0.\#($0 % 5)"}}"#
        }
        events += [
            Self.finding(
                1, severity: 4, rule: "CROSS_ZONE", techniques: ["T0886", "T0855"], host: "10.0.0.1", hour: 0),
            Self.finding(2, severity: 5, rule: "MODBUS_WRITE", techniques: ["T0855"], host: "10.0.0.1", hour: 0),
            Self.finding(3, severity: 4, rule: "CROSS_ZONE", techniques: ["T0886"], host: "10.0.0.9", hour: 30),
            Self.finding(4, severity: 2, rule: "SCAN", techniques: [], host: "10.0.0.2", hour: 1),
            Self.finding(5, severity: 99, rule: "OTHER", techniques: ["T0846"], host: "10.0.0.2", hour: 1),
        ]
        let file = try scratch.file("events.ndjson", events.joined(separator: "\n"))
        let store = try LocalObjectStore(directory: scratch.path + "/lake", durable: false)
        #expect(LakeImport.run(inputs: [file], to: store) { _ in }.status == 0)
        func rows(_ name: String) throws -> [String] {
            let run = try Oracle.run(["query", scratch.path + "/lake", Self.folder.path + "/queries/\(name).sql"])
            #expect(run.status == 0, Comment(rawValue: run.errors))
            return run.output.split(separator: "\n").map(String.init)
        }
        #expect(
            try rows("high_severity_anomalies_over_time") == [
                #"{"day": "2026-01-02", "hour_utc": "2026-01-02 00:00:00", "severity": "S4", "detection": "CROSS_ZONE", "findings": 1, "events": 2}"#,
                #"{"day": "2026-01-02", "hour_utc": "2026-01-02 00:00:00", "severity": "S5", "detection": "MODBUS_WRITE", "findings": 1, "events": 2}"#,
                #"{"day": "2026-01-03", "hour_utc": "2026-01-03 06:00:00", "severity": "S4", "detection": "CROSS_ZONE", "findings": 1, "events": 2}"#,
            ])
        let hosts = try rows("noisiest_hosts")
        #expect(hosts.count == 4)
        #expect(
            hosts[0]
                == #"{"host": "10.0.0.1", "findings": 2, "serious_findings": 2, "events": 10, "targets": 5, "days": 1, "first_day": "2026-01-02", "last_day": "2026-01-02"}"#
        )
        #expect(hosts[1].hasPrefix(#"{"host": "10.0.0.2", "findings": 2, "serious_findings": 0, "events": 10"#))
        #expect(
            try rows("scada_technique_patterns") == [
                #"{"technique": "T0855 Name of T0855", "findings": 2, "detections": 2, "one_detection": "CROSS_ZONE", "highest_severity_id": 5, "days": 1, "first_day": "2026-01-02", "last_day": "2026-01-02"}"#,
                #"{"technique": "T0886 Name of T0886", "findings": 2, "detections": 1, "one_detection": "CROSS_ZONE", "highest_severity_id": 4, "days": 2, "first_day": "2026-01-02", "last_day": "2026-01-03"}"#,
                #"{"technique": "T0846 Name of T0846", "findings": 1, "detections": 1, "one_detection": "OTHER", "highest_severity_id": 99, "days": 1, "first_day": "2026-01-02", "last_day": "2026-01-02"}"#,
            ])
    }
}
