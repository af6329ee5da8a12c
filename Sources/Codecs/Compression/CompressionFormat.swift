// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// How a file is compressed, told by its first bytes: names lie, rotated files are renamed.
public enum CompressionFormat: String, Sendable, CaseIterable {
    /// Not compressed.
    case plain
    /// RFC 1952, one member or several.
    case gzip
    /// RFC 8878, one frame or several.
    case zstd
    /// The LZ4 frame format, one frame or several.
    case lz4

    /// What the first bytes of a file say.
    enum Recognition: Equatable {
        /// Too few bytes to tell.
        case undecided
        case known(CompressionFormat)
        /// A skippable frame, which zstd and lz4 share (RFC 8878 section 3.1.2): what follows it tells.
        case skippable
        /// A compression that is recognised, but not read.
        case foreign(String)
    }

    private static let signatures: [(bytes: [UInt8], meaning: Recognition)] = [
        // The third byte is the method, of which RFC 1952 knows only 8.
        ([0x1F, 0x8B, 0x08], .known(.gzip)),
        ([0x28, 0xB5, 0x2F, 0xFD], .known(.zstd)),
        ([0x04, 0x22, 0x4D, 0x18], .known(.lz4)),
        ([0x02, 0x21, 0x4C, 0x18], .foreign("the legacy lz4 format")),
        ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00], .foreign("xz")),
        // `BZh`, the block size `9`, and the first block's magic: text could begin with less.
        ([0x42, 0x5A, 0x68, 0x39, 0x31, 0x41, 0x59, 0x26, 0x53, 0x59], .foreign("bzip2")),
    ]

    /// The most bytes that a decision takes.
    static let longestSignature = 10

    /// What `bytes`, the first of a file, say; with `atEnd` there are no more, and it is decided.
    static func recognize(_ bytes: RawSpan, atEnd: Bool) -> Recognition {
        var undecided = false
        for signature in signatures {
            switch agreement(bytes, signature.bytes) {
            case .full: return signature.meaning
            case .partial: undecided = true
            case .none: break
            }
        }
        // 0x184D2A50 to 0x184D2A5F in little-endian order.
        if let first = bytes.byte(at: 0), first & 0xF0 == 0x50 {
            switch agreement(bytes, [first, 0x2A, 0x4D, 0x18]) {
            case .full: return .skippable
            case .partial: undecided = true
            case .none: break
            }
        }
        return undecided && !atEnd ? .undecided : .known(.plain)
    }

    /// The format of a file that begins with `bytes`; nil when that takes more bytes.
    ///
    /// A file that begins with a skippable frame counts as zstd; one in a compression that is not read as plain.
    public static func of(_ bytes: RawSpan, atEnd: Bool) -> CompressionFormat? {
        switch recognize(bytes, atEnd: atEnd) {
        case .undecided: bytes.byteCount == 0 && atEnd ? .plain : nil
        case .known(let format): bytes.byteCount == 0 && !atEnd ? nil : format
        case .skippable: .zstd
        case .foreign: .plain
        }
    }

    /// The name of the compression that `bytes` begin with, when it is one that is not read.
    public static func unsupported(_ bytes: RawSpan) -> String? {
        if case .foreign(let name) = recognize(bytes, atEnd: true) { name } else { nil }
    }

    private enum Agreement {
        case none
        case partial
        case full
    }

    private static func agreement(_ bytes: RawSpan, _ signature: [UInt8]) -> Agreement {
        for (index, wanted) in signature.enumerated() {
            guard let byte = bytes.byte(at: index) else { return .partial }
            if byte != wanted { return .none }
        }
        return .full
    }
}
