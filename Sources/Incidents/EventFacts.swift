// SPDX-License-Identifier: Apache-2.0
internal import Events
internal import Wire

/// What the record takes from one event's OCSF JSON.
struct EventFacts {
    /// What control protocols name themselves under `unmapped`; a device that is asked by one controls the process.
    static let controlProtocols: Set<String> = [
        "ads", "bacnet", "cip", "dnp3", "enip", "ethercat", "ethernet_ip", "fins", "ge_srtp", "goose", "hart_ip",
        "iec104",
        "melsec", "mms", "modbus", "omron_fins", "opcua", "opcua_binary", "pccc", "profinet", "profinet_io_cm",
        "s7comm",
        "s7comm_plus", "srtp", "sv",
    ]
    /// The most members of a protocol's object that a text names.
    private static let detailLimit = 10

    let uid: String
    let time: Int64
    let received: Int64
    var typeUID: Int64?
    var source = ""
    var sourcePort: Int64?
    var target = ""
    var targetPort: Int64?
    var sourceZone: String?
    var sourceLevel: String?
    var targetZone: String?
    var targetLevel: String?
    var originalTime: String?
    var offset: Int?
    /// The time that it claims, where that is not its `time` because it lies in the future.
    var claimed: Int64?
    var text = ""
    var writes: String?
    var isControl = false
    var protocols: [String] = []
    var marks: [(type: String, value: String)] = []

    init(_ hit: Hit) {
        uid = clip(hit.uid, 256)
        time = hit.time
        received = hit.received
        guard let event = try? JSONDocument(hit.event) else {
            text = "an event that is not JSON"
            return
        }
        typeUID = event.integer("type_uid")
        source = EventFacts.address(event, "src_endpoint") ?? ""
        target =
            EventFacts.address(event, "dst_endpoint") ?? EventFacts.texts(event, "device.ip").first.map { clip($0, 64) }
            ?? ""
        sourcePort = event.integer("src_endpoint.port") ?? event.integer("evidences.src_endpoint.port")
        targetPort = event.integer("dst_endpoint.port") ?? event.integer("evidences.dst_endpoint.port")
        sourceZone = EventFacts.short(event, "unmapped.zone.src")
        targetZone = EventFacts.short(event, "unmapped.zone.dst")
        sourceLevel = EventFacts.short(event, "unmapped.zone.src_level")
        targetLevel = EventFacts.short(event, "unmapped.zone.dst_level")
        originalTime = EventFacts.short(event, "metadata.original_time")
        offset = event.integer("timezone_offset").flatMap { abs($0) <= 1_440 ? Int($0) : nil }
        if let time = event.integer("unmapped.penstock.claimed_time") {
            claimed = time.multipliedReportingOverflow(by: 1_000_000).overflow ? nil : time * 1_000_000
        }
        var details = ""
        for (name, members) in EventFacts.groups(event) where !EventFacts.plumbing.contains(name) {
            if EventFacts.controlProtocols.contains(name) {
                isControl = true
                protocols.append(name)
                if members.contains(where: { $0.name == "is_write" && $0.value == "true" }) {
                    writes = EventFacts.outcome(event, members)
                }
            }
            let shown = members.prefix(EventFacts.detailLimit).map { "\($0.name)=\(clip($0.value, 64))" }
            if !shown.isEmpty { details += "; \(name) " + shown.joined(separator: " ") }
            mark(name, members)
        }
        let name = EventFacts.short(event, "app_name") ?? EventFacts.short(event, "connection_info.protocol_name")
        if let name, !protocols.contains(name.lowercased()) { protocols.append(name.lowercased()) }
        mark(event)
        text = clip(sentence(event) + details, 600)
    }

    /// The accounts that it names.
    var accounts: [String] { marks.filter { $0.type == "account" }.map(\.value) }

    /// Where it came from and went to, in words.
    var zones: String {
        guard sourceZone != nil || targetZone != nil else { return "" }
        return "\(sourceZone ?? "?") -> \(targetZone ?? "?")"
    }

    /// Members of `unmapped` that say how an event came, not what happened.
    private static let plumbing: Set<String> = ["zone", "asset", "syslog", "peer", "penstock"]

    private func sentence(_ event: JSONDocument) -> String {
        if let message = event.text("message"), !message.isEmpty { return clip(message, 400) }
        let what =
            [event.text("class_name"), event.text("activity_name")].compactMap { $0 }.joined(separator: ": ")
        let way = "\(source.isEmpty ? "?" : source) to \(target.isEmpty ? "?" : target)"
        let port = targetPort.map { " port \($0)" } ?? ""
        return clip(what.isEmpty ? way + port : "\(what), \(way)\(port)", 400)
    }

    private mutating func mark(_ event: JSONDocument) {
        for path in ["actor.user.name", "user.name", "src_endpoint.owner.name"] {
            for name in EventFacts.texts(event, path).prefix(4) where !name.isEmpty {
                marks.append(("account", clip(name, 128)))
            }
        }
        for path in ["file.hashes.value", "process.file.hashes.value"] {
            for hash in EventFacts.texts(event, path).prefix(4) { marks.append(("hash", clip(hash, 128))) }
        }
        for path in ["src_endpoint.mac", "dst_endpoint.mac"] {
            if let mac = EventFacts.short(event, path) { marks.append(("mac", mac)) }
        }
        for address in [source, target] where !address.isEmpty { marks.append(("address", address)) }
    }

    private mutating func mark(_ protocolName: String, _ members: [(name: String, value: String)]) {
        guard EventFacts.controlProtocols.contains(protocolName) else { return }
        func value(_ names: [String]) -> String? { members.first { names.contains($0.name) }?.value }
        if let function = value(["function_code", "function", "service", "type_id", "command"]) {
            marks.append(("function", "\(protocolName) \(clip(function, 64))"))
        }
        if let address = value(["address", "register", "point", "tag", "index"]) {
            let table = value(["table", "area", "object"]).map { clip($0, 32) + " " } ?? ""
            marks.append(("point", "\(protocolName) \(table)\(clip(address, 64))"))
        }
    }

    /// Whether a write was answered, by the protocol's own status and by OCSF's.
    private static func outcome(_ event: JSONDocument, _ members: [(name: String, value: String)]) -> String {
        let status = members.first { $0.name == "status" }?.value.lowercased()
        switch (status, event.integer("status_id")) {
        case ("success"?, _), ("ok"?, _), ("accepted"?, _), ("normal"?, _), (nil, 1?): return "accepted"
        case ("exception"?, _), ("error"?, _), ("refused"?, _), ("failure"?, _), (nil, 2?): return "refused"
        default: return "attempted"
        }
    }

    /// The objects under `unmapped` with their scalar members, both sorted by name.
    private static func groups(_ event: JSONDocument) -> [(String, [(name: String, value: String)])] {
        let bytes = event.bytes.span.bytes
        guard let root = event.find("unmapped").first, event.tape.values[root].kind == .object else { return [] }
        var groups: [(String, [(name: String, value: String)])] = []
        var member = root + 1
        while member < Int(event.tape.values[root].next) {
            if event.tape.values[member].kind == .object {
                var scalars: [(name: String, value: String)] = []
                var child = member + 1
                while child < Int(event.tape.values[member].next) {
                    let value = event.tape.values[child]
                    let name = event.tape.key(child, in: bytes)
                    switch value.kind {
                    case .string, .number, .yes, .no: scalars.append((name, event.tape.text(child, in: bytes)))
                    case .array: scalars.append((name, clip(bytes.part(value.extent).text, 128)))
                    case .object, .null: break
                    }
                    child = Int(value.next)
                }
                groups.append((event.tape.key(member, in: bytes), scalars.sorted { $0.name < $1.name }))
            }
            member = Int(event.tape.values[member].next)
        }
        return groups.sorted { $0.0 < $1.0 }
    }

    private static func address(_ event: JSONDocument, _ path: String) -> String? {
        // A Detection Finding (2004) has its endpoints in `evidences`.
        let text =
            event.text(path + ".ip") ?? event.text(path + ".hostname") ?? event.text("evidences.\(path).ip")
            ?? event.text("unmapped.\(path).ip")
        guard let text, !text.isEmpty else { return nil }
        return IPAddress(text)?.description ?? clip(text, 64)
    }

    /// The texts at a path; in an older version of OCSF some classes have it below `unmapped`.
    private static func texts(_ event: JSONDocument, _ path: String) -> [String] {
        let texts = event.texts(path)
        return texts.isEmpty ? event.texts("unmapped." + path) : texts
    }

    private static func short(_ event: JSONDocument, _ path: String) -> String? {
        event.text(path).flatMap { $0.isEmpty ? nil : clip($0, 128) }
    }
}

/// `text`, cut after `limit` bytes at a scalar's end.
func clip(_ text: String, _ limit: Int) -> String {
    guard text.utf8.count > limit else { return text }
    var cut = String.UnicodeScalarView()
    var count = 0
    for scalar in text.unicodeScalars {
        count += scalar.utf8.count
        if count > limit { break }
        cut.append(scalar)
    }
    return String(cut)
}
