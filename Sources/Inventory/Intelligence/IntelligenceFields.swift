// SPDX-License-Identifier: Apache-2.0
internal import Events

/// The attributes that a match with threat intelligence fills.
struct IntelligenceFields: Sendable {
    let type, typeName, value, name, vendor, confidence, confidenceName, severity, severityName: FieldID
    let modified, expires, identifier, about: FieldID
    let enrichedName, enrichedValue, enrichedType, provider, data: FieldID
    let list, source, indicator, attribute, strength, gravity, age: FieldID
    let osint, enrichments, profiles: FieldID

    /// Dotted paths, in the order of the members above.
    static let paths = [
        "osint.type_id", "osint.type", "osint.value", "osint.name", "osint.vendor_name", "osint.confidence_id",
        "osint.confidence", "osint.severity_id", "osint.severity", "osint.modified_time", "osint.expiration_time",
        "osint.uid", "osint.desc", "enrichments.name", "enrichments.value", "enrichments.type", "enrichments.provider",
        "enrichments.data", "unmapped.intelligence.list", "unmapped.intelligence.source",
        "unmapped.intelligence.indicator", "unmapped.intelligence.attribute", "unmapped.intelligence.confidence",
        "unmapped.intelligence.severity", "unmapped.intelligence.age_days", "osint", "enrichments", "metadata.profiles",
    ]

    init?(_ table: FieldTable) {
        let ids = IntelligenceFields.paths.compactMap { table.id($0) }
        guard ids.count == IntelligenceFields.paths.count else { return nil }
        type = ids[0]
        typeName = ids[1]
        value = ids[2]
        name = ids[3]
        vendor = ids[4]
        confidence = ids[5]
        confidenceName = ids[6]
        severity = ids[7]
        severityName = ids[8]
        modified = ids[9]
        expires = ids[10]
        identifier = ids[11]
        about = ids[12]
        enrichedName = ids[13]
        enrichedValue = ids[14]
        enrichedType = ids[15]
        provider = ids[16]
        data = ids[17]
        list = ids[18]
        source = ids[19]
        indicator = ids[20]
        attribute = ids[21]
        strength = ids[22]
        gravity = ids[23]
        age = ids[24]
        osint = ids[25]
        enrichments = ids[26]
        profiles = ids[27]
    }

    /// What is looked up of an attribute.
    enum Kind: UInt8, Sendable {
        /// Nothing.
        case none
        /// An address.
        case address
        /// A domain name.
        case domain
        /// An address or a domain name.
        case host
        /// The host of a URL.
        case url
        /// A file's hash.
        case digest
    }

    /// What is looked up of each field of `table`: all that the schema says is an address, host, URL or hash, except of the
    /// device that reports and of what is said about events.
    static func kinds(_ table: FieldTable) -> [Kind] {
        table.fields.map { field in
            // In an older version of the schema some attributes stand below `unmapped`.
            let isMoved = !table.dictionary.isNative && field.path.hasPrefix("unmapped.")
            let path = isMoved ? String(field.path.dropFirst("unmapped.".count)) : field.path
            let type = isMoved ? OCSFDictionary.v1_8_0.attribute(at: path)?.type : field.type
            let root = path.prefix { $0 != "." }
            guard !["device", "metadata", "observables", "osint", "enrichments", "unmapped"].contains(root) else {
                return .none
            }
            switch type {
            case "ip_t": return .address
            case "hostname_t": return .host
            case "url_t": return .url
            case "file_hash_t": return .digest
            default: break
            }
            if path.hasSuffix("_endpoint.domain") || path.hasSuffix("tls.sni") { return .domain }
            return path.hasSuffix("answers.rdata") ? .host : .none
        }
    }
}

/// The fixed texts of matches.
struct IntelligenceTexts: Sendable {
    /// By `osint.type_id`.
    let types: [UInt8: ConstantText]
    /// By `confidence_id` and `severity_id`, from 1: OCSF's captions, and the names that rules use.
    let confidences, severities, confidenceNames, severityNames: [ConstantText]
    /// The type of enrichments, and the profile that brings `osint`.
    let threat, profile: ConstantText

    init(_ builder: inout FieldTable.Builder) {
        types = [
            1: builder.constant("IP Address"), 2: builder.constant("Domain"), 4: builder.constant("Hash"),
        ]
        confidenceNames = IntelligenceList.Confidence.allCases.map { builder.constant($0.name) }
        severityNames = IntelligenceList.Severity.allCases.map { builder.constant($0.name) }
        confidences = IntelligenceList.Confidence.allCases.map { builder.constant($0.name.capitalizedASCII) }
        severities = IntelligenceList.Severity.allCases.map { builder.constant($0.name.capitalizedASCII) }
        threat = builder.constant("threat_intelligence")
        profile = builder.constant("osint")
    }
}

extension String {
    /// With its first letter in upper case.
    fileprivate var capitalizedASCII: String { prefix(1).uppercased() + dropFirst() }
}
