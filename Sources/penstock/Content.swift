// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Codecs
internal import Dissection
internal import Documents
internal import Events
internal import Normalizer
internal import Sigma
internal import Wire

/// The mappings, rules and other files that the service works by: embedded, or from the user's folders.
enum Content {
    /// The text of an embedded file.
    static func embedded(_ path: String) -> String {
        EmbeddedFiles.all.first { $0.path == path }?.text.description ?? ""
    }

    /// The embedded files below a folder.
    static func embedded(below folder: String) -> [(name: String, text: String)] {
        EmbeddedFiles.all.filter { $0.path.hasPrefix(folder + "/") }.map { ($0.path, $0.text.description) }
    }

    /// What stands in a list of paths for the embedded files: `mappings: [embedded, /etc/penstock/mappings]`.
    static let embeddedName = "embedded"

    /// The YAML files of the user's paths, or the embedded ones below `folder` when there are no paths.
    static func files(_ paths: [String], embeddedBelow folder: String, complaints: Complaints) -> [(
        name: String, text: String
    )] {
        guard !paths.isEmpty else { return embedded(below: folder) }
        var files: [(name: String, text: String)] = []
        for path in paths {
            if path == embeddedName {
                files += embedded(below: folder)
                continue
            }
            do {
                let names = try Input.yamlFiles(path)
                if names.isEmpty { complaints.add(Complaint(file: path, "no .yaml or .yml file is there")) }
                for name in names { files.append((name, try Input.text(name))) }
            } catch { complaints.add(Complaint(file: path, "cannot be read: \(error)")) }
        }
        return files
    }

    /// How rules for other log sources than OCSF read from OCSF events.
    static func taxonomy(_ complaints: Complaints) -> Taxonomy {
        Taxonomy.parse(files: embedded(below: "mappings/sigma"), complaints: complaints)
    }

    /// Whether a YAML text is a rule: it has a detection, a correlation or a filter; a mapping has events.
    static func isRule(_ text: String) -> Bool {
        text.split(whereSeparator: \.isNewline).contains {
            $0.hasPrefix("detection:") || $0.hasPrefix("correlation:") || $0.hasPrefix("filter:")
        }
    }

    /// The mappings of the user's paths, or the embedded ones; one of the user's takes the place of an embedded one of its
    /// name.
    static func mappings(
        _ paths: [String], builder: inout FieldTable.Builder, complaints: Complaints, keepingText: Bool
    ) -> MappingSet.Drafts {
        let folder = "mappings/sources"
        let givingWay = paths.contains(embeddedName) ? Set(embedded(below: folder).map(\.name)) : []
        return MappingSet.read(
            files(paths, embeddedBelow: folder, complaints: complaints), builder: &builder, complaints: complaints,
            keepingText: keepingText, givingWay: givingWay)
    }

    /// The mappings alone, for commands that only normalize.
    static func mappingSet(_ paths: [String], _ version: OCSFVersion) throws -> MappingSet {
        let complaints = Complaints()
        var builder = FieldTable.Builder(version.dictionary)
        let drafts = mappings(paths, builder: &builder, complaints: complaints, keepingText: false)
        try fail(complaints)
        return MappingSet(drafts, table: builder.build(), records: RecordField.vocabulary)
    }

    /// Prints complaints and ends the command when one of them is an error.
    static func fail(_ complaints: Complaints) throws {
        for complaint in complaints.all { complain(complaint.description) }
        if !complaints.errors.isEmpty { throw ExitCode(1) }
    }

    /// The compression of that name.
    static func compression(_ name: String) -> ParquetCompression? {
        switch name {
        case "zstd": .zstd(level: 1)
        case "snappy": .snappy
        case "none": ParquetCompression.none
        default: nil
        }
    }
}
