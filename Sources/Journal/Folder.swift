// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Wire

/// What the journal asks of folders and of small files in them.
enum Folder {
    /// Makes a folder and those above it.
    static func make(_ path: String) throws(JournalError) {
        var made = path.hasPrefix("/") ? "/" : ""
        for part in path.split(separator: "/") {
            made += made.isEmpty || made == "/" ? String(part) : "/" + part
            guard unsafe mkdir(made, 0o750) != 0 else { continue }
            let problem = errno
            // A parent that may not be written to may still be there.
            guard problem != EEXIST, problem != EISDIR, unsafe access(made, F_OK) != 0 else { continue }
            throw JournalError(errno: problem, path: made, doing: "the folder cannot be made")
        }
    }

    /// The names in a folder, sorted; none when there is no such folder.
    static func names(_ path: String) throws(JournalError) -> [String] {
        guard let stream = unsafe opendir(path) else {
            if errno == ENOENT { return [] }
            throw JournalError(errno: errno, path: path, doing: "the folder cannot be read")
        }
        defer { unsafe _ = closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// The folder of a log.
    static func log(_ number: Int, in directory: String) -> String { "\(directory)/log-\(number)" }

    /// The numbers of the logs in a directory, sorted.
    static func logs(in directory: String) throws(JournalError) -> [Int] {
        try names(directory).compactMap { name in
            guard name.hasPrefix("log-"), let number = UInt16(name.dropFirst(4)) else { return nil }
            // `log-007` and `log-+7` are not ours.
            return name == "log-\(number)" ? Int(number) : nil
        }.sorted()
    }

    /// Makes what happened to the names of a folder durable.
    static func synchronize(_ folder: SegmentFile) throws(JournalError) {
        guard fsync(folder.descriptor) == 0 else {
            throw JournalError(errno: errno, path: folder.path, doing: "fsync failed")
        }
    }

    /// The bytes of a small file; nil when there is none.
    static func read(_ path: String, most: Int = 16 << 20) throws(JournalError) -> [UInt8]? {
        guard unsafe access(path, F_OK) == 0 || errno != ENOENT else { return nil }
        let file = try SegmentFile.open(path, .read)
        var bytes = Slab(capacity: 4096)
        try file.read(into: &bytes, from: 0, min(try file.status().bytes, most))
        return bytes.bytes.array
    }

    /// Puts `bytes` in the place of a small file, so that a crash leaves the old or the new one: a temporary file,
    /// fsync(2), rename(2), fsync(2) of the folder.
    static func replace(_ path: String, with bytes: [UInt8], in folder: String) throws(JournalError) {
        let temporary = path + ".new"
        unsafe _ = unlink(temporary)
        let file = try SegmentFile.open(temporary, .create)
        try unsafe file.write(bytes.span.bytes, at: 0)
        let problem = file.synchronize()
        guard problem == 0 else { throw JournalError(errno: problem, path: temporary, doing: "fdatasync failed") }
        guard unsafe rename(temporary, path) == 0 else {
            throw JournalError(errno: errno, path: path, doing: "cannot be replaced")
        }
        try synchronize(try SegmentFile.open(folder, .read))
    }

    /// Removes a file; whether it was there is nobody's concern.
    static func remove(_ path: String) { unsafe _ = unlink(path) }

    /// The bytes that an unprivileged process can still write to the file system of `path`.
    static func free(_ path: String) -> UInt64? {
        var status = statvfs()
        // Asked with each commit: passing the String itself would allocate a copy each time.
        guard unsafe path.withCString({ unsafe statvfs($0, &status) }) == 0 else { return nil }
        return UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize)).partialValue
    }

    /// Seconds since the epoch.
    static var now: Int { time(nil) }

    /// Milliseconds of a clock that nobody sets.
    static var milliseconds: Int {
        var now = timespec()
        unsafe _ = clock_gettime(CLOCK_MONOTONIC, &now)
        return Int(now.tv_sec) * 1000 + Int(now.tv_nsec) / 1_000_000
    }
}
