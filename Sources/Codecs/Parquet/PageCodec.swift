// SPDX-License-Identifier: Apache-2.0
internal import CSnappy
internal import CZstd
internal import Wire

/// Compresses pages and holds the memory that all columns of one writer share for it.
@safe
struct PageCodec: ~Copyable {
    let compression: ParquetCompression
    private let context: OpaquePointer?
    /// The page's content before compression.
    var body = Slab(capacity: 4096)
    /// Encoded levels, before their length is known.
    var levels = Slab(capacity: 4096)
    private var compressed = Slab(capacity: 4096)
    private var header = ThriftCompactWriter()

    init(_ compression: ParquetCompression) {
        self.compression = compression
        if case .zstd = compression {
            unsafe context = ZSTD_createCCtx()
        } else {
            unsafe context = nil
        }
    }

    deinit { if let context = unsafe context { unsafe _ = ZSTD_freeCCtx(context) } }

    /// What a page header says beside the sizes.
    enum Page {
        case data(entries: Int, dictionary: Bool)
        case dictionary(values: Int)
    }

    /// Appends `body` as one page to `pages`.
    ///
    /// - Returns: the size of the header and the uncompressed body, or nil when the page cannot be written.
    mutating func appendBody(as page: Page, to pages: inout Slab) -> Int? {
        let size = body.count
        guard size <= 1 << 30, compressBody() else { return nil }
        let storedSize = compressed.count
        let checksum = CRC32.checksum(compressed.bytes)
        header.reset()
        header.structure { header in
            switch page {
            case .data: header.field(1, int32: 0)
            case .dictionary: header.field(1, int32: 2)
            }
            header.field(2, int32: Int32(truncatingIfNeeded: size))
            header.field(3, int32: Int32(truncatingIfNeeded: storedSize))
            header.field(4, int32: Int32(bitPattern: checksum))
            switch page {
            case .data(let entries, let dictionary):
                header.field(5) { data in
                    data.field(1, int32: Int32(truncatingIfNeeded: entries))
                    data.field(2, int32: (dictionary ? PageEncoding.dictionary : .plain).rawValue)
                    data.field(3, int32: PageEncoding.rle.rawValue)
                    data.field(4, int32: PageEncoding.rle.rawValue)
                }
            case .dictionary(let values):
                header.field(7) { dictionary in
                    dictionary.field(1, int32: Int32(truncatingIfNeeded: values))
                    dictionary.field(2, int32: PageEncoding.plain.rawValue)
                }
            }
        }
        header.append(to: &pages)
        pages.append(contentsOf: compressed)
        return header.count + size
    }

    private mutating func compressBody() -> Bool {
        compressed.reset()
        switch compression {
        case .none:
            compressed.append(contentsOf: body)
            return true
        case .snappy:
            return Self.snappy(body, into: &compressed)
        case .zstd(let level):
            guard let context = unsafe context else { return false }
            return unsafe Self.zstd(body, context, Int32(clamping: min(max(level, 1), 19)), into: &compressed)
        }
    }

    private static func snappy(_ body: borrowing Slab, into out: inout Slab) -> Bool {
        unsafe body.bytes.withUnsafeBytes { source in
            var done = false
            _ = unsafe out.append(upTo: snappy_max_compressed_length(source.count)) { room in
                var size = room.count
                done = unsafe snappy_compress(source.baseAddress, source.count, room.baseAddress, &size) == SNAPPY_OK
                return done ? size : 0
            }
            return done
        }
    }

    private static func zstd(
        _ body: borrowing Slab, _ context: OpaquePointer, _ level: Int32, into out: inout Slab
    ) -> Bool {
        unsafe body.bytes.withUnsafeBytes { source in
            var done = false
            _ = unsafe out.append(upTo: ZSTD_compressBound(source.count)) { room in
                let size = unsafe ZSTD_compressCCtx(
                    context, room.baseAddress, room.count, source.baseAddress, source.count, level)
                done = ZSTD_isError(size) == 0
                return done ? size : 0
            }
            return done
        }
    }
}

/// The encodings that are written (parquet.thrift, Encoding).
enum PageEncoding: Int32 {
    case plain = 0
    case rle = 3
    case dictionary = 8
}
