// SPDX-License-Identifier: Apache-2.0
internal import Codecs
internal import Wire

/// What comes out does not depend on how the input is cut or how much room there is, and is bounded.
func fuzzCompression(_ input: RawSpan) {
    var choices = Choices(input)
    let chunk = choices.next() + 1
    let room = choices.next() + 1
    let limit = 1 << 16
    let whole = Decompressor.whole(choices.rest, limit: limit)
    let cut = Decompressor.whole(choices.rest, chunk: chunk, room: room, limit: limit)
    check(whole.bytes.count <= limit && cut.bytes.count <= limit, "\(whole.bytes.count), \(cut.bytes.count) bytes")
    if hasFailed(whole.status) || hasFailed(cut.status) {
        // The libraries give up a call's output when it meets a fault, and zstd's way for a frame that is there whole
        // passes over faults that its other way does not: what came before a fault is all that can be compared.
        check(whole.bytes.starts(with: cut.bytes) || cut.bytes.starts(with: whole.bytes), "different bytes")
    } else {
        check(whole.bytes == cut.bytes, "\(whole.bytes.count) bytes, in chunks \(cut.bytes.count)")
        check(whole.status == cut.status, "\(whole.status), in chunks \(cut.status)")
    }
}

private func hasFailed(_ status: Decompressor.Status) -> Bool { if case .failed = status { true } else { false } }
