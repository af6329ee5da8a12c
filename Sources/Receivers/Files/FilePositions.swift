// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Wire

/// Keeps the positions of one input's files on disk, so that a restart reads on where the journal ends.
///
/// The file is replaced as a whole: written beside, fsync, renamed, fsync of the folder. A torn one cannot be; one that
/// was damaged is recognised by its checksum and set aside.
struct FilePositions {
    private static let heading = "penstock file positions 1"
    /// Of positions that nothing was read after: the run has ended in its own time.
    private static let completeHeading = heading + " complete"
    let path: String
    private let folder: String

    /// The positions of the input called `name` below `folder`, which is made when it is not there.
    init(folder: String, name: String) throws(ListenerErrors) {
        self.folder = folder
        var safe = ""
        for byte in name.utf8 {
            let scalar = Unicode.Scalar(byte)
            let isSafe =
                scalar.isASCII && (scalar.properties.isAlphabetic || (0x30...0x39).contains(byte) || byte == 0x2D)
            safe += isSafe ? String(Character(scalar)) : "%" + String(byte, radix: 16)
        }
        path = folder + "/" + safe + ".positions"
        var information = stat()
        if mkdir(folder, 0o750) != 0, !(errno == EEXIST && stat(folder, &information) == 0) {
            throw ListenerErrors(["\(folder): \(FilePositions.reason): positions of files cannot be kept there"])
        }
        guard access(folder, W_OK | X_OK) == 0 else {
            throw ListenerErrors(["\(folder): \(FilePositions.reason): positions of files cannot be kept there"])
        }
    }

    private static var reason: String { String(cString: strerror(errno)) }

    /// What was kept, whether nothing was read after it, and what is wrong with it.
    func load() throws(ListenerErrors) -> (positions: [FilePosition], isComplete: Bool, warning: String?) {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else {
            if errno == ENOENT { return ([], true, nil) }
            throw ListenerErrors(["\(path): \(FilePositions.reason)"])
        }
        defer { close(file) }
        var slab = Slab(capacity: 1 << 20)
        while true {
            var count = 0
            _ = slab.append(upTo: 1 << 20) { room in
                count = read(file, room.baseAddress, room.count)
                return max(count, 0)
            }
            if count < 0 { throw ListenerErrors(["\(path): \(FilePositions.reason)"]) }
            if count == 0 { break }
        }
        guard let (positions, isComplete) = FilePositions.parse(slab.bytes) else {
            let aside = path + ".damaged"
            rename(path, aside)
            return (
                [], false,
                "\(path) is damaged and was set aside as \(aside): files are read as if they had never been read"
            )
        }
        return (positions, isComplete, nil)
    }

    private static func parse(_ bytes: RawSpan) -> (positions: [FilePosition], isComplete: Bool)? {
        let text = bytes.text
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count >= 3, lines[0] == heading || lines[0] == completeHeading, lines[lines.count - 1].isEmpty
        else { return nil }
        let last = lines[lines.count - 2]
        let sum = CRC32C.checksum(bytes.part(0, bytes.byteCount - last.utf8.count - 1))
        guard last == "crc32c \(sum)" else { return nil }
        var positions: [FilePosition] = []
        for line in lines[1..<lines.count - 2] {
            guard let position = FilePosition(line) else { return nil }
            positions.append(position)
        }
        return (positions, lines[0] == completeHeading)
    }

    /// Replaces what is kept.
    func write(_ positions: [FilePosition], isComplete: Bool) throws(ListenerErrors) {
        var slab = Slab(capacity: 4096 + positions.count * 200)
        slab.append((isComplete ? FilePositions.completeHeading : FilePositions.heading) + "\n")
        for position in positions { position.append(to: &slab) }
        slab.append("crc32c \(CRC32C.checksum(slab.bytes))\n")
        let fresh = path + ".new"
        let file = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o640)
        guard file >= 0 else { throw ListenerErrors(["\(fresh): \(FilePositions.reason)"]) }
        var start = 0
        while start < slab.count {
            let written = slab.bytes.part(start, slab.count).withUnsafeBytes {
                Glibc.write(file, $0.baseAddress, $0.count)
            }
            if written < 0, errno == EINTR { continue }
            guard written > 0 else { break }
            start += written
        }
        let isSafe = start == slab.count && fsync(file) == 0
        let reason = FilePositions.reason
        close(file)
        guard isSafe, rename(fresh, path) == 0 else {
            throw ListenerErrors(["\(path): \(isSafe ? FilePositions.reason : reason)"])
        }
        let directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { return }
        _ = fsync(directory)
        close(directory)
    }
}
