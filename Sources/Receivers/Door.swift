// SPDX-License-Identifier: Apache-2.0
internal import Instruments
internal import Transport

/// One lane's socket of a listener, and what it has counted since the last flush.
struct Door {
    enum Socket {
        case datagrams(UDPSocket)
        case secured(UDPSocket, DTLSEndpoint)
        case streams(TCPListener)
    }

    let listener: Listener
    let socket: Socket
    var messages = 0
    var bytes = 0
    var countedDrops = 0
    /// When a look for events in several messages is worth it again, in monotonic milliseconds.
    var nextSegmentLook: Int64 = 0
    /// What of a DTLS endpoint's refusals is counted already.
    var countedRefusals = [0, 0]

    /// Adds what was counted to the shared instruments: once a poll, not once a message.
    mutating func flush() {
        listener.messages.add(messages)
        listener.bytes.add(bytes)
        messages = 0
        bytes = 0
    }

    /// The datagrams that the kernel has dropped since the last call.
    mutating func newDrops(_ socket: UDPSocket) -> Int {
        let new = socket.kernelDrops - countedDrops
        countedDrops = socket.kernelDrops
        return new
    }
}
