// SPDX-License-Identifier: Apache-2.0
internal import Codecs
internal import Inventory
internal import Journal
internal import Receivers

/// What the service is told to do: one YAML file, or the embedded defaults.
struct Configuration: Sendable {
    /// One place where packets are captured.
    struct SensorSource: Sendable, Equatable {
        /// The sensor's name in metrics and events.
        var name: String
        /// The interface to capture on, such as `eth1`; or nil.
        var interface: String?
        /// The capture file to read once; or nil.
        var file: String?
        /// A filter in libpcap's language; empty captures everything.
        var filter = ""
        /// Whether the interface is put into promiscuous mode, as a SPAN port needs.
        var promiscuous = true
    }

    /// The data lake.
    struct Lake: Sendable, Equatable {
        /// The folder that is the object store.
        var directory: String
        /// The longest time in milliseconds that an event waits in memory before its object is written.
        var flushInterval: Int64 = 60_000
        /// `zstd`, `snappy` or `none`.
        var compression = "zstd"
    }

    /// The journal: what was received, on disk before anything is made of it.
    struct JournalOptions: Sendable, Equatable {
        /// Its folder; nil: `journal` in the data folder.
        var directory: String?
        /// The bytes that all its files may take; the oldest go first.
        var retainBytes = 8 << 30
        /// The seconds that a file is kept; 0: as long as there is room.
        var retainAge = 7 * 86_400
        /// The bytes of one file.
        var segmentBytes = 128 << 20
        /// The milliseconds after which what was written is synchronised with the disk.
        var commitInterval = 100
        /// The bytes after which it is.
        var commitBytes = 8 << 20
        /// The free bytes of the file system that the journal leaves to others.
        var reserveBytes = 256 << 20
        var compression = JournalSettings.Compression.adaptive
    }

    /// One local file that lines are appended to.
    struct Lines: Sendable, Equatable {
        /// What a line is.
        enum Content: String, Sendable {
            /// The message as `penstock parse` tells it; only with `pipeline: parse`.
            case parsed
            /// The event as OCSF JSON.
            case ocsf
        }

        /// The name in metrics.
        var name: String
        /// The file, or a named pipe.
        var path: String
        /// What a line is.
        var content = Content.ocsf
    }

    /// How far a message goes.
    enum Pipeline: String, Sendable {
        /// All the way: events, rules, incidents, outputs.
        case full
        /// Received, parsed, and written as lines.
        case parse
    }

    /// One feed to a SIEM.
    struct Feed: Sendable, Equatable {
        /// The feed's name in metrics.
        var name: String
        /// `cef`, `leef` or `ocsf`.
        var format: String
        /// `udp`, `tcp` or `tls`.
        var transport: String
        /// The receiver's `host:port`.
        var address: String
        /// How lines are told apart on TCP and TLS: `octet-counting` or `lf`.
        var framing = "octet-counting"
        /// The syslog header before each line: `rfc5424`, `rfc3164` or `none`.
        var header = "rfc5424"
        /// Only events of at least this OCSF severity (0 to 6).
        var minimumSeverity: Int64 = 0
        /// TLS: the PEM file of the authorities that the receiver's certificate must come from.
        var certificateAuthority: String?
        /// TLS: the PEM file of the client certificate.
        var certificate: String?
        /// TLS: the PEM file of its private key.
        var key: String?
        /// The most bytes that wait for a receiver that is slow or down.
        var queueBytes = 16 << 20
    }

    /// One webhook that gets incident notifications in SNS form.
    struct Webhook: Sendable, Equatable {
        /// The webhook's name in metrics and in the incident's record.
        var name: String
        /// The `http://` or `https://` address.
        var url: String
        /// The TopicArn that notifications carry.
        var topic = "arn:penstock:sns:local:000000000000:incidents"
        /// The PEM file of the RSA key that signs notifications (SignatureVersion 2); nil: not signed.
        var signingKey: String?
        /// The URL under which receivers find the signing certificate.
        var signingCertificateURL: String?
        /// The PEM file of the authorities that an https receiver's certificate must come from; nil: the system's.
        var certificateAuthority: String?
    }

    /// The folder for the store; made when it is missing.
    var data = "/var/lib/penstock"
    /// Receive lanes (threads); each has its own sockets on every listener.
    var lanes = 1
    /// How far a message goes.
    var pipeline = Pipeline.full
    /// The version of OCSF in which events are written.
    var ocsfVersion = OCSFVersion.native
    /// The journal; nil: none, what is in memory at a crash is lost.
    var journal: JournalOptions? = JournalOptions()
    /// Syslog listeners.
    var listeners: [ListenerConfiguration] = []
    /// What is known of senders whose messages do not say it themselves.
    var senders: [SyslogSources.Source] = []
    /// Files to read or follow.
    var files: [FileInputConfiguration] = []
    /// Captures.
    var sensors: [SensorSource] = []
    /// The file with zones, conduits, assets, lists and process points; nil: the embedded example.
    var zones: String?
    /// Threat-intelligence lists.
    var intelligence: [IntelligenceList] = []
    /// Mapping files and folders; empty: the embedded ones.
    var mappings: [String] = []
    /// Rule files and folders; empty: the embedded ones.
    var rules: [String] = []
    /// The data lake, or nil.
    var lake: Lake?
    /// Local files of lines.
    var lines: [Lines] = []
    /// Feeds to SIEMs.
    var feeds: [Feed] = []
    /// Webhooks for incidents.
    var webhooks: [Webhook] = []
    /// The time in milliseconds that the correlator waits for events that younger ones have overtaken.
    var outOfOrder: Int64 = 2_000
    /// How much later than that, in milliseconds, an event may come and still revise what was decided.
    var lateness: Int64 = 300_000
    /// How far, in milliseconds, a sender's clock may be off before it is told.
    var clockTolerance: Int64 = 60_000
    /// The gap in milliseconds of event time after which an actor's next detection is a new incident.
    var incidentGap: Int64 = 86_400_000
    /// How incidents are led, and what may join them.
    var incidentOptions = IncidentOptions()
    /// The address of the HTTP endpoint.
    var httpHost = "127.0.0.1"
    /// The port of the HTTP endpoint.
    var httpPort = 9514
    /// `trace`, `debug`, `info`, `notice`, `warning`, `error` or `critical`.
    var logLevel = "info"
    /// The site's name, part of every event's uid.
    var site = "site"
    /// The file that this was read from, or nil for the defaults.
    var file: String?

    /// The journal's folder.
    var journalDirectory: String { journal?.directory ?? data + "/journal" }

    /// The number of logs that the journal has: one for each lane of syslog, each sensor, and all files together.
    var logCount: Int { lanes + sensors.count + (files.isEmpty ? 0 : 1) }

    /// The keys whose values differ from those of `next` and that are read at a start only.
    func keysThatDiffer(from next: Configuration) -> [String] {
        let same: KeyValuePairs = [
            "data": data == next.data, "site": site == next.site, "lanes": lanes == next.lanes,
            "pipeline": pipeline == next.pipeline, "ocsf_version": ocsfVersion == next.ocsfVersion,
            "journal": journal == next.journal,
            "listeners": listeners == next.listeners, "files": files == next.files, "sensors": sensors == next.sensors,
            "outputs.lake": lake == next.lake, "outputs.feeds": feeds == next.feeds,
            "outputs.lines": lines == next.lines, "outputs.webhooks": webhooks == next.webhooks,
            "correlation": outOfOrder == next.outOfOrder && lateness == next.lateness
                && clockTolerance == next.clockTolerance,
            "incidents": incidentGap == next.incidentGap && incidentOptions == next.incidentOptions,
            "http": httpHost == next.httpHost && httpPort == next.httpPort, "log": logLevel == next.logLevel,
        ]
        return same.filter { !$0.value }.map(\.key)
    }

    /// The embedded defaults: syslog on unprivileged loopback ports, no capture, a lake below the data folder.
    static var defaults: Configuration {
        var configuration = Configuration()
        configuration.data = "penstock-data"
        configuration.listeners = [
            ListenerConfiguration(name: "udp", transport: .udp, address: "127.0.0.1:5514"),
            ListenerConfiguration(name: "tcp", transport: .tcp, address: "127.0.0.1:5514"),
        ]
        configuration.lake = Lake(directory: "penstock-data/lake")
        return configuration
    }
}
