// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Other forms that receivers give to bytes which a text view cannot show; the raw bytes are never touched.
///
/// None is used by default. They are there because peers' vectors assume them, and because a feed's reader may expect
/// what rsyslog or syslog-ng wrote before.
public struct SyslogEscapes: OptionSet, Sendable {
    /// One bit for each form.
    public let rawValue: UInt8
    /// A set of forms from its bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    /// A byte that is no UTF-8 becomes `\xHH` (syslog-ng's `sanitize-utf8`).
    public static let invalidAsHexadecimal = SyslogEscapes(rawValue: 1)
    /// A control character becomes `#OOO` (rsyslog's `EscapeControlCharactersOnReceive`).
    public static let controlsAsOctal = SyslogEscapes(rawValue: 2)
    /// A byte above 127 becomes `#OOO` (rsyslog's `Escape8BitCharactersOnReceive`).
    public static let eighthBitAsOctal = SyslogEscapes(rawValue: 4)
    /// A line feed becomes a blank (rsyslog's `SpaceLFOnReceive`).
    public static let lineFeedAsBlank = SyslogEscapes(rawValue: 8)

    /// `text` in these forms.
    func apply(to text: RawSpan) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(text.byteCount * 2)
        var offset = 0
        while let byte = text.byte(at: offset) {
            let length = byte < 0x80 ? 1 : text.lengthOfUTF8(at: offset)
            if byte == 0x0A, contains(.lineFeedAsBlank) {
                result.append(0x20)
            } else if byte < 0x20 || byte == 0x7F, contains(.controlsAsOctal) {
                result += SyslogEscapes.octal(byte)
            } else if byte >= 0x80, contains(.eighthBitAsOctal) {
                result += SyslogEscapes.octal(byte)
                offset += 1
                continue
            } else if length == 0, contains(.invalidAsHexadecimal) {
                let digits = Array("0123456789abcdef".utf8)
                result += [0x5C, 0x78, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            } else {
                result += text.part(offset, max(length, 1)).array
            }
            offset += max(length, 1)
        }
        return result
    }

    private static func octal(_ byte: UInt8) -> [UInt8] {
        [0x23, 0x30 + (byte >> 6), 0x30 + (byte >> 3 & 7), 0x30 + (byte & 7)]
    }
}

extension RawSpan {
    /// The length of the well-formed UTF-8 sequence at `offset`, or 0 when there is none.
    fileprivate func lengthOfUTF8(at offset: Int) -> Int {
        for length in 2...4 where byteCount - offset >= length {
            if part(offset, length).isValidUTF8 { return length }
        }
        return 0
    }
}
