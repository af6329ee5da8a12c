// SPDX-License-Identifier: Apache-2.0
internal import Codecs
internal import Events
internal import Transport

/// One connection of a lane: its stream, and what of it waits for the end of its frame.
final class StreamInput {
    let connection: StreamConnection
    let listener: Listener
    /// The listener's place in the lane.
    let door: Int
    let token: EventLoop.Token
    var splitter: FrameSplitter
    /// The beginning of a frame whose end has not come yet.
    var held: [UInt8] = []
    /// What its frames were received through, beyond their peer.
    var origin = Origin()
    /// The origin's number in the batch of poll number `originPoll`.
    var originNumber: UInt16 = 0
    var originPoll = -1
    /// Whom a proxy's header names, when it came through one.
    var source: SocketAddress?
    /// The conversation, when it speaks RELP.
    let relp: RELPConversation?
    /// What stands before the frames.
    var stage: Stage
    /// What the loop waits for on its behalf.
    var interest: EventLoop.Interest
    /// When it was accepted, in monotonic milliseconds.
    let opened: Int64
    /// When its last byte came, in monotonic milliseconds.
    var lastByte: Int64

    /// The time of the last byte before its buffers were given back.
    private var leanSince: Int64 = -1

    /// How far a connection is before its frames begin.
    enum Stage {
        /// The PROXY protocol header is awaited.
        case proxy
        /// The TLS handshake is under way.
        case handshake
        /// Frames.
        case open
    }

    /// Who sends: whom the proxy names, or the other end.
    var peer: SocketAddress { source ?? connection.peer }

    init(
        _ connection: StreamConnection, _ listener: Listener, door: Int, token: EventLoop.Token, now: Int64
    ) {
        self.connection = connection
        self.listener = listener
        self.door = door
        self.token = token
        splitter = FrameSplitter(
            listener.configuration.framing, maximum: listener.configuration.maxMessageBytes,
            oversize: listener.configuration.oversize)
        interest = connection.interest
        relp = listener.configuration.transport == .relp ? RELPConversation(listener.configuration) : nil
        stage = listener.trustsProxy(at: connection.peer.ip) ? .proxy : .open
        opened = now
        lastByte = now
    }

    /// Gives the buffers of a TLS connection back that has been silent for a second: ten thousand idle senders would hold
    /// half a gigabyte.
    func slim(now: Int64) {
        guard stage == .open, connection.isTLS, now - lastByte >= 1000, leanSince != lastByte else { return }
        leanSince = lastByte
        connection.releaseBuffers()
    }

    /// Why its time is over at `now`, or nil.
    func expiry(now: Int64) -> Listener.Refusal? {
        let limits = listener.configuration
        if stage != .open {
            let most = Int64(limits.handshakeTimeout) * 1000
            guard most > 0, now - opened >= most else { return nil }
            // A header is looked at where it lies, so its bytes always wait; those of a handshake wait for this lane.
            let isOurs = stage == .handshake && connection.interest == .readable && connection.hasUnread
            return isOurs ? nil : .handshakeTime
        }
        let most = Int64(limits.idleTimeout) * 1000
        guard most > 0, now - lastByte >= most else { return nil }
        return relp?.isOwing == true || connection.hasUnread ? nil : .idle
    }

    /// Gives back what a long message needed and what is held now does not.
    func fit() {
        guard held.capacity > 16 << 10, held.count < held.capacity / 4 else { return }
        held = held.withUnsafeBytes { [UInt8]($0) }
    }
}
