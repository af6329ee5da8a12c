// SPDX-License-Identifier: Apache-2.0
internal import Documents
internal import Events
internal import Incidents
internal import Wire

/// How incidents are led, and what may join them.
struct IncidentOptions: Sendable, Equatable {
    /// Whom to reach for a zone, or for all (`*`).
    struct Contact: Sendable, Equatable {
        /// The zone.
        var zone: String
        /// The person or group.
        var name: String
        /// A telephone number or address.
        var reach: String
    }

    /// Addresses that many share.
    struct Stop: Sendable, Equatable {
        /// The addresses.
        var network: String
        /// What they are.
        var reason: String
    }

    /// The milliseconds of event time after the end of an incident within which its actor opens it again.
    var reopen: Int64 = 86_400_000
    /// Whether an address that an open incident hit, and that acts now, belongs to it.
    var followTargets = true
    /// Whether two addresses that use one account belong to one incident.
    var joinAccounts = false
    /// The group that has an incident until someone takes it.
    var assignee = "SOC unassigned"
    /// Whom to reach.
    var contacts: [Contact] = []
    /// Addresses that join only firings of the same rule and group.
    var stops: [Stop] = []
}

extension Configuration {
    /// The file that holds incidents, notifications and checkpoints.
    var stateFile: String { data + "/penstock.sqlite" }

    /// How firings become incidents, as far as the configuration says; what the plant adds is not in it.
    var incidentSettings: IncidentSettings {
        var settings = IncidentSettings()
        settings.gap = incidentGap * 1_000_000
        settings.reopen = incidentOptions.reopen * 1_000_000
        settings.followsTargets = incidentOptions.followTargets
        settings.joinsAccounts = incidentOptions.joinAccounts
        settings.assignee = incidentOptions.assignee
        settings.contacts = incidentOptions.contacts.map {
            IncidentRecord.Contact(zone: $0.zone, name: $0.name, reach: $0.reach)
        }
        settings.stops = incidentOptions.stops.compactMap { stop in
            IPNetwork(stop.network).map { IncidentSettings.Stop(network: $0, reason: stop.reason) }
        }
        settings.sinks = webhooks.map(\.name)
        settings.version = penstockVersion
        settings.site = site
        settings.dictionary = ocsfVersion.dictionary
        return settings
    }

    /// Reads the key `incidents`.
    static func incidents(_ item: Element, into configuration: inout Configuration) {
        item.allow(only: ["gap", "reopen", "follow_targets", "join_accounts", "assignee", "contacts", "stops"])
        if let gap = duration(item["gap"], most: 3650 * day) { configuration.incidentGap = gap }
        var options = IncidentOptions()
        if let reopen = duration(item["reopen"], most: 3650 * day) { options.reopen = reopen }
        if let follow = item["follow_targets"]?.boolean { options.followTargets = follow }
        if let join = item["join_accounts"]?.boolean { options.joinAccounts = join }
        if let assignee = item["assignee"]?.string {
            if assignee.isEmpty || assignee.utf8.count > 128 {
                item["assignee"]?.complain("assignee takes 1 to 128 bytes")
            }
            options.assignee = assignee
        }
        options.contacts = list(item["contacts"]).compactMap { contact($0) }
        options.stops = list(item["stops"]).compactMap { stop($0) }
        configuration.incidentOptions = options
    }

    private static func contact(_ item: Element) -> IncidentOptions.Contact? {
        item.allow(only: ["zone", "name", "reach"])
        guard let name = item.required("name")?.string, let reach = item.required("reach")?.string else { return nil }
        return IncidentOptions.Contact(zone: item["zone"]?.string ?? "*", name: name, reach: reach)
    }

    private static func stop(_ item: Element) -> IncidentOptions.Stop? {
        item.allow(only: ["network", "reason"])
        guard let network = item.required("network")?.string, let reason = item.required("reason")?.string else {
            return nil
        }
        guard IPNetwork(network) != nil else {
            item["network"]?.complain("'\(network)' is no address or network")
            return nil
        }
        return IncidentOptions.Stop(network: network, reason: reason)
    }
}
