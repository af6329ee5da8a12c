// SPDX-License-Identifier: Apache-2.0
internal import Patterns
internal import Wire

/// A numeric comparison.
public enum Comparison: String, Sendable, Hashable, CaseIterable {
    /// Less than.
    case lt
    /// At most.
    case lte
    /// Greater than.
    case gt
    /// At least.
    case gte
    /// Equal to.
    case eq
    /// Not equal to.
    case neq

    /// Whether `value` compares to `bound` like this.
    public func holds<Value: Comparable>(_ value: Value, _ bound: Value) -> Bool {
        switch self {
        case .lt: value < bound
        case .lte: value <= bound
        case .gt: value > bound
        case .gte: value >= bound
        case .eq: value == bound
        case .neq: value != bound
        }
    }
}

/// A regular expression, equal to another one of the same text and options.
final class Expression: Hashable, Sendable {
    let source: String
    let options: Int
    let pattern: Pattern

    init(_ source: String, _ options: Pattern.Options) throws(Pattern.Failure) {
        self.source = source
        self.options = options.rawValue
        self.pattern = try Pattern(source, options: options)
    }

    static func == (first: Expression, second: Expression) -> Bool {
        first.source == second.source && first.options == second.options
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(source)
        hasher.combine(options)
    }
}

/// What one item of a selection asks of a field's values.
enum Test: Hashable, Sendable {
    /// A text with wildcards; folded unless cased.
    case text(TextMatcher, cased: Bool)
    /// A regular expression somewhere in the value.
    case regex(Expression)
    /// A number compared with the value.
    case compare(Comparison, Double)
    /// A network that holds the address.
    case network(IPNetwork)
    /// A part of a date compared with a number.
    case timePart(TimePart, Comparison, Double)
    /// The value of another field, as a whole or at one side.
    case reference(slot: Int, startsWith: Bool, endsWith: Bool, cased: Bool)
    /// The field is there, whatever its value.
    case exists
    /// The field is absent or null.
    case null
}

/// Text forms of numbers, so that `4625`, `"4625"` and `4625.0` are one value.
enum NumberText {
    /// The text form of a finite number.
    static func text(_ value: Double) -> String {
        if value == value.rounded(), abs(value) < 9.0e15 { return String(Int64(value)) }
        return String(value)
    }

    /// The text form of a JSON number.
    static func text(json: RawSpan) -> String {
        let text = json.text
        if let whole = Int64(text) { return String(whole) }
        return Double(text).map(self.text) ?? text
    }

    /// The number that a rule's plain scalar is, in its text form, or nil when it is not one.
    static func text(plain: String) -> String? {
        var digits = plain.utf8.first == 0x2D ? plain.dropFirst() : plain[...]
        guard let first = digits.utf8.first, first >= 0x30, first <= 0x39 else { return nil }
        let whole = digits.prefix { $0.isASCII && $0.isNumber }
        guard whole == "0" || !whole.hasPrefix("0") else { return nil }
        digits = digits.dropFirst(whole.count)
        if digits.isEmpty { return Int64(plain).map { String($0) } ?? plain }
        guard digits.first == ".", digits.count > 1, digits.dropFirst().allSatisfy({ $0.isASCII && $0.isNumber }) else {
            return nil
        }
        return Double(plain).map(text)
    }

    /// The number that `bytes` are: decimal digits with sign, fraction and exponent, nothing else.
    static func value(_ bytes: RawSpan) -> Double? {
        guard bytes.byteCount > 0, bytes.byteCount <= 64 else { return nil }
        for index in 0..<bytes.byteCount {
            switch bytes.byte(at: index) ?? 0 {
            case 0x30...0x39, 0x2B, 0x2D, 0x2E, 0x45, 0x65: continue
            default: return nil
            }
        }
        guard let value = Double(bytes.text), value.isFinite else { return nil }
        return value
    }
}
