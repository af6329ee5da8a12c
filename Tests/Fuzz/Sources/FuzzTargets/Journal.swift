// SPDX-License-Identifier: Apache-2.0
internal import Journal
internal import Wire

/// A segment of any bytes has a sane summary, as it stands and with its checksums made right: without that no input
/// would come as far as the content of a block.
func fuzzJournal(_ input: RawSpan) {
    summarize(input)
    var segment = input.array
    repair(&segment)
    let whole = unsafe summarize(segment.span.bytes)
    // Recovery keeps the whole blocks: it must find just these again, and nothing to mend.
    guard whole.hasHeader, whole.faults == 0, whole.blocks > 0 else { return }
    let kept = unsafe SegmentImage.scan(segment.span.bytes.part(0, whole.wholeBytes))
    check(kept.blocks == whole.blocks && kept.frames == whole.frames && kept.end == whole.end, "\(kept), \(whole)")
}

@discardableResult
private func summarize(_ bytes: RawSpan) -> SegmentImage.Summary {
    let summary = SegmentImage.scan(bytes)
    check(summary.wholeBytes >= 0 && summary.wholeBytes <= bytes.byteCount, "\(summary)")
    check(summary.frames >= 0 && summary.bytes >= 0 && summary.blocks >= 0, "\(summary)")
    check(summary.blocks > 0 || (summary.frames == 0 && summary.wholeBytes == 0), "\(summary)")
    return summary
}

/// Makes magic numbers, lengths and checksums right, after the layout in SegmentHeader and BlockHeader.
private func repair(_ segment: inout [UInt8]) {
    guard segment.count >= 60 else { return }
    segment.replaceSubrange(0..<8, with: "PNSTKJ02".utf8)
    store(checksum(segment, 0..<56), in: &segment, at: 56)
    var start = 60
    while segment.count - start >= 92 {
        segment.replaceSubrange(start..<start + 4, with: "PBLK".utf8)
        let room = segment.count - start - 92
        var stored = load(segment, at: start + 4)
        if stored > room {
            stored = room
            store(UInt32(stored), in: &segment, at: start + 4)
        }
        // A raw block holds what is stored.
        if segment[start + 50] & 1 == 0 { store(UInt32(stored), in: &segment, at: start + 8) }
        segment[start + 50] &= 1
        segment[start + 51] = 0
        store(checksum(segment, start + 92..<start + 92 + stored), in: &segment, at: start + 52)
        store(checksum(segment, start..<start + 88), in: &segment, at: start + 88)
        start += 92 + stored
    }
}

private func checksum(_ bytes: [UInt8], _ range: Range<Int>) -> UInt32 {
    unsafe CRC32C.checksum(bytes.span.bytes.part(range.lowerBound, range.count))
}

private func load(_ bytes: [UInt8], at offset: Int) -> Int {
    (0..<4).reduce(0) { $0 | Int(bytes[offset + $1]) << ($1 * 8) }
}

private func store(_ value: UInt32, in bytes: inout [UInt8], at offset: Int) {
    for index in 0..<4 { bytes[offset + index] = UInt8(truncatingIfNeeded: value >> UInt32(index * 8)) }
}
