// SPDX-License-Identifier: Apache-2.0

/// Blocks as Markdown (CommonMark with the tables of GitHub); whatever came from outside stays the text that it was.
enum MarkdownReport {
    static func text(_ blocks: [ReportBlock]) -> String {
        var text = ""
        for block in blocks {
            if !text.isEmpty { text += "\n" }
            switch block {
            case .heading(let level, let title):
                text += "\(String(repeating: "#", count: level)) \(escaped(title))\n"
            case .paragraph(let words):
                text += Shown.lines(words).split(separator: "\n").map { escaped(String($0)) }.joined(separator: "\\\n")
                text += "\n"
            case .facts(let facts):
                text += "| | |\n|---|---|\n"
                for (name, value) in facts { text += "| \(escaped(name)) | \(inline(value)) |\n" }
            case .table(let head, let rows):
                text += "| \(head.map(escaped).joined(separator: " | ")) |\n"
                text += "|\(String(repeating: "---|", count: head.count))\n"
                for row in rows { text += "| \(row.map(inline).joined(separator: " | ")) |\n" }
            case .list(let items):
                for item in items { text += "- \(inline(item))\n" }
            case .checklist(let items):
                for item in items { text += "- [ ] \(inline(item))\n" }
            }
        }
        return text
    }

    private static func inline(_ cell: ReportBlock.Cell) -> String {
        if let link = cell.link { return "[\(escaped(cell.text))](\(link))" }
        // A code span has no escapes: what would end it or the cell is written as text.
        if cell.isCode, !cell.text.isEmpty, !cell.text.contains(where: { "`|\\<>&".contains($0) }) {
            return "`\(Shown.line(cell.text))`"
        }
        return escaped(cell.text)
    }

    /// One line of text in which nothing is markup: no emphasis, link, picture, HTML, entity or cell.
    static func escaped(_ text: String) -> String {
        let line = Array(Shown.line(text).unicodeScalars)
        var escaped = String.UnicodeScalarView()
        func isWord(_ place: Int) -> Bool {
            line.indices.contains(place) && line[place].properties.isAlphabetic
                || line.indices.contains(place) && line[place].properties.numericType != nil
        }
        /// `1.` at the beginning would be a numbered list.
        func isNumbered(_ place: Int) -> Bool {
            place > 0 && (place + 1 == line.count || line[place + 1] == " ")
                && line[..<place].allSatisfy { ("0"..."9").contains($0) }
        }
        for (place, scalar) in line.enumerated() {
            let isMarkup: Bool =
                switch scalar {
                case "\\", "`", "*", "[", "]", "<", ">", "|", "&", "~", "#", "!", "$", "@", "^": true
                case "_": !(isWord(place - 1) && isWord(place + 1))
                // GitHub makes links of bare addresses.
                case ":": place + 1 < line.count && line[place + 1] == "/"
                case ".":
                    isNumbered(place)
                        || place >= 3
                            && String(String.UnicodeScalarView(line[place - 3..<place])).lowercased() == "www"
                case ")": isNumbered(place)
                // A line that begins so would be a list or a rule.
                case "-", "+", "=": place == 0
                default: false
                }
            if isMarkup { escaped.append("\\") }
            escaped.append(scalar)
        }
        return String(escaped)
    }
}
