// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing
import Transport
import Wire

@Suite struct SocketAddressTests {
    /// A link-local address of this host with its interface, such as `fe80::1%eth0`.
    private static let local: String? = {
        let table = (try? String(contentsOfFile: "/proc/net/if_inet6", encoding: .utf8)) ?? ""
        for line in table.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count == 6, words[3] == "20" else { continue }
            let digits = Array(words[0])
            let groups = stride(from: 0, to: digits.count, by: 4).map { String(digits[$0..<min($0 + 4, digits.count)]) }
            return groups.joined(separator: ":") + "%" + words[5]
        }
        return nil
    }()

    @Test(.enabled(if: local != nil, "no IPv6 link-local address here")) func aLinkLocalAddressNeedsItsInterface()
        throws
    {
        let text = try #require(Self.local)
        let listener = try TCPListener(bind: SocketAddress("[\(text)]:0"))
        #expect(listener.address.zone > 0 && listener.address.port > 0)
        let client = try StreamClient.connect(to: text, port: listener.address.port)
        try client.send(Array("hello".utf8).span.bytes)
        #expect(client.peer.zone == listener.address.zone)
        client.close(timeout: .zero)
        #expect(try serveOne(listener).text == "hello")
        let socket = try UDPSocket(bind: SocketAddress("[\(text)]:0"))
        try DatagramSender(to: text, port: socket.address.port).send([1, 2].span.bytes)
        let arena = DatagramArena(slots: 1, largest: 512)
        guard case .datagrams(1) = socket.receive(into: arena), let peer = arena.peer(0) else {
            Issue.record("nothing came")
            return
        }
        // The socket is bound to the interface, so an answer finds its way without naming it.
        let isSent = socket.send(arena.bytes(0), to: peer)
        #expect(isSent)
    }

    @Test(arguments: ["0.0.0.0:514", "127.0.0.1:0", "[::]:6514", "[2001:db8::1]:65535"])
    func readsAndWritesTheSameText(_ text: String) throws {
        #expect(try SocketAddress(text).description == text)
    }

    @Test(arguments: [
        ("514", "has no port"), ("localhost:514", "where an IP address belongs"),
        (":514", "where an IP address belongs"),
        ("::1:514", "without brackets"), ("0.0.0.0:65536", "where a port"), ("0.0.0.0:", "where a port"),
        ("[fe80::1]:514", "without its interface"), ("[fe80::1%none9]:514", "does not have"),
        ("0.0.0.0:+1", "where a port"), ("", "has no port"), ("[::1:514", "without brackets"),
    ])
    func saysWhatIsWrong(_ text: String, _ complaint: String) throws {
        let error = #expect(throws: TransportError.self) { try SocketAddress(text) }
        #expect(error?.code == .address)
        #expect(error?.description.contains(complaint) == true)
        #expect(error?.description.contains("0.0.0.0:514") == true)
    }
}
