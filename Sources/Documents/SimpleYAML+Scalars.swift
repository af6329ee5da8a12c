// SPDX-License-Identifier: Apache-2.0

extension SimpleYAML {
    // MARK: Plain texts

    /// Where the plain text at the place ends on its line, without the blanks behind it.
    func plainEnd(isInFlow: Bool) throws(Unclear) -> Int {
        switch byte(place) {
        // Indicators; a dash begins a text when something follows it, but not where a document could end.
        case 0x2D:
            guard !isEnd(byte(place + 1)), column > 0 else { throw Unclear() }
        case 0x2E:
            guard column > 0 else { throw Unclear() }
        case 0x3F, 0x3A, 0x2C, 0x5B, 0x5D, 0x7B, 0x7D, 0x23, 0x26, 0x2A, 0x21, 0x7C, 0x3E, 0x27, 0x22, 0x25, 0x40, 0x60,
            0x20, 0x0A, 0x09, 0:
            throw Unclear()
        default: break
        }
        var end = place
        var index = place
        while true {
            let next = byte(index)
            switch next {
            case 0x0A, 0: return end
            case 0x20:
                index += 1
                continue
            case 0x09: throw Unclear()
            case 0x23 where byte(index - 1) == 0x20: return end
            case 0x3A:
                let behind = byte(index + 1)
                if isEnd(behind) { return end }
                if behind == 0x09 || isInFlow && SimpleYAML.isFlowMark(behind) { throw Unclear() }
            case 0x3F where isInFlow: throw Unclear()
            case 0x2C, 0x5B, 0x5D, 0x7B, 0x7D:
                if isInFlow { return end }
            default: break
            }
            index += 1
            end = index
        }
    }

    private static func isFlowMark(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x2C, 0x3F, 0x5B, 0x5D, 0x7B, 0x7D: true
        default: false
        }
    }

    /// The plain text whose first line ends at `end`, with the lines that continue it: those that stand deeper than `indent`.
    mutating func plain(_ end: Int, _ indent: Int) throws(Unclear) -> String {
        var found = text(place..<end)
        place = end
        while true {
            let before = (place, line, lineStart)
            let breaks = skipBreaks()
            if byte(place) == 0x09 { throw Unclear() }
            // A comment ends the text; so does what stands no deeper.
            if breaks == 0 || place == bytes.count || column <= indent || byte(place) == 0x23 {
                back(to: before.0, line: before.1, lineStart: before.2)
                return found
            }
            let begin = place
            place = try continuationEnd()
            found += breaks == 1 ? " " : String(repeating: "\n", count: breaks - 1)
            found += text(begin..<place)
        }
    }

    /// Where the text at the place, which begins with any letter, ends on its line.
    private func continuationEnd() throws(Unclear) -> Int {
        var end = place
        var index = place
        while true {
            switch byte(index) {
            case 0x0A, 0: return end
            case 0x20:
                index += 1
                continue
            case 0x09: throw Unclear()
            case 0x23 where byte(index - 1) == 0x20: return end
            // No key goes over several lines.
            case 0x3A where isEnd(byte(index + 1)) || byte(index + 1) == 0x09: throw Unclear()
            default: break
            }
            index += 1
            end = index
        }
    }

    /// Goes over blanks and line breaks, and tells how many of the latter there were.
    private mutating func skipBreaks() -> Int {
        var breaks = 0
        while byte(place) == 0x20 || byte(place) == 0x0A {
            if byte(place) == 0x0A {
                newLine()
                breaks += 1
            } else {
                place += 1
            }
        }
        return breaks
    }

    // MARK: Texts in quotes

    /// The text in quotes at the place; the place is behind it then.
    mutating func quoted() throws(Unclear) -> String {
        let quote = byte(place)
        place += 1
        let begin = place
        while true {
            let next = byte(place)
            // A zero is the end of all.
            if next == 0 { throw Unclear() }
            if next == 0x0A || next == quote || next == 0x5C && quote == 0x22 { break }
            place += 1
        }
        if byte(place) == quote, quote == 0x22 || byte(place + 1) != quote {
            place += 1
            return text(begin..<place - 1)
        }
        var found = Array(bytes[begin..<place])
        while true {
            let next = byte(place)
            switch next {
            case 0: throw Unclear()
            case 0x0A: try fold(&found)
            case quote where quote == 0x27 && byte(place + 1) == quote:
                found.append(quote)
                place += 2
            case quote:
                place += 1
                return String(decoding: found, as: UTF8.self)
            case 0x5C where quote == 0x22: try escape(&found)
            default:
                found.append(next)
                place += 1
            }
        }
    }

    /// Reads a line break within quotes: blanks around it do not count, one break is a blank, more are one less.
    private mutating func fold(_ found: inout [UInt8]) throws(Unclear) {
        while let last = found.last, last == 0x20 || last == 0x09 {
            // Which blanks were written as escapes is not known any more.
            guard last == 0x20 else { throw Unclear() }
            found.removeLast()
        }
        let breaks = skipBreaks()
        // A document may end at the beginning of a line.
        guard byte(place) != 0x09, column > 0 else { throw Unclear() }
        if breaks == 1 { found.append(0x20) } else { found += repeatElement(0x0A, count: breaks - 1) }
    }

    private mutating func escape(_ found: inout [UInt8]) throws(Unclear) {
        let kind = byte(place + 1)
        place += 2
        switch kind {
        case 0x22, 0x5C, 0x2F: found.append(kind)
        case 0x6E: found.append(0x0A)
        case 0x74: found.append(0x09)
        case 0x72: found.append(0x0D)
        case 0x65: found.append(0x1B)
        case 0x78, 0x75, 0x55:
            let count = kind == 0x78 ? 2 : kind == 0x75 ? 4 : 8
            var code: UInt32 = 0
            for index in place..<place + count {
                guard let digit = Character(UnicodeScalar(byte(index))).hexDigitValue else { throw Unclear() }
                code = code << 4 | UInt32(digit)
            }
            // A written blank is one that folding leaves alone.
            guard code > 0, code != 0x20, let scalar = UnicodeScalar(code) else { throw Unclear() }
            place += count
            found += Array(String(scalar).utf8)
        default: throw Unclear()
        }
    }

    // MARK: Blocks of text

    /// The text behind `|` or `>` at the place, in a block of column `indent` (YAML 1.1 section 9.4).
    mutating func block(_ indent: Int, _ start: Place) throws(Unclear) -> Tree {
        let isLiteral = byte(place) == 0x7C
        place += 1
        let chomping = byte(place)
        if chomping == 0x2B || chomping == 0x2D { place += 1 }
        skipBlanks()
        guard byte(place) == 0x0A else { throw Unclear() }
        newLine()
        var depth = 0
        var found: [UInt8] = []
        var isBroken = false
        var wasBlank = false
        var breaks = try emptyLines(&depth, indent)
        while column == depth, place < bytes.count {
            let isBlank = byte(place) == 0x20 || byte(place) == 0x09
            if !isLiteral, isBroken, !wasBlank, !isBlank {
                if breaks == 0 { found.append(0x20) }
            } else if isBroken {
                found.append(0x0A)
            }
            found += repeatElement(0x0A, count: breaks)
            wasBlank = isBlank
            let begin = place
            while place < bytes.count, bytes[place] != 0x0A { place += 1 }
            found += bytes[begin..<place]
            isBroken = place < bytes.count
            if isBroken { newLine() }
            breaks = try emptyLines(&depth, indent)
        }
        if isBroken, chomping != 0x2D { found.append(0x0A) }
        if chomping == 0x2B { found += repeatElement(0x0A, count: breaks) }
        return Tree(.scalar(String(decoding: found, as: UTF8.self), .block), start)
    }

    /// Goes over empty lines and the blanks before the next one, at most `depth`, and tells how many they are. A depth of 0
    /// is not known yet.
    private mutating func emptyLines(_ depth: inout Int, _ indent: Int) throws(Unclear) -> Int {
        var count = 0
        var deepest = 0
        while true {
            while depth == 0 || column < depth, byte(place) == 0x20 { place += 1 }
            deepest = max(deepest, column)
            if depth == 0 || column < depth, byte(place) == 0x09 { throw Unclear() }
            guard byte(place) == 0x0A else { break }
            newLine()
            count += 1
        }
        if depth == 0 { depth = max(deepest, indent + 1, 1) }
        return count
    }
}
