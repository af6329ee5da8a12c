// SPDX-License-Identifier: Apache-2.0
internal import Codecs
internal import Wire

/// Each byte more asks for as much or more, nothing is decided too early, and what is decided stays.
func fuzzProxy(_ input: RawSpan) {
    var choices = Choices(input)
    let maximum = [16, 60, 536, 4_096, 65_551][choices.next() % 5]
    let bytes = choices.rest
    let whole = PROXYHeader.parse(bytes, maximum: maximum)
    if case .header(let header, let length) = whole {
        check(length > 0 && length <= bytes.byteCount && length <= max(maximum, PROXYHeader.maximumLine), "\(length)")
        check((header.source == nil) == (header.destination == nil), "\(header)")
        check(header.command == .proxy || header.source == nil, "\(header)")
    }
    var least = 0
    // What comes behind a header is not looked at: its first bytes will do.
    for count in 0...min(bytes.byteCount, 400) {
        let outcome = PROXYHeader.parse(bytes.part(0, count), maximum: maximum)
        guard case .needMore(let atLeast) = outcome else {
            check(outcome == whole, "\(outcome) of \(count) bytes, \(whole) of all")
            if case .header(_, let length) = outcome { check(length == count && count >= least, "\(count), \(least)") }
            return
        }
        check(atLeast > count && atLeast >= least, "\(atLeast) of \(count) after \(least)")
        check(atLeast <= max(maximum, PROXYHeader.maximumLine), "\(atLeast) are too many")
        least = atLeast
    }
}
