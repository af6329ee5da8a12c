// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Wire

/// Constants, numbers and text of the message. What is stored beyond the end of a piece, the next one overwrites.
extension PlainJSON {
    /// Whether an extent lies in the message.
    @inline(always)
    func isInside(_ extent: Extent) -> Bool { Int(extent.offset) &+ Int(extent.length) <= length }

    @inline(always)
    func block(_ offset: Int) -> SIMD16<UInt8> {
        unsafe source.loadUnaligned(fromByteOffset: offset, as: SIMD16<UInt8>.self)
    }

    @inline(always)
    func store(_ block: SIMD16<UInt8>, at offset: Int = 0) {
        unsafe target.storeBytes(of: block, toByteOffset: offset, as: SIMD16<UInt8>.self)
    }

    /// A literal; as its length is known when it is compiled, it becomes a few stores.
    @inline(always)
    mutating func put(_ text: StaticString) {
        let size = text.utf8CodeUnitCount
        let bytes = unsafe UnsafeRawPointer(text.utf8Start)
        var index = 0
        while size &- index >= 16 {
            store(unsafe bytes.loadUnaligned(fromByteOffset: index, as: SIMD16<UInt8>.self), at: index)
            index &+= 16
        }
        if size &- index >= 8 {
            unsafe target.storeBytes(
                of: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self), toByteOffset: index, as: UInt64.self)
            index &+= 8
        }
        if index < size {
            // One store, zeros behind the literal.
            var word: UInt64 = 0
            for place in index..<size {
                word |=
                    unsafe UInt64(bytes.load(fromByteOffset: place, as: UInt8.self))
                    &<< UInt64(truncatingIfNeeded: (place &- index) &* 8)
            }
            unsafe target.storeBytes(of: word.littleEndian, toByteOffset: index, as: UInt64.self)
        }
        unsafe target += size
    }

    /// The lowest `length` bytes of a word.
    @inline(always)
    mutating func put(word: UInt64, _ length: Int) {
        unsafe target.storeBytes(of: word.littleEndian, as: UInt64.self)
        unsafe target += length
    }

    /// A number from 0 to 999.
    @inline(always)
    mutating func put(small value: Int) {
        let value = UInt32(truncatingIfNeeded: value)
        let hundreds = value / 100
        let rest = value &- hundreds &* 100
        let tens = rest / 10
        let digits = 0x303030 &+ hundreds &+ tens << 8 &+ (rest &- tens &* 10) << 16
        let skipped: UInt32 = value >= 100 ? 0 : value >= 10 ? 1 : 2
        unsafe target.storeBytes(of: (digits &>> (skipped &* 8)).littleEndian, as: UInt32.self)
        unsafe target += 3 &- Int(skipped)
    }

    /// A number from 0 to 99.
    @inline(always)
    mutating func put(digits value: Int) {
        let value = UInt32(truncatingIfNeeded: value)
        let tens = (value &* 205) >> 11
        let digits = 0x3030 &+ tens &+ (value &- tens &* 10) << 8
        unsafe target.storeBytes(of: (value < 10 ? digits >> 8 : digits).littleEndian, as: UInt32.self)
        unsafe target += value < 10 ? 1 : 2
    }

    @inline(never)
    mutating func put(problems: SyslogProblems) {
        put(",\"problems\":[\"")
        var rest = problems.rawValue
        while rest != 0 {
            let name = SyslogProblems.name(ofBit: rest.trailingZeroBitCount)
            unsafe target.copyMemory(from: name.utf8Start, byteCount: name.utf8CodeUnitCount)
            unsafe target += name.utf8CodeUnitCount
            rest &= rest &- 1
            if rest != 0 { put("\",\"") }
        }
        put("\"]}")
    }

    /// Up to 255 bytes that are known to need no care, and a quote; false when they do not lie far enough inside.
    @inline(always)
    mutating func put(plain text: Extent) -> Bool {
        let from = Int(text.offset)
        let size = Int(text.length)
        guard from <= limit else { return false }
        store(block(from))
        store(block(from &+ 16), at: 16)
        if size > 32 {
            guard size <= 255, isInside(text) else { return false }
            unsafe (target + 32).copyMemory(from: source + (from &+ 32), byteCount: size &- 32)
        }
        unsafe target.storeBytes(of: 0x22, toByteOffset: size, as: UInt8.self)
        unsafe target += size &+ 1
        return true
    }

    /// One to three digits as they stand in the message.
    @inline(always)
    mutating func put(priority text: Extent) -> Bool {
        let from = Int(text.offset)
        guard from <= limit, text.length <= 3 else { return false }
        unsafe target.storeBytes(of: source.loadUnaligned(fromByteOffset: from, as: UInt32.self), as: UInt32.self)
        unsafe target += Int(text.length)
        return true
    }

    /// One key with its value: a header field that is known to need no care, and its quote; or null.
    @inline(always)
    mutating func put(_ none: StaticString, _ key: StaticString, _ field: Extent) -> Bool {
        if field.isEmpty {
            put(none)
            return true
        }
        put(key)
        return put(plain: field)
    }

    /// A header field; false when a byte has to be escaped, or is above 127.
    @inline(always)
    mutating func put(field: Extent) -> Bool {
        if field.isEmpty {
            put("null")
            return true
        }
        put("\"")
        let end = Int(field.offset) &+ Int(field.length)
        guard field.length <= 255 else { return false }
        var from = Int(field.offset)
        while from < end {
            guard from <= limit else { return false }
            let bytes = block(from)
            store(bytes)
            let rest = Swift.min(end &- from, 16)
            if penstock_block_unplain(bytes) & ((1 << UInt32(truncatingIfNeeded: rest)) &- 1) != 0 { return false }
            unsafe target += rest
            from &+= 16
        }
        put("\"")
        return true
    }

    /// UTF-8 without control characters, quotes and backslashes escaped. It lies inside.
    @inline(always)
    mutating func put(text: Extent) {
        let end = Int(text.offset) &+ Int(text.length)
        var from = Int(text.offset)
        let last = Swift.min(end &- 16, limit)
        while from <= last {
            // What is copied again after a backslash ends 31 bytes behind this.
            let bytes = block(from)
            store(bytes)
            unsafe put(escapes: penstock_block_escapes(bytes), source + from)
            unsafe target += 16
            from &+= 16
        }
        guard from < end else { return }
        // At most 31 bytes, which are copied to where blocks can be read beyond them: behind all that is written
        // meanwhile.
        let rest = end &- from
        guard rest <= 32, end >= 16 else { return putSlowly { $0.put(escaping: text, from: from) } }
        let copy = unsafe target + 160
        if rest > 16 { unsafe copy.storeBytes(of: block(from), as: SIMD16<UInt8>.self) }
        unsafe copy.storeBytes(of: block(end &- 16), toByteOffset: rest &- 16, as: SIMD16<UInt8>.self)
        var done = 0
        while done < rest {
            let bytes = unsafe copy.loadUnaligned(fromByteOffset: done, as: SIMD16<UInt8>.self)
            store(bytes)
            let size = Swift.min(rest &- done, 16)
            let hits = penstock_block_escapes(bytes) & ((1 << UInt32(truncatingIfNeeded: size)) &- 1)
            unsafe put(escapes: hits, UnsafeRawPointer(copy) + done)
            unsafe target += size
            done &+= 16
        }
    }

    /// Puts a backslash before each of the block's bytes that `hits` names, and what follows it behind it once more.
    @inline(always)
    @unsafe
    private mutating func put(escapes hits: UInt32, _ block: UnsafeRawPointer) {
        var hits = hits
        while hits != 0 {
            let index = hits.trailingZeroBitCount
            let rest = unsafe block.loadUnaligned(fromByteOffset: index, as: SIMD16<UInt8>.self)
            unsafe target.storeBytes(of: 0x5C, toByteOffset: index, as: UInt8.self)
            store(rest, at: index &+ 1)
            unsafe target += 1
            hits &= hits &- 1
        }
    }

    /// UTF-8 with control characters. It lies inside.
    @inline(never)
    mutating func put(escaping text: Extent, from start: Int) {
        let end = Int(text.offset) &+ Int(text.length)
        var from = start
        while from < end {
            if from <= limit {
                let bytes = block(from)
                store(bytes)
                let clean = Swift.min(end &- from, (penstock_block_odd(bytes) | 0x1_0000).trailingZeroBitCount)
                unsafe target += clean
                from &+= clean
                if clean == 16 || from == end { continue }
            }
            let byte = unsafe source.load(fromByteOffset: from, as: UInt8.self)
            from &+= 1
            switch byte {
            case 0x22, 0x5C: put(word: 0x5C | UInt64(byte) << 8, 2)
            case 0x0A: put(word: 0x6E5C, 2)
            case 0x0D: put(word: 0x725C, 2)
            case 0x09: put(word: 0x745C, 2)
            case 0x00...0x1F, 0x7F:
                let low = byte & 15
                put("\\u00")
                put(word: UInt64(0x30 &+ byte >> 4) | UInt64(low < 10 ? 0x30 &+ low : 0x57 &+ low) << 8, 2)
            default: put(word: UInt64(byte), 1)
            }
        }
    }
}
