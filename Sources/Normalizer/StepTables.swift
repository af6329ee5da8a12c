// SPDX-License-Identifier: Apache-2.0
internal import Codecs
internal import Events
internal import Wire

extension Mapping {
    /// One step of taking a record apart.
    enum Step: Sendable {
        /// A JSON object.
        case json
        /// Key-value pairs.
        case keyValue(KeyValue.Style)
        /// The first expression that matches gives its named groups and fixed captures: a run of ``alternatives``.
        case regex(Run)
        /// A CEF line.
        case cef
        /// A LEEF line.
        case leef
        /// One record of separated values: its columns are a run of ``columns``.
        case csv(CSV.Style, Run)
        /// The first pattern that fits gives its fields: a run of ``dissects``.
        case dissect(Run)
        /// An XML document, such as an event of the Windows event log.
        case xml
        /// The structured data of RFC 5424.
        case structuredData
        /// A sensor record.
        case record
        /// A list of objects, each of which becomes an event: a run of ``Rulebook/sources``, captures to try.
        case each(Run)
    }

    /// A parse step with what to do when it fails.
    struct StepRule: Sendable {
        var step: Step
        /// The capture whose text is taken apart; -1: the message.
        var source: SlotID
        var isOptional: Bool
        /// The test of the records that it is for; -1: all.
        var when: Int32
        /// Of ``StepTables/strips``.
        var strip: Run
    }

    /// One pattern of a `dissect` step.
    struct Dissection: Sendable {
        var pattern: Dissect.Pattern
        /// By the pattern's fields, in ``groups`` (their number counts).
        var slots: Run
    }

    /// One column of a `csv` step: where it goes, or under which key it is kept beside.
    struct Column: Sendable {
        /// -1: none reads it.
        var slot: Int32
        /// The key of its member; empty: it is left to the original text.
        var key: Extent
    }

    /// One expression of a `regex` step.
    struct Alternative: Sendable {
        /// Of ``Rulebook/patterns``.
        var pattern: Int32
        /// Of ``groups``.
        var groups: Run
        /// Of ``sets``.
        var sets: Run
    }
}

/// What the parse steps of a mapping name by number, in flat arrays.
struct StepTables: Sendable {
    private(set) var alternatives: [Mapping.Alternative] = []
    private(set) var groups: [(number: Int32, slot: Int32)] = []
    private(set) var sets: [(slot: Int32, text: Extent)] = []
    private(set) var columns: [Mapping.Column] = []
    private(set) var dissections: [Mapping.Dissection] = []
    /// Beginnings of keys that are left out, in ``Rulebook/pool``.
    private(set) var strips: [Extent] = []

    /// Compiles a step of `draft`; its conditions and texts go into `book`.
    mutating func add(
        _ step: MappingDraft.Step, _ draft: MappingDraft, _ reserved: ByteTable, _ book: inout Rulebook
    ) -> Mapping.StepRule {
        let compiled: Mapping.Step
        switch step.kind {
        case .json: compiled = .json
        case .keyValue(let style): compiled = .keyValue(style)
        case .cef: compiled = .cef
        case .leef: compiled = .leef
        case .xml: compiled = .xml
        case .structuredData: compiled = .structuredData
        case .record: compiled = .record
        case .each(let slots): compiled = .each(book.add(sources: slots))
        case .regex(let all):
            for item in all { add(item, &book) }
            compiled = .regex(Run(first: Int32(alternatives.count - all.count), count: Int32(all.count)))
        case .dissect(let patterns):
            for pattern in patterns {
                let names = pattern.names
                groups += names.enumerated().map { (Int32($0.offset), StepTables.slot($0.element, draft)) }
                let slots = Run(first: Int32(groups.count - names.count), count: Int32(names.count))
                dissections.append(Mapping.Dissection(pattern: pattern, slots: slots))
            }
            compiled = .dissect(Run(first: Int32(dissections.count - patterns.count), count: Int32(patterns.count)))
        case .csv(let style, let names):
            columns += names.map { name in
                let slot = name == "_" ? -1 : StepTables.slot(name, draft)
                // What no event reads goes to `unmapped` by its name; `_` is a column that says nothing.
                let key = name == "_" || slot >= 0 ? Extent.empty : book.add(bytes: Members.key(name, reserved))
                return Mapping.Column(slot: slot, key: key)
            }
            compiled = .csv(style, Run(first: Int32(columns.count - names.count), count: Int32(names.count)))
        }
        var test: Int32 = -1
        if case .always = step.when {} else { test = book.add(step.when) }
        strips += step.strip.map { book.add(bytes: $0) }
        return Mapping.StepRule(
            step: compiled, source: step.source ?? -1, isOptional: step.isOptional, when: test,
            strip: Run(first: Int32(strips.count - step.strip.count), count: Int32(step.strip.count)))
    }

    private mutating func add(_ item: MappingDraft.Alternative, _ book: inout Rulebook) {
        let first = (groups: groups.count, sets: sets.count)
        groups += item.groups.map { (Int32($0.number), Int32($0.slot)) }
        sets += item.sets.map { (Int32($0.slot), book.add(bytes: $0.text)) }
        alternatives.append(
            Mapping.Alternative(
                pattern: book.add(item.pattern),
                groups: Run(first: Int32(first.groups), count: Int32(groups.count - first.groups)),
                sets: Run(first: Int32(first.sets), count: Int32(sets.count - first.sets))))
    }

    private static func slot(_ name: String, _ draft: MappingDraft) -> Int32 {
        draft.slots.known(name).map { Int32($0) } ?? -1
    }
}
