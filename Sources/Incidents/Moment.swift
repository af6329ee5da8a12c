// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// A point in time, written as RFC 3339 in UTC without loss.
public struct Moment: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
    /// Nanoseconds since the epoch.
    public let nanoseconds: Int64

    /// A point in time; one beyond the years 1684 to 2255, which only a broken clock writes, becomes the nearest in it.
    public init(_ nanoseconds: Int64) {
        self.nanoseconds = min(max(nanoseconds, -9_000_000_000_000_000_000), 9_000_000_000_000_000_000)
    }

    /// RFC 3339 with three, six or nine digits of fraction, as few as keep the value.
    public var description: String {
        RFC3339.text(nanoseconds, digits: nanoseconds % 1_000_000 == 0 ? 3 : nanoseconds % 1_000 == 0 ? 6 : 9)
    }

    /// Whole milliseconds since the epoch, as OCSF wants them.
    var milliseconds: Int64 { nanoseconds / 1_000_000 }

    /// Earlier before later.
    public static func < (a: Moment, b: Moment) -> Bool { a.nanoseconds < b.nanoseconds }

    /// Reads RFC 3339 text.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let reading = RFC3339.read(Array(text.utf8).span.bytes) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "no RFC 3339 time: \(text)")
        }
        self.init(reading.nanoseconds)
    }

    /// Writes RFC 3339 text.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
