// SPDX-License-Identifier: Apache-2.0
internal import Codecs
internal import Events
internal import Transport
internal import Wire

extension SyslogReceiver {
    /// The receives of one socket in one turn: with 32 slots each, 256 datagrams before the next socket has its turn.
    private static let rounds = 8

    func receive(_ index: Int, _ socket: UDPSocket, _ batch: inout Batch, _ mostFrames: Int) {
        let listener = doors[index].listener
        let arena = arena
        var messages = 0
        var bytes = 0
        for _ in 0..<SyslogReceiver.rounds where batch.frames.count < mostFrames {
            guard case .datagrams(let count) = socket.receive(into: arena) else { break }
            if count > 0, clocks.now >= doors[index].nextSegmentLook { lookForSegments(index, listener) }
            for slot in 0..<count {
                let length = append(slot, of: arena, listener, &batch)
                messages += length > 0 ? 1 : 0
                bytes += length
            }
            // A batch that is not full has emptied the socket.
            if count < arena.slots { break }
        }
        doors[index].messages += messages
        doors[index].bytes += bytes
        noteDrops(index, socket)
    }

    /// Looks at a datagram now and then; to look at each would cost more than to find the first event a little late.
    private func lookForSegments(_ index: Int, _ listener: Listener) {
        guard spreader.isShared, listener.configuration.spread == .adaptive else {
            return doors[index].nextSegmentLook = .max
        }
        let arena = arena
        let isSegment = arena.bytes(0).mayBeISESegment
        if isSegment { spreader.keepSenders(of: listener.number, now: clocks.now) }
        doors[index].nextSegmentLook = clocks.now + (isSegment ? 1000 : 10)
    }

    /// - Returns: the length of the message, 0 when there is none.
    private func append(_ slot: Int, of arena: DatagramArena, _ listener: Listener, _ batch: inout Batch) -> Int {
        let peer = arena.peer(slot)
        let bytes = arena.bytes(slot)
        let most = listener.configuration.maxMessageBytes
        let wireLength = arena.wireLength(slot)
        let isCut = wireLength > bytes.byteCount || bytes.byteCount > most
        let length = isCut ? min(most, bytes.byteCount) : lengthWithoutTrailer(bytes)
        guard length > 0 else {
            refusals.emptyDatagram()
            return 0
        }
        if isCut { refusals.oversize(listener, peer: peer, length: wireLength, now: clocks.now) }
        batch.append(
            bytes.part(0, length), received: clocks.received, peer: peer?.ip, peerPort: peer?.port ?? 0,
            listener: listener.number,
            transport: .udp, isCut: isCut)
        return length
    }

    /// A datagram needs no trailer, but senders that also speak TCP leave theirs: LF, CR LF or NUL at its end.
    func lengthWithoutTrailer(_ bytes: RawSpan) -> Int {
        var length = bytes.byteCount
        while length > 0, let last = bytes.byte(at: length - 1), last == 0x0A || last == 0x00 {
            length -= 1
            if last == 0x0A, bytes.byte(at: length - 1) == 0x0D { length -= 1 }
        }
        return length
    }
}
