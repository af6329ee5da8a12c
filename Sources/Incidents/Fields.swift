// SPDX-License-Identifier: Apache-2.0

extension IncidentEngine {
    /// The dotted paths that the events of classes 2004 and 2005 use, for the table of fields.
    public static let fields: [String] =
        [
            "activity_id", "activity_name", "category_uid", "category_name", "class_uid", "class_name", "type_uid",
            "type_name", "time", "severity_id", "severity", "message", "desc", "count", "start_time", "end_time",
            "is_alert", "status_id", "status", "confidence_id", "confidence", "impact_id", "impact", "priority_id",
            "priority", "verdict_id", "verdict", "is_suspected_breach", "assignee_group.name",
            "assignee.name", "comment", "metadata.version",
            "metadata.uid", "metadata.correlation_uid", "metadata.product.name", "metadata.product.vendor_name",
            "metadata.product.version", "remediation.desc", "resources.uid", "resources.name", "resources.ip",
            "resources.type", "resources.criticality", "evidences.uid", "evidences.name", "evidences.data",
            "evidences.src_endpoint.ip", "evidences.src_endpoint.name", "evidences.src_endpoint.port",
            "evidences.src_endpoint.zone", "evidences.dst_endpoint.ip", "evidences.dst_endpoint.name",
            "evidences.dst_endpoint.port", "evidences.dst_endpoint.zone", "vendor_attributes.severity",
            "vendor_attributes.severity_id",
        ] + attack("attacks", mitigation: true) + info("finding_info")
        + attack("finding_info.attacks", mitigation: false)
        + [
            "finding_info.desc", "finding_info.analytic.version", "finding_info.analytic.desc",
            "finding_info.related_events.uid", "finding_info.related_events.type_uid",
        ] + info("finding_info_list")
        + [
            "id", "uid", "group", "revision", "status", "last_action", "record", "record_sha256", "actor",
            "declared_by", "criterion",
            "classification", "classes", "urgency", "functional_impact", "information_impact", "recoverability",
            "cisa_functional_impact", "cisa_information_impact", "cisa_location", "cisa_location_level",
            "coverage_complete", "severity_reasons", "targets", "recommended",
        ].map { "unmapped.incident." + $0 }

    private static func attack(_ path: String, mitigation: Bool) -> [String] {
        let names = ["version", "technique.uid", "technique.name", "tactic.uid", "tactic.name"]
        return (names + (mitigation ? ["mitigation.uid", "mitigation.name"] : [])).map { "\(path).\($0)" }
    }

    private static func info(_ path: String) -> [String] {
        [
            "uid", "title", "analytic.type_id", "analytic.type", "analytic.uid", "analytic.name", "created_time",
            "modified_time", "first_seen_time", "last_seen_time", "related_events_count",
        ].map { "\(path).\($0)" }
    }
}
