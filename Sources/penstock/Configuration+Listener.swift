// SPDX-License-Identifier: Apache-2.0
internal import Documents
internal import Receivers
internal import Transport

extension Configuration {
    static func fileInput(_ item: Element, _ path: (Element?) -> String?) -> FileInputConfiguration? {
        item.allow(only: [
            "name", "path", "mode", "framing", "from", "max_message_bytes", "oversize", "poll_interval",
            "rotate_wait", "max_files", "follow_symlinks",
        ])
        guard let pattern = path(item.required("path")) else { return nil }
        var file = FileInputConfiguration(name: item["name"]?.string ?? "files", path: pattern)
        if let mode = item["mode"],
            let chosen: FileInputConfiguration.Mode = mode.choice(of: ["tail": .tail, "once": .once])
        {
            file.mode = chosen
        }
        if let from = item["from"],
            let chosen: FileInputConfiguration.Start = from.choice(of: ["beginning": .beginning, "end": .end])
        {
            file.from = chosen
        }
        if let framing = item["framing"],
            let chosen: ListenerConfiguration.Framing = framing.choice(of: [
                "auto": .auto, "octet-counting": .octetCounting, "octet": .octetCounting, "lf": .lineFeed, "nul": .nul,
            ])
        {
            file.framing = chosen
        }
        if let oversize = item["oversize"],
            let chosen: ListenerConfiguration.Oversize = oversize.choice(of: ["truncate": .truncate, "split": .split])
        {
            file.oversize = chosen
        }
        if let bytes = item["max_message_bytes"]?.byteCount { file.maxMessageBytes = bytes }
        if let time = duration(item["poll_interval"]) { file.pollInterval = Int(time) }
        if let time = duration(item["rotate_wait"]) { file.rotateWait = Int(time) }
        if let most = item["max_files"]?.integer(in: 1...1_000_000) { file.maxFiles = most }
        if let follows = item["follow_symlinks"]?.boolean { file.followSymlinks = follows }
        return file
    }

    static func listener(_ item: Element, _ path: (Element?) -> String?) -> ListenerConfiguration? {
        item.allow(only: [
            "name", "transport", "address", "framing", "max_message_bytes", "oversize", "max_connections",
            "max_connections_per_peer", "idle_timeout", "handshake_timeout", "receive_buffer", "tls", "proxies",
            "groups", "interface", "spread",
        ])
        guard let transport = item.required("transport"),
            let kind: ListenerConfiguration.Transport = transport.choice(of: [
                "udp": .udp, "tcp": .tcp, "tls": .tls, "dtls": .dtls, "relp": .relp,
            ]),
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
        // In whole seconds, upwards: 0 means no limit.
        if let time = duration(item["idle_timeout"], most: 365 * day) {
            listener.idleTimeout = Int((time + 999) / 1000)
        }
        if let time = duration(item["handshake_timeout"], most: 3_600_000) {
            listener.handshakeTimeout = Int((time + 999) / 1000)
        }
        if let bytes = item["receive_buffer"]?.byteCount { listener.receiveBuffer = bytes }
        listener.proxies = strings(item["proxies"])
        listener.groups = strings(item["groups"])
        listener.interface = item["interface"]?.string
        if let spread = item["spread"],
            let chosen: ListenerConfiguration.Spread = spread.choice(of: [
                "adaptive": .adaptive, "random": .random, "sender": .sender,
            ])
        {
            listener.spread = chosen
        }
        if let tls = item["tls"] {
            guard let settings = tlsSettings(tls, path) else { return nil }
            listener.tls = settings
        }
        for complaint in ListenerConfiguration.complaints(about: [listener]) { item.complain(complaint) }
        return listener
    }

    private static func strings(_ element: Element?) -> [String] { oneOrMore(element).compactMap(\.string) }

    private static func tlsSettings(
        _ tls: Element, _ path: (Element?) -> String?
    ) -> ListenerConfiguration.TLS? {
        tls.allow(only: [
            "certificate", "key", "client_ca", "client_certificate", "minimum_version", "crl", "allow",
            "session_tickets",
        ])
        guard let certificate = path(tls.required("certificate")), let key = path(tls.required("key")) else {
            return nil
        }
        var settings = ListenerConfiguration.TLS(certificate: certificate, key: key, clientCA: path(tls["client_ca"]))
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
        // Authorities or an allow-list without a word on certificates are meant to keep others out.
        if tls["client_certificate"] == nil, tls["client_ca"] != nil || tls["allow"] != nil {
            settings.clientCertificate = .required
        }
        settings.revocationLists = oneOrMore(tls["crl"]).compactMap { path($0) }
        if let allow = tls["allow"] {
            allow.allow(only: ["subjects", "names", "fingerprints"])
            settings.subjects = strings(allow["subjects"])
            settings.names = strings(allow["names"])
            settings.fingerprints = strings(allow["fingerprints"])
        }
        if let tickets = tls["session_tickets"]?.boolean { settings.sessionTickets = tickets }
        return settings
    }
}
