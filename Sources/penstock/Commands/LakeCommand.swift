// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Codecs
internal import Delivery

struct LakeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lake", abstract: "The data lake.", subcommands: [Write.self])

    struct Write: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "write", abstract: "OCSF events (NDJSON) to partitioned Parquet.")

        @Option(help: "The folder to write to; it is made when it is missing.")
        var to: String
        @Option(help: "zstd, snappy or none.")
        var compression: String = "zstd"
        @Option(help: "The version of OCSF that the events are in.")
        var ocsfVersion = OCSFVersion.native
        @Argument(help: "Files; none or - reads standard input.")
        var files: [String] = []

        func validate() throws {
            if to.hasPrefix("s3://") {
                throw ValidationError("this version writes to folders; s3:// comes with a later one")
            }
            if Content.compression(compression) == nil {
                throw ValidationError("--compression takes zstd, snappy or none, not '\(compression)'")
            }
        }

        func run() throws {
            var settings = LakeSettings()
            settings.version = penstockVersion
            if let chosen = Content.compression(compression) { settings.compression = chosen }
            let store: LocalObjectStore
            do { store = try LocalObjectStore(directory: to) } catch {
                complain("\(to): \(error.description)")
                throw ExitCode(1)
            }
            let summary = LakeImport.run(
                inputs: files, to: store, settings: settings, dictionary: ocsfVersion.dictionary
            ) { complain($0) }
            complain("\(summary.events) events in \(summary.objects) objects, \(summary.bytes) bytes")
            if summary.status != 0 { throw ExitCode(summary.status) }
        }
    }
}
