// SPDX-License-Identifier: Apache-2.0

/// The events of groups that made room for others, in 48 bytes each: a flood of keys pushes groups out of the table, and
/// the one that comes back after an hour goes on with what it had.
///
/// The oldest record goes first when there are too many. Records are found by 64 bits of SHA-256 of their group's key,
/// through buckets whose chains run from the youngest record to the oldest.
struct DormantEvents {
    /// One event, without its evidence.
    struct Record {
        var key: UInt64
        var time: Int64
        var identity: UInt64
        var content: UInt64
        var value: UInt64
        /// The number of the next older record of the bucket.
        var next = none
        var step: UInt16
        var marks: Marks
    }

    struct Marks: OptionSet {
        let rawValue: UInt8
        static let derived = Marks(rawValue: 1)
        static let cut = Marks(rawValue: 2)
        /// Its group had lost events before.
        static let incomplete = Marks(rawValue: 4)
        /// The first of its group.
        static let leading = Marks(rawValue: 8)
        /// It was taken out again; its place is freed in its turn.
        static let taken = Marks(rawValue: 16)
    }

    private static let none = UInt32.max
    private static let chunkSize = 65_536

    /// Records in the order they came in, in pieces so that growing moves none.
    private var chunks: [[Record]] = []
    /// The numbers of the first record of the first chunk, of the oldest record, and behind the youngest.
    private var base = 0
    private var oldest = 0
    private var end = 0
    private var buckets: [UInt32] = []
    /// How many records are kept, without those that were taken out.
    private(set) var count = 0

    /// Hands over the records, the oldest first.
    func forEach(_ body: (Record) throws -> Void) rethrows {
        for number in oldest..<end where !self[number].marks.contains(.taken) { try body(self[number]) }
    }

    /// Keeps an event of a group.
    ///
    /// - Returns: how many groups were given up because there are more than `limit` events.
    mutating func put(_ record: Record, limit: Int) -> Int {
        var given = 0
        while count >= max(1, limit) { given += removeOldest() ? 1 : 0 }
        if end >= Int(DormantEvents.none) - 1 || count >= buckets.count { number() }
        if chunks.isEmpty || chunks[chunks.count - 1].count == DormantEvents.chunkSize {
            var chunk: [Record] = []
            chunk.reserveCapacity(DormantEvents.chunkSize)
            chunks.append(chunk)
        }
        chunks[chunks.count - 1].append(record)
        link(end)
        end += 1
        count += 1
        return given
    }

    /// Whether there are events of a group.
    func has(_ key: UInt64) -> Bool {
        guard count > 0 else { return false }
        var number = buckets[bucket(key)]
        while number != DormantEvents.none {
            if self[Int(number)].key == key { return true }
            number = self[Int(number)].next
        }
        return false
    }

    /// Takes the events of a group out, in no order.
    mutating func take(_ key: UInt64) -> [Record] {
        guard count > 0 else { return [] }
        let bucket = bucket(key)
        var found: [Record] = []
        var newer: Int?
        var number = buckets[bucket]
        while number != DormantEvents.none {
            let place = Int(number)
            number = self[place].next
            guard self[place].key == key else {
                newer = place
                continue
            }
            found.append(self[place])
            self[place].marks.insert(.taken)
            if let newer { self[newer].next = number } else { buckets[bucket] = number }
            count -= 1
        }
        return found
    }

    /// Forgets the oldest events as far as they are at or before `time`.
    mutating func forget(through time: Int64) {
        while oldest < end, self[oldest].time <= time || self[oldest].marks.contains(.taken) { _ = removeOldest() }
    }

    // MARK: Places

    private subscript(_ number: Int) -> Record {
        get { chunks[(number - base) / DormantEvents.chunkSize][(number - base) % DormantEvents.chunkSize] }
        _modify { yield &chunks[(number - base) / DormantEvents.chunkSize][(number - base) % DormantEvents.chunkSize] }
    }

    private func bucket(_ key: UInt64) -> Int { Int(truncatingIfNeeded: key & UInt64(buckets.count - 1)) }

    private mutating func link(_ number: Int) {
        let bucket = bucket(self[number].key)
        self[number].next = buckets[bucket]
        buckets[bucket] = UInt32(number)
    }

    /// Frees the place of the oldest record; true when a group went with it.
    private mutating func removeOldest() -> Bool {
        guard oldest < end else { return false }
        let record = self[oldest]
        let isTaken = record.marks.contains(.taken)
        if !isTaken {
            // The oldest record of all is the last of its bucket.
            let bucket = bucket(record.key)
            if buckets[bucket] == UInt32(oldest) {
                buckets[bucket] = DormantEvents.none
            } else {
                var place = Int(buckets[bucket])
                while self[place].next != UInt32(oldest) { place = Int(self[place].next) }
                self[place].next = DormantEvents.none
            }
            count -= 1
        }
        oldest += 1
        if oldest - base == DormantEvents.chunkSize {
            chunks.removeFirst()
            base = oldest
        }
        if oldest == end { self = DormantEvents() }
        return !isTaken && record.marks.contains(.leading)
    }

    /// Numbers all records anew from nought, with at least a bucket for each.
    private mutating func number() {
        oldest -= base
        end -= base
        base = 0
        var size = max(1_024, buckets.count)
        while size <= count { size *= 2 }
        buckets = Array(repeating: DormantEvents.none, count: size)
        for number in oldest..<end where !self[number].marks.contains(.taken) { link(number) }
    }
}
