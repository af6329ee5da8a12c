// SPDX-License-Identifier: Apache-2.0
public import Wire

/// A cursor over the elements of structured data: SD-IDs with their parameters, in order, duplicates and all.
///
/// Lenient about what vendors write (`key= "v"`, `[ id …]`, `[id x]`); `isWellFormed` tells whether RFC 5424 section
/// 6.3 was met so far. Offsets count from the start of the span it was made of, and each step moves on, so a walk is
/// linear.
public struct StructuredData: ~Escapable {
    /// One step of the walk.
    public enum Step: Equatable, Sendable {
        /// An element begins: its SD-ID.
        case element(Extent)
        /// A parameter of the element: its name, and its value with escapes as written.
        case parameter(name: Extent, value: Extent)
    }

    let bytes: RawSpan
    var position: Int
    private var isInside = false
    /// The offset after the last byte that belongs to the structured data.
    public private(set) var end: Int
    /// The offset of the first byte that breaks the grammar, or -1.
    public private(set) var faultOffset = -1
    /// What is wrong, besides the place.
    public private(set) var problems: SyslogProblems = []
    /// Whether some text could not be read as elements and parameters.
    public private(set) var hasLostData = false
    /// Whether all was as RFC 5424 section 6.3 wants it.
    public var isWellFormed: Bool { faultOffset < 0 }

    /// A cursor at `start`, where a `[` is expected.
    @_lifetime(copy bytes)
    public init(_ bytes: RawSpan, at start: Int = 0) {
        self.bytes = bytes
        position = start
        end = start
    }

    private mutating func fault(_ offset: Int, _ problem: SyslogProblems) {
        if faultOffset < 0 { faultOffset = offset }
        problems.insert(problem)
    }

    /// What one attempt came to. Attempts are repeated in a loop, not by recursion: a hostile message has thousands of
    /// elements that cannot be read.
    private enum Attempt {
        case step(Step)
        case again
        case done
    }

    /// The next element or parameter, or nil after the last.
    public mutating func next() -> Step? {
        while true {
            switch isInside ? nextParameter() : nextElement() {
            case .step(let step): return step
            case .again: continue
            case .done: return nil
            }
        }
    }

    private mutating func nextElement() -> Attempt {
        guard bytes.byte(at: position) == 0x5B else { return .done }
        var start = position + 1
        if bytes.byte(at: start) == 0x20 {
            fault(start, .structuredDataMalformed)
            start = bytes.endOfBlanks(from: start)
        }
        let stop = bytes.endOfName(from: start)
        guard stop > start, let after = bytes.byte(at: stop), after == 0x20 || after == 0x5D else {
            fault(stop, .structuredDataMalformed)
            hasLostData = true
            return recover(from: stop)
        }
        checkLength(start, stop)
        position = stop
        isInside = true
        return .step(.element(Extent(start..<stop)))
    }

    private mutating func nextParameter() -> Attempt {
        if bytes.byte(at: position) == 0x5D { return close() }
        guard bytes.byte(at: position) == 0x20 else {
            fault(position, .structuredDataMalformed)
            hasLostData = true
            return recover(from: position)
        }
        let start = bytes.endOfBlanks(from: position)
        if start > position + 1 { fault(position + 1, .structuredDataMalformed) }
        if bytes.byte(at: start) == 0x5D {
            fault(start, .structuredDataMalformed)
            position = start
            return close()
        }
        let stop = bytes.endOfName(from: start)
        guard stop > start else {
            fault(start, .structuredDataMalformed)
            hasLostData = true
            return recover(from: start)
        }
        checkLength(start, stop)
        let name = Extent(start..<stop)
        guard bytes.byte(at: stop) == 0x3D else { return bareword(name, stop) }
        var quote = stop + 1
        if bytes.byte(at: quote) == 0x20 {
            fault(quote, .structuredDataMalformed)
            quote = bytes.endOfBlanks(from: quote)
        }
        guard bytes.byte(at: quote) == 0x22 else { return bareword(name, stop + 1) }
        return value(of: name, from: quote + 1)
    }

    /// The value that begins at `start`, after its quote.
    private mutating func value(of name: Extent, from start: Int) -> Attempt {
        var isASCII = true
        var stop = bytes.endOfParameterText(from: start, &isASCII)
        while let byte = bytes.byte(at: stop), byte != 0x22 {
            if byte == 0x5C {
                switch bytes.byte(at: stop + 1) {
                case 0x22, 0x5C, 0x5D: stop += 2
                default:
                    fault(stop, .escapeInvalid)
                    stop += 1
                }
            } else {
                // A raw `]` inside quotes: the quote still ends the value.
                fault(stop, .structuredDataMalformed)
                stop += 1
            }
            stop = bytes.endOfParameterText(from: stop, &isASCII)
        }
        guard bytes.byte(at: stop) == 0x22 else {
            fault(stop, .structuredDataMalformed)
            hasLostData = true
            return recover(from: start)
        }
        if !isASCII, !bytes.part(start, stop - start).isValidUTF8 { fault(start, .textRepaired) }
        position = stop + 1
        return .step(.parameter(name: name, value: Extent(start..<stop)))
    }

    /// A name without a quoted value (`[id x]`, `[id x=]`, `[id x=y]`): what stands there up to a blank or `]`.
    private mutating func bareword(_ name: Extent, _ start: Int) -> Attempt {
        fault(start, .structuredDataMalformed)
        var stop = start
        while let byte = bytes.byte(at: stop), byte != 0x20, byte != 0x5D, byte != 0x22 { stop += 1 }
        guard let after = bytes.byte(at: stop), after != 0x22 else {
            hasLostData = true
            return recover(from: stop)
        }
        position = stop
        return .step(.parameter(name: name, value: Extent(start..<stop)))
    }

    private mutating func close() -> Attempt {
        position += 1
        end = position
        isInside = false
        return .again
    }

    /// Moves behind the `]` that ends what cannot be read; without one the rest is message.
    private mutating func recover(from offset: Int) -> Attempt {
        isInside = false
        guard let bracket = bytes.firstIndex(of: 0x5D, from: offset) else {
            position = bytes.byteCount
            return .done
        }
        position = bracket + 1
        end = position
        return .again
    }

    private mutating func checkLength(_ start: Int, _ stop: Int) {
        guard stop - start > 32 else { return }
        fault(start + 32, .fieldTooLong)
        if stop - start > 255 { hasLostData = true }
    }

    /// Calls `body` with each piece of `value` that stands for itself: escapes taken out, nothing copied.
    public static func pieces(of value: RawSpan, _ body: (RawSpan) -> Void) {
        var start = 0
        var position = 0
        while let backslash = value.firstIndex(of: 0x5C, from: position) {
            switch value.byte(at: backslash + 1) {
            case 0x22, 0x5C, 0x5D:
                body(value.part(start, backslash - start))
                start = backslash + 1
                position = backslash + 2
            default: position = backslash + 1
            }
        }
        body(value.part(start, value.byteCount - start))
    }

    /// Writes `value` without its escapes to the end of `slab` and tells where it is.
    public static func unescape(_ value: RawSpan, into slab: inout Slab) -> Extent {
        let start = slab.count
        pieces(of: value) { slab.append($0) }
        return Extent(start..<slab.count)
    }
}
