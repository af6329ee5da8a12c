// SPDX-License-Identifier: Apache-2.0

/// Blocks as one HTML file that needs nothing else, and prints; whatever came from outside is text.
enum HTMLReport {
    static func text(_ blocks: [ReportBlock], title: String) -> String {
        // The policy lets a browser load and run nothing, whatever a fault of ours would let into the text.
        var text = """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
            <meta name="viewport" content="width=device-width">
            <title>\(escaped(title))</title>
            <style>
            \(style)
            </style>
            </head>
            <body>

            """
        for block in blocks {
            switch block {
            case .heading(let level, let title): text += "<h\(level)>\(escaped(title))</h\(level)>\n"
            case .paragraph(let words):
                let lines = Shown.lines(words).split(separator: "\n").map { escaped(String($0)) }
                text += "<p>\(lines.joined(separator: "<br>\n"))</p>\n"
            case .facts(let facts):
                text += "<table class=\"facts\">\n"
                for (name, value) in facts {
                    text += "<tr><th scope=\"row\">\(escaped(name))</th><td>\(inline(value))</td></tr>\n"
                }
                text += "</table>\n"
            case .table(let head, let rows):
                let names = head.map { "<th scope=\"col\">\(escaped($0))</th>" }.joined()
                text += "<table>\n<thead><tr>\(names)</tr></thead>\n<tbody>\n"
                for row in rows { text += "<tr>\(row.map { "<td>\(inline($0))</td>" }.joined())</tr>\n" }
                text += "</tbody>\n</table>\n"
            case .list(let items): text += list(items, "")
            case .checklist(let items): text += list(items, " class=\"check\"")
            }
        }
        return text + "</body>\n</html>\n"
    }

    private static func list(_ items: [ReportBlock.Cell], _ kind: String) -> String {
        "<ul\(kind)>\n\(items.map { "<li>\(inline($0))</li>\n" }.joined())</ul>\n"
    }

    private static func inline(_ cell: ReportBlock.Cell) -> String {
        if let link = cell.link { return "<a href=\"\(escaped(link))\">\(escaped(cell.text))</a>" }
        return cell.isCode ? "<code>\(escaped(cell.text))</code>" : escaped(cell.text)
    }

    /// One line of text that is fit for an element's content and for an attribute in quotes.
    static func escaped(_ text: String) -> String {
        var escaped = ""
        for scalar in Shown.line(text).unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "'": escaped += "&#39;"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    private static let style = """
        :root { color-scheme: light; }
        body { font: 10pt/1.4 system-ui, "Liberation Sans", Arial, sans-serif; color: #111; background: #fff;
          max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
        h1 { font-size: 16pt; border-bottom: 2px solid #111; padding-bottom: .3rem; }
        h2 { font-size: 12pt; margin: 1.6rem 0 .4rem; }
        h3 { font-size: 10pt; margin: 1rem 0 .3rem; }
        table { border-collapse: collapse; width: 100%; margin: .4rem 0 1rem; }
        th, td { border: 1px solid #999; padding: .2rem .4rem; text-align: left; vertical-align: top;
          overflow-wrap: anywhere; }
        thead th, .facts th { background: #eee; font-weight: 600; }
        .facts th { width: 14rem; }
        code { font: 9pt "Liberation Mono", monospace; overflow-wrap: anywhere; }
        a { color: inherit; }
        ul.check { list-style: none; padding-left: 0; }
        ul.check li { padding-left: 1.6rem; text-indent: -1.6rem; margin: .25rem 0; }
        ul.check li::before { content: "\\2610"; display: inline-block; width: 1.6rem; text-indent: 0; }
        @page { size: A4 landscape; margin: 12mm; }
        @media print {
          body { max-width: none; margin: 0; padding: 0; font-size: 8.5pt; }
          thead { display: table-header-group; }
          tr, li { break-inside: avoid; }
          h2, h3 { break-after: avoid; }
          a { text-decoration: none; }
        }
        """
}
