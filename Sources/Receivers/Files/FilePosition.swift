// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// A file as the file system knows it; a name may go to another file at any time.
struct FileIdentity: Hashable {
    let device: UInt64
    let inode: UInt64
}

/// How far a file was read: one line of the file of positions.
struct FilePosition: Equatable {
    /// What of a message at the position is still to be skipped when reading resumes there.
    enum Rest: Equatable {
        case none
        /// Up to the next trailer: the message was longer than allowed, its beginning has been delivered.
        case line
        /// That many bytes of an octet-counted message.
        case bytes(Int)
    }

    var identity: FileIdentity
    /// The first bytes of the content, after decompression.
    var head: ContentPrint
    /// The content read so far, in bytes after decompression; -1: all of it, unread.
    var offset: Int
    /// The content in front of `offset`.
    var tail: ContentPrint
    var rest: Rest
    /// Of a compressed file that was read to its end: its size on disk. Else -1.
    var wholeSize: Int
    /// When the file was last there, in seconds since the epoch.
    var seen: Int64
    var path: String

    /// The position as a line of text. The path is last, in hexadecimal, whatever is in it.
    func append(to slab: inout Slab) {
        func number(_ value: Int64, _ slab: inout Slab) {
            slab.append(decimal: value)
            slab.append(byte: 0x20)
        }
        number(Int64(bitPattern: identity.device), &slab)
        number(Int64(bitPattern: identity.inode), &slab)
        number(Int64(head.length), &slab)
        number(Int64(bitPattern: head.hash), &slab)
        number(Int64(offset), &slab)
        number(Int64(tail.length), &slab)
        number(Int64(bitPattern: tail.hash), &slab)
        switch rest {
        case .none: number(0, &slab)
        case .line: number(-1, &slab)
        case .bytes(let count): number(Int64(count), &slab)
        }
        number(Int64(wholeSize), &slab)
        number(seen, &slab)
        let digits = Array("0123456789abcdef".utf8)
        for byte in path.utf8 {
            slab.append(byte: digits[Int(byte >> 4)])
            slab.append(byte: digits[Int(byte & 15)])
        }
        slab.append(byte: 0x0A)
    }

    /// The position that a line of text holds, or nil.
    init?(_ line: Substring) {
        let fields = line.split(separator: " ")
        guard fields.count == 11 else { return nil }
        let numbers = fields.prefix(10).compactMap { Int64($0) }
        guard numbers.count == 10 else { return nil }
        identity = FileIdentity(device: UInt64(bitPattern: numbers[0]), inode: UInt64(bitPattern: numbers[1]))
        head = ContentPrint(length: Int(numbers[2]), hash: UInt64(bitPattern: numbers[3]))
        offset = Int(numbers[4])
        tail = ContentPrint(length: Int(numbers[5]), hash: UInt64(bitPattern: numbers[6]))
        rest = numbers[7] == 0 ? .none : numbers[7] < 0 ? .line : .bytes(Int(numbers[7]))
        wholeSize = Int(numbers[8])
        seen = numbers[9]
        let lengths = 0...ContentPrint.longest
        guard offset >= -1, lengths.contains(head.length), lengths.contains(tail.length), tail.length <= max(offset, 0)
        else { return nil }
        var bytes: [UInt8] = []
        var high: UInt8?
        for digit in fields[10].utf8 {
            let value: UInt8
            switch digit {
            case 0x30...0x39: value = digit - 0x30
            case 0x61...0x66: value = digit - 0x61 + 10
            default: return nil
            }
            if let upper = high {
                bytes.append(upper << 4 | value)
                high = nil
            } else {
                high = value
            }
        }
        path = String(decoding: bytes, as: UTF8.self)
    }

    init(
        identity: FileIdentity, head: ContentPrint, offset: Int, tail: ContentPrint, rest: Rest, wholeSize: Int,
        seen: Int64, path: String
    ) {
        self.identity = identity
        self.head = head
        self.offset = offset
        self.tail = tail
        self.rest = rest
        self.wholeSize = wholeSize
        self.seen = seen
        self.path = path
    }
}
