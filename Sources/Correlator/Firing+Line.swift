// SPDX-License-Identifier: Apache-2.0
public import Events
internal import Wire

extension Firing {
    /// Joins the revisions of each firing into one, in the order of first firing: what a finished input amounts to.
    public static func joined(_ firings: [Firing]) -> [Firing] {
        var places: [String: Int] = [:]
        var joined: [Firing] = []
        for firing in firings {
            if let place = places[firing.id] {
                let hits = joined[place].packedHits
                joined[place] = firing
                joined[place].packedHits = hits + firing.packedHits
            } else {
                places[firing.id] = joined.count
                joined.append(firing)
            }
        }
        return joined
    }

    /// The firing as one JSON object: `{"rule","group":{field:value},"time","first","last","count"}`, times in seconds.
    public var line: [UInt8] {
        var slab = Slab(capacity: 256)
        slab.append("{\"rule\":")
        JSONText.append(rule.id, to: &slab)
        slab.append(",\"group\":{")
        for (index, member) in group.enumerated() {
            if index > 0 { slab.append(",") }
            JSONText.append(member.field, to: &slab)
            slab.append(":")
            JSONText.append(member.value, to: &slab)
        }
        slab.append("},\"time\":\(Firing.seconds(time)),\"first\":\(Firing.seconds(first))")
        slab.append(",\"last\":\(Firing.seconds(last)),\"count\":\(count)}")
        return slab.bytes.array
    }

    /// Nanoseconds as seconds in decimal, without needless digits.
    public static func seconds(_ nanoseconds: Int64) -> String {
        let sign = nanoseconds < 0 ? "-" : ""
        let (whole, rest) = nanoseconds.magnitude.quotientAndRemainder(dividingBy: 1_000_000_000)
        guard rest > 0 else { return "\(sign)\(whole)" }
        var digits = String(rest)
        digits = String(repeating: "0", count: 9 - digits.utf8.count) + digits
        while digits.hasSuffix("0") { digits.removeLast() }
        return "\(sign)\(whole).\(digits)"
    }

    /// Seconds as a JSON number has them in nanoseconds, exact to the microsecond; nil when they do not fit.
    public static func nanoseconds(seconds: Double) -> Int64? {
        guard seconds.isFinite, abs(seconds) < 9.2e9 else { return nil }
        return Int64((seconds * 1e6).rounded()) * 1_000
    }
}
