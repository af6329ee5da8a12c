// SPDX-License-Identifier: Apache-2.0

/// A Sigma text with wildcards as segments between stars: what is looked for, before it goes into a ``TextPool``.
struct TextMatcher: Hashable {
    /// One step of a segment.
    enum Step: Hashable {
        /// Exactly these bytes.
        case bytes([UInt8])
        /// Any one scalar.
        case one
        /// One of the five dashes of `windash`.
        case dash
    }

    /// The steps between the stars; one segment more than there are stars.
    let segments: [[Step]]

    /// Compiles `text`; folds its letters unless `cased`.
    init(_ text: SigmaText, cased: Bool) {
        var segments: [[Step]] = [[]]
        var run: [UInt8] = []
        func flush() {
            if !run.isEmpty { segments[segments.count - 1].append(.bytes(run)) }
            run.removeAll()
        }
        for element in text.elements {
            switch element {
            case .scalar(let scalar):
                run.append(contentsOf: UTF8.encode(cased ? scalar : CaseFolding.fold(scalar)) ?? .init())
            case .star:
                flush()
                // Two stars are one.
                if segments.count == 1 || !segments[segments.count - 1].isEmpty { segments.append([]) }
            case .question:
                flush()
                segments[segments.count - 1].append(.one)
            case .dash:
                flush()
                segments[segments.count - 1].append(.dash)
            case .placeholder: break
            }
        }
        flush()
        self.segments = segments
    }

    /// The bytes that a text must equal, when there are no wildcards.
    var exact: [UInt8]? { segments.count == 1 ? TextMatcher.literal(segments[0]) : nil }

    /// The bytes of a segment that has no other steps.
    static func literal(_ segment: [Step]) -> [UInt8]? {
        if segment.isEmpty { return [] }
        guard segment.count == 1, case .bytes(let bytes) = segment[0] else { return nil }
        return bytes
    }

    /// The longest run of bytes that every matching text holds.
    var needle: [UInt8] {
        var longest: [UInt8] = []
        for segment in segments {
            for case .bytes(let bytes) in segment where bytes.count > longest.count { longest = bytes }
        }
        return longest
    }
}
