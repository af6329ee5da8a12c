// SPDX-License-Identifier: Apache-2.0
import Codecs
import Wire

/// The key-value and CEF cursors as they read one byte after another: slow, and what the fast ones must agree with.
enum PayloadModel {
    struct Pair: Equatable {
        var key: Extent
        var value: Extent
        var isFlag: Bool
        var isQuoted: Bool
    }

    static func pairs(_ bytes: [UInt8], _ style: KeyValue.Style) -> [Pair] {
        func at(_ index: Int) -> UInt8? { bytes.indices.contains(index) ? bytes[index] : nil }
        func separates(_ byte: UInt8) -> Bool { byte == style.separators.0 || byte == style.separators.1 }
        func trimmed(_ start: Int, _ stop: Int) -> Extent {
            var (first, last) = (start, stop)
            if style.trimsBlanks {
                while first < last, at(first) == 0x20 { first += 1 }
                while last > first, let byte = at(last - 1), [0x20, 0x0A, 0x0D].contains(byte) { last -= 1 }
            }
            return Extent(first..<last)
        }
        func endsPair(_ start: Int) -> Bool {
            var offset = start
            while let byte = at(offset), separates(byte) || byte == 0x20 { offset += 1 }
            let first = offset
            while let byte = at(offset), isAlphanumeric(byte) || byte == 0x5F || byte == 0x2D { offset += 1 }
            return offset > first && at(offset) == style.assign
        }
        func closing(_ quote: UInt8, _ start: Int) -> Int? {
            for close in bytes.indices.dropFirst(start) where bytes[close] == quote {
                let backslashes = bytes[start..<close].reversed().prefix { $0 == 0x5C }.count
                if backslashes % 2 == 0 { return close }
                if let next = at(close + 1), separates(next), endsPair(close + 1) { return close }
            }
            return nil
        }
        var result: [Pair] = []
        var position = 0
        while true {
            while let byte = at(position), separates(byte) || style.trimsBlanks && byte == 0x20 { position += 1 }
            guard position < bytes.count else { return result }
            let start = position
            var stop = start
            while let byte = at(stop), byte != style.assign, !separates(byte) { stop += 1 }
            let key = trimmed(start, stop)
            guard at(stop) == style.assign else {
                position = stop
                result.append(.init(key: key, value: .empty, isFlag: true, isQuoted: false))
                continue
            }
            var value = stop + 1
            if let quote = style.quote {
                while style.trimsBlanks, !separates(0x20), at(value) == 0x20 { value += 1 }
                if at(value) == quote, let close = closing(quote, value + 1) {
                    position = close + 1
                    let text = Extent(value + 1..<close)
                    result.append(.init(key: key, value: text, isFlag: false, isQuoted: true))
                    continue
                }
            }
            stop = value
            while let byte = at(stop), !separates(byte) { stop += 1 }
            position = stop
            result.append(.init(key: key, value: trimmed(value, stop), isFlag: false, isQuoted: false))
        }
    }

    /// The pairs of an extension.
    static func extensionPairs(_ bytes: [UInt8], separator: UInt8) -> [(key: Extent, value: Extent)] {
        var keys: [(start: Int, equals: Int)] = []
        var floor = 0
        for equals in bytes.indices where bytes[equals] == 0x3D {
            var start = equals
            while start > floor, equals - start <= 255, isKey(bytes[start - 1]) { start -= 1 }
            guard start < equals else { continue }
            if start == floor, keys.isEmpty {
                // The first key may begin the extension.
            } else if start == floor {
                continue
            } else if bytes[start - 1] != separator,
                !(separator == 0x20 && [0x09, 0x0A, 0x0D].contains(bytes[start - 1]))
            {
                continue
            }
            keys.append((start, equals))
            floor = equals + 1
        }
        return keys.indices.map { index in
            let (start, equals) = keys[index]
            let stop = index + 1 < keys.count ? max(equals + 1, keys[index + 1].start - 1) : bytes.count
            return (Extent(start..<equals), Extent(equals + 1..<stop))
        }
    }

    static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }

    private static func isKey(_ byte: UInt8) -> Bool { isAlphanumeric(byte) || Array("_-.[]".utf8).contains(byte) }
}
