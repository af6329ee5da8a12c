// SPDX-License-Identifier: Apache-2.0
internal import Events
internal import Wire

/// What a hit is made of, as SHA-256: the same on every run, whatever its uid and its time of receipt.
struct ContentHash: Comparable {
    private(set) var bytes: [UInt8]

    /// The hash of the first evidence; of the event without its metadata where there is none.
    static func identity(of hit: Hit) -> ContentHash {
        if let evidence = hit.evidence.first { return ContentHash(bytes: SHA256.digest(evidence.bytes.span.bytes)) }
        return ContentHash(bytes: event(hit))
    }

    /// The identity, and behind it the event: one packet may carry several events.
    static func order(of hit: Hit) -> ContentHash {
        let identity = identity(of: hit).bytes
        return ContentHash(bytes: hit.evidence.isEmpty ? identity : identity + event(hit))
    }

    /// The identity alone.
    var identity: ArraySlice<UInt8> { bytes.prefix(32) }

    static func < (first: ContentHash, second: ContentHash) -> Bool {
        first.bytes.lexicographicallyPrecedes(second.bytes)
    }

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

    /// The id of a firing: rule, content of the rule, group, and first event with its time, each with its length.
    static func firing(_ rule: Firing.Rule, _ group: [(field: String, value: String)], _ first: WindowEvent) -> String {
        var slab = Slab(capacity: 512)
        func put(_ bytes: RawSpan) {
            let length = UInt64(bytes.byteCount)
            for shift in stride(from: UInt64(56), through: 0, by: -8) {
                slab.append(byte: UInt8(truncatingIfNeeded: length >> shift))
            }
            slab.append(bytes)
        }
        func put(_ text: String) { put(Array(text.utf8).span.bytes) }
        put(rule.id)
        put(rule.contentHash)
        for member in group {
            put(member.field)
            put(member.value)
        }
        put(String(first.time))
        put(Array(first.content.identity).span.bytes)
        return SHA256.hex(slab.bytes)
    }
}

/// An event inside a group's window.
struct WindowEvent {
    var time: Int64
    var content: ContentHash
    /// The hit; nil where only the count goes on.
    var hit: Hit?
    /// Where the hit stands in the journal.
    var position: JournalPosition?
}
