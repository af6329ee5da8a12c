// SPDX-License-Identifier: Apache-2.0
internal import Glibc
public import Transport
internal import Wire

/// A local file that lines are appended to, or a named pipe. Whole lines only: what a full disk cut off is taken back.
///
/// When the file was moved away or deleted, as logrotate(8) does, the next write makes it anew.
public final class LineFile: @unchecked Sendable {
    /// Where it is.
    public let path: String
    private var descriptor: Int32 = -1
    private var identity: (device: dev_t, inode: ino_t) = (0, 0)
    private var isRegular = false
    private var nextLook: Int64 = 0

    /// Opens or makes the file at `path`.
    public init(_ path: String) throws(TransportError) {
        self.path = path
        try open()
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    private func open() throws(TransportError) {
        let opened = Glibc.open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o640)
        guard opened >= 0 else { throw TransportError(.system, "\(path): \(errorText(errno))") }
        if descriptor >= 0 { close(descriptor) }
        descriptor = opened
        var facts = stat()
        fstat(opened, &facts)
        identity = (facts.st_dev, facts.st_ino)
        isRegular = facts.st_mode & S_IFMT == S_IFREG
        if isRegular { endLine(facts.st_size) }
    }

    /// A process that was killed while it wrote has left the beginning of a line. The line comes again, so that is taken
    /// back; where no line end is near, it is somebody else's text and gets one.
    private func endLine(_ size: off_t) {
        let window = min(Int(size), 4 << 20)
        guard window > 0 else { return }
        let reader = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard reader >= 0 else { return }
        defer { close(reader) }
        var tail = [UInt8](repeating: 0, count: window)
        guard pread(reader, &tail, window, size - off_t(window)) == window, tail.last != 0x0A else { return }
        if let last = tail.lastIndex(of: 0x0A) {
            ftruncate(descriptor, size - off_t(window - last - 1))
        } else if window == Int(size), tail.first == 0x7B {
            ftruncate(descriptor, 0)
        } else {
            _ = Glibc.write(descriptor, "\n", 1)
        }
    }

    /// Appends `lines`, each with its line feed; waits while a pipe is full.
    ///
    /// - Throws: what the system said; nothing of `lines` is then in a regular file.
    public func write(_ lines: RawSpan) throws(TransportError) {
        let now = monotonicNow()
        if now >= nextLook {
            nextLook = now + 1_000_000_000
            var facts = stat()
            if isRegular, stat(path, &facts) != 0 || facts.st_ino != identity.inode || facts.st_dev != identity.device {
                try open()
            }
        }
        let failure: Int32 = lines.withUnsafeBytes { bytes in
            var written = 0
            while written < bytes.count {
                let count = Glibc.write(descriptor, bytes.baseAddress.map { $0 + written }, bytes.count - written)
                if count >= 0 {
                    written += count
                } else if errno != EINTR {
                    let reason = errno
                    if written > 0 { takeBack(written) }
                    return reason
                }
            }
            return 0
        }
        guard failure == 0 else { throw TransportError(.system, "\(path): \(errorText(failure))") }
    }

    /// Only this process appends to the file, so what it wrote last is at the end.
    private func takeBack(_ count: Int) {
        guard isRegular else { return }
        let end = lseek(descriptor, 0, SEEK_END)
        if end >= count { ftruncate(descriptor, end - off_t(count)) }
    }
}
