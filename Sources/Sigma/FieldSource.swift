// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Where the values of a field that a rule names stand in events.
struct FieldSource: Hashable, Sendable {
    /// One place.
    struct Path: Hashable, Sendable {
        /// A dotted path.
        var path: String
        /// What the path's values are in the rule's words; others say nothing to the rule. Nil: as they are.
        var values: [String: String]?
    }

    /// The field as the rule writes it.
    let name: String
    /// The places; its values are those of the first one that has any.
    let paths: [Path]

    /// A field that stands where its name says.
    init(_ name: String) {
        self.name = name
        paths = [Path(path: name)]
    }

    /// A field with its places.
    init(_ name: String, paths: [Path]) {
        self.name = name
        self.paths = paths
    }

    static func == (first: FieldSource, second: FieldSource) -> Bool { first.paths == second.paths }
    func hash(into hasher: inout Hasher) { hasher.combine(paths) }
}

/// What the values of a path are in a rule's words: few, so a look through them beats hashing.
struct ValueMap: Hashable, Sendable {
    private struct Pair: Hashable, Sendable {
        var text: [UInt8]
        var number: Int64?
        var value: [UInt8]
    }
    private let pairs: [Pair]
    static let yes = Array("true".utf8)
    static let no = Array("false".utf8)

    init(_ values: [String: String]) {
        pairs = values.sorted { $0.key < $1.key }.map {
            Pair(text: CaseFolding.fold($0.key), number: Int64($0.key), value: Array($0.value.utf8))
        }
    }

    func value(of number: Int64) -> [UInt8]? { pairs.first { $0.number == number }?.value }

    func value(of text: RawSpan) -> [UInt8]? {
        guard text.byteCount <= 64 else { return nil }
        let folded = CaseFolding.fold(text.text)
        return pairs.first { $0.text == folded }?.value
    }
}

/// A slot that a path gives values to.
struct SlotTarget: Sendable {
    /// The field's number.
    var slot: Int32
    /// The number of the map that the values go through, or -1.
    var map: Int32
    /// The place of the path among those of the field: the lowest one that has values counts.
    var rank: Int32
}

/// Which slots the places of events give values to, and through which maps.
struct SlotTargets: Sendable {
    /// The targets of all paths: runs of them belong together.
    let targets: [SlotTarget]
    /// The maps.
    let maps: [ValueMap]
    /// The paths that fields name, each once.
    let paths: [String]
    private let runs: [Int]

    init(_ fields: [FieldSource]) {
        var order: [String] = []
        var found: [String: [SlotTarget]] = [:]
        var maps: [ValueMap] = []
        var numbers: [ValueMap: Int32] = [:]
        for (slot, field) in fields.enumerated().dropFirst() {
            for (rank, path) in field.paths.enumerated() {
                var map: Int32 = -1
                if let values = path.values {
                    let made = ValueMap(values)
                    map = numbers[made] ?? Int32(maps.count)
                    if numbers[made] == nil {
                        numbers[made] = map
                        maps.append(made)
                    }
                }
                if found[path.path] == nil { order.append(path.path) }
                found[path.path, default: []].append(SlotTarget(slot: Int32(slot), map: map, rank: Int32(rank)))
            }
        }
        var targets: [SlotTarget] = []
        var runs = [0]
        for path in order {
            targets += found[path] ?? []
            runs.append(targets.count)
        }
        self.targets = targets
        self.maps = maps
        self.paths = order
        self.runs = runs
    }

    /// The targets of path number `path`, as places in ``targets``.
    func run(_ path: Int) -> Range<Int> { runs[path]..<runs[path + 1] }
}
