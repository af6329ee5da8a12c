// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// The smallest and the largest value of a column chunk.
struct ColumnStatistics {
    /// A bound as the footer has it.
    struct Bound {
        var bytes: [UInt8]
        var isExact: Bool
    }

    private let type: ParquetType
    private var isEmpty = true
    private var integers = (low: Int64(0), high: Int64(0))
    private var doubles = (low: 0.0, high: 0.0)
    private var low: [UInt8] = []
    private var high: [UInt8] = []

    init(_ type: ParquetType) { self.type = type }

    mutating func reset() { self = ColumnStatistics(type) }

    mutating func note(_ value: Int64) {
        if isEmpty {
            integers = (value, value)
            isEmpty = false
        } else if value < integers.low {
            integers.low = value
        } else if value > integers.high {
            integers.high = value
        }
    }

    /// NaN has no place in the order of doubles and is left out (parquet.thrift, ColumnOrder).
    mutating func note(_ value: Double) {
        guard !value.isNaN else { return }
        if isEmpty {
            doubles = (value, value)
            isEmpty = false
        } else if value < doubles.low {
            doubles.low = value
        } else if value > doubles.high {
            doubles.high = value
        }
    }

    mutating func note(_ value: RawSpan) {
        guard type == .string else { return }
        if isEmpty {
            replace(&low, value)
            replace(&high, value)
            isEmpty = false
        } else if unsafe value.order(to: low.span.bytes) < 0 {
            replace(&low, value)
        } else if unsafe value.order(to: high.span.bytes) > 0 {
            replace(&high, value)
        }
    }

    private func replace(_ bound: inout [UInt8], _ value: RawSpan) {
        bound.removeAll(keepingCapacity: true)
        unsafe value.withUnsafeBytes { unsafe bound.append(contentsOf: $0) }
    }

    /// The lower bound, or nil when there is none; strings are cut to `limit` bytes, which keeps a lower bound one.
    func minimum(cutTo limit: Int) -> Bound? {
        guard !isEmpty else { return nil }
        switch type {
        case .boolean, .int32, .int64, .timestampMillis: return Bound(bytes: plain(integers.low), isExact: true)
        // Readers must take +0.0 for -0.0 in the lower bound (parquet.thrift, ColumnOrder).
        case .double: return Bound(bytes: plain(doubles.low == 0 ? -0.0 : doubles.low), isExact: true)
        case .string:
            let length = Self.cut(low, to: limit)
            return Bound(bytes: [UInt8](low[..<length]), isExact: length == low.count)
        case .json: return nil
        }
    }

    /// The upper bound, or nil when there is none; a cut string is made larger in its last character that can be.
    func maximum(cutTo limit: Int) -> Bound? {
        guard !isEmpty else { return nil }
        switch type {
        case .boolean, .int32, .int64, .timestampMillis: return Bound(bytes: plain(integers.high), isExact: true)
        case .double: return Bound(bytes: plain(doubles.high == 0 ? 0.0 : doubles.high), isExact: true)
        case .string:
            let length = Self.cut(high, to: limit)
            if length == high.count { return Bound(bytes: high, isExact: true) }
            return Self.successor(high[..<length]).map { Bound(bytes: $0, isExact: false) }
        case .json: return nil
        }
    }

    private func plain(_ value: Int64) -> [UInt8] {
        let width =
            switch type {
            case .boolean: 1
            case .int32: 4
            default: 8
            }
        return (0..<width).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    private func plain(_ value: Double) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * UInt64($0))) }
    }

    /// The length of the longest prefix of whole characters with at most `limit` bytes.
    private static func cut(_ text: [UInt8], to limit: Int) -> Int {
        guard text.count > limit else { return text.count }
        var length = max(limit, 0)
        while length > 0, text[length] & 0xC0 == 0x80 { length -= 1 }
        return length
    }

    /// A string above all strings that begin with `prefix`: its last character that has a successor
    /// gets it, what follows goes. UTF-8 orders as code points do.
    private static func successor(_ prefix: ArraySlice<UInt8>) -> [UInt8]? {
        var scalars = [Unicode.Scalar](String(decoding: prefix, as: UTF8.self).unicodeScalars)
        while let last = scalars.popLast() {
            guard last.value < 0x10_FFFF else { continue }
            let next = last.value == 0xD7FF ? 0xE000 : last.value + 1
            guard let scalar = Unicode.Scalar(next) else { continue }
            scalars.append(scalar)
            var text = String.UnicodeScalarView()
            text.append(contentsOf: scalars)
            return [UInt8](String(text).utf8)
        }
        return nil
    }
}
