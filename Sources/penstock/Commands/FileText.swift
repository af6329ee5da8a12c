// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Puts a new text in the place of a file: as a whole or not at all, whatever stops the program meanwhile.
enum FileText {
    /// Writes `new` to `path`, whose text is `old`, with the file's mode and owner; refuses when the file is something
    /// else by now. With `dryRun` everything is looked at and nothing written.
    static func replace(_ path: String, _ old: String, with new: String, dryRun: Bool) throws(Input.Failure) {
        // Behind a symbolic link is the file that is meant.
        guard let resolved = realpath(path, nil) else { throw failure() }
        defer { free(resolved) }
        let target = String(cString: resolved)
        var information = stat()
        guard stat(target, &information) == 0, access(target, W_OK) == 0 else { throw failure() }
        guard try bytes(target).elementsEqual(old.utf8) else {
            throw Input.Failure(description: "it is compressed, not UTF-8, or was changed meanwhile")
        }
        if dryRun { return }
        let draft = "\(target).\(getpid()).new"
        let file = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw failure() }
        var isDone = false
        defer { if !isDone { unlink(draft) } }
        let isWritten = write(Array(new.utf8), to: file) && fchmod(file, information.st_mode & 0o7777) == 0
        // Another's file stays another's where this user may give it.
        _ = fchown(file, information.st_uid, information.st_gid)
        let isKept = isWritten && fsync(file) == 0
        let problem = isKept ? nil : failure()
        close(file)
        if let problem { throw problem }
        guard rename(draft, target) == 0 else { throw failure() }
        isDone = true
    }

    private static func failure() -> Input.Failure { Input.Failure(description: String(cString: strerror(errno))) }

    private static func bytes(_ path: String) throws(Input.Failure) -> [UInt8] {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw failure() }
        defer { close(file) }
        var all: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = read(file, &piece, piece.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure() }
            if count == 0 { return all }
            all += piece[..<count]
        }
    }

    private static func write(_ bytes: [UInt8], to file: Int32) -> Bool {
        var start = 0
        while start < bytes.count {
            let count = bytes[start...].withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            start += count
        }
        return true
    }
}
