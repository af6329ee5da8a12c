// SPDX-License-Identifier: Apache-2.0
internal import Codecs
internal import Wire

/// Finds out, a piece at a time, whether a compressed file is a copy of content that was read: rotated files are compressed
/// under new names, and what was delivered once must not be delivered again.
final class ContentComparison {
    /// What was read, and of whom.
    struct Candidate {
        let offset: Int
        let tail: ContentPrint
        /// The file, when it is still being read; nil when only its position is known.
        let file: FollowedFile?
    }

    enum Outcome {
        case undecided
        /// More of the file has to come first.
        case waiting
        case same(Candidate)
        /// It ends inside of what another file has, and was read of it.
        case part(length: Int, tail: ContentTail)
        case different
    }

    private var candidates: [Candidate]
    private var decompressor = Decompressor()
    private var sourceOffset = 0
    private var offset = 0
    private var tail = ContentTail()
    private var best: Candidate?

    /// Of `candidates` all have the same first bytes as the file.
    init(_ candidates: [Candidate]) { self.candidates = candidates.sorted { $0.offset < $1.offset } }

    /// Decompresses one piece of `file`, through `scratch`.
    func step(_ file: FollowedFile, atEnd: Bool, _ scratch: inout Slab, piece: Int) -> Outcome {
        judge()
        guard let next = candidates.first else { return best.map { .same($0) } ?? .different }
        guard let source = file.bytes(at: sourceOffset, piece) else { return .different }
        scratch.reset()
        // Not beyond the candidate: the tail must end exactly there.
        let step = decompressor.step(
            source.span.bytes, atEnd: atEnd && sourceOffset + source.count >= file.facts.size, into: &scratch,
            upTo: min(piece, next.offset - offset))
        sourceOffset += step.consumed
        offset += step.produced
        tail.push(scratch.bytes)
        judge()
        switch step.status {
        case .needsRoom: return .undecided
        case .needsInput:
            guard step.consumed == 0, step.produced == 0 else { return .undecided }
            return decompressor.isAtBoundary ? shorter() : .waiting
        case .ended, .failed: return shorter()
        }
    }

    /// Compares with the candidates that end here.
    private func judge() {
        while let next = candidates.first, next.offset <= offset {
            candidates.removeFirst()
            if next.offset == offset, next.tail.length == tail.bytes.count, tail.print == next.tail { best = next }
        }
    }

    /// It is shorter than the candidates that are left: it may still be the beginning of a file that can be asked.
    private func shorter() -> Outcome {
        if offset > 0 {
            for case let other? in candidates.map(\.file) where other.format == .plain && other.isOpen {
                let count = tail.bytes.count
                if other.bytes(at: offset - count, count) == tail.bytes { return .part(length: offset, tail: tail) }
            }
        }
        return best.map { .same($0) } ?? .different
    }
}
