// SPDX-License-Identifier: Apache-2.0
internal import Wire

extension [UInt8] {
    /// The elements as a raw span.
    var bytes: RawSpan {
        @_lifetime(borrow self)
        // Safe: bytes have no padding that could be read uninitialized.
        get { unsafe span.bytes }
    }

    /// Appends a copy of `part`.
    mutating func append(_ part: RawSpan) {
        unsafe part.withUnsafeBytes { unsafe append(contentsOf: $0) }
    }
}
