// SPDX-License-Identifier: Apache-2.0
internal import Wire

extension PlainJSON {
    /// Structured data that meets the grammar; false when a value has an escape or a byte above 127.
    mutating func put(data: Extent) -> Bool {
        let end = Int(data.end)
        guard end <= length else { return false }
        var position = Int(data.offset)
        while position < end {
            if position == Int(data.offset) { put("[{\"id\":\"") } else { put(",{\"id\":\"") }
            let name = position &+ 1
            position = endOfName(name, end)
            guard position < end, put(text: Extent(at: name, to: position)) else { return false }
            put("\",\"params\":[")
            var isFirst = true
            while byte(position) == 0x20 {
                if isFirst { put("[\"") } else { put(",[\"") }
                isFirst = false
                let key = position &+ 1
                position = endOfName(key, end)
                guard position &+ 1 < end, byte(position) == 0x3D,
                    put(text: Extent(at: key, to: position))
                else { return false }
                put("\",\"")
                let value = position &+ 2
                position = endOfValue(value, end)
                guard position < end, put(text: Extent(at: value, to: position)) else { return false }
                put("\"]")
                position &+= 1
            }
            guard byte(position) == 0x5D else { return false }
            put("]}")
            position &+= 1
        }
        put("]")
        return true
    }

    /// The offset of the first `=`, `]`, `}` or blank from `start` on, or `end`.
    @inline(__always)
    private func endOfName(_ start: Int, _ end: Int) -> Int {
        var position = start
        while length &- position >= 16 {
            let bytes = unsafe source.loadUnaligned(fromByteOffset: position, as: SIMD16<UInt8>.self)
            // `=` and `]` are `}` less bits 5 and 6.
            let index = PlainJSON.first(
                ((bytes | SIMD16<UInt8>(repeating: 0x60)) .== SIMD16<UInt8>(repeating: 0x7D))
                    .| (bytes .== SIMD16<UInt8>(repeating: 0x20)))
            position &+= index
            if index < 16 { return position < end ? position : end }
        }
        while position < end, byte(position) != 0x3D, byte(position) != 0x5D, byte(position) != 0x20 { position &+= 1 }
        return position
    }

    /// The offset of the first quote from `start` on, or `end`. One that is escaped has a backslash before it, which is
    /// not plain.
    @inline(__always)
    private func endOfValue(_ start: Int, _ end: Int) -> Int {
        var position = start
        while length &- position >= 16 {
            let bytes = unsafe source.loadUnaligned(fromByteOffset: position, as: SIMD16<UInt8>.self)
            let index = PlainJSON.first(bytes .== SIMD16<UInt8>(repeating: 0x22))
            position &+= index
            if index < 16 { return position < end ? position : end }
        }
        while position < end, byte(position) != 0x22 { position &+= 1 }
        return position
    }

    /// The index of the first byte that `mask` has, or 16.
    @inline(__always)
    private static func first(_ mask: SIMDMask<SIMD16<Int8>>) -> Int {
        let words = unsafe unsafeBitCast(mask, to: SIMD2<UInt64>.self)
        return words[0] != 0
            ? words[0].littleEndian.trailingZeroBitCount >> 3 : 8 &+ words[1].littleEndian.trailingZeroBitCount >> 3
    }
}
