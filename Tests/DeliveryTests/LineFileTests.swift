// SPDX-License-Identifier: Apache-2.0
import Delivery
import Foundation
import Glibc
import Instruments
import Testing
import Transport
import Wire

@Suite struct LineFileTests {
    private func write(_ text: String, _ file: LineFile) throws { try file.write(Array(text.utf8).span.bytes) }
    private func content(_ path: String) -> String { (try? String(contentsOfFile: path, encoding: .utf8)) ?? "" }

    @Test func linesAreAppended() throws {
        let scratch = try Scratch()
        let path = scratch.path + "/out"
        try write("one\ntwo\n", try LineFile(path))
        let again = try LineFile(path)
        #expect(again.path == path)
        try write("three\n", again)
        #expect(content(path) == "one\ntwo\nthree\n")
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode.map { $0 & 0o137 } == 0, "nobody else reads or writes it")
    }

    @Test(arguments: [
        ("one\n{\"a\":1}\n{\"b\"", "one\n{\"a\":1}\n"), ("{\"half", ""), ("note", "note\n"), ("\n", "\n"), ("", ""),
        (String(repeating: "x", count: 100_000) + "\nhalf", String(repeating: "x", count: 100_000) + "\n"),
    ])
    func aPartialLastLineIsTakenBack(before: String, kept: String) throws {
        let scratch = try Scratch()
        let path = try scratch.file("out", before)
        let file = try LineFile(path)
        #expect(content(path) == kept)
        try write("next\n", file)
        #expect(content(path) == kept + "next\n")
    }

    @Test func rotationByRenameAndByDeletion() throws {
        let scratch = try Scratch()
        let path = scratch.path + "/out"
        let file = try LineFile(path)
        try FileManager.default.moveItem(atPath: path, toPath: path + ".1")
        try write("one\n", file)
        #expect(content(path) == "one\n" && content(path + ".1") == "")
        // It looks once a second: a stat(2) for each piece would be one for each batch.
        usleep(1_050_000)
        try write("two\n", file)
        #expect(content(path) == "one\ntwo\n")
        try FileManager.default.removeItem(atPath: path)
        usleep(1_050_000)
        try write("three\n", file)
        #expect(content(path) == "three\n")
    }

    @Test func copyAndTruncateGoesOnAtTheBeginning() throws {
        let scratch = try Scratch()
        let path = scratch.path + "/out"
        let file = try LineFile(path)
        try write("one\n", file)
        #expect(truncate(path, 0) == 0)
        try write("two\n", file)
        #expect(content(path) == "two\n")
    }

    @Test func aFolderThatIsNotThereIsSaid() throws {
        let scratch = try Scratch()
        let error = #expect(throws: TransportError.self) { try LineFile(scratch.path + "/none/out") }
        #expect(error?.description.contains("/none/out: No such file or directory") == true)
    }

    @Test func aNamedPipeIsWrittenToAndNeverLookedBackAt() throws {
        let scratch = try Scratch()
        let path = scratch.path + "/pipe"
        #expect(mkfifo(path, 0o600) == 0)
        let reader = open(path, O_RDONLY | O_NONBLOCK)
        defer { close(reader) }
        try write("one\ntwo\n", try LineFile(path))
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = read(reader, &bytes, bytes.count)
        #expect(String(decoding: bytes.prefix(max(0, count)), as: UTF8.self) == "one\ntwo\n")
    }

    @Test(.enabled(if: Scratch.canMount, "needs the right to mount a tmpfs"))
    func whatAFullDiskCutOffIsTakenBack() throws {
        let scratch = try Scratch()
        try #require(try Run("mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", scratch.path]).status == 0)
        defer { _ = try? Run("umount", ["-l", scratch.path]) }
        let path = scratch.path + "/out"
        let file = try LineFile(path)
        let piece = String(repeating: String(repeating: "y", count: 99) + "\n", count: 1000)
        try write(piece, file)
        try write(piece, file)
        // 100,000 bytes do not fit, a part of them would.
        let error = #expect(throws: TransportError.self) { try self.write(piece, file) }
        #expect(error?.description.contains("No space left on device") == true)
        #expect(content(path) == piece + piece)
        try write("small\n", file)
        #expect(content(path) == piece + piece + "small\n")
    }
}

/// Named pipes: the other side may be away, or asleep, and no thread may hang on it for ever.
@Suite struct LinePipeTests {
    private func pipe(_ scratch: Scratch) -> String {
        let path = scratch.path + "/pipe"
        #expect(mkfifo(path, 0o600) == 0)
        return path
    }

    @Test func withoutAReaderNothingWaits() throws {
        let scratch = try Scratch()
        let path = pipe(scratch)
        let file = try LineFile(path)
        let error = #expect(throws: TransportError.self) { try file.write(Array("one\n".utf8).span.bytes) }
        #expect(error?.description.contains("nobody reads the pipe") == true)
        let reader = open(path, O_RDONLY | O_NONBLOCK)
        defer { close(reader) }
        try file.write(Array("two\n".utf8).span.bytes)
        var bytes = [UInt8](repeating: 0, count: 64)
        #expect(read(reader, &bytes, bytes.count) == 4)
    }

    @Test func aReaderThatSleepsIsWaitedForAsLongAsTheCallerLikes() throws {
        let scratch = try Scratch()
        let path = pipe(scratch)
        let reader = open(path, O_RDONLY | O_NONBLOCK)
        defer { close(reader) }
        let file = try LineFile(path)
        let much = [UInt8](repeating: 0x78, count: 300_000)
        var patience = 2
        let error = #expect(throws: TransportError.self) {
            try file.write(much.span.bytes) {
                patience -= 1
                return patience >= 0
            }
        }
        #expect(error?.description.contains("takes nothing") == true)
    }

    @Test func whatAThreadWritesStaysTogether() throws {
        let scratch = try Scratch()
        let path = pipe(scratch)
        let reader = open(path, O_RDONLY | O_NONBLOCK)
        defer { close(reader) }
        let file = try LineFile(path)
        // Larger than a pipe holds, so that each write is taken in parts.
        let writers = (0..<4).map { number in
            Thread {
                let piece = [UInt8](repeating: UInt8(97 + number), count: 149_999) + [0x0A]
                for _ in 0..<3 { try? file.write(piece.span.bytes) }
            }
        }
        for writer in writers { writer.start() }
        var received: [UInt8] = []
        var bytes = [UInt8](repeating: 0, count: 65_536)
        _ = eventually {
            while true {
                let count = read(reader, &bytes, bytes.count)
                guard count > 0 else { break }
                received += bytes[0..<count]
            }
            return received.count == 12 * 150_000
        }
        let lines = received.split(separator: 0x0A)
        #expect(lines.count == 12)
        #expect(lines.allSatisfy { line in line.allSatisfy { $0 == line.first } }, "lines of two threads are mixed")
    }

    @Test func aFeedStopsAlthoughItsPipeHangs() throws {
        let scratch = try Scratch()
        let path = pipe(scratch)
        let reader = open(path, O_RDONLY | O_NONBLOCK)
        defer { close(reader) }
        let feed = FeedOutput(
            FeedSettings(name: "p", file: path), format: nil, version: "1", registry: Registry(),
            log: LogBook().logger())
        feed.progress.begin(log: 0, at: 0, end: 0)
        feed.start()
        feed.append(Journaled.batch(0..<2_000, padding: 100))
        #expect(eventually { registryIsBusy(feed) })
        let start = Date()
        feed.stop(timeout: .milliseconds(100))
        #expect(Date().timeIntervalSince(start) < 20)
        #expect(feed.progress.positions == [0: 0], "nothing of it is known to have arrived")
    }

    private func registryIsBusy(_ feed: FeedOutput) -> Bool { feed.progress.next(of: 0) == 2_000 }
}
