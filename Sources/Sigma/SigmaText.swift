// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// A text value of a rule, read as Sigma reads it: scalars, wildcards and placeholders.
struct SigmaText: Hashable {
    /// One place of the text.
    enum Element: Hashable {
        /// A scalar that stands for itself.
        case scalar(Unicode.Scalar)
        /// Any number of scalars.
        case star
        /// Exactly one scalar.
        case question
        /// `-`, `/` or a typographic dash (`windash`).
        case dash
        /// `%name%` under `expand`.
        case placeholder(String)
    }

    var elements: [Element]

    init(elements: [Element]) { self.elements = elements }

    /// Reads `text`: a backslash escapes `*`, `?` and itself (and `%` under `expand`) and is itself elsewhere.
    init(_ text: String, expand: Bool = false) {
        let scalars = Array(text.unicodeScalars)
        var elements: [Element] = []
        elements.reserveCapacity(scalars.count)
        var index = 0
        while index < scalars.count {
            let scalar = scalars[index]
            index += 1
            switch scalar {
            case "\\":
                if index < scalars.count,
                    ["\\", "*", "?"].contains(scalars[index]) || (expand && scalars[index] == "%")
                {
                    elements.append(.scalar(scalars[index]))
                    index += 1
                } else {
                    elements.append(.scalar(scalar))
                }
            case "*": elements.append(.star)
            case "?": elements.append(.question)
            case "%" where expand:
                var end = index
                while end < scalars.count, SigmaText.isWord(scalars[end]) || scalars[end] == "-" || scalars[end] == "."
                {
                    end += 1
                }
                if end < scalars.count, end > index, scalars[end] == "%" {
                    var name = String.UnicodeScalarView()
                    name.append(contentsOf: scalars[index..<end])
                    elements.append(.placeholder(String(name)))
                    index = end + 1
                } else {
                    elements.append(.scalar(scalar))
                }
            default: elements.append(.scalar(scalar))
            }
        }
        self.elements = elements
    }

    /// A text in which every scalar stands for itself.
    init(literal text: String) { elements = text.unicodeScalars.map { .scalar($0) } }

    private static func isWord(_ scalar: Unicode.Scalar) -> Bool {
        scalar == "_" || scalar.properties.isAlphabetic || scalar.properties.numericType != nil
    }

    /// The text, when there is nothing in it but scalars.
    var literal: String? {
        var text = String.UnicodeScalarView()
        for element in elements {
            guard case .scalar(let scalar) = element else { return nil }
            text.append(scalar)
        }
        return String(text)
    }

    /// With a star before and behind it, as asked.
    func wrapped(before: Bool, behind: Bool) -> SigmaText {
        SigmaText(elements: (before ? [.star] : []) + elements + (behind ? [.star] : []))
    }

    /// `windash`: every dash or slash that starts a word (`\B[-/]\b`) becomes a class of dashes.
    var windashed: SigmaText {
        func isWord(_ index: Int) -> Bool {
            guard elements.indices.contains(index), case .scalar(let scalar) = elements[index] else { return false }
            return SigmaText.isWord(scalar)
        }
        var copy = self
        for index in elements.indices {
            guard elements[index] == .scalar("-") || elements[index] == .scalar("/") else { continue }
            if !isWord(index - 1), isWord(index + 1) { copy.elements[index] = .dash }
        }
        return copy
    }

    /// What `expand` makes of it: every combination of the placeholders' values.
    ///
    /// - Returns: nil when there are more than `limit` combinations.
    func expanded(_ values: (String) -> [String]?, limit: Int = 10_000) -> (texts: [SigmaText], unresolved: [String])? {
        var texts = [SigmaText(elements: [])]
        var unresolved: [String] = []
        for element in elements {
            guard case .placeholder(let name) = element else {
                for index in texts.indices { texts[index].elements.append(element) }
                continue
            }
            guard let found = values(name) else {
                unresolved.append(name)
                continue
            }
            guard texts.count * found.count <= limit else { return nil }
            let parsed = found.map { SigmaText($0).elements }
            texts = texts.flatMap { text in parsed.map { SigmaText(elements: text.elements + $0) } }
        }
        return (texts, unresolved)
    }
}

/// The encodings that modifiers apply to a value before it is compared.
enum ValueEncoding {
    /// UTF-16 in either byte order, with a byte order mark when asked.
    static func utf16(_ text: String, bigEndian: Bool = false, mark: Bool = false) -> [UInt8] {
        var bytes: [UInt8] = mark ? [0xFF, 0xFE] : []
        for unit in text.utf16 {
            let low = UInt8(truncatingIfNeeded: unit)
            let high = UInt8(truncatingIfNeeded: unit >> 8)
            bytes.append(contentsOf: bigEndian ? [high, low] : [low, high])
        }
        return bytes
    }

    /// RFC 4648 base64 with padding.
    static func base64(_ bytes: [UInt8]) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var text: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            var value = 0
            for offset in 0..<3 { value = value << 8 | (start + offset < bytes.count ? Int(bytes[start + offset]) : 0) }
            for digit in 0..<4 {
                text.append(digit <= group.count ? alphabet[value >> (18 - 6 * digit) & 63] : 0x3D)
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The three texts that `bytes` leave inside a longer base64 text, by their offset in it.
    static func base64Offsets(_ bytes: [UInt8]) -> [String] {
        (0..<3).map { offset in
            let text = base64(Array(repeating: 0x20, count: offset) + bytes)
            let front = [0, 2, 3][offset]
            let back = [0, 3, 2][(bytes.count + offset) % 3]
            return String(text.dropFirst(front).dropLast(back))
        }
    }
}
