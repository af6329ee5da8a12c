// SPDX-License-Identifier: Apache-2.0
internal import Documents
internal import Journal

extension Configuration {
    /// Reads `outputs`. Feeds and lines share their names: each has one position in the journal under its own.
    static func outputsRead(
        _ outputs: Element, _ path: (Element?) -> String?, into configuration: inout Configuration
    ) {
        configuration.lake = outputs["lake"].flatMap { lake($0, path) }
        var names: [String: String] = [:]
        configuration.feeds = list(outputs["feeds"]).compactMap { item in
            let made = feed(item, path)
            if let made { name(made.name, of: item, "feed", in: &names) }
            return made
        }
        var paths: Set<String> = []
        configuration.lines = list(outputs["lines"]).compactMap { item in
            guard let made = lines(item, path) else { return nil }
            name(made.name, of: item, "feed or lines output", in: &names)
            if !paths.insert(made.path).inserted { item["path"]?.complain("another output writes to \(made.path)") }
            return made
        }
        names.removeAll()
        configuration.webhooks = list(outputs["webhooks"]).compactMap { item in
            let made = webhook(item, path)
            if let made { name(made.name, of: item, "webhook", in: &names) }
            return made
        }
    }

    static func lake(_ item: Element, _ path: (Element?) -> String?) -> Lake? {
        item.allow(only: ["directory", "flush_interval", "compression"])
        guard let directory = path(item.required("directory")) else { return nil }
        var lake = Lake(directory: directory)
        if let interval = duration(item["flush_interval"], least: 100) { lake.flushInterval = interval }
        if let compression = item["compression"],
            let chosen: String = compression.choice(of: ["zstd": "zstd", "snappy": "snappy", "none": "none"])
        {
            lake.compression = chosen
        }
        return lake
    }

    static func feed(_ item: Element, _ path: (Element?) -> String?) -> Feed? {
        item.allow(only: [
            "name", "format", "transport", "address", "framing", "header", "minimum_severity", "ca", "certificate",
            "key",
            "queue_bytes",
        ])
        guard let format: String = item.required("format")?.choice(of: ["cef": "cef", "leef": "leef", "ocsf": "ocsf"]),
            let transport: String = item.required("transport")?.choice(of: ["udp": "udp", "tcp": "tcp", "tls": "tls"]),
            let address = item.required("address"), let (_, port) = hostAndPort(address), let text = address.string
        else { return nil }
        if port == 0 { address.complain("a receiver has a port from 1 to 65535") }
        var feed = Feed(name: item["name"]?.string ?? format, format: format, transport: transport, address: text)
        if let framing = item["framing"],
            let chosen: String = framing.choice(of: [
                "octet-counting": "octet-counting", "octet": "octet-counting", "lf": "lf",
            ])
        {
            feed.framing = chosen
        }
        if format == "ocsf" { feed.header = "none" }
        if let header = item["header"],
            let chosen: String = header.choice(of: ["rfc5424": "rfc5424", "rfc3164": "rfc3164", "none": "none"])
        {
            feed.header = chosen
        }
        if let severity = item["minimum_severity"]?.integer(in: 0...6) { feed.minimumSeverity = Int64(severity) }
        feed.certificateAuthority = existing(item["ca"], path)
        feed.certificate = existing(item["certificate"], path)
        feed.key = existing(item["key"], path)
        for (one, other) in [("certificate", "key"), ("key", "certificate")] where item[other] == nil {
            item[one]?.complain("'\(one)' needs '\(other)' as well")
        }
        if let bytes = item["queue_bytes"]?.byteCount { feed.queueBytes = bytes }
        if transport != "tls" {
            for key in ["ca", "certificate", "key"] where item[key] != nil {
                item[key]?.complain("'\(key)' is for transport: tls")
            }
        }
        return feed
    }

    static func journal(_ item: Element, _ path: (Element?) -> String?) -> JournalOptions? {
        if !item.isMapping {
            // YAML 1.1 reads `off` as false, and people write both.
            switch item.string {
            case "off", "false": return nil
            case "on", "true": break
            default: item.complain("journal is 'off' or a mapping")
            }
            return JournalOptions()
        }
        var settings = JournalOptions()
        item.allow(only: [
            "directory", "retain_bytes", "retain_age", "segment_bytes", "commit_interval", "commit_bytes",
            "reserve_bytes", "compression",
        ])
        settings.directory = path(item["directory"])
        if let bytes = item["retain_bytes"]?.byteCount { settings.retainBytes = bytes }
        if let age = duration(item["retain_age"], most: 36_500 * day) { settings.retainAge = Int(age / 1000) }
        if let bytes = item["segment_bytes"]?.byteCount { settings.segmentBytes = max(bytes, 1 << 20) }
        if let time = duration(item["commit_interval"], least: 1, most: 3_600_000) {
            settings.commitInterval = Int(time)
        }
        if let bytes = item["commit_bytes"]?.byteCount { settings.commitBytes = max(bytes, 4096) }
        if let bytes = item["reserve_bytes"]?.byteCount { settings.reserveBytes = bytes }
        if let element = item["compression"],
            let chosen: JournalSettings.Compression = element.choice(of: [
                "adaptive": .adaptive, "always": .always, "never": .never,
            ])
        {
            settings.compression = chosen
        }
        if settings.retainBytes < 2 * settings.segmentBytes {
            (item["retain_bytes"] ?? item["segment_bytes"])?.complain(
                "retain_bytes must be at least twice segment_bytes")
        }
        return settings
    }

    static func lines(_ item: Element, _ path: (Element?) -> String?) -> Lines? {
        item.allow(only: ["name", "path", "content"])
        guard let file = path(item.required("path")) else { return nil }
        var lines = Lines(name: item["name"]?.string ?? "lines", path: file)
        if let content = item["content"],
            let chosen: Lines.Content = content.choice(of: ["parsed": .parsed, "ocsf": .ocsf])
        {
            lines.content = chosen
        }
        return lines
    }

    static func webhook(_ item: Element, _ path: (Element?) -> String?) -> Webhook? {
        item.allow(only: ["name", "url", "topic_arn", "signing_key", "signing_certificate_url", "ca"])
        guard let element = item.required("url"), let url = element.string else { return nil }
        if !url.hasPrefix("http://"), !url.hasPrefix("https://") {
            element.complain("'\(url)' is no http:// or https:// address")
        }
        if ["http://", "https://"].contains(url) { element.complain("'\(url)' names no host") }
        var webhook = Webhook(name: item["name"]?.string ?? "webhook", url: url)
        if let topic = item["topic_arn"]?.string { webhook.topic = topic }
        webhook.signingKey = existing(item["signing_key"], path)
        webhook.signingCertificateURL = item["signing_certificate_url"]?.string
        webhook.certificateAuthority = existing(item["ca"], path)
        return webhook
    }
}

extension Configuration.JournalOptions {
    /// The settings as the journal takes them.
    func settings(_ directory: String) -> JournalSettings {
        var settings = JournalSettings(directory: directory)
        settings.segmentBytes = segmentBytes
        settings.retainBytes = retainBytes
        settings.retainAge = retainAge
        settings.commitInterval = commitInterval
        settings.commitBytes = commitBytes
        settings.reserveBytes = reserveBytes
        settings.compression = compression
        return settings
    }
}
