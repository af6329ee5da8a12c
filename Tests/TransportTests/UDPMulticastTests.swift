// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing
import Transport
import Wire

@Suite(.timeLimit(.minutes(4))) struct UDPMulticastTests {
    /// Few hosts route IPv6 multicast over loopback; another interface can be named, such as a dummy one.
    private static let interface6 = ProcessInfo.processInfo.environment["PENSTOCK_MULTICAST_INTERFACE"] ?? "lo"

    /// Sends one datagram a group: over loopback, or the interface that is the second argument for IPv6.
    private static let sender = """
        import socket, sys
        for group in sys.argv[3:]:
            v6 = ":" in group
            s = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_DGRAM)
            if v6:
                s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, socket.if_nametoindex(sys.argv[2]))
            else:
                s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
            s.sendto(group.encode(), (group, int(sys.argv[1])))
        """

    /// Whether this kernel carries multicast of the family over loopback, found out without the code under test.
    private static func carries(_ group: String) -> Bool {
        Program.python(
            """
            import socket, struct, sys
            group = sys.argv[1]
            v6 = ":" in group
            family = socket.AF_INET6 if v6 else socket.AF_INET
            lo = socket.if_nametoindex(sys.argv[2] if v6 else "lo")
            r = socket.socket(family, socket.SOCK_DGRAM)
            r.settimeout(10)
            r.bind(("::" if v6 else "0.0.0.0", 0))
            packed = socket.inet_pton(family, group)
            if v6:
                r.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, packed + struct.pack("@I", lo))
            else:
                r.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, packed + struct.pack("=4si", b"", lo))
            s = socket.socket(family, socket.SOCK_DGRAM)
            if v6:
                s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, lo)
            else:
                s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
            s.sendto(b"x", (group, r.getsockname()[1]))
            r.recv(10)
            """, [group, interface6]
        ).finish().status == 0
    }
    private static let ipv4 = carries("239.255.41.1")
    private static let ipv6 = carries("ff15::4101")

    private func texts(_ socket: UDPSocket) -> [String] {
        let arena = DatagramArena(slots: 8, largest: 512)
        guard case .datagrams(let count) = socket.receive(into: arena) else { return [] }
        return (0..<count).map { slot in arena.bytes(slot).withUnsafeBytes { String(decoding: $0, as: UTF8.self) } }
    }

    private func send(to groups: [String], _ port: UInt16) {
        let sent = Program.python(UDPMulticastTests.sender, ["\(port)", UDPMulticastTests.interface6] + groups).finish()
        #expect(sent.status == 0, "\(sent.output)")
    }

    @Test(.enabled(if: ipv4, "no IPv4 multicast over loopback here")) func joinsAndLeavesIPv4Groups() throws {
        let group = try #require(IPAddress("239.255.41.7"))
        let socket = try UDPSocket(bind: SocketAddress("0.0.0.0:0"))
        // Another socket of this host joins the second group; it must not spill into the first socket.
        let other = try UDPSocket(bind: SocketAddress("0.0.0.0:0"))
        try other.join(group: #require(IPAddress("239.255.41.8")), interface: "lo")
        let both = ["239.255.41.7", "239.255.41.8"]
        send(to: both, socket.address.port)
        #expect(texts(socket) == [])
        try socket.join(group: group, interface: "lo")
        send(to: both, socket.address.port)
        #expect(texts(socket) == ["239.255.41.7"])
        let twice = #expect(throws: TransportError.self) { try socket.join(group: group, interface: "lo") }
        #expect(twice?.code == .busy)
        try socket.leave(group: group, interface: "lo")
        send(to: both, socket.address.port)
        #expect(texts(socket) == [])
    }

    @Test(.enabled(if: ipv6, "no IPv6 multicast here")) func joinsAndLeavesIPv6Groups() throws {
        let group = try #require(IPAddress("ff15::4107"))
        let socket = try UDPSocket(bind: SocketAddress("[::]:0"))
        let other = try UDPSocket(bind: SocketAddress("[::]:0"))
        try other.join(group: #require(IPAddress("ff15::4108")), interface: UDPMulticastTests.interface6)
        let both = ["ff15::4107", "ff15::4108"]
        try socket.join(group: group, interface: UDPMulticastTests.interface6)
        send(to: both, socket.address.port)
        #expect(texts(socket) == ["ff15::4107"])
        try socket.leave(group: group, interface: UDPMulticastTests.interface6)
        send(to: both, socket.address.port)
        #expect(texts(socket) == [])
    }

    @Test(.enabled(if: ipv4 && ipv6, "no multicast of both families here")) func anIPv6SocketJoinsBothFamilies() throws
    {
        let socket = try UDPSocket(bind: SocketAddress("[::]:0"))
        try socket.join(group: #require(IPAddress("239.255.41.9")), interface: "lo")
        try socket.join(group: #require(IPAddress("ff15::4109")), interface: UDPMulticastTests.interface6)
        send(to: ["239.255.41.9", "239.255.41.10", "ff15::4109"], socket.address.port)
        #expect(texts(socket) == ["239.255.41.9", "ff15::4109"])
    }

    @Test(.enabled(if: ipv4, "no IPv4 multicast over loopback here")) func oneMemberOfASharedPortGetsOneCopy() throws {
        let first = try UDPSocket(bind: SocketAddress("0.0.0.0:0"), shared: true)
        let second = try UDPSocket(bind: first.address, shared: true)
        try first.join(group: #require(IPAddress("239.255.41.11")), interface: "lo")
        send(to: ["239.255.41.11"], first.address.port)
        #expect(texts(first) == ["239.255.41.11"])
        #expect(texts(second) == [])
    }

    @Test func whatCannotBeJoinedIsNamed() throws {
        let socket = try UDPSocket(bind: SocketAddress("127.0.0.1:0"))
        func complaint(_ group: String, _ interface: String? = "lo") throws -> TransportError? {
            let address = try #require(IPAddress(group))
            return #expect(throws: TransportError.self) { try socket.join(group: address, interface: interface) }
        }
        #expect(try complaint("192.0.2.1")?.description.contains("not a multicast address") == true)
        #expect(try complaint("2001:db8::1")?.description.contains("not a multicast address") == true)
        #expect(try complaint("ff15::1")?.description.contains("needs a listener on an IPv6 address") == true)
        #expect(try complaint("239.1.2.3", "penstock-none")?.description.contains("no such interface") == true)
        #expect(throws: TransportError.self) { try socket.leave(group: IPAddress(v4: 0xEF01_0203), interface: "lo") }
    }
}
