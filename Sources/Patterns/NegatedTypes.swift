// SPDX-License-Identifier: Apache-2.0

/// The machine code of PCRE2 10.42 for `\D`, `\S` and `\W` takes no character beyond ASCII where a text may be invalid UTF-8
/// (PCRE2_MATCH_INVALID_UTF): `^\S+$` would not match "é". As the only member of a class, where they mean the same, they do.
enum NegatedTypes {
    /// An expression with each of them outside of classes put into one.
    static func inClasses(_ expression: [UInt8]) -> [UInt8] {
        guard mayHave(expression) else { return expression }
        var result: [UInt8] = []
        result.reserveCapacity(expression.count)
        var index = 0
        func byte(_ place: Int) -> UInt8 { place < expression.count ? expression[place] : 0 }
        /// Takes bytes over as they are.
        func copy(_ end: Int) {
            let end = min(max(end, index), expression.count)
            result += expression[index..<end]
            index = end
        }
        while index < expression.count {
            switch (expression[index], byte(index + 1)) {
            case (0x5C, 0x51): copy(NegatedTypes.endOfQuote(expression, index))
            case (0x5C, 0x44), (0x5C, 0x53), (0x5C, 0x57):
                result += [0x5B, 0x5C, byte(index + 1), 0x5D]
                index += 2
            // The character of a control code stands behind `\c`.
            case (0x5C, 0x63): copy(index + 3)
            case (0x5C, _): copy(index + 2)
            case (0x5B, _): copy(NegatedTypes.endOfClass(expression, index))
            default:
                var end = index + 1
                while end < expression.count, expression[end] != 0x5C, expression[end] != 0x5B { end += 1 }
                copy(end)
            }
        }
        return result
    }

    /// Whether the letters of one stand somewhere.
    private static func mayHave(_ expression: [UInt8]) -> Bool {
        var wasBackslash = false
        for byte in expression {
            if wasBackslash, byte == 0x44 || byte == 0x53 || byte == 0x57 { return true }
            wasBackslash = byte == 0x5C
        }
        return false
    }

    /// Behind the `\E` of the `\Q` at `start`.
    private static func endOfQuote(_ expression: [UInt8], _ start: Int) -> Int {
        var index = start + 2
        while index < expression.count {
            if expression[index] == 0x5C, index + 1 < expression.count, expression[index + 1] == 0x45 {
                return index + 2
            }
            index += 1
        }
        return index
    }

    /// Behind the bracket that ends the class which begins at `start`.
    private static func endOfClass(_ expression: [UInt8], _ start: Int) -> Int {
        var index = start + 1
        func byte(_ place: Int) -> UInt8 { place < expression.count ? expression[place] : 0 }
        if byte(index) == 0x5E { index += 1 }
        // A bracket that stands first belongs to the class.
        if byte(index) == 0x5D { index += 1 }
        while index < expression.count {
            switch (expression[index], byte(index + 1)) {
            case (0x5D, _): return index + 1
            case (0x5C, 0x51): index = endOfQuote(expression, index)
            case (0x5C, 0x63): index += 3
            case (0x5C, _): index += 2
            case (0x5B, 0x3A), (0x5B, 0x2E), (0x5B, 0x3D): index = endOfPOSIX(expression, index) ?? index + 1
            default: index += 1
            }
        }
        return index
    }

    /// Behind `[:alpha:]`, `[.x.]` or `[=x=]`; nil when what begins like one is none (pcre2pattern, POSIX character classes).
    private static func endOfPOSIX(_ expression: [UInt8], _ start: Int) -> Int? {
        let mark = expression[start + 1]
        var index = start + 2
        while index + 1 < expression.count {
            if expression[index] == 0x5C || expression[index] == 0x5D || expression[index] == 0x5B { return nil }
            if expression[index] == mark, expression[index + 1] == 0x5D { return index + 2 }
            index += 1
        }
        return nil
    }
}
