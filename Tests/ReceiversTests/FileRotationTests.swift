// SPDX-License-Identifier: Apache-2.0
import Events
import Foundation
import Receivers
import Synchronization
import Testing
import Wire

@Suite(.serialized, .timeLimit(.minutes(3))) struct FileRotationTests {
    /// Writes numbered lines while the reader reads, and does something to the files now and then.
    private func load(
        _ folder: Folder, lines: Int, every: Int, pause: UInt32 = 0, reader: Reader, total: Int? = nil,
        _ rotate: @escaping @Sendable (Int) throws -> Void
    ) throws {
        let isOver = Mutex(false)
        let thread = Thread {
            var turn = 0
            for start in stride(from: 0, to: lines, by: 50) {
                try? folder.write(numbered(start..<start + 50), to: "x.log")
                if pause > 0 { usleep(pause) }
                if (start + 50) % every == 0, start + 50 < lines {
                    turn += 1
                    try? rotate(turn)
                }
            }
            isOver.withLock { $0 = true }
        }
        thread.start()
        reader.wait(60) { reader in isOver.withLock { $0 } && reader.lines.count >= (total ?? lines) }
        reader.settle(0.6)
    }

    @Test(arguments: ["x.log", "x.log*"]) func renamesUnderLoadLoseAndRepeatNothing(_ pattern: String) throws {
        let folder = try Folder()
        let reader = try Reader([folder.input(pattern)])
        // A name that the pattern does not cover has to be seen under the one it covers first.
        let pause: UInt32 = pattern == "x.log" ? 2000 : 0
        try load(folder, lines: 60_000, every: 5000, pause: pause, reader: reader) { turn in
            for number in stride(from: turn, to: 1, by: -1) {
                try folder.move("x.log.\(number - 1)", "x.log.\(number)")
            }
            try folder.move("x.log", "x.log.1")
        }
        #expect(reader.numbers.sorted() == Array(0..<60_000))
        #expect(reader.lines.filter(\.isCut).isEmpty)
        #expect(reader.registry.total("penstock_file_truncations_total") == 0)
    }

    @Test func aWriterThatHasNotNoticedTheRenameIsFollowed() throws {
        let folder = try Folder()
        try folder.write("line 0\n", to: "x.log")
        let reader = try Reader([folder.input("x.log") { $0.rotateWait = 30_000 }])
        reader.settle(0.1)
        try folder.move("x.log", "old")
        try folder.write("line 2\n", to: "x.log")
        reader.settle(0.1)
        try folder.write("line 1\n", to: "old")
        reader.wait { $0.lines.count == 3 }
        #expect(reader.numbers.sorted() == [0, 1, 2])
    }

    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/gzip")))
    func rotatedCompressedAndDeletedAsLogrotateDoes() throws {
        let folder = try Folder()
        let reader = try Reader([folder.input("x.log*")])
        try load(folder, lines: 40_000, every: 5000, pause: 2000, reader: reader) { turn in
            for number in stride(from: turn, to: 1, by: -1) {
                try folder.move("x.log.\(number - 1).gz", "x.log.\(number).gz")
            }
            try folder.move("x.log", "x.log.1")
            try folder.run("gzip x.log.1")
        }
        #expect(reader.numbers.sorted() == Array(0..<40_000))
        reader.settle(1)
        #expect(reader.numbers.count == 40_000)
        #expect(reader.registry.total("penstock_file_copies_total") == 7)
    }

    @Test func aTruncatedFileIsReadFromItsBeginning() throws {
        let folder = try Folder()
        let reader = try Reader([folder.input("x.log*")])
        // The reader has to keep up: what is truncated before it was read is lost to anybody but the copy's reader.
        try load(folder, lines: 20_000, every: 2000, pause: 2000, reader: reader) { turn in
            try folder.run("cp x.log x.log.\(turn)")
            let handle = open(folder.file("x.log"), O_WRONLY | O_TRUNC)
            close(handle)
        }
        reader.settle(3)
        #expect(reader.numbers.sorted() == Array(0..<20_000))
        #expect(reader.registry.total("penstock_file_truncations_total") == 9)
        #expect(reader.log.all.contains { $0.contains("x.log: it was truncated or written anew") })
    }

    @Test(arguments: ["cp x.log x.log.1", "gzip -c x.log > x.log.1"])
    func aCopyThatTheFileOutgrewIsNotReadAgain(_ copy: String) throws {
        let folder = try Folder()
        let reader = try Reader([folder.input("x.log*")])
        try folder.write(numbered(0..<1000), to: "x.log")
        reader.wait { $0.lines.count == 1000 }
        try folder.run(copy)
        reader.settle(0.2)
        try folder.write(numbered(1000..<1100), to: "x.log")
        reader.wait { $0.lines.count == 1100 }
        try folder.run(": > x.log")
        reader.settle(0.2)
        try folder.write(numbered(1100..<1200), to: "x.log")
        reader.wait { $0.lines.count >= 1200 }
        reader.settle(1)
        #expect(reader.numbers == Array(0..<1200))
    }

    @Test func aFileWrittenAnewBehindThePositionIsNoticed() throws {
        let folder = try Folder()
        try folder.write(numbered(0..<100), to: "x.log")
        let reader = try Reader([folder.input("x.log")])
        reader.wait { $0.lines.count == 100 }
        try folder.run(
            ": > x.log; seq -f 'line %g of another content that is longer than what was there before' 100 399 >> x.log")
        reader.wait { $0.lines.count == 400 }
        #expect(reader.numbers == Array(0..<400))
    }

    @Test func restartsAtAnyPointLoseNothing() throws {
        let folder = try Folder()
        let isOver = Mutex(false)
        let begun = Mutex(0)
        let total = 40_000
        let thread = Thread {
            var turn = 0
            for start in stride(from: 0, to: total, by: 100) {
                // A slow machine has its restarts as well, before the last lines.
                while start == total - 100, begun.withLock({ $0 }) < 6 { usleep(1500) }
                try? folder.write(numbered(start..<start + 100), to: "x.log")
                usleep(1500)
                if start % 7000 == 6900 {
                    turn += 1
                    try? folder.move("x.log", "x.log.\(turn)")
                }
            }
            isOver.withLock { $0 = true }
        }
        thread.start()
        let state = try Folder()
        var committed: [Int] = []
        var repeated = 0
        var runs = 0
        var random = SystemRandomNumberGenerator()
        while true {
            runs += 1
            begun.withLock { $0 = runs }
            let reader = try Reader(
                [folder.input("x.log*")], positions: state,
                limits: ReceiveLimits(frames: 300, bytes: 30_000, turn: 8192))
            reader.commits = false
            var safe = 0
            let isLast = isOver.withLock { $0 }
            if isLast {
                reader.commits = true
                reader.settle(1)
                safe = reader.lines.count
                reader.finish()
            } else {
                for _ in 0..<Int.random(in: 1...60, using: &random) {
                    reader.poll()
                    if Int.random(in: 0..<3, using: &random) > 0 {
                        reader.receiver.commit()
                        safe = reader.lines.count
                    }
                }
            }
            // A kill: what was polled but not committed never was.
            let kept = reader.numbers.prefix(safe)
            let known = Set(committed)
            repeated += kept.count { known.contains($0) }
            committed += kept
            if isLast { break }
        }
        #expect(runs > 5)
        #expect(Set(committed) == Set(0..<total))
        // After a clean end nothing comes again.
        let again = try Reader([folder.input("x.log*")], positions: state)
        again.settle(0.5)
        #expect(again.lines.isEmpty)
        print("\(runs) runs, \(repeated) of \(total) lines repeated")
    }

    @Test func aCleanRestartRepeatsNothingAndGoesOnInTheMiddle() throws {
        let folder = try Folder()
        let state = try Folder()
        try folder.write("line 0\nline 1\nbegun", to: "a.log")
        try folder.write(String(repeating: "y", count: 3000), to: "b.log")
        let configuration = folder.input("*.log") { $0.maxMessageBytes = 1000 }
        let first = try Reader([configuration], positions: state)
        first.settle(0.2)
        #expect(first.lines.count == 3)
        first.finish()
        // While nobody reads: the file is renamed and goes on; the long line ends.
        try folder.write(" line\nline 2\n", to: "a.log")
        try folder.move("a.log", "a2.log")
        try folder.write("still the long line\nline 3\n", to: "b.log")
        try folder.write("line 4\n", to: "a.log")
        let second = try Reader([configuration], positions: state)
        second.settle(0.3)
        #expect(Set(second.texts) == ["begun line", "line 2", "line 3", "line 4"])
        second.finish()
        // Compressed under a new name meanwhile, with lines that nobody has read.
        try folder.write("line 5\n", to: "a2.log")
        try folder.run("gzip -c a2.log > packed.log; rm a2.log")
        let third = try Reader([configuration], positions: state)
        third.settle(0.5)
        #expect(third.texts == ["line 5"])
        third.finish()
        let fourth = try Reader([configuration], positions: state)
        fourth.settle(0.3)
        #expect(fourth.lines.isEmpty)
    }

    /// Nobody can tell which lines a killed run had handed on; but at most so many are duplicates.
    @Test func whatAKilledRunMayHaveReadIsCounted() throws {
        let folder = try Folder()
        let state = try Folder()
        func repeats(_ reader: Reader) -> Int64 { reader.registry.total("penstock_file_possible_repeats_total") }
        try folder.write(numbered(0..<100), to: "a.log")
        let first = try Reader([folder.input("*.log")], positions: state)
        first.wait { $0.lines.count == 100 }
        first.settle(0.8)
        #expect(repeats(first) == 0, "there was no run before")
        // Read and committed, but killed before the positions were written.
        first.commits = false
        try folder.write(numbered(100..<150), to: "a.log")
        try folder.write(numbered(150..<160), to: "new.log")
        first.wait { $0.lines.count == 160 }
        let second = try Reader([folder.input("*.log")], positions: state)
        second.wait { $0.lines.count == 60 }
        try folder.write(numbered(160..<200), to: "a.log")
        try folder.write(numbered(200..<210), to: "later.log")
        second.wait { $0.lines.count == 110 }
        #expect(second.numbers.sorted() == Array(100..<210))
        #expect(repeats(second) == 60)
        #expect(second.log.all.contains { $0.contains("the last run was cut off") })
        second.finish()
        try folder.write(numbered(210..<220), to: "a.log")
        let third = try Reader([folder.input("*.log")], positions: state)
        third.wait { $0.lines.count == 10 }
        third.settle(0.2)
        #expect(third.numbers == Array(210..<220))
        #expect(repeats(third) == 0 && !third.log.all.contains { $0.contains("cut off") })
        third.finish()
    }

    @Test func damagedPositionsAreSetAside() throws {
        let folder = try Folder()
        let state = try Folder()
        try folder.write("line 0\n", to: "a.log")
        let first = try Reader([folder.input("a.log")], positions: state)
        first.settle(0.2)
        first.finish()
        let file = state.file("state/logs.positions")
        var bytes = try #require(FileManager.default.contents(atPath: file))
        bytes[40] ^= 1
        try bytes.write(to: URL(filePath: file))
        let second = try Reader([folder.input("a.log")], positions: state)
        second.settle(0.2)
        #expect(second.texts == ["line 0"])
        #expect(second.log.all.contains { $0.contains("is damaged and was set aside") })
        #expect(FileManager.default.fileExists(atPath: file + ".damaged"))
    }

    static let packers = ["gzip -c", "zstd -qc", "lz4 -qc -B4"].filter {
        FileManager.default.isExecutableFile(atPath: "/usr/bin/" + $0.split(separator: " ")[0])
    }

    @Test(arguments: packers) func compressedFilesAreToldByTheirContent(_ packer: String) throws {
        let folder = try Folder()
        try folder.write(numbered(0..<5000), to: "plain.gz")
        try folder.write(numbered(5000..<50_000), to: "p")
        try folder.run("\(packer) p > lies.txt; rm p")
        let reader = try Reader([folder.input("*.*") { $0.mode = .once }])
        #expect(reader.wait { $0.receiver.isDone })
        #expect(reader.numbers.sorted() == Array(0..<50_000))
        #expect(reader.dropped("file_broken") == 0)
        // Cut in the middle: what came before is there, and it is said.
        try folder.run("head -c 20000 lies.txt > cut; rm lies.txt plain.gz")
        let cut = try Reader([folder.input("cut") { $0.mode = .once }])
        #expect(cut.wait { $0.receiver.isDone })
        #expect(cut.numbers.starts(with: 5000..<5100))
        #expect(cut.dropped("file_broken") == 1)
        #expect(cut.log.all.contains { $0.contains("truncated at byte 20000") })
    }

    @Test(arguments: packers) func aCompressedFileGoesOnAfterAKill(_ packer: String) throws {
        let folder = try Folder()
        let state = try Folder()
        try folder.write(numbered(0..<50_000), to: "p")
        try folder.run("\(packer) p > packed; rm p")
        let small = ReceiveLimits(frames: 2000, bytes: 100_000, turn: 32_768)
        let first = try Reader([folder.input("packed")], positions: state, limits: small)
        first.wait { $0.lines.count > 20_000 }
        let had = first.lines.count
        #expect(had < 50_000)
        first.finish()
        let second = try Reader([folder.input("packed")], positions: state, limits: small)
        second.wait { $0.lines.count + had >= 50_000 }
        second.settle(0.2)
        #expect(first.numbers + second.numbers == Array(0..<50_000))
        second.finish()
        let third = try Reader([folder.input("packed")], positions: state)
        third.settle(0.3)
        #expect(third.lines.isEmpty)
    }
}
