// SPDX-License-Identifier: Apache-2.0
import Events
import Foundation
import Journal
import Testing
import Wire

/// Small blocks that follow each other quickly are copied into the mapped room behind the end of their segment.
@Suite("Journal: mapped room")
struct MappedRoomTests {
    /// A journal that does not commit while a test runs: after each commit some blocks are written and not copied.
    private func calm(_ scratch: Scratch, segment: Int = 64 << 20) throws -> Journal {
        var options = settings(scratch.path, segment: segment)
        options.commitInterval = 600_000
        options.commitBytes = 1 << 30
        return try open(options)
    }

    private func isMapped(_ file: String) -> Bool {
        // The file has no length that could be asked for.
        guard let maps = FileHandle(forReadingAtPath: "/proc/self/maps"), let text = try? maps.readToEnd() else {
            return false
        }
        return String(decoding: text, as: UTF8.self).contains(file)
    }

    @Test("what was copied is in the file when the append returns, whatever sizes follow each other, over many rooms")
    func copied() throws {
        let scratch = Scratch()
        let journal = try calm(scratch, segment: 2 << 20)
        let log = try #require(journal.log(0))
        var random = Random(11)
        var batch = Batch(table: emptyTable)
        var all: [Kept] = []
        var images: [(scratch: Scratch, frames: Int)] = []
        var sawMapping = false
        for round in 0..<1500 {
            all += fill(&batch, round % 97 == 0 ? 300 : 1 + round % 4, &random)
            try log.append(&batch)
            if round % 300 == 250 {
                images.append((try scratch.copy(), all.count))
                sawMapping = sawMapping || scratch.segments().last.map(isMapped) == true
            }
        }
        #expect(sawMapping)
        #expect(scratch.segments().count > 2)
        journal.close()
        #expect(scratch.segments().allSatisfy { !isMapped($0) }, "a mapping ends with its segment")
        images.append((scratch, all.count))
        for image in images {
            #expect(try JournalVerifier.verify(directory: image.scratch.path).isSound)
            let opened = try open(settings(image.scratch.path))
            #expect(opened.recoveries.isEmpty)
            let (frames, _) = try readAll(try #require(opened.reader(of: 0, from: 0)))
            #expect(difference(frames, all[..<image.frames]) == nil)
            opened.close()
        }
    }

    @Test("a page that the file has no more is a block that is written, not the end of the process")
    func withdrawn() throws {
        let scratch = Scratch()
        let journal = try calm(scratch)
        let log = try #require(journal.log(0))
        var batch = Batch(table: emptyTable)
        func append(_ count: Int) throws {
            for number in 0..<count {
                batch.reset()
                put(Random.text(number), &batch)
                try log.append(&batch)
            }
        }
        try append(100)
        let file = try #require(scratch.segments().first)
        #expect(isMapped(file))
        var image = scratch.bytes(file)
        let frames = log.end
        // What only somebody else, or a disk that fails, can do.
        #expect(truncate(file, 0) == 0)
        batch.reset()
        put([66], &batch)
        let last = kept(batch)
        try log.append(&batch)
        #expect(!isMapped(file))
        #expect(log.end == frames + 1)
        for (index, byte) in scratch.bytes(file).enumerated() where byte != 0 { image[index] = byte }
        scratch.write(image, file)
        let (read, _) = try readAll(JournalReader(of: log, from: frames))
        #expect(difference(read, last) == nil)
        try append(1)
        journal.close()
    }
}
