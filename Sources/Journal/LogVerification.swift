// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// The verification of one log, from its oldest segment to its end.
struct LogVerification: ~Copyable {
    private(set) var report: JournalVerifier.LogReport
    private let folder: String
    /// The value after the last block, and whether there was one.
    private var chain = ChainValue.zero
    private var hasBegun = false
    /// False behind damage, where the chain cannot be followed to the next block.
    private var knowsChain = true
    private var anchor: Anchor?
    private var meetsAnchor = false
    private var unlisted = 0

    init(log: Int, folder: String) throws(JournalError) {
        self.report = JournalVerifier.LogReport(log: log)
        self.folder = folder
        try readAnchor()
        let segments = try Folder.names(folder).compactMap { Segment.first($0) }
        for (index, first) in segments.enumerated() {
            try verify(segment: first, isLast: index == segments.count - 1)
        }
        if segments.isEmpty { begin(at: anchor?.first ?? 0, anchor?.firstChain ?? .zero, folder) }
        compareEnd()
        if unlisted > 0 { report.faults.append("\(folder): 0: \(unlisted) more faults") }
        report.chain = chain.hex
    }

    private mutating func fault(_ path: String, _ offset: Int, _ message: String) {
        guard report.faults.count < JournalVerifier.mostFaults else {
            unlisted += 1
            return
        }
        report.faults.append("\(path): \(offset): \(message)")
    }

    private mutating func readAnchor() throws(JournalError) {
        let path = Anchor.path(in: folder)
        guard let bytes = try Folder.read(path, most: 4096) else {
            fault(path, 0, "there is no anchor: removed segments at the beginning or the end would not be noticed")
            return
        }
        anchor = unsafe Anchor.decode(bytes.span.bytes)
        if anchor == nil { fault(path, 0, "the anchor is damaged") }
        if let anchor, Int(anchor.log) != report.log { fault(path, 0, "the anchor is of log \(anchor.log)") }
    }

    /// Takes the place where the log begins.
    private mutating func begin(at first: UInt64, _ value: ChainValue, _ path: String) {
        hasBegun = true
        report.first = first
        report.end = first
        chain = value
        // Segments before the anchor's are being removed, or a crash kept them; those after it are missing ones.
        if let anchor, first > anchor.first {
            fault(path, 0, "frames \(anchor.first) to \(first - 1) are missing at the beginning")
        } else if let anchor, first == anchor.first, value != anchor.firstChain {
            fault(path, 0, "the log begins with another chain value than its anchor has")
        }
        meet(path, 0)
    }

    private mutating func verify(segment first: UInt64, isLast: Bool) throws(JournalError) {
        let path = "\(folder)/\(Segment.name(first))"
        let file: SegmentFile
        do {
            file = try SegmentFile.open(path, .read)
        } catch {
            // Retention may have removed it since the folder was listed; then the anchor says so by now.
            let bytes = try Folder.read(Anchor.path(in: folder), most: 4096)
            if let now = bytes.flatMap({ unsafe Anchor.decode($0.span.bytes) }), now.first > first {
                anchor = now
            } else {
                fault(path, 0, error.reason)
            }
            return
        }
        let size = try file.status().bytes
        var window = FileWindow(file, limit: size)
        report.segments += 1
        report.bytes += size
        try window.load(0, SegmentHeader.size)
        check(SegmentHeader.decode(window.bytes(from: 0).part(0, SegmentHeader.size)), first, path)
        var offset = SegmentHeader.size
        while true {
            switch try window.sight(at: offset) {
            case .block(let header):
                let bytes = window.bytes(from: offset)
                let next = HashChain.link(
                    chain, bytes.part(0, BlockHeader.hashed), bytes.part(BlockHeader.size, header.stored))
                check(header, next, path, offset)
                offset += header.total
            case .bad(.body, let damaged?):
                // The header is right: it says which frames these were, and what follows them.
                fault(path, offset, "\(BlockFault.body.rawValue); frames \(damaged.first) to \(damaged.end &- 1)")
                report.end = damaged.end
                chain = damaged.chain
                meet(path, offset)
                offset += damaged.total
            case .bad(let problem, let damaged):
                if let (place, header) = try window.resume(after: offset, damaged) {
                    fault(path, offset, "\(problem.rawValue); frames \(report.end) to \(header.first &- 1)")
                    report.end = header.first
                    knowsChain = false
                    offset = place
                    continue
                }
                // The end of a living log is being written, and that of a killed one was not promised.
                let isPromised = anchor.map { report.end < $0.durable.end } ?? false
                if !isLast || isPromised {
                    fault(path, offset, "\(problem.rawValue); frames from \(report.end) on")
                    knowsChain = false
                }
                return
            case .end:
                // Not the room in which nothing stands yet.
                report.bytes -= max(0, size - offset)
                return
            }
        }
    }

    private mutating func check(_ header: SegmentHeader?, _ first: UInt64, _ path: String) {
        guard let header else {
            fault(path, 0, "the header of the segment is damaged")
            if !hasBegun { begin(at: first, anchor?.firstChain ?? .zero, path) }
            return
        }
        if header.first != first || Int(header.log) != report.log {
            fault(path, 0, "the file is the segment of log \(header.log) that begins with frame \(header.first)")
        }
        guard hasBegun else {
            begin(at: header.first, header.chain, path)
            return
        }
        if header.first != report.end, knowsChain {
            fault(path, 0, "frames \(report.end) to \(header.first &- 1) are missing before it")
        } else if header.chain != chain, knowsChain {
            fault(path, 0, "it does not follow the segment before it: the chain is broken")
        }
        report.end = header.first
        chain = header.chain
        knowsChain = true
        meet(path, 0)
    }

    private mutating func check(_ header: BlockHeader, _ value: ChainValue, _ path: String, _ offset: Int) {
        if header.first != report.end {
            fault(path, offset, "frames \(report.end) to \(header.first &- 1) are missing before it")
        }
        if value != header.chain, knowsChain {
            fault(path, offset, "the block does not follow what is before it: the chain is broken")
        }
        knowsChain = true
        if Int(header.log) != report.log { fault(path, offset, "the block is of log \(header.log)") }
        report.blocks += 1
        report.frames += UInt64(header.frames)
        report.end = header.end
        chain = header.chain
        meet(path, offset)
    }

    /// Compares the chain where the anchor has it.
    private mutating func meet(_ path: String, _ offset: Int) {
        guard let anchor, report.end == anchor.durable.end else { return }
        meetsAnchor = true
        if chain != anchor.durable.chain { fault(path, offset, "the chain has another value here than the anchor has") }
    }

    private mutating func compareEnd() {
        guard let anchor, !meetsAnchor, knowsChain else { return }
        if report.end < anchor.durable.end {
            fault(folder, 0, "frames \(report.end) to \(anchor.durable.end - 1) are missing at the end")
        } else {
            fault(folder, 0, "no block ends at frame \(anchor.durable.end), where the anchor has one")
        }
    }
}
