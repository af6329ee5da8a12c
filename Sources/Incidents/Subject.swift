// SPDX-License-Identifier: Apache-2.0

/// The one-line subject of a notification, as SNS takes it: fewer than 100 characters, none of them a control character.
public enum IncidentSubject {
    /// SNS refuses 100 and more.
    public static let limit = 99

    /// `[HIGH] OT Incident INC-3F2A9C1B – 3 Detection(s) | Techniques: T0855, T0846, T0886`.
    ///
    /// Techniques come by first appearance. Those that do not fit are left off whole, since a cut id would name another
    /// technique; only what is too long by itself is cut, at a character's end. Length is counted in UTF-16 units, which
    /// is never less than what any receiver counts.
    public static func text(
        severity: IncidentSeverity, id: String, detections: Int, techniques: [String]
    ) -> String {
        let head = clean("[\(severity.rawValue)] OT Incident \(id) – \(detections) Detection(s) | Techniques: ")
        guard !techniques.isEmpty else { return cut(head + "none") }
        var text = head
        for (number, technique) in techniques.enumerated() {
            let next = text + (number == 0 ? "" : ", ") + clean(technique)
            if next.utf16.count > limit {
                return number == 0 ? cut(next) : text
            }
            text = next
        }
        return text
    }

    private static func clean(_ text: String) -> String {
        var clean = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .lineSeparator, .paragraphSeparator, .surrogate: clean.append(" ")
            default: clean.append(scalar)
            }
        }
        return String(clean)
    }

    private static func cut(_ text: String) -> String {
        guard text.utf16.count > limit else { return text }
        var cut = ""
        var count = 0
        for character in text {
            count += character.utf16.count
            if count > limit { break }
            cut.append(character)
        }
        return cut
    }
}
