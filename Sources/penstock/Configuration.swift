// SPDX-License-Identifier: Apache-2.0
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

    /// One feed to a SIEM.
    struct Feed: Sendable, Equatable {
        /// The feed's name in metrics.
        var name: String
        /// `cef` or `leef`.
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
    /// Syslog listeners.
    var listeners: [ListenerConfiguration] = []
    /// Captures.
    var sensors: [SensorSource] = []
    /// The file with zones, conduits, assets, lists and process points; nil: the embedded example.
    var zones: String?
    /// Mapping files and folders; empty: the embedded ones.
    var mappings: [String] = []
    /// Rule files and folders; empty: the embedded ones.
    var rules: [String] = []
    /// The data lake, or nil.
    var lake: Lake?
    /// Feeds to SIEMs.
    var feeds: [Feed] = []
    /// Webhooks for incidents.
    var webhooks: [Webhook] = []
    /// The time in milliseconds that the correlator waits for late events.
    var lateness: Int64 = 2_000
    /// The gap in milliseconds of event time after which an actor's next detection is a new incident.
    var incidentGap: Int64 = 86_400_000
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
