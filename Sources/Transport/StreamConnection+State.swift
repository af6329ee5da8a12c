// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// What the socket says without being read: poll(2), which changes nothing.
extension StreamConnection {
    // From <poll.h>, which shows it only with _GNU_SOURCE: the other side has ended its direction.
    private static let peerEnded: Int16 = 0x2000

    /// Whether bytes wait to be read, encrypted ones too, or the end of the stream does.
    public var hasUnread: Bool { state(Int16(POLLIN)) & Int16(POLLIN) != 0 }

    /// Whether nothing more comes behind the bytes that wait.
    public var hasPeerEnded: Bool {
        state(StreamConnection.peerEnded) & (StreamConnection.peerEnded | Int16(POLLHUP | POLLERR)) != 0
    }

    /// Whether the connection carries nothing more in either direction: it was reset, or both sides have ended it. A loop
    /// that waits for nothing reports that as well, again and again.
    public var isBroken: Bool { state(0) & Int16(POLLHUP | POLLERR) != 0 }

    private func state(_ events: Int16) -> Int16 {
        var entry = pollfd(fd: raw, events: events, revents: 0)
        return Glibc.poll(&entry, 1, 0) > 0 ? entry.revents : 0
    }
}
