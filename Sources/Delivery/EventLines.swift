// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Wire

/// Reads the lines of files more than once: NDJSON on its way to the lake.
struct EventLines {
    /// The longest line that is read; a longer one is skipped and said.
    static let longest = 16 << 20

    /// What a line is, and where it stands.
    struct Place {
        var file: String
        var line: Int

        /// `file:line`.
        var text: String { "\(file):\(line)" }
    }

    /// A line that could not be read.
    struct Failure: Error {
        var description: String
    }

    /// A file opened for reading; of standard input, which can be read only once, an unnamed copy on disk.
    final class Source {
        let name: String
        private let descriptor: Int32
        /// Where the lines begin.
        private let start: off_t

        /// Opens `path`; `-` is standard input.
        init(_ path: String) throws(Failure) {
            let opened: Int32
            if path == "-" {
                name = "(standard input)"
                opened = lseek(0, 0, SEEK_CUR) < 0 ? try Source.spool() : dup(0)
            } else {
                name = path
                opened = open(path, O_RDONLY | O_CLOEXEC)
            }
            guard opened >= 0 else { throw Failure(description: "\(name): \(errorText(errno))") }
            descriptor = opened
            start = max(0, lseek(opened, 0, SEEK_CUR))
        }

        deinit { if descriptor >= 0 { close(descriptor) } }

        private static func spool() throws(Failure) -> Int32 {
            let directory = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
            var template = Array((directory + "/penstock-XXXXXX").utf8CString)
            let copy = mkstemp(&template)
            guard copy >= 0 else {
                throw Failure(description: "no temporary file in \(directory): \(errorText(errno))")
            }
            unlink(template)
            var buffer = [UInt8](repeating: 0, count: 256 * 1024)
            while true {
                let count = read(0, &buffer, buffer.count)
                if count == 0 { break }
                if count < 0, errno == EINTR { continue }
                var written = 0
                while written < count {
                    let more = buffer.withUnsafeBytes {
                        write(copy, $0.baseAddress.map { $0 + written }, count - written)
                    }
                    guard more > 0 else {
                        let reason = errorText(errno)
                        close(copy)
                        throw Failure(description: "copying standard input to \(directory): \(reason)")
                    }
                    written += more
                }
                guard count > 0 else {
                    close(copy)
                    throw Failure(description: "reading standard input: \(errorText(errno))")
                }
            }
            lseek(copy, 0, SEEK_SET)
            return copy
        }

        /// Calls `body` for each line that is not blank, without its line feed, from the first one.
        ///
        /// - Parameter complain: gets what could not be read.
        func forEach(complain: (Place, String) -> Void, _ body: (RawSpan, Place) throws -> Void) rethrows {
            lseek(descriptor, self.start, SEEK_SET)
            var slab = Slab(capacity: 512 * 1024)
            var place = Place(file: name, line: 1)
            var start = 0
            var scanned = 0
            var isSkipping = false
            while true {
                if let end = slab.bytes.firstIndex(of: 0x0A, from: scanned) {
                    if !isSkipping { try Source.line(slab.bytes.part(start, end - start), place, body) }
                    isSkipping = false
                    place.line += 1
                    start = end + 1
                    scanned = start
                    continue
                }
                scanned = slab.count
                if slab.count - start > EventLines.longest {
                    complain(place, "the line is longer than \(EventLines.longest) bytes and is skipped")
                    isSkipping = true
                }
                if isSkipping { start = slab.count }
                if start > 0 {
                    let rest = [UInt8](slab.bytes.part(start, slab.count - start).array)
                    slab.reset()
                    slab.append(rest.span.bytes)
                    start = 0
                    scanned = slab.count
                }
                var number: Int32 = 0
                let got = slab.append(upTo: 512 * 1024) { room in
                    while true {
                        let count = read(descriptor, room.baseAddress, room.count)
                        if count < 0, errno == EINTR { continue }
                        if count < 0 { number = errno }
                        return max(0, count)
                    }
                }
                if number != 0 { complain(place, "reading: \(errorText(number))") }
                if got.isEmpty {
                    if !isSkipping { try Source.line(slab.bytes.part(start, slab.count - start), place, body) }
                    return
                }
            }
        }

        private static func line(
            _ bytes: RawSpan, _ place: Place, _ body: (RawSpan, Place) throws -> Void
        ) rethrows {
            var length = bytes.byteCount
            while length > 0, let last = bytes.byte(at: length - 1), last == 0x0D || last == 0x20 || last == 0x09 {
                length -= 1
            }
            if length > 0 { try body(bytes.part(0, length), place) }
        }
    }
}
