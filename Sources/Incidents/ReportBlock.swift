// SPDX-License-Identifier: Apache-2.0

/// A piece of a report, before it is Markdown or HTML.
enum ReportBlock {
    /// A text in a cell or line.
    struct Cell: ExpressibleByStringInterpolation {
        /// The text, as it came.
        var text: String
        /// Whether it is for machines: a hash, an id, a name of a rule.
        var isCode = false
        /// Where it leads; never an address from outside.
        var link: String?

        init(stringLiteral text: String) { self.text = text }
        init(_ text: String) { self.text = text }

        static func code(_ text: String) -> Cell {
            var cell = Cell(text)
            cell.isCode = true
            return cell
        }

        static func link(_ text: String, _ address: String) -> Cell {
            var cell = Cell(text)
            cell.link = address
            return cell
        }

        /// A time, or a dash.
        static func time(_ moment: Moment?) -> Cell { Cell(moment.map(\.description) ?? "–") }
        /// A text, or a dash.
        static func some(_ text: String?) -> Cell { Cell(text.flatMap { $0.isEmpty ? nil : $0 } ?? "–") }
        /// Texts, one after the other, or a dash.
        static func list(_ texts: [String]) -> Cell { .some(texts.joined(separator: ", ")) }
    }

    /// A heading; level 1 is the title.
    case heading(Int, String)
    /// A paragraph.
    case paragraph(String)
    /// Names and values.
    case facts([(String, Cell)])
    /// A table with a head.
    case table([String], [[Cell]])
    /// A list.
    case list([Cell])
    /// The same, to be ticked off on paper.
    case checklist([Cell])
}
