// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// What a frame is answered with.
enum RELPAnswer: UInt32 {
    /// A message, once it is acknowledged.
    case stored
    /// A message of no bytes: there is nothing to store.
    case empty
    case closed
    case openAlready
    case unknown
    case notOpen
    case noVersion
    case noSyslog
    /// The hint `serverclose`, which answers nothing.
    case hint

    private var text: StaticString {
        switch self {
        case .stored, .empty, .closed: "200 OK"
        case .openAlready: "200 already open"
        case .unknown: "500 unknown"
        case .notOpen: "500 not open"
        case .noVersion: "500 no relp_version offered"
        case .noSyslog: "500 syslog is the only command here"
        case .hint: ""
        }
    }

    /// Appends the frame that answers transaction `number`.
    func write(_ number: UInt32, _ answers: inout Slab) {
        if self == .hint {
            RELPAnswer.append("0 serverclose 0\n", &answers)
        } else {
            answers.append(decimal: Int64(number))
            RELPAnswer.append(" rsp ", &answers)
            answers.append(decimal: Int64(text.utf8CodeUnitCount))
            answers.append(byte: 0x20)
            RELPAnswer.append(text, &answers)
            answers.append(byte: 0x0A)
        }
    }

    /// Appends a frame that answers transaction `number` with `text`.
    static func write(_ text: String, _ number: UInt32, _ answers: inout Slab) {
        answers.append(decimal: Int64(number))
        append(" rsp ", &answers)
        answers.append(decimal: Int64(text.utf8.count))
        answers.append(byte: 0x20)
        answers.append(text)
        answers.append(byte: 0x0A)
    }

    private static func append(_ text: StaticString, _ answers: inout Slab) {
        unsafe _ = answers.append(RawSpan(_unsafeStart: text.utf8Start, byteCount: text.utf8CodeUnitCount))
    }
}
