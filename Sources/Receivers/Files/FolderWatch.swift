// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Tells of changes in folders (inotify(7)), so that a line is read when it is written and not at the next look.
///
/// Only a hint: network file systems tell nothing, and the kernel's queue may overflow. Looks at the folder go on.
final class FolderWatch {
    enum Change {
        /// The file of that name has new bytes.
        case modified(String)
        /// Names came, went or changed, or changes were lost.
        case names
    }

    private static let structural = UInt32(
        IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ATTRIB)
    private static let size = 64 << 10
    let raw: Int32
    private let buffer: UnsafeMutableRawPointer

    /// Nil when the system has no more instances to give (fs.inotify.max_user_instances).
    init?() {
        raw = inotify_init1(Int32(IN_NONBLOCK | IN_CLOEXEC))
        guard raw >= 0 else { return nil }
        buffer = .allocate(byteCount: FolderWatch.size, alignment: 8)
    }

    deinit {
        close(raw)
        buffer.deallocate()
    }

    /// Watches a folder and answers its number: the same one for the same folder. Nil when it cannot be watched.
    func add(_ folder: String) -> Int32? {
        let number = inotify_add_watch(
            raw, folder, FolderWatch.structural | UInt32(IN_MODIFY) | UInt32(IN_ONLYDIR) | UInt32(IN_EXCL_UNLINK))
        return number >= 0 ? number : nil
    }

    /// Hands out what happened since the last call: the folder's number (-1: any of them) and the change.
    func drain(_ body: (Int32, Change) -> Void) {
        // A bound: a writer that is faster than this must not hold the reader here.
        for _ in 0..<16 {
            let count = read(raw, buffer, FolderWatch.size)
            guard count > 0 else { return }
            var offset = 0
            var previous: (folder: Int32, name: UnsafeMutablePointer<CChar>)?
            let header = MemoryLayout<inotify_event>.size
            while count - offset >= header {
                let event = (buffer + offset).loadUnaligned(as: inotify_event.self)
                let name = (buffer + offset + header).assumingMemoryBound(to: CChar.self)
                let length = min(Int(event.len), count - offset - header)
                offset += header + length
                if event.mask & UInt32(IN_Q_OVERFLOW) != 0 {
                    body(-1, .names)
                } else if event.mask & UInt32(IN_MODIFY) != 0, length > 0 {
                    // Several writers' changes alternate, one writer's come in a row.
                    if let previous, previous.folder == event.wd, strcmp(previous.name, name) == 0 { continue }
                    previous = (event.wd, name)
                    body(event.wd, .modified(String(cString: name)))
                } else if event.mask & FolderWatch.structural != 0 {
                    body(event.wd, .names)
                }
            }
        }
    }
}
