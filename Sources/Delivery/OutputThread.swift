// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// A thread of one output: it has a name that `top -H` shows, and it is joined at the end.
public final class OutputThread: @unchecked Sendable {
    private var thread = pthread_t()
    private var isJoined = false

    private final class Start {
        let name: String
        let body: @Sendable () -> Void
        init(_ name: String, _ body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    /// Starts a thread that runs `body` once.
    public init(_ name: String, _ body: @escaping @Sendable () -> Void) {
        let start = Unmanaged.passRetained(Start(name, body))
        let status = pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                let start = Unmanaged<Start>.fromOpaque(context).takeRetainedValue()
                OutputThread.nameThis(start.name)
                start.body()
                return nil
            }, start.toOpaque())
        // Without a thread at start there is no service: the limit of processes (ulimit -u, TasksMax=) is too low.
        precondition(status == 0, "no thread can be started: \(errorText(status))")
    }

    /// Waits for the end of the thread. Only one caller may do so, and not the thread itself.
    public func join() {
        guard !isJoined else { return }
        isJoined = true
        pthread_join(thread, nil)
    }

    deinit { if !isJoined { pthread_detach(thread) } }

    /// Names the calling thread; the kernel keeps 15 bytes (proc(5), /proc/pid/task/tid/comm).
    private static func nameThis(_ name: String) {
        let descriptor = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        _ = name.withCString { write(descriptor, $0, min(strlen($0), 15)) }
        close(descriptor)
    }
}
