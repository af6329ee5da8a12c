// SPDX-License-Identifier: Apache-2.0
internal import Wire

extension SyslogJSON {
    /// Appends the object of a message in which nothing but MSG has to be escaped, and nothing repaired: room is made
    /// once, the keys are constants, and text is copied in blocks.
    ///
    /// - Returns: whether it was such a message; the slab is as before when not.
    @inline(always)
    static func writePlain(
        _ message: SyslogMessage, of bytes: RawSpan, isValid: Bool, into slab: inout Slab
    ) -> Bool {
        // Of structured data at most ten bytes come for each (`[a]` becomes an object), of MSG six (a control character);
        // the header's five fields have 255 at most, the keys and the problems' names less than 800, and the blocks that
        // are copied beyond what counts need 200. Behind that a copy of the message may stand (see `PlainJSON.init`).
        let size = Int(message.message.length) &* 6 &+ Int(message.structuredData.length) &* 10 &+ 2_560
        let isShort = PlainJSON.isShort(message, bytes.byteCount)
        let room = isShort ? size &+ bytes.byteCount &+ PlainJSON.overrun : size
        return unsafe slab.append(upTo: room) { target -> Int in
            unsafe bytes.withUnsafeBytes { source -> Int in
                guard let from = source.baseAddress, let to = target.baseAddress else { return 0 }
                var writer = unsafe PlainJSON(source: from, length: bytes.byteCount, target: to)
                if isShort { unsafe writer.copySource(to: to + size) }
                if message.isStrict, message.plain.isSuperset(of: [.header, .data]) {
                    return writer.write(strict: message, isValid) ? writer.count : 0
                }
                return writer.putSlowly { $0.write(any: message, isValid) ? $0.count : 0 }
            }
        }.length > 0
    }
}

/// Writes JSON into room that is known to be enough.
///
/// Reads up to `overrun` bytes from wherever a part of the message begins, all inside of it: where MSG does not leave so
/// many behind the rest, a copy is read instead, in room of its own.
@safe
struct PlainJSON {
    var source: UnsafeRawPointer
    /// The bytes that can be read from `source`.
    var length: Int
    /// The last offset from which `overrun` bytes can be read.
    var limit: Int
    private let start: UnsafeMutableRawPointer
    var target: UnsafeMutableRawPointer

    /// How far beyond an offset blocks are read.
    static var overrun: Int { 32 }

    @inline(always)
    init(source: UnsafeRawPointer, length: Int, target: UnsafeMutableRawPointer) {
        unsafe self.source = source
        self.length = length
        limit = length &- PlainJSON.overrun
        unsafe start = target
        unsafe self.target = target
    }

    /// Whether something before MSG begins so near to the end that blocks would be read beyond it.
    @inline(always)
    static func isShort(_ message: SyslogMessage, _ length: Int) -> Bool {
        Int(message.message.offset) &+ PlainJSON.overrun > length
    }

    /// Reads from a copy that has the overrun behind it.
    @inline(always)
    @unsafe
    mutating func copySource(to copy: UnsafeMutableRawPointer) {
        unsafe copy.copyMemory(from: source, byteCount: length)
        unsafe source = UnsafeRawPointer(copy)
        limit = length
        length &+= PlainJSON.overrun
    }

    /// Calls what is not worth inlining on a copy, so that the writer itself stays in registers.
    @inline(always)
    mutating func putSlowly<Result>(_ body: (inout PlainJSON) -> Result) -> Result {
        var copy = self
        defer { self = copy }
        return body(&copy)
    }

    /// The bytes written.
    @inline(always) var count: Int { unsafe target - start }

    /// The object of a message of RFC 5424 whose header and structured data need no care; false when it needs some all
    /// the same.
    @inline(always)
    mutating func write(strict message: SyslogMessage, _ isValid: Bool) -> Bool {
        if isValid {
            put("{\"valid\":true,\"format\":\"rfc5424\",\"priority\":")
        } else {
            put("{\"valid\":false,\"format\":\"rfc5424\",\"priority\":")
        }
        let priority = Int(message.priority)
        let version = Int(message.version)
        guard UInt(bitPattern: priority) <= 191, UInt(bitPattern: version) <= 9 else { return false }
        guard put(priority: message.priorityText) else { return false }
        put(",\"facility\":")
        put(digits: priority >> 3)
        let digits = unsafe target
        // The two zeros are severity and version.
        if message.timestamp == nil {
            put(",\"severity\":0,\"version\":0,\"timestamp\":")
            guard putSlowly({ $0.put(time: message) }) else { return false }
        } else {
            put(",\"severity\":0,\"version\":0,\"timestamp\":\"")
            guard put(plain: message.timestampText) else { return false }
        }
        unsafe digits.storeBytes(of: 0x30 &+ UInt8(truncatingIfNeeded: priority & 7), toByteOffset: 12, as: UInt8.self)
        unsafe digits.storeBytes(of: 0x30 &+ UInt8(truncatingIfNeeded: version), toByteOffset: 24, as: UInt8.self)
        guard put(",\"hostname\":null", ",\"hostname\":\"", message.hostname),
            put(",\"appname\":null", ",\"appname\":\"", message.appname),
            put(",\"procid\":null", ",\"procid\":\"", message.procid),
            put(",\"msgid\":null", ",\"msgid\":\"", message.msgid)
        else { return false }
        if message.structuredData.isEmpty {
            put(",\"structured_data\":null")
        } else {
            put(",\"structured_data\":[{\"id\":\"")
            guard put(data: message.structuredData) else { return false }
        }
        return finish(message)
    }

    /// The object of any other message; false when something is not plain.
    @inline(never)
    mutating func write(any message: SyslogMessage, _ isValid: Bool) -> Bool {
        if isValid { put("{\"valid\":true,\"format\":\"") } else { put("{\"valid\":false,\"format\":\"") }
        switch message.format {
        case .none: put("none\",\"priority\":")
        case .rfc3164: put("rfc3164\",\"priority\":")
        case .rfc5424: put("rfc5424\",\"priority\":")
        }
        let priority = Int(message.priority)
        if priority >= 0 {
            put(small: priority)
            put(",\"facility\":")
            put(small: priority >> 3)
            put(",\"severity\":")
            put(small: priority & 7)
        } else {
            put("null,\"facility\":null,\"severity\":null")
        }
        put(",\"version\":")
        if message.version >= 0 { put(small: Int(message.version)) } else { put("null") }
        put(",\"timestamp\":")
        guard put(time: message) else { return false }
        put(",\"hostname\":")
        guard put(field: message.hostname) else { return false }
        put(",\"appname\":")
        guard put(field: message.appname) else { return false }
        put(",\"procid\":")
        guard put(field: message.procid) else { return false }
        put(",\"msgid\":")
        guard put(field: message.msgid) else { return false }
        if message.structuredData.isEmpty {
            put(",\"structured_data\":null")
        } else {
            put(",\"structured_data\":[{\"id\":\"")
            guard message.isStrict, message.plain.contains(.data), put(data: message.structuredData) else {
                return false
            }
        }
        return finish(message)
    }

    /// MSG and the problems.
    @inline(always)
    private mutating func finish(_ message: SyslogMessage) -> Bool {
        if message.message.isEmpty {
            if message.format == .rfc3164 { put(",\"message\":\"\"") } else { put(",\"message\":null") }
        } else {
            // Bytes above 127 are UTF-8 here.
            guard !message.problems.contains(.textRepaired), isInside(message.message) else { return false }
            put(",\"message\":\"")
            if message.plain.contains(.text) {
                put(text: message.message)
            } else {
                putSlowly { $0.put(escaping: message.message, from: Int(message.message.offset)) }
            }
            put("\"")
        }
        if message.problems.isEmpty {
            put(",\"problems\":[]}")
        } else {
            putSlowly { $0.put(problems: message.problems) }
        }
        return true
    }
}
