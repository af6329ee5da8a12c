// SPDX-License-Identifier: Apache-2.0
import Codecs
import Foundation
import Testing
import Wire

/// Compressed with the tools that people use.
enum Packer {
    static func has(_ tool: String) -> Bool { path(tool) != nil }

    static func path(_ tool: String) -> String? {
        ["/usr/bin/", "/bin/", "/usr/local/bin/"].map { $0 + tool }.first {
            FileManager.default.isExecutableFile(atPath: $0)
        }
    }

    /// What `tool` makes of `bytes`.
    static func pack(_ bytes: [UInt8], _ tool: String, _ options: [String] = []) throws -> [UInt8] {
        let folder = NSTemporaryDirectory() + "penstock-packer-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let file = URL(filePath: folder + "/in")
        try Data(bytes).write(to: file)
        let process = Process()
        process.executableURL = URL(filePath: try #require(path(tool)))
        process.arguments = options + ["-c", file.path]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
        return [UInt8](data)
    }

    /// Log lines that compress as such do.
    static func lines(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
        var random = SeededGenerator(state: seed)
        var text = ""
        for number in 0..<count {
            text += "<134>1 2026-11-21T05:00:00Z fw\(number % 7) app - - - number=\(number) value=\(random.next())\n"
        }
        return Array(text.utf8)
    }

    static let tools: [(tool: String, options: [String], format: CompressionFormat)] = [
        ("gzip", [], .gzip), ("gzip", ["-1"], .gzip), ("zstd", ["-q"], .zstd), ("zstd", ["-q", "--no-check"], .zstd),
        ("lz4", ["-q"], .lz4), ("lz4", ["-q", "-BD", "-B4", "--content-size"], .lz4),
    ].filter { has($0.0) }

    /// A skippable frame (RFC 8878 section 3.1.2).
    static func skippable(_ content: [UInt8]) -> [UInt8] {
        [0x5A, 0x2A, 0x4D, 0x18] + (0..<4).map { UInt8(truncatingIfNeeded: content.count >> (8 * $0)) } + content
    }
}

@Suite(.timeLimit(.minutes(2))) struct CompressionTests {
    private func whole(
        _ bytes: [UInt8], chunk: Int = .max, room: Int = 64 << 10, limit: Int = 1 << 28
    ) -> (bytes: [UInt8], status: Decompressor.Status) {
        Decompressor.whole(bytes.span.bytes, chunk: chunk, room: room, limit: limit)
    }

    @Test(.enabled(if: !Packer.tools.isEmpty), arguments: Packer.tools.indices)
    func theContentDoesNotDependOnTheChunks(_ index: Int) throws {
        let (tool, options, format) = Packer.tools[index]
        let content = Packer.lines(3000)
        let packed = try Packer.pack(content, tool, options)
        #expect(packed.count < content.count)
        #expect(CompressionFormat.of(packed.span.bytes, atEnd: true) == format)
        // Two members or frames, and for all but gzip a skippable frame before, between and behind.
        let filler = format == .gzip ? [] : Packer.skippable([1, 2, 3])
        let stream = filler + packed + filler + packed + filler
        for (chunk, room) in [(Int.max, 64 << 10), (1, 4096), (7, 13), (4096, 1), (997, 100_000)] {
            let result = whole(stream, chunk: chunk, room: room)
            #expect(result.status == .ended)
            #expect(result.bytes == content + content, "\(tool) \(options), \(chunk) by \(room)")
        }
    }

    @Test func plainBytesStayAsTheyAreWhateverTheyBeginWith() {
        let beginnings: [[UInt8]] = [
            [], [0x1F], [0x1F, 0x8B], [0x28], [0x28, 0xB5, 0x2F], [0x04, 0x22], Array("P".utf8), Array("P*M".utf8),
            Array("BZh9".utf8), Array("BZh91AY&S".utf8), [0xFD, 0x37], Array("(a log line)\n".utf8), [0, 0, 0],
        ]
        for beginning in beginnings {
            for rest in [[], Array(" and more\n".utf8)] {
                let bytes = beginning + rest
                for chunk in [1, 3, Int.max] {
                    let result = whole(bytes, chunk: chunk, room: chunk == 1 ? 1 : 4096)
                    #expect(result.status == .ended)
                    #expect(result.bytes == bytes)
                }
            }
        }
    }

    @Test func aPlainLineIsThereBeforeTheSecondOne() {
        var decompressor = Decompressor()
        var output = Slab()
        let line = Array("P\n".utf8)
        let step = decompressor.step(line.span.bytes, atEnd: false, into: &output, upTo: 100)
        #expect(step.status == .needsInput)
        #expect(output.bytes.array == line)
        #expect(decompressor.format == .plain)
    }

    @Test(.enabled(if: !Packer.tools.isEmpty), arguments: Packer.tools.indices)
    func ofATruncatedStreamAllThatCameIsDelivered(_ index: Int) throws {
        let (tool, options, _) = Packer.tools[index]
        let content = Packer.lines(20_000)
        let packed = try Packer.pack(content, tool, options)
        for keep in [5, packed.count / 2, packed.count - 1] {
            let result = whole(Array(packed.prefix(keep)), chunk: 1000)
            guard case .failed(let failure) = result.status else {
                Issue.record("\(tool): \(keep) of \(packed.count) bytes pass as a whole stream")
                continue
            }
            #expect(failure.code == .truncated)
            #expect(failure.offset == keep)
            #expect(content.starts(with: result.bytes))
            // By default lz4 has blocks of 4 MiB, of which half is nothing yet.
            let isOneBlock = tool == "lz4" && !options.contains("-B4")
            if keep == packed.count / 2, !isOneBlock { #expect(result.bytes.count > content.count / 10) }
        }
    }

    @Test(.enabled(if: Packer.has("gzip") && Packer.has("zstd")))
    func aFaultIsToldWithItsPlaceAndWhatCameBefore() throws {
        let content = Packer.lines(20_000)
        var packed = try Packer.pack(content, "gzip")
        // Behind a member: zeros are padding, anything else is a fault.
        #expect(whole(packed + [0, 0, 0, 0]).status == .ended)
        var result = whole(packed + [0, 0] + Array("text".utf8))
        #expect(result.bytes == content)
        if case .failed(let failure) = result.status {
            #expect(failure.code == .corrupt)
            #expect(failure.offset == packed.count + 2)
            #expect(failure.reason == "what follows a gzip frame is none")
        } else {
            Issue.record("text behind a gzip member passes")
        }
        // Inside: at or behind the place.
        packed[packed.count / 2] ^= 0xFF
        packed[packed.count / 2 + 1] ^= 0xFF
        result = whole(packed)
        guard case .failed(let failure) = result.status else {
            Issue.record("a changed gzip stream passes")
            return
        }
        #expect(failure.code == .corrupt)
        #expect(failure.offset > packed.count / 2 && failure.offset <= packed.count)
        #expect(result.bytes.prefix(content.count / 10).elementsEqual(content.prefix(content.count / 10)))
        // One format behind another.
        let zstd = try Packer.pack(content, "zstd", ["-q"])
        let gzip = try Packer.pack(content, "gzip")
        result = whole(zstd + gzip)
        #expect(result.bytes == content)
        if case .failed(let failure) = result.status {
            #expect(failure.offset == zstd.count)
        } else {
            Issue.record("mixed")
        }
    }

    @Test func compressionsThatAreNotReadAreNamed() {
        for (bytes, name) in [
            ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00, 0x00], "xz"), ([0x02, 0x21, 0x4C, 0x18, 9], "legacy lz4"),
            (Array("BZh91AY&SY".utf8) + [0x12], "bzip2"),
        ] as [([UInt8], String)] {
            let result = whole(bytes, chunk: 1)
            guard case .failed(let failure) = result.status else {
                Issue.record("\(name) passes")
                continue
            }
            #expect(failure.code == .unsupported)
            #expect(failure.offset == 0)
            #expect(failure.reason.contains(name))
            #expect(result.bytes.isEmpty)
        }
    }

    @Test(.enabled(if: Packer.has("zstd"))) func aWindowAbove128MiBIsRefused() throws {
        let packed = try Packer.pack(
            Packer.lines(100), "zstd", ["-q", "--ultra", "--long=28", "--stream-size=300000000"])
        // The tool may choose a smaller window for a small file: write the header by hand, window descriptor 2^28.
        var header: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 0x00, (28 - 10) << 3]
        header += packed.dropFirst(6)
        let result = whole(header)
        guard case .failed(let failure) = result.status else {
            Issue.record("a window of 256 MiB passes")
            return
        }
        #expect(failure.reason.contains("memory") || failure.reason.contains("Window"), "\(failure)")
    }

    @Test(.enabled(if: Packer.has("gzip"))) func aBombCostsNoMemory() throws {
        let bomb = try Packer.pack([UInt8](repeating: 0, count: 64 << 20), "gzip")
        var decompressor = Decompressor()
        var output = Slab(capacity: 4096)
        var from = 0
        var total = 0
        while true {
            let step = decompressor.step(
                bomb.span.bytes.part(from, bomb.count), atEnd: true, into: &output, upTo: 4096)
            from += step.consumed
            total += step.produced
            #expect(step.produced <= 4096)
            #expect(output.capacity == 4096)
            output.reset()
            if step.status == .ended { break }
            guard step.status == .needsRoom else {
                Issue.record("\(step.status)")
                break
            }
        }
        #expect(total == 64 << 20)
        #expect(decompressor.consumed == bomb.count)
        #expect(decompressor.produced == total)
    }

    @Test func brokenInputNeverTrapsAndDoesNotDependOnItsChunks() throws {
        var random = SeededGenerator(state: 20_261_121)
        let content = Packer.lines(60)
        var seeds: [[UInt8]] = [content, Packer.skippable([7, 7]) + content]
        for (tool, options, format) in Packer.tools {
            let packed = try Packer.pack(content, tool, options)
            seeds.append(packed)
            seeds.append(format == .gzip ? packed + packed : Packer.skippable([1]) + packed + packed)
        }
        var failures = 0
        for round in 0..<1500 {
            var bytes = seeds[round % seeds.count]
            for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
                let place = Int.random(in: 0..<min(bytes.count, round % 2 == 0 ? 40 : bytes.count), using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes[place] ^= 1 << UInt8.random(in: 0...7, using: &random)
                case 2: bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 1...9, using: &random)))
                default: bytes.insert(contentsOf: [0x1F, 0x8B, 0x08, 0x5A, 0x2A].prefix(round % 5), at: place)
                }
            }
            let first = whole(bytes, limit: 1 << 20)
            let second = whole(bytes, chunk: 1 + round % 17, room: 1 + round % 301, limit: 1 << 20)
            #expect(first.bytes.count == second.bytes.count, "round \(round)")
            #expect(first.bytes == second.bytes)
            if case .failed = first.status { failures += 1 }
            #expect(code(first.status) == code(second.status), "round \(round)")
        }
        #expect(failures > 100 || Packer.tools.isEmpty)
    }

    private func code(_ status: Decompressor.Status) -> String {
        if case .failed(let failure) = status { failure.code.rawValue } else { "\(status)" }
    }
}
