// SPDX-License-Identifier: Apache-2.0
internal import Events
internal import Wire

/// What a hit is made of: the same on every run, whatever its uid and its time of receipt.
enum ContentHash {
    /// The first 64 bits of SHA-256 of the first evidence, and of the event without its metadata; where there is no
    /// evidence, both are the event's.
    static func of(_ hit: Hit) -> (identity: UInt64, content: UInt64) {
        let content = first(event(hit))
        guard let evidence = hit.evidence.first else { return (content, content) }
        return (first(SHA256.digest(evidence.bytes.span.bytes)), content)
    }

    /// 64 bits of SHA-256 of `bytes`: no two values that somebody sends have the same but by chance.
    static func fold(_ bytes: RawSpan) -> UInt64 { first(SHA256.digest(bytes)) }

    private static func first(_ digest: [UInt8]) -> UInt64 { digest.prefix(8).reduce(0) { $0 << 8 | UInt64($1) } }

    private static func event(_ hit: Hit) -> [UInt8] {
        var tape = JSONTape()
        let json = hit.event.span.bytes
        do { try tape.parse(json) } catch { return SHA256.digest(json) }
        guard tape.values[0].kind == .object else { return SHA256.digest(json) }
        var slab = Slab(capacity: hit.event.count + 256)
        var member = 1
        while member < tape.values.count {
            let value = tape.values[member]
            let key = json.part(value.key)
            if !key.equals("metadata") {
                slab.append(key)
                slab.append(byte: 0)
                slab.append(byte: value.kind.rawValue)
                slab.append(json.part(value.extent))
                slab.append(byte: 0)
            }
            member = Int(value.next)
        }
        return SHA256.digest(slab.bytes)
    }

    /// The id of a firing: rule, content of the rule, group, and first and last event with their times, each with its
    /// length.
    static func firing(_ unit: CorrelationPlan.Unit, _ group: [UInt8], _ first: WindowEntry, _ last: WindowEntry)
        -> String
    {
        var slab = Slab(capacity: 512)
        func put(_ bytes: RawSpan) {
            put(UInt64(bytes.byteCount))
            slab.append(bytes)
        }
        func put(_ number: UInt64) {
            for shift in stride(from: UInt64(56), through: 0, by: -8) {
                slab.append(byte: UInt8(truncatingIfNeeded: number >> shift))
            }
        }
        put(Array(unit.rule.id.utf8).span.bytes)
        put(Array(unit.rule.contentHash.utf8).span.bytes)
        put(group.span.bytes)
        for entry in [first, last] {
            put(UInt64(bitPattern: entry.time))
            put(entry.identity)
        }
        return SHA256.hex(slab.bytes)
    }
}
