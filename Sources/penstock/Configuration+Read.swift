// SPDX-License-Identifier: Apache-2.0
internal import Documents
internal import Logging
internal import Receivers
internal import Transport

extension Configuration {
    /// Reads a configuration; every fault is a complaint, and relative paths count from the file's folder.
    static func parse(_ text: String, file: String, complaints: Complaints) -> Configuration {
        var configuration = Configuration()
        configuration.file = file
        guard let root = Element.documents(text, file: file, complaints: complaints).first else {
            if complaints.errors.isEmpty { complaints.add(Complaint(file: file, "the file is empty")) }
            return configuration
        }
        root.allow(only: [
            "data", "site", "lanes", "listeners", "sensors", "zones", "mappings", "rules", "outputs", "correlation",
            "incidents", "http", "log",
        ])
        let folder = file.contains("/") ? String(file[..<(file.lastIndex(of: "/") ?? file.startIndex)]) : "."
        func path(_ element: Element?) -> String? {
            guard let text = element?.string else { return nil }
            return text.hasPrefix("/") ? text : folder + "/" + text
        }
        if let data = path(root["data"]) { configuration.data = data }
        if let site = root["site"]?.string {
            if site.isEmpty || !site.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) }) {
                root["site"]?.complain("site takes letters, digits, '-', '_' and '.'")
            }
            configuration.site = site
        }
        if let lanes = root["lanes"]?.integer(in: 1...64) { configuration.lanes = lanes }
        configuration.listeners = (root["listeners"]?.items ?? []).compactMap { listener($0, path) }
        unique(root["listeners"], configuration.listeners.map(\.name))
        configuration.sensors = (root["sensors"]?.items ?? []).compactMap { sensor($0, path) }
        unique(root["sensors"], configuration.sensors.map(\.name))
        // A path that leads nowhere is told here, at its place.
        func existing(_ element: Element?) -> String? {
            guard let element, let found = path(element) else { return nil }
            do { try Input.readable(found) } catch {
                element.complain("\(error)")
                return nil
            }
            return found
        }
        configuration.zones = existing(root["zones"])
        configuration.mappings = (root["mappings"]?.items ?? []).compactMap { existing($0) }
        configuration.rules = (root["rules"]?.items ?? []).compactMap { existing($0) }
        if let outputs = root["outputs"] {
            outputs.allow(only: ["lake", "feeds", "webhooks"])
            configuration.lake = outputs["lake"].flatMap { lake($0, path) }
            configuration.feeds = (outputs["feeds"]?.items ?? []).compactMap { feed($0, path) }
            configuration.webhooks = (outputs["webhooks"]?.items ?? []).compactMap { webhook($0, path) }
            unique(outputs["feeds"], configuration.feeds.map(\.name))
            unique(outputs["webhooks"], configuration.webhooks.map(\.name))
        }
        root["correlation"]?.allow(only: ["lateness"])
        if let lateness = root["correlation"]?["lateness"]?.milliseconds { configuration.lateness = lateness }
        root["incidents"]?.allow(only: ["gap"])
        if let gap = root["incidents"]?["gap"]?.milliseconds { configuration.incidentGap = gap }
        if let http = root["http"] {
            http.allow(only: ["address"])
            if let address = http.required("address"), let (host, port) = hostAndPort(address) {
                configuration.httpHost = host
                configuration.httpPort = port
            }
        }
        if let log = root["log"] {
            log.allow(only: ["level"])
            if let level = log["level"]?.string {
                if Logger.Level(rawValue: level) == nil {
                    log["level"]?.complain(
                        "level must be one of \(Logger.Level.allCases.map(\.rawValue).joined(separator: ", "))")
                }
                configuration.logLevel = level
            }
        }
        if configuration.listeners.isEmpty, configuration.sensors.isEmpty {
            root.complain("nothing comes in: give at least one of 'listeners' and 'sensors'")
        }
        return configuration
    }

    private static func unique(_ list: Element?, _ names: [String]) {
        for (number, name) in names.enumerated() where names[..<number].contains(name) {
            list?.items.dropFirst(number).first?["name"]?.complain("the name '\(name)' is given twice")
        }
    }

    private static func listener(_ item: Element, _ path: (Element?) -> String?) -> ListenerConfiguration? {
        item.allow(only: [
            "name", "transport", "address", "framing", "max_message_bytes", "oversize", "max_connections",
            "max_connections_per_peer", "idle_timeout", "handshake_timeout", "receive_buffer", "tls",
        ])
        guard let transport = item.required("transport"),
            let kind: ListenerConfiguration.Transport = transport.choice(of: ["udp": .udp, "tcp": .tcp, "tls": .tls]),
            let address = item.required("address")?.string
        else { return nil }
        var listener = ListenerConfiguration(
            name: item["name"]?.string ?? kind.rawValue, transport: kind, address: address)
        if let framing = item["framing"],
            let chosen: ListenerConfiguration.Framing = framing.choice(of: [
                "auto": .auto, "octet-counting": .octetCounting, "octet": .octetCounting, "lf": .lineFeed, "nul": .nul,
            ])
        {
            listener.framing = chosen
        }
        if let bytes = item["max_message_bytes"]?.byteCount { listener.maxMessageBytes = bytes }
        if let oversize = item["oversize"],
            let chosen: ListenerConfiguration.Oversize = oversize.choice(of: ["truncate": .truncate, "split": .split])
        {
            listener.oversize = chosen
        }
        if let most = item["max_connections"]?.integer(in: 0...1_000_000) { listener.maxConnections = most }
        if let most = item["max_connections_per_peer"]?.integer(in: 0...1_000_000) {
            listener.maxConnectionsPerPeer = most
        }
        if let time = item["idle_timeout"]?.milliseconds { listener.idleTimeout = Int(time / 1000) }
        if let time = item["handshake_timeout"]?.milliseconds { listener.handshakeTimeout = Int(time / 1000) }
        if let bytes = item["receive_buffer"]?.byteCount { listener.receiveBuffer = bytes }
        if let tls = item["tls"] {
            tls.allow(only: ["certificate", "key", "client_ca", "client_certificate", "minimum_version"])
            guard let certificate = path(tls.required("certificate")), let key = path(tls.required("key")) else {
                return nil
            }
            var settings = ListenerConfiguration.TLS(
                certificate: certificate, key: key, clientCA: path(tls["client_ca"]))
            if let policy = tls["client_certificate"],
                let chosen: ClientCertificatePolicy = policy.choice(of: [
                    "none": .none, "optional": .optional, "required": .required,
                ])
            {
                settings.clientCertificate = chosen
            }
            if let version = tls["minimum_version"],
                let chosen: TLSVersion = version.choice(of: ["1.2": .v1_2, "1.3": .v1_3])
            {
                settings.minimumVersion = chosen
            }
            listener.tls = settings
        }
        for complaint in ListenerConfiguration.complaints(about: [listener]) { item.complain(complaint) }
        return listener
    }

    private static func sensor(_ item: Element, _ path: (Element?) -> String?) -> SensorSource? {
        item.allow(only: ["name", "interface", "file", "filter", "promiscuous"])
        let interface = item["interface"]?.string
        let file = path(item["file"])
        guard (interface == nil) != (file == nil) else {
            item.complain("a sensor needs either 'interface' or 'file'")
            return nil
        }
        var sensor = SensorSource(
            name: item["name"]?.string ?? interface ?? "capture", interface: interface, file: file)
        if let filter = item["filter"]?.string { sensor.filter = filter }
        if let promiscuous = item["promiscuous"]?.boolean { sensor.promiscuous = promiscuous }
        return sensor
    }

    private static func lake(_ item: Element, _ path: (Element?) -> String?) -> Lake? {
        item.allow(only: ["directory", "flush_interval", "compression"])
        guard let directory = path(item.required("directory")) else { return nil }
        var lake = Lake(directory: directory)
        if let interval = item["flush_interval"]?.milliseconds { lake.flushInterval = max(interval, 100) }
        if let compression = item["compression"],
            let chosen: String = compression.choice(of: ["zstd": "zstd", "snappy": "snappy", "none": "none"])
        {
            lake.compression = chosen
        }
        return lake
    }

    private static func feed(_ item: Element, _ path: (Element?) -> String?) -> Feed? {
        item.allow(only: [
            "name", "format", "transport", "address", "framing", "header", "minimum_severity", "ca", "certificate",
            "key",
            "queue_bytes",
        ])
        guard let format: String = item.required("format")?.choice(of: ["cef": "cef", "leef": "leef"]),
            let transport: String = item.required("transport")?.choice(of: ["udp": "udp", "tcp": "tcp", "tls": "tls"]),
            let address = item.required("address"), hostAndPort(address) != nil, let text = address.string
        else { return nil }
        var feed = Feed(name: item["name"]?.string ?? format, format: format, transport: transport, address: text)
        if let framing = item["framing"],
            let chosen: String = framing.choice(of: [
                "octet-counting": "octet-counting", "octet": "octet-counting", "lf": "lf",
            ])
        {
            feed.framing = chosen
        }
        if let header = item["header"],
            let chosen: String = header.choice(of: ["rfc5424": "rfc5424", "rfc3164": "rfc3164", "none": "none"])
        {
            feed.header = chosen
        }
        if let severity = item["minimum_severity"]?.integer(in: 0...6) { feed.minimumSeverity = Int64(severity) }
        feed.certificateAuthority = path(item["ca"])
        feed.certificate = path(item["certificate"])
        feed.key = path(item["key"])
        if let bytes = item["queue_bytes"]?.byteCount { feed.queueBytes = bytes }
        if transport != "tls" {
            for key in ["ca", "certificate", "key"] where item[key] != nil {
                item[key]?.complain("'\(key)' is for transport: tls")
            }
        }
        return feed
    }

    private static func webhook(_ item: Element, _ path: (Element?) -> String?) -> Webhook? {
        item.allow(only: ["name", "url", "topic_arn", "signing_key", "signing_certificate_url", "ca"])
        guard let element = item.required("url"), let url = element.string else { return nil }
        if !url.hasPrefix("http://"), !url.hasPrefix("https://") {
            element.complain("'\(url)' is no http:// or https:// address")
        }
        var webhook = Webhook(name: item["name"]?.string ?? "webhook", url: url)
        if let topic = item["topic_arn"]?.string { webhook.topic = topic }
        webhook.signingKey = path(item["signing_key"])
        webhook.signingCertificateURL = item["signing_certificate_url"]?.string
        webhook.certificateAuthority = path(item["ca"])
        return webhook
    }

    /// `host:port` or `[address]:port`; complains about anything else.
    static func hostAndPort(_ element: Element) -> (String, Int)? {
        guard let text = element.string else { return nil }
        if let split = split(text) { return split }
        element.complain("'\(text)' is no host:port")
        return nil
    }

    /// The host and port of `host:port` or `[address]:port`, or nil.
    static func split(_ text: String) -> (String, Int)? {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            (0...65535).contains(port)
        else { return nil }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        return host.isEmpty || (host.contains(":") && !text.hasPrefix("[")) ? nil : (host, port)
    }
}
