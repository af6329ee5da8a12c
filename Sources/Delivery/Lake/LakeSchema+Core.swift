// SPDX-License-Identifier: Apache-2.0
public import Events

extension LakeSchema {
    /// The columns that every object of a class has, whether an event fills them or not, as far as the class has them.
    ///
    /// Queries name these. Other columns come and go with the mappings; readers join objects by name
    /// (`union_by_name` in DuckDB, the table's own columns in Athena).
    static let core: [String] =
        [
            "time", "class_uid", "class_name", "category_uid", "category_name", "type_uid", "type_name", "activity_id",
            "activity_name", "severity_id", "severity", "status_id", "status", "action_id", "disposition_id", "message",
            "raw_data", "unmapped", "count", "start_time", "end_time", "duration", "is_alert", "confidence_score",
            "risk_score", "metadata.version", "metadata.uid", "metadata.event_code", "metadata.log_name",
            "metadata.logged_time", "metadata.correlation_uid", "metadata.profiles", "metadata.labels",
            "connection_info.protocol_name", "connection_info.direction_id", "traffic.bytes", "traffic.packets",
            "app_name", "user.name", "user.uid", "user.domain", "actor.user.name", "actor.process.name",
            "auth_protocol",
            "logon_type_id", "observables.name", "observables.type_id", "observables.value", "enrichments.name",
            "enrichments.value", "resources.name", "resources.uid", "resources.hostname", "resources.ip",
            "resources.type", "verdict_id", "priority_id", "impact_id", "desc", "assignee.name", "src_url",
        ] + fields(of: "metadata.product", ["name", "vendor_name", "version"])
        + fields(of: "src_endpoint", endpoint) + fields(of: "dst_endpoint", endpoint) + fields(of: "device", endpoint)
        + fields(of: "attacks", attack) + finding("finding_info") + finding("finding_info_list")
        + ["src_endpoint", "dst_endpoint"].flatMap {
            fields(of: "evidences." + $0, ["hostname", "ip", "name", "port", "zone"])
        }
        + ["evidences.uid", "evidences.name", "evidences.data"]

    private static let endpoint = ["hostname", "ip", "mac", "name", "port", "type_id", "uid", "zone"]
    private static let attack = [
        "sub_technique.name", "sub_technique.uid", "tactic.name", "tactic.uid", "technique.name", "technique.uid",
        "version",
    ]

    private static func fields(of container: String, _ names: [String]) -> [String] {
        names.map { container + "." + $0 }
    }

    private static func finding(_ container: String) -> [String] {
        fields(
            of: container,
            [
                "uid", "title", "desc", "types", "created_time", "modified_time", "first_seen_time", "last_seen_time",
                "related_events_count", "analytic.name", "analytic.uid", "analytic.type_id", "analytic.version",
            ]) + fields(of: container + ".attacks", attack)
    }

    /// The core columns of class `uid` as dotted paths: a service adds them to its field table, so that what it makes
    /// itself (findings, incidents) has fields to go to.
    public static func corePaths(of uid: Int, in dictionary: OCSFDictionary = .v1_8_0) -> [String] {
        let attributes = dictionary.classes[uid]?.shape.attributes
        return core.filter { path in
            let root = path.prefix { $0 != "." }
            guard attributes == nil || attributes?[String(root)] != nil else { return false }
            return dictionary.attribute(at: path) != nil && (attributes != nil || common.contains(root))
        }
    }

    /// What objects of a class that the dictionary does not know have: the base event's attributes.
    private static let common: Set<Substring> = [
        "time", "class_uid", "class_name", "category_uid", "category_name", "type_uid", "type_name", "activity_id",
        "activity_name", "severity_id", "severity", "status_id", "status", "message", "raw_data", "unmapped",
        "metadata",
        "observables", "count", "start_time", "end_time", "duration", "enrichments",
    ]
}
