// SPDX-License-Identifier: Apache-2.0

/// Reads the YAML that people write, one document of blocks, flows, quotes and anchors, at a tenth of the full parser's cost.
///
/// What it reads it reads as the full parser does, places included; a text that has anything else in it, faults above all,
/// is not for it (``Unclear``), and goes to the full parser as a whole.
struct SimpleYAML {
    /// The text is for the full parser.
    struct Unclear: Error {}

    /// Where a node begins, from 1, in characters.
    struct Place {
        var line: Int
        var column: Int
    }

    /// The most collections around a node.
    private static let mostLevels = 64
    /// The most bytes of a key; the full parser takes 1024 characters.
    private static let longestKey = 1000

    let bytes: UnsafeBufferPointer<UInt8>
    let isASCII: Bool
    var place = 0
    private(set) var line = 1
    private(set) var lineStart = 0
    /// A place and the characters before it on its line.
    private var counted = (place: 0, columns: 0)
    private var level = 0
    private var anchors: [String: Tree] = [:]
    /// Hashes of the keys of the mappings under work, the innermost one's last.
    private var keys: [UInt64] = []

    private init(_ bytes: UnsafeBufferPointer<UInt8>, isASCII: Bool) {
        self.bytes = bytes
        self.isASCII = isASCII
    }

    /// The root of the one document of a text, or nil when the text is for the full parser.
    static func document(_ text: String) -> Tree? {
        var text = text
        return text.withUTF8 { bytes in
            guard let isASCII = survey(bytes) else { return nil }
            var reader = SimpleYAML(bytes, isASCII: isASCII)
            return try? reader.document()
        }
    }

    /// Whether a text is ASCII; nil when it has characters that the full parser refuses or takes for line breaks.
    private static func survey(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool? {
        var isASCII = true
        var index = 0
        while index < bytes.count {
            if index &+ 8 <= bytes.count {
                // Eight at a time where all are plain: none has its high bit, is below a blank, or is DEL.
                let word = UnsafeRawBufferPointer(bytes).loadUnaligned(fromByteOffset: index, as: UInt64.self)
                let low = word &- 0x2020_2020_2020_2020
                let high = word &+ 0x0101_0101_0101_0101
                if (word | low | high) & 0x8080_8080_8080_8080 == 0 {
                    index &+= 8
                    continue
                }
            }
            let byte = bytes[index]
            defer { index &+= 1 }
            if byte >= 0x20, byte < 0x7F { continue }
            switch byte {
            case 0x0A, 0x09: break
            case 0x00...0x1F, 0x7F: return nil
            // C1 controls with NEL, LS and PS, the byte order mark and what is no character.
            case 0xC2 where index + 1 < bytes.count && bytes[index + 1] < 0xA0: return nil
            case 0xE2
            where index + 2 < bytes.count && bytes[index + 1] == 0x80 && bytes[index + 2] & 0xFE == 0xA8:
                return nil
            case 0xEF where index + 1 < bytes.count && bytes[index + 1] >= 0xBB: return nil
            default: isASCII = false
            }
        }
        return isASCII
    }

    // MARK: Bytes

    /// The byte at a place; 0 behind the end (a text with zeros is not read).
    @inline(__always)
    func byte(_ place: Int) -> UInt8 { place < bytes.count ? bytes[place] : 0 }

    @inline(__always)
    func isEnd(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0A || byte == 0 }

    /// The column of the place in bytes, from 0. What stands before a block is ASCII.
    var column: Int { place - lineStart }

    /// Where the place is, for people.
    var here: Place {
        mutating get {
            guard !isASCII else { return Place(line: line, column: column + 1) }
            // From where it was asked for last, so that a long line is not counted again and again.
            if counted.place < lineStart || counted.place > place { counted = (lineStart, 0) }
            counted.columns += bytes[counted.place..<place].count { $0 & 0xC0 != 0x80 }
            counted.place = place
            return Place(line: line, column: counted.columns + 1)
        }
    }

    func text(_ range: Range<Int>) -> String {
        String(decoding: UnsafeBufferPointer(rebasing: bytes[range]), as: UTF8.self)
    }

    /// Goes to the next line; `place` is at a line feed.
    mutating func newLine() {
        place += 1
        line += 1
        lineStart = place
    }

    /// Goes back to a place on a line.
    mutating func back(to place: Int, line: Int, lineStart: Int) {
        (self.place, self.line, self.lineStart) = (place, line, lineStart)
    }

    mutating func skipBlanks() {
        while byte(place) == 0x20 { place += 1 }
    }

    /// Goes to the next token, over blanks, lines and comments.
    mutating func skip() throws(Unclear) {
        while true {
            switch byte(place) {
            case 0x20: place += 1
            case 0x0A: newLine()
            case 0x09: throw Unclear()
            case 0x23:
                guard place == lineStart || byte(place - 1) == 0x20 else { throw Unclear() }
                while place < bytes.count, bytes[place] != 0x0A { place += 1 }
            default: return
            }
        }
    }

    /// Whether nothing but a comment stands on the rest of the line.
    private mutating func isLineOver() -> Bool {
        skipBlanks()
        let next = byte(place)
        return next == 0x0A || next == 0 || next == 0x23 && byte(place - 1) == 0x20
    }

    // MARK: Blocks

    private mutating func document() throws(Unclear) -> Tree {
        try skip()
        guard place < bytes.count else { throw Unclear() }
        let root = try node(-1, isInline: false)
        if case .scalar = root.content { throw Unclear() }
        try skip()
        guard place == bytes.count else { throw Unclear() }
        return root
    }

    /// The node at the place, in a block of column `indent`. `isInline`: behind its key, where no block begins. `start`: where
    /// its anchor stands.
    private mutating func node(_ indent: Int, isInline: Bool, start: Place? = nil) throws(Unclear) -> Tree {
        level += 1
        defer { level -= 1 }
        guard level < SimpleYAML.mostLevels else { throw Unclear() }
        switch byte(place) {
        case 0x5B, 0x7B:
            let tree = try flow(start)
            guard isLineOver() else { throw Unclear() }
            return tree
        case 0x7C, 0x3E: return try block(indent, start ?? here)
        case 0x26:
            guard start == nil else { throw Unclear() }
            return try anchored(indent, isInline)
        case 0x2A:
            guard start == nil, let tree = alias() else { throw Unclear() }
            guard isLineOver() else { throw Unclear() }
            return tree
        case 0x2D where isEnd(byte(place + 1)):
            guard !isInline else { throw Unclear() }
            return try sequence(column, isIndented: true, start)
        case 0x22, 0x27:
            let (begin, at, quote) = (place, start ?? here, byte(place))
            let found = try quoted()
            if isLineOver() { return scalar(found, quote == 0x22 ? .doubleQuoted : .singleQuoted, at) }
            guard !isInline, byte(place) == 0x3A else { throw Unclear() }
            place = begin
            return try mapping(column, start)
        default:
            let end = try plainEnd(isInFlow: false)
            var next = end
            while byte(next) == 0x20 { next += 1 }
            if byte(next) == 0x3A {
                guard !isInline else { throw Unclear() }
                return try mapping(column, start)
            }
            let at = start ?? here
            return scalar(try plain(end, indent), .plain, at)
        }
    }

    /// What stands behind a key or a dash at the place: on its line, below it, or nothing.
    private mutating func value(_ indent: Int, isInline: Bool, start: Place? = nil) throws(Unclear) -> Tree {
        let at = here
        guard isLineOver() else { return try node(indent, isInline: isInline, start: start) }
        try skip()
        if place < bytes.count {
            if column > indent { return try node(indent, isInline: false, start: start) }
            // A sequence as a member's value may stand at the mapping's own column.
            if isInline, column == indent, byte(place) == 0x2D, isEnd(byte(place + 1)) {
                return try sequence(indent, isIndented: false, start)
            }
        }
        guard start == nil else { throw Unclear() }
        return scalar("", .plain, at)
    }

    private mutating func mapping(_ indent: Int, _ start: Place?) throws(Unclear) -> Tree {
        let at = start ?? here
        var members: [(key: Tree, value: Tree)] = []
        let first = keys.count
        repeat {
            let key = try key(isInFlow: false)
            guard isEnd(byte(place)) else { throw Unclear() }
            members.append((key, try value(indent, isInline: true)))
            try skip()
        } while place < bytes.count && column == indent
        guard place == bytes.count || column < indent, areDifferent(from: first) else { throw Unclear() }
        return Tree(.mapping(members), at)
    }

    private mutating func sequence(_ indent: Int, isIndented: Bool, _ start: Place?) throws(Unclear) -> Tree {
        let at = start ?? here
        var items: [Tree] = []
        repeat {
            place += 1
            items.append(try entry(indent))
            try skip()
        } while place < bytes.count && column == indent && byte(place) == 0x2D && isEnd(byte(place + 1))
        guard place == bytes.count || column < indent || !isIndented && column == indent else { throw Unclear() }
        return Tree(.sequence(items), at)
    }

    /// What stands behind a dash.
    private mutating func entry(_ indent: Int) throws(Unclear) -> Tree {
        let at = here
        guard isLineOver() else { return try node(indent, isInline: false) }
        try skip()
        if place < bytes.count, column > indent { return try node(indent, isInline: false) }
        return scalar("", .plain, at)
    }

    private func scalar(_ text: String, _ style: Tree.Style, _ at: Place) -> Tree { Tree(.scalar(text, style), at) }

    // MARK: Anchors

    /// The name behind `&` or `*`, which must be plain; the place is behind it then.
    private mutating func name() -> String? {
        let begin = place + 1
        place = begin
        while true {
            let next = byte(place)
            guard (0x30...0x39).contains(next) || (0x61...0x7A).contains(next | 0x20) || next == 0x5F || next == 0x2D
            else { break }
            place += 1
        }
        return place > begin ? text(begin..<place) : nil
    }

    private mutating func anchored(_ indent: Int, _ isInline: Bool) throws(Unclear) -> Tree {
        let start = here
        guard let name = name(), isEnd(byte(place)) else { throw Unclear() }
        let tree: Tree
        if isLineOver() {
            tree = try value(indent, isInline: isInline, start: start)
        } else {
            tree = try node(indent, isInline: true, start: start)
        }
        anchors[name] = tree
        return tree
    }

    private mutating func alias() -> Tree? {
        guard let name = name(), let tree = anchors[name] else { return nil }
        let next = byte(place)
        return isEnd(next) || next == 0x2C || next == 0x5D || next == 0x7D ? tree : nil
    }

    // MARK: Flows

    /// The flow collection at the place, which may go over several lines.
    private mutating func flow(_ start: Place? = nil) throws(Unclear) -> Tree {
        let at = start ?? here
        let isMapping = byte(place) == 0x7B
        let close: UInt8 = isMapping ? 0x7D : 0x5D
        var items: [Tree] = []
        var members: [(key: Tree, value: Tree)] = []
        let first = keys.count
        place += 1
        try skip()
        while byte(place) != close || !items.isEmpty || !members.isEmpty {
            if isMapping {
                let isQuoted = byte(place) == 0x22 || byte(place) == 0x27
                let key = try key(isInFlow: true)
                guard isQuoted || isEnd(byte(place)) else { throw Unclear() }
                try skip()
                members.append((key, try flowNode()))
            } else {
                items.append(try flowNode())
            }
            try skip()
            if byte(place) == close { break }
            guard byte(place) == 0x2C else { throw Unclear() }
            place += 1
            try skip()
        }
        place += 1
        guard areDifferent(from: first) else { throw Unclear() }
        return Tree(isMapping ? .mapping(members) : .sequence(items), at)
    }

    /// The node at the place within a flow. `start`: where its anchor stands.
    private mutating func flowNode(_ start: Place? = nil) throws(Unclear) -> Tree {
        level += 1
        defer { level -= 1 }
        // A document may end at the beginning of a line.
        guard level < SimpleYAML.mostLevels, column > 0 else { throw Unclear() }
        let at = start ?? here
        switch byte(place) {
        case 0x5B, 0x7B: return try flow(start)
        case 0x26:
            guard start == nil, let name = name(), byte(place) == 0x20 else { throw Unclear() }
            skipBlanks()
            let tree = try flowNode(at)
            anchors[name] = tree
            return tree
        case 0x2A:
            guard start == nil, let tree = alias() else { throw Unclear() }
            return tree
        case 0x22: return scalar(try quoted(), .doubleQuoted, at)
        case 0x27: return scalar(try quoted(), .singleQuoted, at)
        default:
            let begin = place
            place = try plainEnd(isInFlow: true)
            return scalar(text(begin..<place), .plain, at)
        }
    }

    // MARK: Keys

    /// The key at the place; the place is behind its colon then.
    private mutating func key(isInFlow: Bool) throws(Unclear) -> Tree {
        let (begin, line, at) = (place, line, here)
        let found: String
        var style = Tree.Style.plain
        if byte(place) == 0x22 || byte(place) == 0x27 {
            style = byte(place) == 0x22 ? .doubleQuoted : .singleQuoted
            found = try quoted()
        } else {
            // A document may end at the beginning of a line.
            guard !isInFlow || column > 0 else { throw Unclear() }
            place = try plainEnd(isInFlow: isInFlow)
            found = text(begin..<place)
            // "<<" takes over another mapping's members.
            if found == "<<" { throw Unclear() }
        }
        skipBlanks()
        guard line == self.line, byte(place) == 0x3A, place - begin < SimpleYAML.longestKey else { throw Unclear() }
        place += 1
        note(found)
        return scalar(found, style, at)
    }

    /// Notes the key of a mapping under work. Two that are alike are a fault, which the full parser tells.
    private mutating func note(_ key: String) {
        var key = key
        var hash: UInt64 = 0
        key.withUTF8 { bytes in
            var index = 0
            var word: UInt64 = 0
            while index < bytes.count {
                word = word << 8 | UInt64(bytes[index])
                index += 1
                if index & 7 == 0 || index == bytes.count {
                    let product = (hash ^ word).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
                    hash = product.high ^ product.low &+ UInt64(index)
                    word = 0
                }
            }
        }
        keys.append(hash)
    }

    /// Whether the keys from number `first` on, which are those of one mapping, are surely different; they are forgotten.
    private mutating func areDifferent(from first: Int) -> Bool {
        defer { keys.removeSubrange(first...) }
        guard keys.count - first > 8 else {
            for index in keys.indices.dropFirst(first) {
                for other in first..<index where keys[other] == keys[index] { return false }
            }
            return true
        }
        return Set(keys[first...]).count == keys.count - first
    }
}
