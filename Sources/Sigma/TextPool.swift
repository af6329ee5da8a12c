// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// The texts of a program, ready to run over valid UTF-8 in one pass without backtracking.
///
/// Between two stars stands a segment of fixed steps; the leftmost place of each segment is always a right one.
struct TextPool: Sendable {
    private enum Shape: UInt8, Sendable {
        case exact
        case prefix
        case suffix
        case contains
        case glob
    }

    /// One text: its only literal, or its segments.
    private struct Text: Sendable {
        var shape: Shape
        var first: Int32
        var count: Int32
    }

    private struct Step: Sendable {
        enum Kind: UInt8, Sendable {
            case bytes
            case one
            case dash
        }
        var kind: Kind
        var first: Int32
        var count: Int32
    }

    private var texts: [Text] = []
    private var segments: [(first: Int32, count: Int32)] = []
    private var steps: [Step] = []
    private var bytes: [UInt8] = []

    /// Adds a text and tells its number.
    mutating func add(_ matcher: TextMatcher) -> Int32 {
        let literals = matcher.segments.map { TextMatcher.literal($0) }
        let text: Text
        switch (literals.count, literals.first ?? nil, literals.last ?? nil) {
        case (1, let only?, _): text = literal(.exact, only)
        case (2, let first?, let last?) where last.isEmpty: text = literal(.prefix, first)
        case (2, let first?, let last?) where first.isEmpty: text = literal(.suffix, last)
        case (3, let first?, let last?) where first.isEmpty && last.isEmpty && literals[1] != nil:
            text = literal(.contains, literals[1] ?? [])
        default:
            text = Text(shape: .glob, first: Int32(segments.count), count: Int32(matcher.segments.count))
            for segment in matcher.segments {
                segments.append((Int32(steps.count), Int32(segment.count)))
                for step in segment {
                    switch step {
                    case .bytes(let literal):
                        steps.append(Step(kind: .bytes, first: Int32(bytes.count), count: Int32(literal.count)))
                        bytes += literal
                    case .one: steps.append(Step(kind: .one, first: 0, count: 0))
                    case .dash: steps.append(Step(kind: .dash, first: 0, count: 0))
                    }
                }
            }
        }
        texts.append(text)
        return Int32(texts.count - 1)
    }

    private mutating func literal(_ shape: Shape, _ literal: [UInt8]) -> Text {
        defer { bytes += literal }
        return Text(shape: shape, first: Int32(bytes.count), count: Int32(literal.count))
    }

    /// Whether `value` (folded, unless the text is cased) matches text number `number` as a whole.
    func matches(_ number: Int32, _ value: RawSpan) -> Bool {
        let text = texts[Int(number)]
        let count = Int(text.count)
        let pool = bytes.span.bytes
        switch text.shape {
        case .exact: return value.byteCount == count && value.equals(pool.part(Int(text.first), count))
        case .prefix: return value.byteCount >= count && value.part(0, count).equals(pool.part(Int(text.first), count))
        case .suffix:
            return value.byteCount >= count
                && value.part(value.byteCount - count, count).equals(pool.part(Int(text.first), count))
        case .contains:
            return count == 0
                || value.byteCount >= count && value.firstRange(of: pool.part(Int(text.first), count)) != nil
        case .glob: return glob(Int(text.first), count, value)
        }
    }

    private func glob(_ first: Int, _ count: Int, _ value: RawSpan) -> Bool {
        guard var position = forward(first, value, at: 0) else { return false }
        guard count > 1 else { return position == value.byteCount }
        guard let limit = backward(first + count - 1, value), limit >= position else { return false }
        for segment in first + 1..<first + count - 1 {
            guard let end = search(segment, value.part(0, limit), from: position) else { return false }
            position = end
        }
        return true
    }

    /// The end of the leftmost match of a segment at or after `start`.
    private func search(_ segment: Int, _ value: RawSpan, from start: Int) -> Int? {
        let begin = segments[segment]
        var position = start
        while position <= value.byteCount {
            if begin.count > 0, steps[Int(begin.first)].kind == .bytes {
                let step = steps[Int(begin.first)]
                guard
                    let hit = value.firstRange(
                        of: bytes.span.bytes.part(Int(step.first), Int(step.count)), from: position)
                else { return nil }
                position = hit
            }
            if let end = forward(segment, value, at: position) { return end }
            guard let byte = value.byte(at: position) else { return nil }
            position += TextPool.length(byte)
        }
        return nil
    }

    private func forward(_ segment: Int, _ value: RawSpan, at start: Int) -> Int? {
        var position = start
        for index in range(segment) {
            let step = steps[index]
            switch step.kind {
            case .bytes:
                let count = Int(step.count)
                guard value.part(position, count).equals(bytes.span.bytes.part(Int(step.first), count)) else {
                    return nil
                }
                position += count
            case .one:
                guard let byte = value.byte(at: position) else { return nil }
                position += TextPool.length(byte)
            case .dash:
                let size = TextPool.dash(value, at: position)
                guard size > 0 else { return nil }
                position += size
            }
        }
        return position
    }

    /// The start of a segment when it stands at the end of `value`.
    private func backward(_ segment: Int, _ value: RawSpan) -> Int? {
        var position = value.byteCount
        for index in range(segment).reversed() {
            let step = steps[index]
            switch step.kind {
            case .bytes:
                let count = Int(step.count)
                position -= count
                guard position >= 0, value.part(position, count).equals(bytes.span.bytes.part(Int(step.first), count))
                else {
                    return nil
                }
            case .one, .dash:
                repeat { position -= 1 } while (value.byte(at: position) ?? 0) & 0xC0 == 0x80
                guard position >= 0 else { return nil }
                if step.kind == .dash, TextPool.dash(value, at: position) == 0 { return nil }
            }
        }
        return position
    }

    private func range(_ segment: Int) -> Range<Int> {
        Int(segments[segment].first)..<Int(segments[segment].first + segments[segment].count)
    }

    private static func length(_ lead: UInt8) -> Int { lead < 0x80 ? 1 : lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2 }

    /// The length of a `windash` dash at `position`: `-`, `/`, U+2013, U+2014, U+2015; or 0.
    private static func dash(_ value: RawSpan, at position: Int) -> Int {
        switch value.byte(at: position) {
        case 0x2D, 0x2F: return 1
        case 0xE2:
            guard value.byte(at: position + 1) == 0x80, let last = value.byte(at: position + 2) else { return 0 }
            return (0x93...0x95).contains(last) ? 3 : 0
        default: return 0
        }
    }
}
