// SPDX-License-Identifier: Apache-2.0
internal import Codecs
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
    /// What the loop waits for on its behalf.
    var interest: EventLoop.Interest
    /// When it was accepted, in monotonic milliseconds.
    let opened: Int64
    /// When its last byte came, in monotonic milliseconds.
    var lastByte: Int64

    init(
        _ connection: StreamConnection, _ listener: Listener, door: Int, token: EventLoop.Token, now: Int64
    ) {
        self.connection = connection
        self.listener = listener
        self.door = door
        self.token = token
        splitter = FrameSplitter(listener.configuration)
        interest = connection.interest
        opened = now
        lastByte = now
    }

    /// Why its time is over at `now`, or nil.
    func expiry(now: Int64) -> Listener.Refusal? {
        let limits = listener.configuration
        if !connection.isOpen {
            let most = Int64(limits.handshakeTimeout) * 1000
            return most > 0 && now - opened >= most ? .handshakeTime : nil
        }
        let most = Int64(limits.idleTimeout) * 1000
        return most > 0 && now - lastByte >= most ? .idle : nil
    }
}

extension FrameSplitter {
    /// A splitter for a new connection of a listener.
    init(_ configuration: ListenerConfiguration) {
        let mode: Mode =
            switch configuration.framing {
            case .auto: .auto
            case .octetCounting: .octet
            case .lineFeed: .lf
            case .nul: .nul
            }
        self.init(
            mode: mode, maximum: configuration.maxMessageBytes,
            oversize: configuration.oversize == .split ? .split : .truncate)
    }
}
