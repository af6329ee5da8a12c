// SPDX-License-Identifier: Apache-2.0

/// A hit in one run of bytes: many are held, in case a rule fires, and few are ever looked at again.
///
/// A ``Hit`` is half a dozen arrays and strings; this is one, so that to hold it and to let it go costs little.
public struct PackedHit: Sendable {
    /// Times, place in the journal, rules, uid, event and evidence; behind them whatever its maker added. Numbers have seven
    /// bits a byte, the lowest first; what has a length has it in front.
    public let bytes: [UInt8]

    /// Packs a hit, with `more` bytes behind it.
    public init(_ hit: Hit, with more: [UInt8] = []) {
        var size = 64 + hit.uid.utf8.count + hit.event.count + more.count
        for rule in hit.rules { size += 4 + rule.utf8.count }
        for evidence in hit.evidence {
            size += 24 + evidence.bytes.count + evidence.collector.utf8.count + evidence.peer.utf8.count
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(size)
        func put(_ number: Int) {
            var rest = UInt(bitPattern: number)
            while rest > 127 {
                bytes.append(UInt8(truncatingIfNeeded: rest) | 128)
                rest >>= 7
            }
            bytes.append(UInt8(truncatingIfNeeded: rest))
        }
        func put(_ text: String) {
            put(text.utf8.count)
            bytes.append(contentsOf: text.utf8)
        }
        func put(_ part: [UInt8]) {
            put(part.count)
            bytes.append(contentsOf: part)
        }
        put(Int(hit.time))
        put(Int(hit.received))
        put(hit.position == nil ? 0 : 1)
        if let position = hit.position {
            put(position.log)
            put(Int(bitPattern: UInt(position.first)))
            put(Int(position.epoch))
            put(position.gap == nil ? 0 : 1)
            if let gap = position.gap { put(Int(bitPattern: UInt(gap))) }
        }
        put(hit.rules.count)
        for rule in hit.rules { put(rule) }
        put(hit.uid)
        put(hit.event)
        put(hit.evidence.count)
        for evidence in hit.evidence {
            put(evidence.kind.rawValue)
            put(evidence.bytes)
            put(Int(evidence.received &- hit.received))
            put(evidence.collector)
            put(evidence.peer)
        }
        bytes.append(contentsOf: more)
        self.bytes = bytes
    }

    /// The ids of the detection rules that matched.
    public var rules: [String] {
        var reader = Reader(bytes)
        return reader.head().rules
    }

    /// The hit as it was.
    public var hit: Hit {
        var reader = Reader(bytes)
        var hit = reader.head()
        hit.uid = reader.text()
        hit.event = reader.part()
        let count = reader.number()
        hit.evidence.reserveCapacity(count)
        for _ in 0..<count {
            let kind = Evidence.Kind(rawValue: reader.text()) ?? .line
            let part = reader.part()
            let received = hit.received &+ Int64(reader.number())
            hit.evidence.append(
                Evidence(kind: kind, bytes: part, received: received, collector: reader.text(), peer: reader.text()))
        }
        return hit
    }

    /// Reads what ``init(_:with:)`` wrote.
    private struct Reader {
        let bytes: [UInt8]
        var place = 0

        init(_ bytes: [UInt8]) { self.bytes = bytes }

        mutating func number() -> Int {
            var number: UInt = 0
            var shift: UInt = 0
            while true {
                let byte = bytes[place]
                place += 1
                number |= UInt(byte & 127) << shift
                if byte < 128 { return Int(bitPattern: number) }
                shift += 7
            }
        }

        mutating func part() -> [UInt8] {
            let length = number()
            place += length
            return Array(bytes[place - length..<place])
        }

        mutating func text() -> String {
            let length = number()
            place += length
            return String(decoding: bytes[place - length..<place], as: UTF8.self)
        }

        /// Times, place and rules.
        mutating func head() -> Hit {
            var hit = Hit(
                rules: [], uid: "", time: Int64(number()), received: Int64(number()), event: [], evidence: [])
            if number() == 1 {
                let (log, first) = (number(), UInt64(UInt(bitPattern: number())))
                hit.position = JournalPosition(log: log, first: first, epoch: UInt32(truncatingIfNeeded: number()))
                if number() == 1 { hit.position?.gap = UInt64(UInt(bitPattern: number())) }
            }
            let count = number()
            hit.rules.reserveCapacity(count)
            for _ in 0..<count { hit.rules.append(text()) }
            return hit
        }
    }
}
