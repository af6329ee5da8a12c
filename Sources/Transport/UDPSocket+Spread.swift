// SPDX-License-Identifier: Apache-2.0
internal import CLinux

extension UDPSocket {
    /// How the kernel spreads the datagrams of one port over the sockets that share it.
    public enum Spread: Hashable, Sendable {
        /// By a hash of both addresses and ports: a sender stays at one socket, and a single heavy one fills only that.
        case kernel
        /// Each datagram goes to a random one of the first `sockets` sockets, so that one sender is served by all of
        /// them. Datagrams of a sender lose their order, and nothing that keeps a session a peer (DTLS) may use it.
        case random(sockets: Int)
        /// All datagrams go to the first socket: in calm times one thread is woken instead of many.
        case single
    }

    /// Sets how the whole group of sockets that share this one's port is served, with a classic BPF program
    /// (SO_ATTACH_REUSEPORT_CBPF, Linux 4.5). It can be called on any of them and at any time, also while datagrams
    /// arrive: nothing is lost, and what already waits in a socket stays there, so its owner reads it to its end.
    ///
    /// The group numbers its sockets in the order of their binding, from 0; when one is closed, the last one takes
    /// its number. So a service binds lane 0 first and closes lanes from the last to the first. With more `sockets`
    /// than the group has, the datagrams of the missing ones are spread by the hash.
    ///
    /// - Throws: when the socket was not made with `shared`, or the kernel refuses; the spread is then as before.
    public func spread(_ mode: Spread) throws(TransportError) {
        let status: Int32
        switch mode {
        case .kernel: status = penstock_reuseport_hash(descriptor.raw)
        case .single: status = penstock_reuseport_random(descriptor.raw, 1)
        case .random(let sockets): status = penstock_reuseport_random(descriptor.raw, UInt32(clamping: sockets))
        }
        guard status == 0 else {
            throw TransportError(
                .system,
                "udp \(address): the kernel does not spread datagrams as asked (\(TransportError.text(-status))); "
                    + "it needs a shared port and Linux 4.5, or 5.3 to go back to the hash")
        }
    }
}
