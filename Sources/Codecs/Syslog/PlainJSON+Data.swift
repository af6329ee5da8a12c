// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Wire

extension PlainJSON {
    /// Structured data that is known to meet the grammar and to need no care, from the first name on; false when that is
    /// not so, or a name is a rare one. Each step takes one byte at least, and gives at most ten for each.
    @inline(always)
    mutating func put(data: Extent) -> Bool {
        var position = Int(data.offset)
        let end = position &+ Int(data.length)
        // So that what stands behind a name or a value can be read.
        guard end <= limit else { return false }
        while true {
            guard byte(position) == 0x5B, put(name: &position, end) else { return false }
            put("\",\"params\":[")
            if byte(position) == 0x20 {
                put("[\"")
                while true {
                    guard put(name: &position, end), byte(position) == 0x3D, byte(position &+ 1) == 0x22 else {
                        return false
                    }
                    put("\",\"")
                    guard put(value: &position, end) else { return false }
                    guard byte(position) == 0x20 else { break }
                    put("\"],[\"")
                }
                put("\"]]}")
            } else {
                put("]}")
            }
            guard byte(position) == 0x5D else { return false }
            position &+= 1
            if position >= end { break }
            put(",{\"id\":\"")
        }
        put("]")
        return position == end
    }

    /// The byte at `offset`, which is not behind the end of the structured data.
    @inline(always)
    private func byte(_ offset: Int) -> UInt8 { unsafe source.load(fromByteOffset: offset, as: UInt8.self) }

    /// An SD-NAME that begins behind `position`, which is then where it ends.
    @inline(always)
    private mutating func put(name position: inout Int, _ end: Int) -> Bool {
        let start = position &+ 1
        var from = start
        while from < end {
            let bytes = block(from)
            store(bytes)
            let hits = penstock_block_marks(bytes)
            if hits != 0 {
                let size = hits.trailingZeroBitCount
                unsafe target += size
                position = from &+ size
                return position > start && position < end
            }
            unsafe target += 16
            from &+= 16
        }
        return false
    }

    /// A PARAM-VALUE that begins two bytes behind `position`, which is then behind its quote.
    @inline(always)
    private mutating func put(value position: inout Int, _ end: Int) -> Bool {
        var from = position &+ 2
        while from < end {
            let bytes = block(from)
            store(bytes)
            let hits = penstock_block_equal(bytes, 0x22)
            if hits != 0 {
                let size = hits.trailingZeroBitCount
                unsafe target += size
                position = from &+ size &+ 1
                return position < end
            }
            unsafe target += 16
            from &+= 16
        }
        return false
    }
}
