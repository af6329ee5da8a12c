// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Synchronization
internal import Wire

/// A directory as an object store: an object appears under its name when it is complete and on disk, never before.
///
/// It is written to a file in the hidden folder `.incoming`, synchronized, and then linked or renamed to where it will
/// live. Readers that list `*.parquet` never see half a file; ``removeLeftovers()`` takes away what a crash left.
public struct LocalObjectStore: ObjectStore {
    /// The directory.
    public let directory: String
    private let isDurable: Bool
    /// Makes the names of temporary files different.
    private static let attempts = Atomic<Int>(0)

    /// The store in `directory`, which is made when it is missing.
    ///
    /// - Parameter durable: whether objects are synchronized to the disk (fsync(2)) before they get their name.
    public init(directory: String, durable: Bool = true) throws(StoreError) {
        var path = directory
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        self.directory = path
        self.isDurable = durable
        let incoming = path + "/.incoming"
        try LocalObjectStore.makeDirectories(incoming)
        guard access(path, W_OK | X_OK) == 0 else { throw LocalObjectStore.error(errno, "writing to", path) }
    }

    /// The store as a person would name it.
    public var name: String { directory }

    /// Stores `content` under `key` as a whole or not at all.
    public func put(_ key: String, _ content: RawSpan, mode: PutMode) throws(StoreError) {
        let parts = key.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.allSatisfy({ !$0.isEmpty && !$0.hasPrefix(".") && $0.utf8.count <= 200 && !$0.utf8.contains(0) })
        else { throw StoreError(.key, "`\(key)` cannot be the key of an object") }
        let path = directory + "/" + key
        let parent = directory + parts.dropLast().map { "/" + $0 }.joined()
        try LocalObjectStore.makeDirectories(parent)
        let number = LocalObjectStore.attempts.add(1, ordering: .relaxed).newValue
        let temporary = "\(directory)/.incoming/\(getpid()).\(number)"
        do {
            try write(content, to: temporary)
            try publish(temporary, as: path, content, mode)
        } catch {
            unlink(temporary)
            throw error
        }
        if isDurable { LocalObjectStore.synchronize(directory: parent) }
    }

    /// Removes what interrupted writers left behind; a file that is being written now is younger than an hour.
    public func removeLeftovers() {
        let folder = directory + "/.incoming"
        guard let listing = opendir(folder) else { return }
        defer { closedir(listing) }
        while let entry = readdir(listing) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            var status = stat()
            guard name != ".", name != "..", stat(folder + "/" + name, &status) == 0 else { continue }
            if Int64(status.st_mtim.tv_sec) < wallNow() / 1_000_000_000 - 3600 { unlink(folder + "/" + name) }
        }
    }

    private func write(_ content: RawSpan, to path: String) throws(StoreError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { throw LocalObjectStore.error(errno, "creating", path) }
        var number: Int32 = 0
        content.withUnsafeBytes { bytes in
            var written = 0
            while written < bytes.count, number == 0 {
                let count = Glibc.write(descriptor, bytes.baseAddress.map { $0 + written }, bytes.count - written)
                if count > 0 {
                    written += count
                } else if count == 0 {
                    number = ENOSPC
                } else if errno != EINTR {
                    number = errno
                }
            }
        }
        // Delayed allocation tells of a full disk only here.
        if number == 0, isDurable, fsync(descriptor) != 0 { number = errno }
        if Glibc.close(descriptor) != 0, number == 0 { number = errno }
        if number != 0 { throw LocalObjectStore.error(number, "writing", path) }
    }

    private func publish(
        _ temporary: String, as path: String, _ content: RawSpan, _ mode: PutMode
    ) throws(StoreError) {
        switch mode {
        case .replace:
            guard rename(temporary, path) == 0 else { throw LocalObjectStore.error(errno, "naming", path) }
        case .once:
            // link(2) refuses a name that is taken, which rename(2) does not.
            if link(temporary, path) == 0 {
                unlink(temporary)
                return
            }
            let number = errno
            if number == EEXIST {
                guard LocalObjectStore.isSame(path, content) else {
                    throw StoreError(.conflict, "\(path) exists with other content and is left as it is")
                }
                unlink(temporary)
                return
            }
            // Some network and FAT file systems have no hard links.
            guard number == EPERM || number == EOPNOTSUPP || number == EMLINK, access(path, F_OK) != 0,
                rename(temporary, path) == 0
            else { throw LocalObjectStore.error(number, "naming", path) }
        }
    }

    /// Whether the file at `path` holds exactly `content`.
    private static func isSame(_ path: String, _ content: RawSpan) -> Bool {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var position = 0
        var buffer = Slab(capacity: 64 * 1024)
        while true {
            buffer.reset()
            var failed = false
            let extent = buffer.append(upTo: 64 * 1024) { room in
                let count = read(descriptor, room.baseAddress, room.count)
                failed = count < 0
                return max(0, count)
            }
            if failed { return false }
            if extent.isEmpty { return position == content.byteCount }
            let length = Int(extent.length)
            guard buffer.bytes(extent).equals(content.part(position, length)) else { return false }
            position += length
        }
    }

    private static func makeDirectories(_ path: String) throws(StoreError) {
        if mkdir(path, 0o750) == 0 || errno == EEXIST { return }
        guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash > path.startIndex else {
            throw error(errno, "making", path)
        }
        try makeDirectories(String(path[..<slash]))
        guard mkdir(path, 0o750) == 0 || errno == EEXIST else { throw error(errno, "making", path) }
    }

    private static func synchronize(directory: String) {
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }

    private static func error(_ number: Int32, _ verb: String, _ path: String) -> StoreError {
        let reason = "\(verb) \(path): \(errorText(number))"
        return switch number {
        case ENOSPC, EDQUOT, EFBIG: StoreError(.full, "\(reason); make room or move the lake to a larger disk")
        case EACCES, EPERM, EROFS: StoreError(.permission, "\(reason) (checked as user \(getuid()))")
        case ENAMETOOLONG, EINVAL: StoreError(.key, reason)
        default: StoreError(.unavailable, reason)
        }
    }
}
