// SPDX-License-Identifier: Apache-2.0
internal import Events
internal import Wire

/// What a hit is made of: the same on every run, whatever its uid and its time of receipt.
enum ContentHash {
    /// 64 bits of the first evidence, and of the event without its metadata; where there is no evidence, both are the
    /// event's. `document` is the event as it was read.
    static func of(_ hit: Hit, _ document: JSONDocument) -> (identity: UInt64, content: UInt64) {
        let content = event(document)
        guard let evidence = hit.evidence.first else { return (content, content) }
        return (SipHash.hash(evidence.bytes.span.bytes), content)
    }

    /// 64 bits of SHA-256 of `bytes`, for what is looked up again: values that are counted and keys of groups set aside,
    /// which checkpoints keep.
    static func fold(_ bytes: RawSpan) -> UInt64 {
        var digest = SHA256.Digest()
        digest.add(bytes)
        digest.finish()
        return digest.prefix
    }

    private static func event(_ document: JSONDocument) -> UInt64 {
        let (tape, json) = (document.tape, document.bytes.span.bytes)
        guard tape.values[0].kind == .object else { return SipHash.hash(json) }
        var hash = SipHash()
        var (member, start) = (1, 0)
        while member < tape.values.count {
            let value = tape.values[member]
            if json.part(value.key).equals("metadata") {
                hash.add(json.part(start, Int(value.key.offset) - start))
                start = Int(value.extent.offset + value.extent.length)
            }
            member = Int(value.next)
        }
        hash.add(json.part(start, json.byteCount - start))
        return hash.finish()
    }

    /// The id of a firing: rule, content of the rule, group, and first and last event with their times, each with its
    /// length.
    static func firing(_ unit: CorrelationPlan.Unit, _ group: [UInt8], _ first: WindowEntry, _ last: WindowEntry)
        -> String
    {
        var digest = unit.digest
        add(group, to: &digest)
        for entry in [first, last] {
            digest.add(UInt64(bitPattern: entry.time))
            digest.add(entry.identity)
        }
        digest.finish()
        return digest.hex
    }

    /// What the ids of a rule's firings begin with.
    static func beginning(_ rule: Firing.Rule) -> SHA256.Digest {
        var digest = SHA256.Digest()
        add(Array(rule.id.utf8), to: &digest)
        add(Array(rule.contentHash.utf8), to: &digest)
        return digest
    }

    private static func add(_ part: [UInt8], to digest: inout SHA256.Digest) {
        digest.add(UInt64(part.count))
        digest.add(part.span.bytes)
    }
}
