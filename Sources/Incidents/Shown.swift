// SPDX-License-Identifier: Apache-2.0

/// Text from outside, made fit for people's eyes.
public enum Shown {
    /// One line: no control characters (which would steer a terminal), no line breaks, and none of the characters that
    /// turn the direction of writing, by which a name can look like another one.
    public static func line(_ text: String) -> String { clean(text, keepingLines: false) }

    /// The same with line breaks kept.
    public static func lines(_ text: String) -> String { clean(text, keepingLines: true) }

    private static func clean(_ text: String, keepingLines: Bool) -> String {
        var clean = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if scalar == "\n", keepingLines {
                clean.append(scalar)
                continue
            }
            switch scalar.value {
            case 0x09, 0x0A, 0x0D, 0x2028, 0x2029: clean.append(" ")
            case 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069: clean.append("\u{FFFD}")
            default: clean.append(scalar.properties.generalCategory == .control ? "\u{FFFD}" : scalar)
            }
        }
        return String(clean)
    }
}
