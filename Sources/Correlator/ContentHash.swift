// SPDX-License-Identifier: Apache-2.0
internal import Events
internal import Wire

/// What a hit is made of: the same on every run, whatever its uid and its time of receipt.
enum ContentHash {
    /// The first 64 bits of SHA-256 of the first evidence, and of the event without its metadata; where there is no
    /// evidence, both are the event's.
    static func of(_ hit: Hit) -> (identity: UInt64, content: UInt64) {
        let content = event(hit)
        guard let evidence = hit.evidence.first else { return (content, content) }
        return (fold(evidence.bytes.span.bytes), content)
    }

    /// 64 bits of SHA-256 of `bytes`: no two values that somebody sends have the same but by chance.
    static func fold(_ bytes: RawSpan) -> UInt64 {
        var digest = SHA256.Digest()
        digest.add(bytes)
        digest.finish()
        return digest.prefix
    }

    private static func event(_ hit: Hit) -> UInt64 {
        var tape = JSONTape()
        let json = hit.event.span.bytes
        do { try tape.parse(json) } catch { return fold(json) }
        guard tape.values[0].kind == .object else { return fold(json) }
        var digest = SHA256.Digest()
        var member = 1
        while member < tape.values.count {
            let value = tape.values[member]
            let key = json.part(value.key)
            if !key.equals("metadata") {
                digest.add(key)
                digest.add(byte: 0)
                digest.add(byte: value.kind.rawValue)
                digest.add(json.part(value.extent))
                digest.add(byte: 0)
            }
            member = Int(value.next)
        }
        digest.finish()
        return digest.prefix
    }

    /// The id of a firing: rule, content of the rule, group, and first and last event with their times, each with its
    /// length.
    static func firing(_ unit: CorrelationPlan.Unit, _ group: [UInt8], _ first: WindowEntry, _ last: WindowEntry)
        -> String
    {
        var digest = SHA256.Digest()
        for part in [unit.ruleID, unit.ruleVersion, group] {
            digest.add(UInt64(part.count))
            digest.add(part.span.bytes)
        }
        for entry in [first, last] {
            digest.add(UInt64(bitPattern: entry.time))
            digest.add(entry.identity)
        }
        digest.finish()
        return SHA256.hex(digest.bytes)
    }
}
