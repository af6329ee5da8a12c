// SPDX-License-Identifier: Apache-2.0
internal import Events

/// The lowest frame of each log of the journal that something rests on.
struct JournalNeeds {
    private(set) var lowest: [Int: UInt64] = [:]

    init() {}

    init(_ events: [WindowEvent]) { for event in events { add(event.position) } }

    mutating func add(_ position: JournalPosition?) {
        guard let position else { return }
        lowest[position.log] = min(lowest[position.log] ?? .max, position.first)
    }

    mutating func add(_ other: JournalNeeds) { lowest.merge(other.lowest) { min($0, $1) } }
}
