// SPDX-License-Identifier: Apache-2.0
internal import Codecs
internal import Glibc
internal import Wire

/// Reads files or standard input piece by piece and cuts them into frames.
struct Input {
    /// Why an input could not be read: `file: reason`.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// The most bytes of one frame from a file.
    static let frameLimit = 16 << 20

    /// Calls `body` with every frame of `paths` (`-` or none: standard input), cut as `mode` says. What is compressed with
    /// gzip, zstd or lz4 is read as what it holds, whatever its name.
    static func frames(
        _ paths: [String], mode: FrameSplitter.Mode = .lf, _ body: (RawSpan, String) throws -> Void
    ) throws {
        for path in paths.isEmpty ? ["-"] : paths {
            let file = path == "-" ? 0 : open(path, O_RDONLY | O_CLOEXEC)
            guard file >= 0 else { throw Failure(description: "\(path): \(String(cString: strerror(errno)))") }
            defer { if file != 0 { close(file) } }
            var splitter = FrameSplitter(mode: mode, maximum: frameLimit)
            var decompressor = Decompressor()
            var source = Slab(capacity: piece)
            var taken = 0
            var buffer = Slab(capacity: piece)
            var start = 0
            var status = Decompressor.Status.needsInput
            reading: while true {
                scan: while true {
                    switch splitter.next(in: buffer.bytes, from: start, atEnd: status.isLast) {
                    case .frame(let frame):
                        try body(buffer.bytes(frame.extent), path)
                        start = frame.consumedTo
                    case .skip(let to): start = to
                    case .needMore: break scan
                    }
                }
                switch status {
                case .ended: break reading
                case .failed(let failure): throw Failure(description: "\(path): \(failure)")
                case .needsInput, .needsRoom: break
                }
                if start > 0 {
                    // Keep the unfinished rest at the front.
                    let rest = buffer.bytes.part(start, buffer.count - start).array
                    buffer.reset()
                    buffer.append(rest.span.bytes)
                    start = 0
                }
                var isAtEnd = false
                if taken == source.count {
                    source.reset()
                    taken = 0
                    isAtEnd = try fill(&source, from: file, path)
                }
                let step = decompressor.step(
                    source.bytes.part(taken, source.count - taken), atEnd: isAtEnd, into: &buffer, upTo: piece)
                taken += step.consumed
                status = step.status
            }
        }
    }

    /// The bytes read, or decompressed, at a time.
    private static let piece = 256 << 10

    /// Reads once; whether the end was reached.
    private static func fill(_ source: inout Slab, from file: Int32, _ path: String) throws -> Bool {
        var count = 0
        _ = source.append(upTo: piece) { room in
            repeat { count = read(file, room.baseAddress, room.count) } while count < 0 && errno == EINTR
            return max(count, 0)
        }
        if count < 0 { throw Failure(description: "\(path): \(String(cString: strerror(errno)))") }
        return count == 0
    }

    /// Throws when a file is missing or may not be read.
    static func readable(_ path: String) throws {
        guard access(path, R_OK) == 0 else {
            throw Failure(description: "\(path): \(String(cString: strerror(errno)))")
        }
    }

    /// Whether a path names a regular file, not a pipe or a device.
    static func isRegular(_ path: String) -> Bool {
        var information = stat()
        return stat(path, &information) == 0 && information.st_mode & S_IFMT == S_IFREG
    }

    /// When a file's content was last changed, in nanoseconds since the epoch; nil when there is none.
    static func lastChange(_ path: String) -> Int64? {
        var information = stat()
        guard stat(path, &information) == 0 else { return nil }
        return Int64(information.st_mtim.tv_sec) * 1_000_000_000 + Int64(information.st_mtim.tv_nsec)
    }

    /// The first `limit` bytes of a file; of a compressed one, of what it holds.
    static func bytes(_ path: String, limit: Int) throws -> [UInt8] {
        struct Enough: Error {}
        var bytes: [UInt8] = []
        do {
            try frames([path], mode: .none) { span, _ in
                span.part(0, limit - bytes.count).withUnsafeBytes { bytes.append(contentsOf: $0) }
                if bytes.count >= limit { throw Enough() }
            }
        } catch is Enough {}
        return bytes
    }

    /// The whole text of a file.
    static func text(_ path: String) throws -> String {
        var bytes: [UInt8] = []
        try frames([path], mode: .none) { span, _ in bytes.append(contentsOf: span.array) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The YAML files at `path`: itself, or all below it when it is a folder, in the order of their names.
    static func yamlFiles(_ path: String) throws -> [String] {
        var information = stat()
        guard stat(path, &information) == 0 else {
            throw Failure(description: "\(path): \(String(cString: strerror(errno)))")
        }
        guard information.st_mode & S_IFMT == S_IFDIR else { return [path] }
        guard let folder = opendir(path) else {
            throw Failure(description: "\(path): \(String(cString: strerror(errno)))")
        }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        var files: [String] = []
        for name in names.sorted() {
            let full = path + "/" + name
            var inside = stat()
            guard stat(full, &inside) == 0 else { continue }
            if inside.st_mode & S_IFMT == S_IFDIR {
                files += try yamlFiles(full)
            } else if name.hasSuffix(".yaml") || name.hasSuffix(".yml") {
                files.append(full)
            }
        }
        return files
    }
}

extension Decompressor.Status {
    /// Whether nothing will follow what has come out.
    fileprivate var isLast: Bool {
        switch self {
        case .ended, .failed: true
        case .needsInput, .needsRoom: false
        }
    }
}

/// Standard output, written in large pieces.
struct Output: ~Copyable {
    private var slab = Slab(capacity: 128 << 10)

    /// Nothing written yet.
    init() {}

    /// Appends bytes and a line feed.
    mutating func line(_ bytes: RawSpan) throws {
        slab.append(bytes)
        slab.append(byte: 0x0A)
        if slab.count > 64 << 10 { try flush() }
    }

    /// Lets `body` append to the buffer.
    mutating func write(_ body: (inout Slab) -> Void) throws {
        body(&slab)
        if slab.count > 64 << 10 { try flush() }
    }

    /// Writes what is buffered; a reader that went away ends the command without a word.
    mutating func flush() throws {
        var start = 0
        while start < slab.count {
            let written = slab.bytes.part(start, slab.count - start).withUnsafeBytes {
                Glibc.write(1, $0.baseAddress, $0.count)
            }
            if written < 0 {
                if errno == EINTR { continue }
                if errno == EPIPE { Glibc.exit(0) }
                throw Input.Failure(description: "standard output: \(String(cString: strerror(errno)))")
            }
            start += written
        }
        slab.reset()
    }
}
