// SPDX-License-Identifier: Apache-2.0
internal import Events
internal import Wire

/// Tells the direction of a connection, as the plant sees it, where its event does not.
struct DirectionRule: Sendable {
    /// The last direction that the schema has: 1.1.0 lacks 4 (Local).
    private let last: Int64
    private let field: FieldID?

    init(_ table: FieldTable) {
        let direction = table.dictionary.attribute(at: "connection_info.direction_id")?.enumeration
        last = direction?.captions["4"] == nil ? 3 : 4
        field = FieldScan.Role.direction.path.flatMap { table.id($0) }
    }

    /// The number of OCSF's `connection_info.direction_id`, 0 when it cannot be told: zones are the inside, all else is
    /// outside.
    @inline(__always)
    static func direction(
        _ fromInside: Bool, _ toInside: Bool, _ source: IPAddress, _ destination: IPAddress
    ) -> Int64 {
        if source == destination { return 4 }
        switch (fromInside, toInside) {
        case (true, true): return 3
        case (false, false): return 0
        case (false, true): return source.isOfNoHost ? 0 : 1
        case (true, false): return destination.isOfNoHost ? 0 : 2
        }
    }

    /// Sets the direction where the event has none or does not know it; what it tells in words stays.
    ///
    /// - Returns: the entry that the event lacks.
    @inline(__always)
    func set(_ direction: Int64, _ places: EventPlaces, _ first: Int, _ batch: inout Batch) -> Entry? {
        guard direction != 0, direction <= last else { return nil }
        if places.direction >= 0 { return field.map { .integer($0, direction) } }
        guard places.told >= 0 else { return nil }
        let place = first &+ Int(places.told)
        let known = batch.entries[place]
        if known.kind == .integer, known.integer == 0 {
            batch.replace(.integer(known.field, direction, element: known.element), at: place)
        }
        return nil
    }
}

extension IPAddress {
    /// Whether no single host outside can have it: unspecified, loopback, link-local, multicast, broadcast (RFC 6890).
    fileprivate var isOfNoHost: Bool {
        if isIPv4 { return low >> 24 == 0 || low >> 24 == 127 || low >> 16 == 0xA9FE || low >> 28 >= 0xE }
        return high == 0 && low <= 1 || high >> 54 == 0x3FA || high >> 56 == 0xFF
    }
}
