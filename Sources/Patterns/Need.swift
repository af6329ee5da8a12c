// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// A text that every match of an expression holds, whatever else is in it.
///
/// Of the expressions of a product most do not match a line, and most of these lack such a text: to look for its rarest
/// byte costs some ten instructions, to run the matcher over the line more than a thousand.
struct Need: Sendable, Equatable {
    /// The shortest text that is worth looking for.
    private static let shortest = 3

    /// The text; none when nothing is known.
    private(set) var text: [UInt8] = []
    /// The rarest of its bytes.
    private var rarest = 0

    /// What `expression` (PCRE2 syntax, not caseless) needs; nothing where that is not plain.
    init(_ expression: [UInt8]) {
        guard let runs = Need.runs(expression) else { return }
        let best = runs.filter { $0.count >= Need.shortest }.max { Need.worth($0) < Need.worth($1) }
        guard let best else { return }
        text = best
        rarest = best.indices.max { Need.rarity(best[$0]) < Need.rarity(best[$1]) } ?? 0
    }

    /// Whether a text may match.
    @inline(__always)
    func admits(_ bytes: UnsafeRawBufferPointer) -> Bool { text.isEmpty || holds(bytes) }

    @inline(never)
    private func holds(_ bytes: UnsafeRawBufferPointer) -> Bool {
        text.withUnsafeBytes { text in
            guard let base = bytes.baseAddress, let wanted = text.baseAddress, bytes.count >= text.count else {
                return false
            }
            // Where the rarest byte may stand.
            var from = base + rarest
            let end = base + (bytes.count - text.count + rarest + 1)
            while from < end, let hit = memchr(from, Int32(text[rarest]), end - from) {
                let place = UnsafeRawPointer(hit)
                if memcmp(place - rarest, wanted, text.count) == 0 { return true }
                from = place + 1
            }
            return false
        }
    }

    /// The runs of letters that stand for themselves at the top of an expression, outside of groups; nil when there is
    /// something in it that would have to be understood first.
    private static func runs(_ expression: [UInt8]) -> [[UInt8]]? {
        var runs: [[UInt8]] = []
        var run: [UInt8] = []
        var index = 0
        func end() {
            runs.append(run)
            run = []
        }
        while index < expression.count {
            let byte = expression[index]
            switch byte {
            case 0x5C:
                guard index + 1 < expression.count else { return nil }
                let next = expression[index + 1]
                index += 2
                if next > 0x20, next < 0x7F, !isLetterOrDigit(next) {
                    run.append(next)
                } else if "dDsSwWbBAzZhHvVRnrtf".utf8.contains(next) {
                    end()
                } else {
                    return nil
                }
            case 0x5B:
                guard let next = endOfClass(expression, index) else { return nil }
                index = next
                end()
            case 0x28:
                guard let next = endOfGroup(expression, index) else { return nil }
                index = next
                end()
            case 0x7C, 0x29: return nil
            case 0x2E, 0x5E, 0x24:
                index += 1
                end()
            case 0x3F, 0x2A, 0x2B, 0x7B:
                // Of what stands before it there may be none, or more than one.
                if byte != 0x2B, !run.isEmpty { run.removeLast() }
                end()
                guard let next = endOfQuantifier(expression, index) else { return nil }
                index = next
            case 0x20..<0x7F:
                run.append(byte)
                index += 1
            default: return nil
            }
        }
        end()
        return runs
    }

    /// Behind a quantifier with its `?` or `+`.
    private static func endOfQuantifier(_ expression: [UInt8], _ start: Int) -> Int? {
        var index = start + 1
        if expression[start] == 0x7B {
            // What is no count is a brace that stands for itself, and is not looked into.
            while index < expression.count, expression[index] != 0x7D {
                guard expression[index] == 0x2C || (0x30...0x39).contains(expression[index]) else { return nil }
                index += 1
            }
            guard index < expression.count, index > start + 1 else { return nil }
            index += 1
        }
        if index < expression.count, expression[index] == 0x3F || expression[index] == 0x2B { index += 1 }
        return index
    }

    /// Behind the class that begins at `start`.
    private static func endOfClass(_ expression: [UInt8], _ start: Int) -> Int? {
        var index = start + 1
        if index < expression.count, expression[index] == 0x5E { index += 1 }
        // A "]" that stands first belongs to it.
        if index < expression.count, expression[index] == 0x5D { index += 1 }
        while index < expression.count {
            switch expression[index] {
            case 0x5D: return index + 1
            case 0x5C:
                // In a class \Q and \E quote too.
                guard index + 1 < expression.count, expression[index + 1] != 0x51 else { return nil }
                index += 2
            case 0x5B where index + 1 < expression.count && [0x3A, 0x2E, 0x3D].contains(expression[index + 1]):
                // A POSIX class has brackets of its own.
                guard let close = expression[index...].firstIndex(of: 0x5D) else { return nil }
                index = close + 1
            default: index += 1
            }
        }
        return nil
    }

    /// Behind the group that begins at `start`; nil for what changes how the rest is read (`(?i)`, `(?x)`, `(*…)`, comments).
    private static func endOfGroup(_ expression: [UInt8], _ start: Int) -> Int? {
        var depth = 0
        var index = start
        while index < expression.count {
            switch expression[index] {
            case 0x5C:
                guard index + 1 < expression.count, expression[index + 1] != 0x51 else { return nil }
                index += 2
                continue
            case 0x5B:
                guard let next = endOfClass(expression, index) else { return nil }
                index = next
                continue
            case 0x28:
                depth += 1
                guard isPlainGroup(expression, index) else { return nil }
            case 0x29:
                depth -= 1
                if depth == 0 { return index + 1 }
            default: break
            }
            index += 1
        }
        return nil
    }

    /// Whether a group is one of those that set nothing: `(`, `(?:`, `(?>`, `(?|`, a look around, or one with a name.
    private static func isPlainGroup(_ expression: [UInt8], _ start: Int) -> Bool {
        let head = Array(expression[start...].prefix(4))
        guard head.count > 1 else { return false }
        if head[1] == 0x2A { return false }
        guard head[1] == 0x3F else { return true }
        guard head.count > 2 else { return false }
        return [0x3A, 0x3E, 0x7C, 0x3D, 0x21, 0x3C].contains(head[2])
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20)
    }

    private static func worth(_ run: [UInt8]) -> Int { (run.map(rarity).max() ?? 0) * 4 + min(run.count, 8) }

    /// How rare a byte is in logs, roughly.
    private static func rarity(_ byte: UInt8) -> Int {
        switch byte {
        case 0x65, 0x74, 0x61, 0x69, 0x6E, 0x6F, 0x73, 0x72, 0x30...0x39, 0x20, 0x22, 0x2E, 0x2C, 0x3A: 1
        case 0x64, 0x6C, 0x63, 0x75, 0x6D, 0x70, 0x2D, 0x2F, 0x3D: 2
        case 0x6B, 0x78, 0x6A, 0x71, 0x7A: 5
        case 0x61...0x7A, 0x28, 0x29, 0x5B, 0x5D, 0x5F, 0x7C: 3
        case 0x41...0x5A: 4
        default: 6
        }
    }
}
