// SPDX-License-Identifier: Apache-2.0

/// What a leaf of a Parquet schema holds.
public enum ParquetType: Sendable, Hashable {
    /// BOOLEAN.
    case boolean
    /// INT32, signed.
    case int32
    /// INT64, signed.
    case int64
    /// DOUBLE.
    case double
    /// BYTE_ARRAY with the logical type STRING: UTF-8; ill-formed bytes are repaired with U+FFFD.
    case string
    /// INT64 with the logical type TIMESTAMP: milliseconds since 1970-01-01 00:00 UTC.
    ///
    /// Milliseconds, because Athena and Spark do not read nanoseconds.
    case timestampMillis
    /// A JSON document, written as STRING because few readers know the logical type JSON.
    ///
    /// The order of documents prunes nothing, therefore a chunk has no min_value and max_value.
    case json

    /// The physical type's number (parquet.thrift, Type).
    var physical: Int32 {
        switch self {
        case .boolean: 0
        case .int32: 1
        case .int64, .timestampMillis: 2
        case .double: 5
        case .string, .json: 6
        }
    }

    /// Whether values are byte arrays: in PLAIN each has its length before it.
    var isBytes: Bool { self == .string || self == .json }
}
