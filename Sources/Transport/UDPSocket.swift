// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc

/// A bound UDP socket that receives in batches and knows what the kernel dropped.
public final class UDPSocket {
    /// What one receive brought.
    public enum Received: Sendable {
        /// That many slots of the arena are filled.
        case datagrams(Int)
        /// Nothing waits.
        case wouldBlock
        /// The kernel refused, with its reason.
        case failed(String)
    }

    let descriptor: Descriptor
    /// The address that the socket is bound to, with the port that the kernel chose.
    public let address: SocketAddress
    /// The receive buffer in payload bytes that the kernel granted (half of what it books).
    public let receiveBuffer: Int
    /// The datagrams that the kernel dropped since the socket was made, because its buffer was full or a checksum wrong.
    public private(set) var kernelDrops = 0
    private var lastDrops: UInt32 = 0

    /// Binds to `address`.
    ///
    /// - Parameters:
    ///   - shared: whether other sockets of this user may bind to the same port, one a lane (SO_REUSEPORT).
    ///   - receiveBuffer: the payload bytes to ask of the kernel, nil for its default; compare with ``receiveBuffer``.
    public init(bind address: SocketAddress, shared: Bool = false, receiveBuffer: Int? = nil) throws(TransportError) {
        descriptor = try Descriptor.socket(for: address, stream: false)
        try descriptor.bind(address, shared: shared, what: "udp")
        _ = penstock_enable_rxq_ovfl(descriptor.raw)
        _ = penstock_multicast_joined_only(descriptor.raw, address.family == AF_INET6 ? 1 : 0)
        var booked: Int32 = 0
        if let receiveBuffer {
            booked = penstock_set_receive_buffer(descriptor.raw, Int32(clamping: min(receiveBuffer, 1 << 30)))
        } else {
            var length = socklen_t(MemoryLayout<Int32>.size)
            getsockopt(descriptor.raw, SOL_SOCKET, SO_RCVBUF, &booked, &length)
        }
        self.receiveBuffer = Int(max(booked, 0)) / 2
        self.address = descriptor.localAddress() ?? address
    }

    /// The descriptor, for an ``EventLoop``.
    public var raw: Int32 { descriptor.raw }

    /// Receives as many waiting datagrams as `arena` has slots for, or `most`, without blocking.
    public func receive(into arena: DatagramArena, most: Int = .max) -> Received {
        var overflow = lastDrops
        let count = penstock_recvmmsg(
            descriptor.raw, arena.kernel, arena.datagrams, Int32(min(arena.slots, max(most, 1))), &overflow)
        if overflow != lastDrops { note(drops: overflow) }
        switch count {
        case 0...: return .datagrams(Int(count))
        case -EAGAIN, -EINTR: return .wouldBlock
        default: return .failed(TransportError.text(-count))
        }
    }

    /// Sends `bytes` as one datagram to `peer`, without waiting; false when the kernel does not take it.
    @discardableResult
    public func send(_ bytes: RawSpan, to peer: SocketAddress) -> Bool {
        let flags = Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)
        return bytes.withUnsafeBytes { buffer in
            peer.withSockaddr { Glibc.sendto(descriptor.raw, buffer.baseAddress, buffer.count, flags, $0, $1) >= 0 }
        }
    }

    /// Reads the kernel's drop count although no datagram arrives, which SO_RXQ_OVFL alone cannot tell.
    public func refreshKernelDrops() {
        var memory = penstock_socket_memory()
        if penstock_socket_memory(descriptor.raw, &memory) == 0 { note(drops: memory.drops) }
    }

    /// How full the receive buffer is, 0 to 1 and a little more: the kernel lets the last datagram overshoot. 1 when the
    /// kernel does not tell.
    public var backlog: Double {
        var memory = penstock_socket_memory()
        guard penstock_socket_memory(descriptor.raw, &memory) == 0, memory.buffer > 0 else { return 1 }
        return Double(memory.received) / Double(memory.buffer)
    }

    private func note(drops: UInt32) {
        // The kernel counts in 32 bits and wraps. A datagram carries the count of the moment it was queued, which can be
        // older than what a refresh has seen: such a step back is no news.
        let step = Int32(truncatingIfNeeded: drops &- lastDrops)
        guard step > 0 else { return }
        kernelDrops += Int(step)
        lastDrops = drops
    }
}
