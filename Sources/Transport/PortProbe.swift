// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Finds out whether an address is free, before sockets that share it are bound.
///
/// SO_REUSEPORT would let two processes of one user share a port without a word, each getting half of the messages. A
/// first bind without it finds the other one.
public enum PortProbe {
    /// Binds to `address` alone and lets go of it.
    ///
    /// - Returns: the address with the port that the kernel chose where it was 0.
    public static func free(_ address: SocketAddress, stream: Bool) throws(TransportError) -> SocketAddress {
        let descriptor = try Descriptor.socket(for: address, stream: stream)
        // Connections of an earlier run that still linger are no reason to refuse; a listening socket stays one.
        if stream { descriptor.set(SOL_SOCKET, SO_REUSEADDR, 1) }
        try descriptor.bind(address, shared: false, what: stream ? "tcp" : "udp")
        return descriptor.localAddress() ?? address
    }
}
