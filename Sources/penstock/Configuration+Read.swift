// SPDX-License-Identifier: Apache-2.0
internal import Documents
internal import Logging
internal import Receivers

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
            "data", "site", "lanes", "pipeline", "journal", "listeners", "sensors", "zones", "mappings", "rules",
            "outputs", "correlation",
            "incidents", "http", "log", "files",
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
        if let pipeline = root["pipeline"],
            let chosen: Pipeline = pipeline.choice(of: ["full": .full, "parse": .parse])
        {
            configuration.pipeline = chosen
        }
        if let item = root["journal"] { configuration.journal = journal(item, path) }
        configuration.listeners = (root["listeners"]?.items ?? []).compactMap { listener($0, path) }
        unique(root["listeners"], configuration.listeners.map(\.name))
        configuration.files = (root["files"]?.items ?? []).compactMap { fileInput($0, path) }
        let taken = Set(configuration.listeners.map(\.name))
        for complaint in FileInputConfiguration.complaints(about: configuration.files, taken: taken) {
            root["files"]?.complain(complaint)
        }
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
            outputs.allow(only: ["lake", "feeds", "webhooks", "lines"])
            configuration.lines = (outputs["lines"]?.items ?? []).compactMap { lines($0, path) }
            unique(outputs["lines"], configuration.lines.map(\.name))
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
        let parsed = configuration.lines.filter { $0.content == .parsed }
        if configuration.pipeline == .parse, parsed.isEmpty {
            root["pipeline"]?.complain("pipeline: parse needs one of outputs.lines with content: parsed")
        } else if configuration.pipeline == .full, let name = parsed.first?.name {
            root["outputs"]?.complain("lines '\(name)': content: parsed needs pipeline: parse")
        }
        if configuration.pipeline == .parse, !configuration.files.isEmpty || !configuration.sensors.isEmpty {
            root["pipeline"]?.complain("pipeline: parse takes listeners only; leave out 'files' and 'sensors'")
        }
        if configuration.listeners.isEmpty, configuration.sensors.isEmpty, configuration.files.isEmpty {
            root.complain("nothing comes in: give at least one of 'listeners', 'files' and 'sensors'")
        }
        return configuration
    }

    private static func unique(_ list: Element?, _ names: [String]) {
        for (number, name) in names.enumerated() where names[..<number].contains(name) {
            list?.items.dropFirst(number).first?["name"]?.complain("the name '\(name)' is given twice")
        }
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
