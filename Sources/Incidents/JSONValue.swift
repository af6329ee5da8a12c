// SPDX-License-Identifier: Apache-2.0
internal import Events
internal import Wire

/// A JSON value under construction; members that are nil are left out.
enum JSONValue {
    case text(String)
    case integer(Int64)
    case boolean(Bool)
    case array([JSONValue])
    case object([(String, JSONValue?)])

    static func texts(_ texts: [String]) -> JSONValue { .array(texts.map { .text($0) }) }
    static func int(_ number: Int) -> JSONValue { .integer(Int64(number)) }
    static func milliseconds(_ moment: Moment) -> JSONValue { .integer(moment.milliseconds) }

    var bytes: [UInt8] {
        var slab = Slab(capacity: 4096)
        write(to: &slab)
        return slab.bytes.array
    }

    private func write(to slab: inout Slab) {
        switch self {
        case .text(let text): JSONText.append(text, to: &slab)
        case .integer(let number): slab.append(String(number))
        case .boolean(let value): slab.append(value ? "true" : "false")
        case .array(let items):
            slab.append("[")
            for (number, item) in items.enumerated() {
                if number > 0 { slab.append(",") }
                item.write(to: &slab)
            }
            slab.append("]")
        case .object(let members):
            slab.append("{")
            var isFirst = true
            for case (let name, let value?) in members {
                if !isFirst { slab.append(",") }
                isFirst = false
                JSONText.append(name, to: &slab)
                slab.append(":")
                value.write(to: &slab)
            }
            slab.append("}")
        }
    }
}
