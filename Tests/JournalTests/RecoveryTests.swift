// SPDX-License-Identifier: Apache-2.0
import Events
import Foundation
import Instruments
import Journal
import Testing
import Wire

@Suite("Journal: recovery")
struct RecoveryTests {
    /// A journal with frames `0..<count` in batches, and what each number holds.
    private func made(
        in scratch: Scratch, batches: Int, size: Int = 3, segment: Int = 64 << 20, close: Bool = true
    ) throws -> (journal: Journal, frames: [Kept]) {
        let journal = try open(settings(scratch.path, segment: segment))
        let log = try #require(journal.log(0))
        var batch = Batch(table: emptyTable)
        var all: [Kept] = []
        for number in 0..<batches {
            batch.reset()
            for index in 0..<size {
                let text = "frame \(number) \(index) " + String(repeating: "abc ", count: number % 40)
                batch.append(Array(text.utf8).span.bytes, received: Int64(number), transport: .tcp)
            }
            all += kept(batch)
            try log.append(&batch)
        }
        if close { journal.close() }
        return (journal, all)
    }

    @Test("a last segment cut at any byte: whole blocks stay, the rest is cut, appending goes on")
    func tornTail() throws {
        let scratch = Scratch(inMemory: true)
        let (_, all) = try made(in: scratch, batches: 12)
        let file = try #require(scratch.segments().first)
        let image = scratch.bytes(file)
        // Without its anchor, every byte of the segment counts as the end of a process that was killed.
        try FileManager.default.removeItem(atPath: scratch.path + "/log-0/anchor")
        let intact = try scratch.copy()
        var seen = Set<Int>()
        for length in stride(from: 0, through: image.count, by: image.count > 1500 ? 3 : 1) {
            try? FileManager.default.removeItem(atPath: scratch.path)
            try FileManager.default.copyItem(atPath: intact.path, toPath: scratch.path)
            scratch.write(Array(image[..<length]), file)
            let journal = try open(settings(scratch.path))
            let log = try #require(journal.log(0))
            let whole = scan(Array(image[..<length]))
            #expect(Int(log.end) == whole.frames && whole.frames % 3 == 0)
            seen.insert(whole.frames)
            let isWhole = whole.hasHeader && whole.wholeBytes == length || length == 60
            #expect(journal.recoveries.isEmpty == isWhole, "\(length): \(journal.recoveries)")
            var batch = Batch(table: emptyTable)
            put([66], &batch)
            let added = kept(batch)
            try log.append(&batch)
            let (frames, _) = try readAll(JournalReader(of: log, from: 0))
            #expect(difference(frames, all[..<whole.frames] + added) == nil)
            journal.close()
        }
        #expect(seen.count == 13)
    }

    @Test("the folder copied while it is being written: everything returned by then is there")
    func killed() throws {
        let scratch = Scratch()
        let journal = try open(settings(scratch.path, segment: 40_000))
        let log = try #require(journal.log(0))
        var random = Random(5)
        var batch = Batch(table: emptyTable)
        var all: [Kept] = []
        var images: [(Scratch, Int)] = []
        for round in 0..<200 {
            all += fill(&batch, 1 + round % 30, &random)
            try log.append(&batch)
            if round % 20 == 7 { images.append((try scratch.copy(), all.count)) }
        }
        journal.close()
        for (image, count) in images {
            let opened = try open(settings(image.path))
            let (frames, _) = try readAll(JournalReader(of: try #require(opened.log(0)), from: 0))
            #expect(difference(frames, all[..<count]) == nil)
            #expect(opened.recoveries.isEmpty)
            #expect(opened.log(0)?.epoch == 2)
            opened.close()
            #expect(try JournalVerifier.verify(directory: image.path).isSound)
        }
    }

    @Test("damage before the anchor is passed over and counted; what is behind it is cut")
    func damage() throws {
        let scratch = Scratch()
        let (_, all) = try made(in: scratch, batches: 40, segment: 5_000)
        let files = scratch.segments()
        #expect(files.count > 1)
        var bytes = scratch.bytes(files[0])
        bytes[700] ^= 4
        scratch.write(bytes, files[0])
        let last = try #require(files.last)
        let end = scratch.bytes(last)
        // Whole blocks of another place are no continuation either.
        scratch.write(end + [1, 2, 3] + end.dropFirst(60), last)
        let registry = Registry()
        let journal = try open(settings(scratch.path), registry: registry)
        #expect(journal.recoveries.map(\.bytesCut) == [3 + end.count - 60])
        #expect(scratch.bytes(last) == end)
        #expect(journal.log(0)?.end == UInt64(all.count))
        let reader = try #require(journal.reader(of: 0, from: 0))
        let (frames, positions) = try readAll(reader)
        #expect(reader.lost > 0 && reader.lost % 3 == 0)
        #expect(frames.count + Int(reader.lost) == all.count)
        #expect(reader.lastFault?.hasPrefix(files[0]) == true)
        var next: UInt64 = 0
        for (position, count) in positions {
            #expect(position.gap == (position.first > next ? next : nil))
            next = position.first + UInt64(count)
        }
        #expect(positions.filter { $0.0.gap != nil }.count == 1)
        #expect(registry.total("penstock_dropped_total") == Int64(reader.lost))
        // Positions tell the truth behind the gap.
        let (position, count) = try #require(positions.last)
        #expect(Int(position.first) + count == all.count)
        #expect(difference(Array(frames.suffix(count)), all.suffix(count)) == nil)
        journal.close()
    }

    @Test("frames that were on disk and are gone: their numbers are not given again")
    func removedTail() throws {
        let scratch = Scratch()
        let (_, all) = try made(in: scratch, batches: 10)
        let file = try #require(scratch.segments().first)
        scratch.write(Array(scratch.bytes(file).prefix(400)), file)
        let journal = try open(settings(scratch.path))
        let log = try #require(journal.log(0))
        #expect(log.end == UInt64(all.count))
        #expect(journal.recoveries.contains { $0.reason.contains("gone") })
        var batch = Batch(table: emptyTable)
        put([66], &batch)
        try log.append(&batch)
        #expect(batch.position?.first == UInt64(all.count))
        let reader = JournalReader(of: log, from: 0)
        let (frames, _) = try readAll(reader)
        #expect(frames.last?.bytes == [66])
        #expect(frames.count + Int(reader.lost) == all.count + 1)
        journal.close()
        #expect(!(try JournalVerifier.verify(directory: scratch.path).isSound))
    }

    @Test("a view of a living journal reads it and changes nothing")
    func view() throws {
        let scratch = Scratch()
        let (journal, all) = try made(in: scratch, batches: 20, segment: 4_000, close: false)
        let before = scratch.segments().map { scratch.bytes($0) }
        let view = try Journal.view(scratch.path, logger: quiet)
        #expect(view.logs == [0] && view.bounds(of: 0)?.end == UInt64(all.count))
        let (frames, _) = try readAll(try #require(view.reader(of: 0, from: 0)))
        #expect(difference(frames, all) == nil)
        var batch = Batch(table: emptyTable)
        put([66], &batch)
        let log = try #require(view.log(0))
        #expect(throws: JournalError.self) { try log.append(&batch) }
        view.close()
        #expect(scratch.segments().map { scratch.bytes($0) } == before)
        journal.close()
    }

    @Test("the room behind the blocks of a killed writer is no damage; a block torn in it is")
    func room() throws {
        let scratch = Scratch()
        let (journal, all) = try made(in: scratch, batches: 20, close: false)
        let file = try #require(scratch.segments().first)
        let image = scratch.bytes(file)
        #expect(image.count == 64 << 10, "writes go into room that is made ahead")
        let whole = scan(image)
        #expect(whole.frames == all.count && whole.faults == 0 && whole.wholeBytes < 20_000)
        // What a process that is killed leaves.
        let killed = try scratch.copy()
        let torn = try scratch.copy()
        let holed = try scratch.copy()
        let view = try Journal.view(scratch.path, logger: quiet)
        #expect(view.bounds(of: 0)?.end == UInt64(all.count))
        view.close()
        let report = try JournalVerifier.verify(directory: scratch.path)
        #expect(report.isSound && report.logs.first?.bytes == whole.wholeBytes)
        journal.close()
        #expect(scratch.bytes(file) == Array(image[..<whole.wholeBytes]), "a stop cuts the room off")

        var opened = try open(settings(killed.path))
        #expect(opened.recoveries.isEmpty)
        #expect(killed.bytes(killed.segments()[0]).count == whole.wholeBytes)
        var (frames, _) = try readAll(try #require(opened.reader(of: 0, from: 0)))
        #expect(difference(frames, all) == nil)
        var batch = Batch(table: emptyTable)
        put([66], &batch)
        let added = kept(batch)
        try opened.log(0)?.append(&batch)
        opened.close()
        #expect(try JournalVerifier.verify(directory: killed.path).isSound)

        // The write of the last block had not ended: its second half is still zero.
        var bytes = image
        bytes.replaceSubrange(whole.wholeBytes - 40..<whole.wholeBytes, with: [UInt8](repeating: 0, count: 40))
        torn.write(bytes, torn.segments()[0])
        try FileManager.default.removeItem(atPath: torn.path + "/log-0/anchor")
        opened = try open(settings(torn.path))
        #expect(opened.recoveries.contains { $0.bytesCut > 40 })
        try opened.log(0)?.append(&batch)
        (frames, _) = try readAll(try #require(opened.reader(of: 0, from: 0)))
        #expect(difference(frames, all[..<(all.count - 3)] + added) == nil)
        opened.close()

        // Zeros with a block behind them are damage, whatever they were.
        bytes = image
        bytes.replaceSubrange(60..<160, with: [UInt8](repeating: 0, count: 100))
        holed.write(bytes, holed.segments()[0])
        try FileManager.default.removeItem(atPath: holed.path + "/log-0/anchor")
        #expect(scan(bytes).faults == 1)
        opened = try open(settings(holed.path))
        #expect(!opened.recoveries.isEmpty && opened.bounds(of: 0)?.end == UInt64(all.count))
        let reader = try #require(opened.reader(of: 0, from: 0))
        (frames, _) = try readAll(reader)
        #expect(difference(frames, all[3...]) == nil && reader.lost == 3)
        opened.close()
    }

    @Test("mutated segments never stop a reader, a recovery or a verification")
    func mutations() throws {
        let scratch = Scratch(inMemory: true)
        let (_, all) = try made(in: scratch, batches: 30, segment: 3_000)
        let intact = try scratch.copy()
        var random = Random(11)
        for _ in 0..<60 {
            try FileManager.default.removeItem(atPath: scratch.path)
            try FileManager.default.copyItem(atPath: intact.path, toPath: scratch.path)
            let files =
                try FileManager.default.contentsOfDirectory(atPath: scratch.path + "/log-0").map {
                    scratch.path + "/log-0/" + $0
                }.sorted() + [scratch.path + "/positions"]
            let file = files.randomElement(using: &random) ?? ""
            scratch.write(mutated(scratch.bytes(file), &random), file)
            _ = try JournalVerifier.verify(directory: scratch.path)
            let journal = try open(settings(scratch.path))
            let reader = try #require(journal.reader(of: 0, from: 0))
            let (frames, _) = try readAll(reader, most: 7)
            let end = journal.bounds(of: 0)?.end ?? 0
            let first = journal.bounds(of: 0)?.first ?? 0
            #expect(frames.count + Int(reader.lost) + Int(reader.skipped) == Int(end), "\(file)")
            #expect(first <= end && Int(end) == all.count, "what one file lacks, the others tell")
            journal.close()
        }
    }

    private func mutated(_ bytes: [UInt8], _ random: inout Random) -> [UInt8] {
        var bytes = bytes
        guard !bytes.isEmpty else { return bytes }
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let place = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
            case 1: bytes[place] ^= 1 << UInt8.random(in: 0...7, using: &random)
            case 2: bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 1...90, using: &random)))
            default: bytes.insert(contentsOf: random.bytes(5), at: place)
            }
            if bytes.isEmpty { break }
        }
        return bytes
    }

    @Test("a segment's image: any mutation and any cut makes a summary")
    func image() throws {
        let scratch = Scratch()
        let (_, all) = try made(in: scratch, batches: 12)
        let image = scratch.bytes(try #require(scratch.segments().first))
        let whole = scan(image)
        #expect(whole.frames == all.count && whole.blocks == 12 && whole.faults == 0)
        #expect(whole.wholeBytes == image.count && whole.first == 0 && whole.end == UInt64(all.count))
        for length in 0..<image.count {
            let cut = scan(Array(image[..<length]))
            #expect(cut.frames <= all.count && cut.wholeBytes <= length)
        }
        var random = Random(12)
        for _ in 0..<3_000 {
            let bytes = mutated(image, &random)
            let summary = scan(bytes)
            #expect(summary.blocks <= 12 && summary.wholeBytes <= bytes.count)
        }
        #expect(scan(random.bytes(10_000)).blocks == 0)
    }
}

private func scan(_ bytes: [UInt8]) -> SegmentImage.Summary { SegmentImage.scan(bytes.span.bytes) }
