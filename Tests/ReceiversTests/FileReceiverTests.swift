// SPDX-License-Identifier: Apache-2.0
import Events
import Foundation
import Receivers
import Testing
import Wire

@Suite(.timeLimit(.minutes(2))) struct FileReceiverTests {
    @Test func onceReadsAllFilesToTheirEnd() throws {
        let folder = try Folder()
        try folder.write("one\ntwo\r\n\nlast without end", to: "a.log")
        try folder.write("three\n", to: "b.log")
        try folder.write("other\n", to: "c.txt")
        try folder.write("", to: "empty.log")
        try FileManager.default.createDirectory(atPath: folder.file("d.log"), withIntermediateDirectories: true)
        let reader = try Reader([folder.input("*.log") { $0.mode = .once }])
        #expect(!reader.receiver.isDone)
        #expect(reader.wait { $0.receiver.isDone })
        #expect(Set(reader.texts) == ["one", "two", "last without end", "three"])
        #expect(reader.lines.first { $0.text == "last without end" }?.isCut == true)
        #expect(reader.lines.filter(\.isCut).count == 1)
        #expect(reader.lines.first { $0.text == "three" }?.path == "b.log")
        #expect(reader.registry.total("penstock_received_messages_total") == 4)
        #expect(reader.registry.total("penstock_received_bytes_total") == 27)
        #expect(reader.registry.exposition().contains(#"{listener="logs",transport="file"} 4"#))
        #expect(reader.registry.total("penstock_files_open") == 0)
    }

    @Test func aLineWaitsForItsEndAndNewFilesAreFound() throws {
        let folder = try Folder()
        try folder.write("whole\nhal", to: "a.log")
        let reader = try Reader([folder.input("*.log")])
        reader.settle()
        #expect(reader.texts == ["whole"])
        try folder.write("f\nnext\n", to: "a.log")
        try folder.write("new file\n", to: "b.log")
        reader.wait { $0.lines.count == 4 }
        #expect(Set(reader.texts) == ["whole", "half", "next", "new file"])
        try folder.write("no end", to: "b.log")
        reader.settle(0.1)
        try folder.remove("b.log")
        reader.wait { $0.lines.count == 5 }
        #expect(reader.lines.last == Reader.Line(text: "no end", isCut: true, path: "b.log", length: 6))
        #expect(reader.lines.dropLast().filter(\.isCut).isEmpty)
        reader.finish()
    }

    @Test func whatIsThereMayBePassedOver() throws {
        let folder = try Folder()
        try folder.write("old\nolder\nbegun", to: "a.log")
        try folder.write("", to: "empty.log")
        let reader = try Reader([folder.input("*.log") { $0.from = .end }])
        reader.settle(0.2)
        #expect(reader.lines.isEmpty)
        try folder.write(" and ended\n", to: "a.log")
        try folder.write("first\n", to: "empty.log")
        try folder.write("appeared\n", to: "late.log")
        reader.wait { $0.lines.count == 3 }
        #expect(Set(reader.texts) == ["begun and ended", "first", "appeared"])
    }

    @Test func whatIsNoFileIsRefusedInWords() throws {
        let folder = try Folder()
        try folder.write("secret\n", to: "target")
        try folder.run("mkfifo pipe.log; ln -s target link.log; mkdir folder; touch locked.log")
        let reader = try Reader([
            folder.input("*.log"), folder.input("folder") { $0.name = "b" },
            folder.input("missing.log") { $0.name = "c" },
        ])
        reader.settle(0.2)
        #expect(reader.lines.isEmpty)
        #expect(reader.dropped("file_refused") == 3)
        let log = reader.log.all.joined(separator: "\n")
        for text in [
            "pipe.log: a named pipe", "link.log: a symbolic link", "folder: a folder; its files are", "not there yet",
        ] {
            #expect(log.contains(text), "\(text)")
        }
        // The path itself may be a link, and a pattern may be told to take them.
        let named = try Reader([folder.input("link.log") { $0.mode = .once }])
        #expect(named.wait { $0.receiver.isDone })
        let also = try Reader([
            folder.input("l*.log") {
                $0.mode = .once; $0.followSymlinks = true
            }
        ])
        #expect(also.wait { $0.receiver.isDone })
        #expect(named.texts == ["secret"] && also.texts == ["secret"])
    }

    /// Root reads everything.
    @Test(.enabled(if: geteuid() != 0)) func whatMayNotBeReadIsCountedOnce() throws {
        let folder = try Folder()
        try folder.write("x\n", to: "a.log")
        chmod(folder.file("a.log"), 0)
        let reader = try Reader([folder.input("*.log")])
        reader.settle(0.5)
        #expect(reader.dropped("file_unreadable") == 1)
    }

    @Test func aFolderThatComesLaterIsReadThen() throws {
        let folder = try Folder()
        let reader = try Reader([folder.input("later/*.log")])
        reader.settle(0.2)
        #expect(reader.dropped("file_unreadable") == 1)
        try folder.run("mkdir later; echo found > later/a.log")
        #expect(reader.wait(3) { $0.texts == ["found"] })
    }

    @Test func framingsAndLimitsAreThoseOfStreams() throws {
        let folder = try Folder()
        try folder.write("5 hello3 abc4 l\nne", to: "octets")
        try folder.write("a\nb\u{0}c\u{0}", to: "nuls")
        try folder.write("13 <13>one\nline\n<13>two\n", to: "auto")
        try folder.write(String(repeating: "x", count: 1500) + "\nshort\n", to: "long")
        func read(_ name: String, _ change: (inout FileInputConfiguration) -> Void) throws -> Reader {
            let reader = try Reader([
                folder.input(name) {
                    $0.mode = .once; change(&$0)
                }
            ])
            #expect(reader.wait { $0.receiver.isDone })
            return reader
        }
        #expect(try read("octets") { $0.framing = .octetCounting }.texts == ["hello", "abc", "l\nne"])
        #expect(try read("nuls") { $0.framing = .nul }.texts == ["a\nb", "c"])
        #expect(try read("auto") { $0.framing = .auto }.texts == ["<13>one\nline", "<13>two"])
        let cut = try read("long") { $0.maxMessageBytes = 500 }
        #expect(cut.lines.map(\.length) == [500, 5])
        #expect(cut.lines.map(\.isCut) == [true, false])
        #expect(cut.dropped("oversize") == 1)
        let split = try read("long") {
            $0.maxMessageBytes = 500; $0.oversize = .split
        }
        #expect(split.lines.map(\.length) == [500, 500, 500, 5])
    }

    @Test func holesAndNulBytesInFrontOfALineAreNoContent() throws {
        let folder = try Folder()
        try folder.write("first\n", to: "a.log")
        // A writer that does not append goes on behind a hole after its file was truncated.
        try folder.run("truncate -s 300M a.log; printf 'second\\n' >> a.log")
        let reader = try Reader([folder.input("a.log") { $0.mode = .once }])
        #expect(reader.wait(5) { $0.receiver.isDone })
        #expect(reader.texts == ["first", "second"])
        #expect(reader.batch.slab.capacity < 4 << 20)
    }

    @Test func aBinaryFileAndAnEndlessLineAreBounded() throws {
        let folder = try Folder()
        var random = SystemRandomNumberGenerator()
        try folder.write((0..<300_000).map { _ in UInt8.random(in: 0...255, using: &random) }, to: "binary.log")
        try folder.write([UInt8](repeating: 0x78, count: 100 << 20), to: "endless.log")
        try folder.write("\nafter\n", to: "endless.log")
        let reader = try Reader([folder.input("*.log") { $0.mode = .once }])
        var largest = 0
        #expect(
            reader.wait(30) {
                largest = max(largest, $0.batch.slab.capacity)
                return $0.receiver.isDone
            })
        #expect(largest <= 4 << 20)
        let endless = reader.lines.filter { $0.path == "endless.log" }
        #expect(endless.map(\.length) == [65_536, 5])
        #expect(endless.first?.isCut == true)
        #expect(reader.lines.filter { $0.path == "binary.log" }.count > 500)
    }

    @Test func aThousandFilesWithAFewOpenAtATime() throws {
        let folder = try Folder()
        for number in 0..<1000 { try folder.write("line \(number) a\n", to: "\(number).log") }
        let reader = try Reader([folder.input("*.log") { $0.maxOpenFiles = 20 }])
        reader.wait { $0.lines.count >= 1000 }
        #expect(reader.registry.total("penstock_files_open") <= 20)
        for number in 0..<1000 { try folder.write("line \(number + 1000) b\n", to: "\(number).log") }
        reader.wait(20) { $0.lines.count >= 2000 }
        reader.settle(0.2)
        #expect(reader.numbers.sorted() == Array(0..<2000))
        #expect(reader.registry.total("penstock_files_followed") == 1000)
    }

    /// In a service, a `once` input that has ended shares its thread with nothing, and must not spin.
    @Test func whatIsDoneWaitsLikeTheRest() throws {
        let folder = try Folder()
        try folder.write("one\n", to: "a.log")
        let reader = try Reader([
            folder.input("*.log") {
                $0.mode = .once
                $0.pollInterval = 400
            }
        ])
        #expect(reader.wait { $0.receiver.isDone })
        let start = ContinuousClock.now
        for _ in 0..<3 { reader.poll(200) }
        #expect(ContinuousClock.now - start > .milliseconds(300))
        #expect(reader.texts == ["one"])
    }

    /// Too many files have something to read: one that goes before its turn takes its lines along, and that is counted.
    @Test func aFileThatGoesBeforeItIsReadIsCounted() throws {
        let folder = try Folder()
        for name in ["a", "b"] { try folder.write(String(repeating: name + "\n", count: 100_000), to: name + ".log") }
        let reader = try Reader(
            [folder.input("*.log") { $0.maxOpenFiles = 2 }],
            limits: ReceiveLimits(frames: 2000, bytes: 4096, turn: 4096))
        for _ in 0..<4 { reader.poll() }
        try folder.write("never read\n", to: "c.log")
        try folder.write("never read\n", to: "d.log")
        usleep(60_000)
        for _ in 0..<4 { reader.poll() }
        try folder.remove("c.log")
        usleep(60_000)
        for _ in 0..<8 { reader.poll() }
        #expect(reader.dropped("file_unreadable") == 1)
        #expect(reader.log.all.contains { $0.contains("c.log: it went before all of it was read") })
        reader.wait(20) { $0.lines.count >= 200_001 }
        #expect(reader.lines.count == 200_001 && reader.texts.filter { $0 == "never read" }.count == 1)
        #expect(reader.dropped("file_unreadable") == 1)
    }

    /// However many names cannot be read, each is told once a minute, and the log does not grow with every look.
    @Test func manyNamesThatCannotBeReadAreNoFloodOfLines() throws {
        let folder = try Folder()
        try folder.run("mkdir d; cd d; seq -f 'ln -s nowhere %g.log' 5000 | sh")
        let reader = try Reader([folder.input("d/*.log")])
        reader.wait { $0.log.all.count >= 4096 }
        reader.settle(0.5)
        #expect(reader.log.all.count <= 4097)
        #expect(reader.dropped("file_refused") == Int64(reader.log.all.count))
    }

    @Test func filesAboveTheLimitAreLeftOut() throws {
        let folder = try Folder()
        for number in 0..<10 { try folder.write("line \(number)\n", to: "\(number).log") }
        let reader = try Reader([folder.input("*.log") { $0.maxFiles = 4 }])
        reader.settle(0.2)
        #expect(reader.lines.count == 4)
        #expect(reader.dropped("file_limit") == 1)
    }

    @Test func allComplaintsComeAtOnce() throws {
        let folder = try Folder()
        let configurations = [
            folder.input("*/x.log"),
            folder.input("") { $0.name = "b" },
            folder.input("c") {
                $0.name = "c"; $0.maxMessageBytes = 1
            },
            folder.input("d") {
                $0.name = "d"; $0.mode = .once; $0.from = .end
            },
            folder.input("e") { $0.name = "taken" },
            folder.input("d") { $0.name = "" },
        ]
        let complaints = FileInputConfiguration.complaints(about: configurations, taken: ["taken"])
        for text in [
            "only stand in the last part", "names no file", "maxMessageBytes is 1; it goes from 480 to 16777216",
            "would read nothing", "`taken`", "needs a name", "file input `d` reads that path already",
        ] { #expect(complaints.contains { $0.contains(text) }, "\(text)") }
        #expect(complaints.count == 7)
        #expect(throws: ListenerErrors.self) { _ = try Reader(configurations) }
    }
}
