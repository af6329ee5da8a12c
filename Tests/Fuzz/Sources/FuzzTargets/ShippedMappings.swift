// SPDX-License-Identifier: Apache-2.0
internal import Documents
internal import Events
internal import Foundation
internal import Normalizer

/// The mapping files of the repository: `PENSTOCK_FUZZ_ROOT` names it, else it is where this file was compiled.
enum ShippedMappings {
    static let root: URL = {
        if let path = ProcessInfo.processInfo.environment["PENSTOCK_FUZZ_ROOT"] { return URL(fileURLWithPath: path) }
        var folder = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        // Tests/Fuzz/Sources/FuzzTargets/ShippedMappings.swift
        for _ in 0..<5 { folder.deleteLastPathComponent() }
        return folder
    }()

    /// All of them, by path; without any the fuzzer has nothing to do.
    static let files: [(name: String, text: String)] = {
        var files: [(name: String, text: String)] = []
        for part in ["mappings/sources", "mappings/library"] {
            let folder = root.appendingPathComponent(part)
            let names = (try? FileManager.default.subpathsOfDirectory(atPath: folder.path)) ?? []
            for name in names.sorted() where name.hasSuffix(".yaml") {
                do {
                    let text = try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
                    files.append((part + "/" + name, text))
                } catch {
                    check(false, "\(part)/\(name) cannot be read: \(error)")
                }
            }
        }
        check(!files.isEmpty, "no mapping below \(root.path)/mappings: name the repository in PENSTOCK_FUZZ_ROOT")
        return files
    }()

    /// All of them compiled, for one version of OCSF each; made when first asked for.
    static let native = compile(.v1_8_0)
    static let older = compile(.v1_1_0)

    private static func compile(_ dictionary: OCSFDictionary) -> MappingSet {
        let complaints = Complaints()
        var builder = FieldTable.Builder(dictionary)
        let drafts = MappingSet.read(files, builder: &builder, complaints: complaints, keepingText: false)
        check(complaints.errors.isEmpty, "\(complaints.errors)")
        check(drafts.count == files.count, "\(drafts.count) mappings of \(files.count) files")
        return MappingSet(drafts, table: builder.build())
    }

    /// The lines of all samples of some files.
    static func samples(of files: [(name: String, text: String)]) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        for document in Element.documents(files, complaints: Complaints()).joined() {
            for sample in document["samples"]?.items ?? [] {
                if let input = sample["input"]?.scalar, !input.isEmpty { lines.append(Array(input.utf8)) }
            }
        }
        return lines
    }

    /// Writes each of `inputs` to a file of its own in `folder`: libFuzzer begins with what stands there.
    static func write(_ inputs: [[UInt8]], to folder: String, longest: Int) {
        for (number, input) in inputs.enumerated() where input.count <= longest {
            let file = URL(fileURLWithPath: folder).appendingPathComponent("shipped-\(number)")
            do { try Data(input).write(to: file) } catch { check(false, "\(file.path): \(error)") }
        }
    }
}
