// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Writes a new file as a whole or not at all.
enum WholeFile {
    /// Puts `bytes` in the place of `path`; others may not read it.
    static func write(_ bytes: [UInt8], to path: String) throws(Input.Failure) {
        func failure() -> Input.Failure { Input.Failure(description: "\(path): \(String(cString: strerror(errno)))") }
        let draft = "\(path).\(getpid()).new"
        let file = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw failure() }
        var start = 0
        while start < bytes.count {
            let count = bytes[start...].withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                let problem = failure()
                close(file)
                unlink(draft)
                throw problem
            }
            start += count
        }
        let isKept = fsync(file) == 0
        close(file)
        guard isKept, rename(draft, path) == 0 else {
            let problem = failure()
            unlink(draft)
            throw problem
        }
    }
}
