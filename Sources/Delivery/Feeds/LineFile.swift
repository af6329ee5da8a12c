// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Synchronization
public import Transport
internal import Wire

/// A local file that lines are appended to, or a named pipe. Whole lines only: what a full disk cut off is taken back.
///
/// When the file was moved away or deleted, as logrotate(8) does, the next write makes it anew. Several threads may
/// write: what one of them writes stays together.
public final class LineFile: Sendable {
    /// Where it is.
    public let path: String
    private let state = Mutex(State())

    private struct State {
        var descriptor: Int32 = -1
        var identity: (device: dev_t, inode: ino_t) = (0, 0)
        var isRegular = false
        var nextLook: Int64 = 0
    }

    /// Which file it is, and where it ends: what a position in it means only with.
    struct End: Equatable {
        var device: UInt64
        var inode: UInt64
        var bytes: UInt64
    }

    /// Opens or makes the file at `path`. A named pipe that nobody reads yet is opened by the first write that finds a
    /// reader.
    public init(_ path: String) throws(TransportError) {
        self.path = path
        try state.withLock { state throws(TransportError) in try open(&state, isFirst: true) }
    }

    deinit { state.withLock { LineFile.leave($0) } }

    /// What was written to a file that is left behind is as safe as what comes after it.
    private static func leave(_ state: State) {
        guard state.descriptor >= 0 else { return }
        if state.isRegular { fdatasync(state.descriptor) }
        close(state.descriptor)
    }

    private func open(_ state: inout State, isFirst: Bool = false) throws(TransportError) {
        // Without O_NONBLOCK the open waits until somebody reads the pipe, and no stop ends that (fifo(7)).
        let opened = Glibc.open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0o640)
        guard opened >= 0 else {
            let problem = errno
            if problem == ENXIO, isFirst { return }
            throw TransportError(
                .system, problem == ENXIO ? "\(path): nobody reads the pipe" : "\(path): \(errorText(problem))")
        }
        LineFile.leave(state)
        var facts = stat()
        fstat(opened, &facts)
        state.descriptor = opened
        state.identity = (facts.st_dev, facts.st_ino)
        state.isRegular = facts.st_mode & S_IFMT == S_IFREG
        if state.isRegular { endLine(opened, facts.st_size) }
    }

    /// A process that was killed while it wrote has left the beginning of a line. The line comes again, so that is taken
    /// back; where no line end is near, it is somebody else's text and gets one.
    private func endLine(_ descriptor: Int32, _ size: off_t) {
        let window = min(Int(size), 4 << 20)
        guard window > 0 else { return }
        let reader = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
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

    /// Appends `lines`, each with its line feed; waits while a pipe is full, as long as `waits` says so.
    ///
    /// - Throws: what the system said; nothing of `lines` is then in a regular file.
    public func write(_ lines: RawSpan, while waits: () -> Bool = { true }) throws(TransportError) {
        try lines.withUnsafeBytes { bytes throws(TransportError) in
            try state.withLock { state throws(TransportError) in
                try look(&state)
                let problem = write(bytes, state, waits)
                guard problem != 0 else { return }
                // The reader of a pipe has gone: the next write looks for another.
                if problem == EPIPE, !state.isRegular {
                    close(state.descriptor)
                    state.descriptor = -1
                }
                throw TransportError(
                    .system,
                    problem == EAGAIN
                        ? "\(path): the pipe's reader takes nothing" : "\(path): \(errorText(problem))")
            }
        }
    }

    /// Opens the file anew when it is not open, or is not the one at its path any more; that is asked once a second.
    private func look(_ state: inout State) throws(TransportError) {
        let now = monotonicNow()
        if state.descriptor < 0 {
            try open(&state)
        } else if state.isRegular, now >= state.nextLook {
            var facts = stat()
            if stat(path, &facts) != 0 || facts.st_ino != state.identity.inode || facts.st_dev != state.identity.device
            {
                try open(&state)
            }
        } else {
            return
        }
        state.nextLook = now + 1_000_000_000
    }

    /// - Returns: 0, or the error's number.
    private func write(_ bytes: UnsafeRawBufferPointer, _ state: borrowing State, _ waits: () -> Bool) -> Int32 {
        var written = 0
        while written < bytes.count {
            let count = Glibc.write(state.descriptor, bytes.baseAddress.map { $0 + written }, bytes.count - written)
            if count > 0 {
                written += count
                continue
            }
            let problem = count == 0 ? EIO : errno
            if problem == EINTR { continue }
            if problem == EAGAIN, waits() {
                var room = pollfd(fd: state.descriptor, events: Int16(POLLOUT), revents: 0)
                _ = poll(&room, 1, 100)
                continue
            }
            if written > 0, state.isRegular { takeBack(written, state.descriptor) }
            return problem
        }
        return 0
    }

    /// Only this process appends to the file, so what it wrote last is at the end.
    private func takeBack(_ count: Int, _ descriptor: Int32) {
        let end = lseek(descriptor, 0, SEEK_END)
        if end >= count { ftruncate(descriptor, end - off_t(count)) }
    }

    /// The file and its end; nil when it is not a regular one.
    var end: End? {
        state.withLock { state in
            var facts = stat()
            guard state.isRegular, fstat(state.descriptor, &facts) == 0 else { return nil }
            return End(facts)
        }
    }

    /// Writes what the kernel still holds of the file to its disk.
    ///
    /// - Returns: whether that succeeded.
    func synchronize() -> Bool {
        // Not under the lock: it takes as long as the disk does, and writing goes on meanwhile.
        let copy = state.withLock { $0.descriptor >= 0 && $0.isRegular ? dup($0.descriptor) : -1 }
        guard copy >= 0 else { return true }
        defer { close(copy) }
        return fdatasync(copy) == 0
    }
}

extension LineFile.End {
    /// The end of the file with these facts.
    init(_ facts: stat) {
        self.init(device: UInt64(facts.st_dev), inode: UInt64(facts.st_ino), bytes: UInt64(max(0, facts.st_size)))
    }
}
