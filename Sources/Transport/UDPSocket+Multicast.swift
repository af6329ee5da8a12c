// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc
public import Wire

extension UDPSocket {
    /// Joins a multicast group, so that the socket receives what is sent to it and to the socket's port.
    ///
    /// A socket gets only the groups that it has joined itself (IP_MULTICAST_ALL off). The kernel copies a group's
    /// datagram to **every** socket that has joined, also within one shared port: join on one socket of the port only.
    /// An IPv6 socket can join groups of both families.
    ///
    /// - Parameters:
    ///   - group: an address of 224.0.0.0/4 or ff00::/8.
    ///   - interface: the network interface to join on, such as `eth1`; nil lets the routes choose.
    public func join(group: IPAddress, interface: String? = nil) throws(TransportError) {
        try membership(group, interface, join: true)
    }

    /// Leaves a group that was joined with the same arguments.
    public func leave(group: IPAddress, interface: String? = nil) throws(TransportError) {
        try membership(group, interface, join: false)
    }

    private func membership(_ group: IPAddress, _ interface: String?, join: Bool) throws(TransportError) {
        let what = "udp \(address): cannot \(join ? "join" : "leave") \(group)" + (interface.map { " on \($0)" } ?? "")
        let isGroup = group.isIPv4 ? group.low >> 28 == 0xE : group.high >> 56 == 0xFF
        guard isGroup else {
            throw TransportError(.address, "\(what): not a multicast address (224.0.0.0/4 or ff00::/8)")
        }
        guard group.isIPv4 || !address.ip.isIPv4 else {
            throw TransportError(.address, "\(what): an IPv6 group needs a listener on an IPv6 address, such as [::]")
        }
        var index: UInt32 = 0
        if let interface {
            index = if_nametoindex(interface)
            guard index != 0 else {
                throw TransportError(.address, "\(what): this host has no such interface (`ip link` lists them)")
            }
        }
        let status: Int32
        if group.isIPv4 {
            let address = UInt32(truncatingIfNeeded: group.low).bigEndian
            status = penstock_multicast4(descriptor.raw, join ? 1 : 0, address, index)
        } else {
            var bytes = (group.high.bigEndian, group.low.bigEndian)
            status = withUnsafeBytes(of: &bytes) {
                penstock_multicast6(
                    descriptor.raw, join ? 1 : 0, $0.baseAddress?.assumingMemoryBound(to: UInt8.self), index)
            }
        }
        switch -status {
        case 0: return
        case EADDRINUSE: throw TransportError(.busy, "\(what): already joined")
        case EADDRNOTAVAIL where !join: throw TransportError(.address, "\(what): not joined")
        case ENODEV, EADDRNOTAVAIL:
            throw TransportError(.address, "\(what): no interface leads there; name one (`ip link`)")
        case let number: throw TransportError(errno: number, what)
        }
    }
}
