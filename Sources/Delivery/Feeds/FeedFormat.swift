// SPDX-License-Identifier: Apache-2.0
public import Documents
public import Events
internal import Wire

/// A feed's grammar with its mapping from OCSF, compiled from `mappings/feeds/<name>.yaml`.
public struct FeedFormat: Sendable {
    /// The two grammars.
    public enum Grammar: String, Sendable, CaseIterable {
        /// Common Event Format.
        case cef
        /// Log Event Extended Format.
        case leef
    }

    /// How a value is written.
    enum Form: String, Sendable, CaseIterable {
        /// As text.
        case text
        /// Milliseconds since the epoch.
        case time
        /// An IP address.
        case address
        /// A whole number; anything else is left out.
        case integer
        /// Upper-case text.
        case upper
        /// Anything, as JSON.
        case json
    }

    /// One key and where its value comes from.
    struct Field: Sendable {
        var key: String
        /// The number of the key: fields of the same key have the same number.
        var number = 0
        var paths: [String]
        var form: Form
        var limit: Int
        var label: String?
        var v6Key: String?
        var v6Label: String?
        var map: [String: String]?
    }

    /// What one class is written with.
    struct Program: Sendable {
        var signature: [String]
        var name: [String]
        var fields: [Field]
    }

    /// The grammar.
    public let grammar: Grammar
    let version: Int
    let vendor: String
    let product: String
    let severity: [Int: String]
    let common: Program
    let classes: [Int: Program]
    let keyCount: Int

    /// The program of class `uid`.
    func program(of uid: Int) -> Program { classes[uid] ?? common }

    /// All paths that lines are made of: what a field table must have for `penstock format`.
    public var paths: [String] {
        var all: Set<String> = ["class_uid", "severity_id", "time"]
        for program in [common] + classes.values {
            all.formUnion(program.signature)
            all.formUnion(program.name)
            for field in program.fields { all.formUnion(field.paths) }
        }
        return all.sorted()
    }

    /// Compiles a mapping; nil when it has faults that are worth a complaint of severity error.
    public init?(_ text: String, file: String, complaints: Complaints, dictionary: OCSFDictionary = .v1_8_0) {
        let own = Complaints()
        defer { complaints.add(own.all) }
        let documents = Element.documents(text, file: file, complaints: own)
        guard let root = documents.first else {
            if own.errors.isEmpty { own.add(Complaint(file: file, "the file is empty")) }
            return nil
        }
        guard documents.count == 1 else {
            documents[1].complain("a feed is one document")
            return nil
        }
        root.allow(only: ["format", "version", "header", "severity", "fields", "classes"])
        guard
            let grammar = root.required("format")?.choice(of: ["cef": Grammar.cef, "leef": Grammar.leef])
        else { return nil }
        var parser = FeedFormatParser(grammar: grammar, dictionary: dictionary)
        self.grammar = grammar
        version = root["version"]?.integer(in: grammar == .cef ? 0...1 : 1...2) ?? (grammar == .cef ? 0 : 2)
        let header = root.required("header")
        header?.allow(only: ["vendor", "product", "signature", "name"])
        vendor = header?.required("vendor")?.string ?? ""
        product = header?.required("product")?.string ?? ""
        severity = parser.severity(root.required("severity"))
        let signature = header?.required("signature").map { parser.paths($0, of: nil) } ?? []
        let name = grammar == .cef ? header?.required("name").map { parser.paths($0, of: nil) } ?? [] : []
        if grammar == .leef, let name = header?["name"] { name.complain("LEEF has no name in its header") }
        let fields = root.required("fields").map { parser.fields($0, of: nil) } ?? []
        common = Program(signature: signature, name: name, fields: fields)
        var classes: [Int: Program] = [:]
        for (key, value) in root["classes"]?.members ?? [] {
            guard let found = key.scalar.flatMap({ dictionary.eventClass($0) }) else {
                key.complain("the OCSF schema has no class '\(key.scalar ?? "")'")
                continue
            }
            value.allow(only: ["signature", "name", "fields"])
            if grammar == .leef, let name = value["name"] { name.complain("LEEF has no name in its header") }
            classes[found.uid] = Program(
                signature: value["signature"].map { parser.paths($0, of: found) } ?? signature,
                name: value["name"].map { parser.paths($0, of: found) } ?? name,
                fields: (value["fields"].map { parser.fields($0, of: found) } ?? []) + fields)
        }
        self.classes = classes
        keyCount = parser.keyCount
        guard own.errors.isEmpty else { return nil }
    }
}
