// SPDX-License-Identifier: Apache-2.0

/// The body of a notification: what people need at once, and where the whole record is.
enum Notification {
    /// Far below SNS's 262,144 bytes, since every list and text has a ceiling.
    static func body(
        _ record: IncidentRecord, kind: IncidentChange.Kind, subject: String, hash: String, objectKey: String
    ) -> [UInt8] {
        JSONValue.object([
            ("subject", .text(subject)), ("kind", .text(kind.rawValue)), ("id", .text(record.id)),
            ("uid", .text(record.uid)), ("revision", .int(record.revision)),
            ("severity", .text(record.severity.rawValue)),
            ("urgency", .text(record.urgency)), ("status", .text(record.status.rawValue)),
            ("summary", .text(record.summary)), ("object_key", .text(objectKey)), ("record_sha256", .text(hash)),
            ("first", .text("\(record.times.started)")),
            ("last", .text("\(record.times.lastEvent ?? record.times.started)")),
            ("detection_count", .int(record.rules.reduce(0) { $0 + $1.detections })),
            ("event_count", .int(record.rules.reduce(0) { $0 + $1.events })),
            (
                "techniques",
                .array(
                    record.techniques.prefix(50).map {
                        .object([("id", .text($0.id)), ("name", .text($0.name)), ("tactic", .text($0.tactic))])
                    })
            ),
            (
                "detections",
                .array(
                    record.rules.sorted { ($0.first, $0.name) < ($1.first, $1.name) }.prefix(50).map {
                        .object([
                            ("rule", .text($0.name)), ("level", .text($0.level.rawValue)),
                            ("detections", .int($0.detections)), ("events", .int($0.events)),
                            ("first", .text("\($0.first)")), ("last", .text("\($0.last)")),
                        ])
                    })
            ),
            (
                "affected",
                .array(
                    record.affected.prefix(50).map {
                        .object([
                            ("address", .text($0.address)), ("asset", $0.asset.map { .text($0) }),
                            ("zone", $0.zone.map { .text($0) }), ("level", $0.level.map { .text($0) }),
                            ("role", .text($0.role)),
                        ])
                    })
            ),
            ("cisa_location", .text(record.cisa.location)), ("functional_impact", .text(record.impact.functional)),
            (
                "contain_now",
                .texts(record.recommended.filter { $0.part == "contain" }.prefix(10).map { clip($0.text, 600) })
            ),
            ("coverage_complete", .boolean(record.coverage.isComplete)),
        ]).bytes
    }
}
