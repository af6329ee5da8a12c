// SPDX-License-Identifier: Apache-2.0
internal import Codecs
internal import Documents
internal import Wire

/// What a match asks of the structured data of RFC 5424 (section 6.3). Its matchers are asked apart from all others, and
/// only where a message has such data.
struct StructuredTest: Sendable, Equatable {
    struct Parameter: Sendable, Equatable {
        var name: [UInt8]
        /// The value must be one of them, in either case.
        var values: [[UInt8]]
    }

    /// SD-IDs of which one must be there, also with more parts behind a dot (`junos@2636` is `junos@2636.1.1.1.2.40` too);
    /// empty: any.
    var ids: [[UInt8]] = []
    /// All of them must be there, of whatever SD-ID.
    var parameters: [Parameter] = []
    /// As ``Mapping/Matcher/programs``, which are not asked for otherwise.
    var programs: [[UInt8]] = []

    /// Reads `sd_id:` and `sd:`; nil without either.
    init?(_ item: Element, programs: [[UInt8]]) {
        guard item["sd_id"] != nil || item["sd"] != nil else { return nil }
        self.programs = programs
        if let code = item["event_code"] { code.complain("give 'event_code' or structured data, not both") }
        ids = item["sd_id"]?.strings.map { Array($0.utf8) } ?? []
        if let id = item["sd_id"], ids.isEmpty { id.complain("give at least one SD-ID") }
        guard let element = item["sd"] else { return }
        guard element.isMapping, !element.members.isEmpty else {
            element.complain("'sd' has parameters by name, each with a text or a list of texts")
            return
        }
        for (key, value) in element.members {
            guard let name = key.scalar else { continue }
            parameters.append(Parameter(name: Array(name.utf8), values: value.strings.map(\.lowercasedASCII)))
        }
        if parameters.count > 64 { element.complain("at most 64 parameters") }
        parameters = Array(parameters.prefix(64))
    }

    /// Whether it holds of structured data.
    func holds(_ data: RawSpan, program: RawSpan) -> Bool {
        guard programs.isEmpty || programs.contains(where: { program.equalsIgnoringCase($0.span.bytes) }) else {
            return false
        }
        var hasID = ids.isEmpty
        var open: UInt64 = parameters.isEmpty ? 0 : .max >> UInt64(64 - parameters.count)
        var reader = StructuredData(data)
        while !hasID || open != 0, let step = reader.next() {
            switch step {
            case .element(let extent):
                let id = data.part(extent)
                hasID = hasID || ids.contains { StructuredTest.isID(id, $0.span.bytes) }
            case .parameter(let name, let value):
                for (number, parameter) in parameters.enumerated()
                where open & 1 << UInt64(number) != 0 && data.part(name).equals(parameter.name.span.bytes) {
                    let text = data.part(value)
                    if parameter.values.contains(where: { text.equalsIgnoringCase($0.span.bytes) }) {
                        open &= ~(1 << UInt64(number))
                    }
                }
            }
        }
        return hasID && open == 0
    }

    private static func isID(_ id: RawSpan, _ wanted: RawSpan) -> Bool {
        guard id.part(0, wanted.byteCount).equals(wanted) else { return false }
        return id.byteCount == wanted.byteCount || id.byte(at: wanted.byteCount) == 0x2E
    }
}
