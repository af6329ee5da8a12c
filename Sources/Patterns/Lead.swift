// SPDX-License-Identifier: Apache-2.0

/// The letters that every match of an anchored expression begins with, after blanks where `^\s*` allows them.
///
/// A list of expressions is tried one by one until one matches; to start the matcher for each costs some hundred
/// instructions, to look at its first letters ten.
struct Lead: Sendable, Equatable {
    /// Up to eight bytes, the first one lowest.
    private(set) var word: UInt64 = 0
    /// How many of them count; 0: anything may match.
    private(set) var count = 0
    private(set) var skipsBlanks = false

    /// What `expression` (PCRE2 syntax, neither caseless nor multiline) begins with; nothing when that is not plain.
    init(_ expression: [UInt8]) {
        guard expression.first == 0x5E, Lead.isOneBranch(expression) else { return }
        var index = 1
        if expression.dropFirst(index).starts(with: Array("\\s*".utf8)) {
            index += 3
            // A possessive or lazy star is none the less any number of blanks.
            if index < expression.count, [0x2B, 0x3F].contains(expression[index]) { index += 1 }
            skipsBlanks = true
        }
        var text: [UInt8] = []
        while index < expression.count, text.count < 8, let (byte, next) = Lead.literal(expression, index) {
            let quantifier = next < expression.count ? expression[next] : 0
            // "x?", "x*" and "x{0,2}" need no x; "x+" needs one, and says nothing of what follows.
            if [0x3F, 0x2A, 0x7B].contains(quantifier) { break }
            text.append(byte)
            if quantifier == 0x2B { break }
            index = next
        }
        guard let first = text.first, !(skipsBlanks && Lead.isBlank(first)) else {
            skipsBlanks = false
            return
        }
        count = text.count
        for (place, byte) in text.enumerated() { word |= UInt64(byte) << UInt64(8 * place) }
    }

    /// Whether a text may match.
    @inline(__always)
    func admits(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard count > 0 else { return true }
        var start = 0
        if skipsBlanks {
            while start < bytes.count, Lead.isBlank(bytes[start]) { start &+= 1 }
        }
        guard start &+ count <= bytes.count else { return false }
        var found: UInt64 = 0
        if start &+ 8 <= bytes.count {
            found = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: start, as: UInt64.self))
            if count < 8 { found &= (1 &<< UInt64(8 &* count)) &- 1 }
        } else {
            for place in 0..<count { found |= UInt64(bytes[start &+ place]) &<< UInt64(8 &* place) }
        }
        return found == word
    }

    /// PCRE2's `\s` without UCP.
    @inline(__always)
    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte >= 0x09 && byte <= 0x0D }

    /// The letter at `index` that stands for itself, and where the expression goes on.
    private static func literal(_ expression: [UInt8], _ index: Int) -> (UInt8, Int)? {
        let byte = expression[index]
        if byte == 0x5C {
            guard index + 1 < expression.count else { return nil }
            let next = expression[index + 1]
            // A backslash before a letter, a digit or a byte beyond ASCII means something else.
            let isPunctuation = next > 0x20 && next < 0x7F && !isLetterOrDigit(next)
            return isPunctuation ? (next, index + 2) : nil
        }
        guard byte >= 0x20, byte < 0x7F, !".[]()|?*+{}^$".utf8.contains(byte) else { return nil }
        return (byte, index + 1)
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20)
    }

    /// Whether the expression surely has no alternatives at its top. "Surely": not with quoting or free spacing, which
    /// would have to be understood first.
    private static func isOneBranch(_ expression: [UInt8]) -> Bool {
        var depth = 0
        var index = 0
        while index < expression.count {
            switch expression[index] {
            case 0x5C:
                if index + 1 < expression.count, expression[index + 1] == 0x51 { return false }
                index += 1
            case 0x5B:
                // A "]" that stands first in a class belongs to it.
                index += 1
                if index < expression.count, expression[index] == 0x5E { index += 1 }
                if index < expression.count, expression[index] == 0x5D { index += 1 }
                while index < expression.count, expression[index] != 0x5D {
                    if expression[index] == 0x5C {
                        index += 1
                    } else if expression.dropFirst(index).starts(with: [0x5B, 0x3A]) {
                        // A POSIX class has brackets of its own.
                        while index < expression.count, expression[index] != 0x5D { index += 1 }
                    }
                    index += 1
                }
            case 0x28:
                depth += 1
                if setsFreeSpacing(expression, index) { return false }
            case 0x29: depth -= 1
            case 0x7C where depth == 0: return false
            default: break
            }
            index += 1
        }
        return depth == 0
    }

    /// Whether "(?…" at `index` sets options with an x among them, or is a comment.
    private static func setsFreeSpacing(_ expression: [UInt8], _ index: Int) -> Bool {
        guard expression.dropFirst(index).starts(with: [0x28, 0x3F]) else { return false }
        var place = index + 2
        if place < expression.count, expression[place] == 0x23 { return true }
        while place < expression.count, isLetterOrDigit(expression[place]) || [0x5E, 0x2D].contains(expression[place]) {
            if expression[place] == 0x78 { return true }
            place += 1
        }
        return false
    }
}
