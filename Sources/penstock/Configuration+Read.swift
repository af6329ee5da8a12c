// SPDX-License-Identifier: Apache-2.0
internal import Documents
internal import Inventory
internal import Logging
internal import Receivers

extension Configuration {
    /// Reads a configuration; every fault is a complaint, and relative paths count from the file's folder.
    static func parse(_ text: String, file: String, complaints: Complaints) -> Configuration {
        var configuration = Configuration()
        configuration.file = file
        let documents = Element.documents(text, file: file, complaints: complaints)
        documents.dropFirst().first?.complain("a configuration is one document; this is a second one")
        guard let root = documents.first else {
            if complaints.errors.isEmpty { complaints.add(Complaint(file: file, "the file is empty")) }
            return configuration
        }
        root.allow(only: [
            "data", "site", "lanes", "pipeline", "ocsf_version", "journal", "listeners", "sensors", "zones", "mappings",
            "rules", "outputs", "correlation", "sources",
            "incidents", "http", "log", "files", "intelligence",
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
        if let item = root["ocsf_version"], let text = item.string {
            if let version = OCSFVersion(argument: text) {
                configuration.ocsfVersion = version
            } else {
                item.complain("ocsf_version must be one of \(OCSFVersion.all.joined(separator: ", "))")
            }
        }
        if let item = root["journal"] { configuration.journal = journal(item, path) }
        var names: [String: String] = [:]
        configuration.listeners = list(root["listeners"]).compactMap { item in
            let made = listener(item, path)
            if let made { name(made.name, of: item, "listener", in: &names) }
            return made
        }
        let alone = configuration.listeners.flatMap { ListenerConfiguration.complaints(about: [$0]) }
        for complaint in ListenerConfiguration.complaints(about: configuration.listeners)
        where !alone.contains(complaint) && !complaint.hasSuffix("each needs its own") {
            root["listeners"]?.complain(complaint)
        }
        configuration.files = list(root["files"]).compactMap { fileInput($0, path) }
        let taken = Set(configuration.listeners.map(\.name))
        for complaint in FileInputConfiguration.complaints(about: configuration.files, taken: taken) {
            root["files"]?.complain(complaint)
        }
        names.removeAll()
        configuration.sensors = list(root["sensors"]).compactMap { item in
            let made = sensor(item, path)
            if let made { name(made.name, of: item, "sensor", in: &names) }
            return made
        }
        let inputs = Set(configuration.listeners.map(\.name) + configuration.files.map(\.name))
        configuration.senders = list(root["sources"]).map { sender($0, inputs) }
        configuration.zones = existing(root["zones"], path)
        names.removeAll()
        configuration.intelligence = list(root["intelligence"]).compactMap { item in
            let made = intelligence(item, path)
            if let made { name(made.name, of: item, "list", in: &names) }
            return made
        }
        func content(_ element: Element) -> String? {
            element.string == Content.embeddedName ? Content.embeddedName : existing(element, path)
        }
        configuration.mappings = oneOrMore(root["mappings"]).compactMap { content($0) }
        configuration.rules = oneOrMore(root["rules"]).compactMap { content($0) }
        if let outputs = root["outputs"] {
            outputs.allow(only: ["lake", "feeds", "webhooks", "lines"])
            outputsRead(outputs, path, into: &configuration)
        }
        root["correlation"]?.allow(only: ["out_of_order", "lateness", "clock_tolerance"])
        if let wait = duration(root["correlation"]?["out_of_order"], most: 365 * day) {
            configuration.outOfOrder = wait
        }
        if let lateness = duration(root["correlation"]?["lateness"], most: 365 * day) {
            configuration.lateness = lateness
        }
        if let tolerance = duration(root["correlation"]?["clock_tolerance"], least: 1_000, most: 365 * day) {
            configuration.clockTolerance = tolerance
        }
        if let item = root["incidents"] { incidents(item, into: &configuration) }
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
        limitMessages(of: &configuration, root["ocsf_version"])
        if configuration.listeners.isEmpty, configuration.sensors.isEmpty, configuration.files.isEmpty {
            root.complain("nothing comes in: give at least one of 'listeners', 'files' and 'sensors'")
        }
        return configuration
    }

    /// A text of OCSF 1.1 has at most 65,535 characters (`string_t`), and the whole message goes into one: `raw_data`.
    private static func limitMessages(of configuration: inout Configuration, _ element: Element?) {
        guard configuration.ocsfVersion != .native else { return }
        let most = 65_535
        // The default is one byte above.
        for index in configuration.listeners.indices where configuration.listeners[index].maxMessageBytes == most + 1 {
            configuration.listeners[index].maxMessageBytes = most
        }
        for index in configuration.files.indices where configuration.files[index].maxMessageBytes == most + 1 {
            configuration.files[index].maxMessageBytes = most
        }
        let long =
            configuration.listeners.filter { $0.maxMessageBytes > most }.map(\.name)
            + configuration.files.filter { $0.maxMessageBytes > most }.map(\.name)
        for name in long {
            element?.complain(
                "texts of this version have at most \(most) characters: the max_message_bytes of '\(name)' is above")
        }
    }

    /// A day in milliseconds.
    static let day: Int64 = 86_400_000

    /// A duration from `least` to `most` milliseconds: what is reckoned with it later cannot overflow.
    static func duration(_ element: Element?, least: Int64 = 0, most: Int64 = day) -> Int64? {
        guard let element, let time = element.milliseconds else { return nil }
        guard (least...most).contains(time) else {
            func text(_ time: Int64) -> String { time % day == 0 && time > 0 ? "\(time / day)d" : "\(time)ms" }
            element.complain("\(element.path) must lie between \(text(least)) and \(text(most))")
            return nil
        }
        return time
    }

    /// The members of a list; complains about anything else but nothing at all.
    static func list(_ element: Element?) -> [Element] {
        guard let element, !element.isNull else { return [] }
        if !element.isSequence { element.complain("\(element.path) must be a list: each entry begins with '- '") }
        return element.items
    }

    /// The members of a list, or the one value that stands for it.
    static func oneOrMore(_ element: Element?) -> [Element] {
        guard let element, !element.isNull else { return [] }
        return element.isSequence ? element.items : [element]
    }

    /// A path that must lead to something readable: where it does not, that is told here, at its place.
    static func existing(_ element: Element?, _ path: (Element?) -> String?) -> String? {
        guard let element, let found = path(element) else { return nil }
        do { try Input.readable(found) } catch {
            element.complain("\(error)")
            return nil
        }
        return found
    }

    /// Complains about a name that another has, or that no metric and no file could carry; `names` says whose it is.
    static func name(_ name: String, of item: Element, _ kind: String, in names: inout [String: String]) {
        let place = item["name"] ?? item
        if let other = names.updateValue(kind, forKey: name) {
            let cure = item["name"] == nil ? "; give each its own 'name'" : ""
            place.complain("the name '\(name)' is given twice: another \(other) has it\(cure)")
        }
        if name.isEmpty || name.utf8.count > 80 || name.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) {
            place.complain("a name is 1 to 80 bytes without control characters")
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
