// SPDX-License-Identifier: Apache-2.0
internal import Events
internal import Wire

/// A segment's bytes in memory: the same decoding that recovery, readers and verification use, without files.
public enum SegmentImage {
    /// What a segment's bytes hold.
    public struct Summary: Equatable, Sendable {
        /// Whether the header of the segment is right.
        public var hasHeader = false
        /// Whole blocks.
        public var blocks = 0
        /// Frames in them that could be decoded.
        public var frames = 0
        /// The bytes of these frames.
        public var bytes = 0
        /// The number of the first frame, and that after the last.
        public var first: UInt64 = 0
        /// The number after the last frame.
        public var end: UInt64 = 0
        /// Places where something else than a block was found.
        public var faults = 0
        /// The bytes up to the end of the last whole block: what recovery keeps.
        public var wholeBytes = 0
    }

    /// Decodes everything in `bytes`; hostile bytes make a summary like any others.
    public static func scan(_ bytes: RawSpan) -> Summary {
        var summary = Summary()
        if let header = SegmentHeader.decode(bytes) {
            summary.hasHeader = true
            summary.first = header.first
            summary.end = header.first
        }
        var content = Slab(capacity: 4096)
        var offset = SegmentHeader.size
        // As in `FileWindow.resume`: damage must not make this quadratic.
        var budget = 4 * bytes.byteCount + BlockHeader.mostContent
        while offset < bytes.byteCount, budget > 0 {
            switch BlockSight(bytes.part(offset, bytes.byteCount)) {
            case .block(let header):
                let body = bytes.part(offset + BlockHeader.size, header.stored)
                offset += header.total
                summary.wholeBytes = offset
                summary.blocks += 1
                summary.end = header.end
                count(header, body, &content, &summary)
            case .bad(_, let header):
                if header == nil, bytes.part(offset, bytes.byteCount).isZero { return summary }
                summary.faults += 1
                budget -= header?.total ?? BlockHeader.size
                offset = bytes.firstRange(of: "PBLK", from: offset + 1) ?? bytes.byteCount
            case .end: return summary
            }
        }
        return summary
    }

    private static func count(
        _ header: BlockHeader, _ body: RawSpan, _ content: inout Slab, _ summary: inout Summary
    ) {
        do {
            guard BlockContent.decode(header, body, into: &content) else { throw WireError.malformed(at: 0) }
            var cursor = FrameCursor(header)
            while let frame = try cursor.next(content.bytes) {
                summary.frames += 1
                summary.bytes += Int(frame.extent.length)
            }
        } catch { summary.faults += 1 }
    }
}
