// SPDX-License-Identifier: Apache-2.0
internal import Codecs
internal import Glibc
internal import Wire

/// One file of an input: what is known of it, and how far it has been read.
final class FollowedFile {
    enum State {
        /// It has not been looked into since it was found.
        case fresh
        /// It is compressed and may be a copy of what was read already.
        case comparing(ContentComparison)
        /// It has the content of another file that is still being read; it goes on where that one ends.
        case shadow(of: FollowedFile, generation: Int)
        case reading
        /// Nothing more is expected of it, unless it changes.
        case ended
    }

    /// What the file system said of it last.
    struct Facts: Equatable {
        var size = 0
        var seconds = 0
        var nanoseconds = 0
        var links = 1

        init() {}

        init(_ information: stat) {
            size = Int(information.st_size)
            seconds = information.st_mtim.tv_sec
            nanoseconds = information.st_mtim.tv_nsec
            links = Int(information.st_nlink)
        }
    }

    let identity: FileIdentity
    var path: String
    var facts: Facts
    /// Whether it was found at the first look, and not later.
    let isEarly: Bool
    var state = State.fresh
    /// The descriptor, -1 when closed.
    private(set) var descriptor: Int32 = -1
    /// The number of the last look that saw it.
    var look = 0
    /// When it was no longer under its name, in monotonic milliseconds.
    var goneSince: Int64?
    /// When bytes last came, in monotonic milliseconds.
    var lastByte: Int64 = 0
    /// When it is tried again after a failure.
    var retryAt: Int64 = 0
    var isQueued = false
    /// Whether it waits for another compressed file to be read first.
    var isWaiting = false
    /// Whether everything that it has was read.
    var isIdle = false
    /// Whether it was taken for a copy before the other file was read to its end.
    var isProvisional = false
    /// Content up to here is known to have been read from another file.
    var shared = 0
    /// When it was found, in monotonic milliseconds.
    var foundAt: Int64 = 0
    /// Its size when it was read to its end.
    var endSize = 0
    /// Whether it was looked into.
    var wasIdentified = false
    /// Whether it was seen without content: then all of its content is new.
    var wasEmpty = false

    /// Grows when its content is replaced (truncated, written anew).
    var generation = 0
    var format: CompressionFormat?
    var decompressor: Decompressor?
    /// The bytes of the file that were taken.
    var sourceOffset = 0
    /// The content that was taken: after decompression. What `held` has is included.
    var contentOffset = 0
    /// Messages of content up to here may have been delivered in an earlier run that was cut off.
    var doubtful = 0
    /// Content up to here was delivered in an earlier run, and is skipped.
    var skipTo = 0
    /// The first bytes of the content.
    var head: [UInt8] = []
    /// The content in front of what `held` has.
    var tail = ContentTail()
    var splitter: FrameSplitter
    /// The beginning of a message whose end has not come yet.
    var held: [UInt8] = []
    /// What of a delivered message is still to be skipped.
    var rest = FilePosition.Rest.none
    /// Whether `rest` comes from an earlier run: then the splitter does not know of it.
    var restIsOurs = false
    /// Whether NUL bytes in front of the next message are a hole in the file and no content.
    var isBetweenFrames = true
    /// The offset up to which a restart need not read again, when that is not the end of the last message.
    var safe: (offset: Int, tail: ContentTail)?
    var position: FilePosition?
    var isDirty = false

    init(_ identity: FileIdentity, path: String, facts: Facts, isEarly: Bool, _ configuration: FileInputConfiguration) {
        self.identity = identity
        self.path = path
        self.facts = facts
        self.isEarly = isEarly
        splitter = FrameSplitter(
            configuration.framing, maximum: configuration.maxMessageBytes, oversize: configuration.oversize)
    }

    deinit { close() }

    var isOpen: Bool { descriptor >= 0 }
    /// The offset of the first byte that belongs to no delivered message.
    var frameOffset: Int { contentOffset - held.count }
    var isCompressed: Bool { format != nil && format != .plain }

    func close() {
        if descriptor >= 0 { _ = Glibc.close(descriptor) }
        descriptor = -1
        decompressor = nil
    }

    /// Opens it under its name.
    ///
    /// - Returns: 0, or the `errno`; ESTALE when the name belongs to another file by now.
    func open(followingLinks: Bool) -> Int32 {
        guard descriptor < 0 else { return 0 }
        // Not to hang in a FIFO that has taken the name since it was looked at.
        let raw = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (followingLinks ? 0 : O_NOFOLLOW))
        guard raw >= 0 else { return errno }
        var information = stat()
        guard fstat(raw, &information) == 0, information.st_mode & S_IFMT == S_IFREG,
            FileIdentity(information) == identity
        else {
            _ = Glibc.close(raw)
            return ESTALE
        }
        facts = Facts(information)
        descriptor = raw
        return 0
    }

    /// Asks the open file itself: its name may be another file's.
    func refreshFacts() {
        var information = stat()
        if descriptor >= 0, fstat(descriptor, &information) == 0 { facts = Facts(information) }
    }

    /// Up to `count` bytes of the file at `offset`; nil when it cannot be read.
    func bytes(at offset: Int, _ count: Int) -> [UInt8]? {
        var isRead = true
        let bytes = [UInt8](unsafeUninitializedCapacity: max(count, 0)) { buffer, used in
            while used < count {
                let read = pread(descriptor, buffer.baseAddress! + used, count - used, offset + used)
                if read < 0, errno == EINTR { continue }
                if read < 0 { isRead = false }
                if read <= 0 { break }
                used += read
            }
        }
        return isRead ? bytes : nil
    }

    /// Begins with the first byte, as if nothing were known.
    func restart(_ configuration: FileInputConfiguration) {
        decompressor = nil
        sourceOffset = 0
        contentOffset = 0
        skipTo = 0
        head = []
        tail.reset()
        held = []
        resume(.none, configuration)
        position = nil
        isDirty = true
    }

    /// Forgets the frames that were begun; `rest` is what is to be skipped first.
    func resume(_ rest: FilePosition.Rest, _ configuration: FileInputConfiguration) {
        splitter = FrameSplitter(
            configuration.framing, maximum: configuration.maxMessageBytes, oversize: configuration.oversize)
        self.rest = rest
        restIsOurs = rest != .none
        isBetweenFrames = true
        safe = nil
    }

    /// How far it was read, for the file of positions; nil when that is not known better than before.
    func currentPosition(seconds: Int64) -> FilePosition? {
        switch state {
        case .fresh, .comparing, .shadow: return position
        case .reading where contentOffset < skipTo: return position
        case .reading, .ended: break
        }
        if isDirty || position == nil {
            isDirty = false
            let tail = safe?.tail ?? tail
            position = FilePosition(
                identity: identity, head: ContentPrint(head), offset: safe?.offset ?? frameOffset, tail: tail.print,
                rest: rest, wholeSize: -1, seen: seconds, path: path)
            if case .ended = state, isCompressed { position?.wholeSize = facts.size }
        }
        position?.seen = seconds
        position?.path = path
        return position
    }
}

extension FileIdentity {
    init(_ information: stat) {
        self.init(device: UInt64(information.st_dev), inode: UInt64(information.st_ino))
    }
}
