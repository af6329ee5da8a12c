// SPDX-License-Identifier: Apache-2.0
import Dissection
import Testing

/// Link and IP headers: each is decoded, or its packet is counted under a reason.
struct LinkTests {
    static let request = modbus(1, [3, 0, 0, 0, 1])

    private func frame(_ payload: [UInt8] = request, ipv6: Bool = false) -> [UInt8] {
        Conversation.frame(
            from: ipv6 ? [0x20, 1] + [UInt8](repeating: 0, count: 13) + [1] : [10, 0, 0, 1],
            to: ipv6 ? [0x20, 1] + [UInt8](repeating: 0, count: 13) + [2] : [10, 0, 0, 2], ports: (40_000, 502),
            sequence: 1, acknowledged: 0, flags: 0x18, payload: payload)
    }

    private func outcome(_ frames: [[UInt8]], link: Int = 1) throws -> Outcome {
        try Outcome.of(
            frames.enumerated().map {
                CapturedPacket(time: Int64($0) + 1_000_000_000, bytes: $1, originalLength: $1.count, link: link)
            })
    }

    @Test func vlansAreListed() throws {
        let packet = CapturedPacket(time: 1, bytes: frame(), originalLength: 0, link: 1)
        let outcome = try Outcome.of(Variant.qinq.apply([packet]))
        #expect(outcome.transactions.first?.numbers("vlan") == [7, 100])
        #expect(outcome.modbus.functions == [3: 1])
    }

    @Test func ipv6() throws {
        let outcome = try outcome([frame(ipv6: true)])
        #expect(outcome.transactions.first?.text("src.ip") == "2001::1")
        #expect(outcome.modbus.functions == [3: 1])
    }

    @Test func ipv6ExtensionHeadersAndFragments() throws {
        let plain = frame(ipv6: true)
        let tcp = Array(plain[54...])
        func packet(_ next: UInt8, _ body: [UInt8]) -> [UInt8] {
            var bytes = Array(plain[..<54]) + body
            bytes[20] = next
            bytes.replaceSubrange(18..<20, with: Conversation.word(UInt16(body.count)))
            return bytes
        }
        let options = try outcome([packet(0, [60, 0, 1, 4, 0, 0, 0, 0] + [6, 0, 1, 4, 0, 0, 0, 0] + tcp)])
        #expect(options.modbus.functions == [3: 1])
        let first = packet(44, [6, 0, 0, 1, 0, 0, 0, 9] + tcp[..<16])
        let second = packet(44, [6, 0, 0, 16, 0, 0, 0, 9] + tcp[16...])
        let whole = try outcome([second, first])
        #expect(whole.modbus.functions == [3: 1])
        #expect(whole.summary.decoded == 2)
        #expect(try outcome([first]).summary.skipped == ["incomplete_fragment": 1])
        let chain = [UInt8](repeating: 0, count: 8 * 20)
        #expect(try outcome([packet(0, chain)]).summary.skipped == ["too_many_layers": 1])
    }

    @Test func mplsAndPPPoE() throws {
        let plain = frame()
        let mpls = Array(plain[..<12]) + [0x88, 0x47, 0, 1, 0, 64, 0, 2, 1, 64] + plain[14...]
        #expect(try outcome([mpls]).modbus.functions == [3: 1])
        let pppoe = Array(plain[..<12]) + [0x88, 0x64, 0x11, 0, 0, 1, 0, 60, 0, 0x21] + plain[14...]
        #expect(try outcome([pppoe]).modbus.functions == [3: 1])
        let endless = Array(plain[..<12]) + [0x88, 0x47] + [UInt8](repeating: 0, count: 64)
        #expect(try outcome([endless]).summary.skipped == ["too_many_layers": 1])
    }

    @Test(
        arguments: [
            ([1, 2, 3], "truncated_link"), ([UInt8](repeating: 0, count: 12) + [8, 6], "arp"),
            ([UInt8](repeating: 0, count: 12) + [0, 38], "llc"),
            ([UInt8](repeating: 0, count: 12) + [0x88, 0xCC], "unsupported_ethertype"),
            ([UInt8](repeating: 0, count: 12) + [8, 0], "truncated_ip"),
            ([UInt8](repeating: 0, count: 12) + [8, 0, 0x45, 0], "truncated_ip"),
            ([UInt8](repeating: 0, count: 12) + [8, 0, 0x35, 0], "malformed_ip"),
        ] as [([UInt8], String)])
    func reasons(_ bytes: [UInt8], _ reason: String) throws {
        #expect(try outcome([bytes]).summary.skipped == [reason: 1])
    }

    @Test func reasonsOfIPAndTransport() throws {
        func changed(_ place: Int, _ value: UInt8) -> [UInt8] {
            var bytes = frame()
            bytes[place] = value
            return bytes
        }
        #expect(try outcome([changed(14, 0x44)]).summary.skipped == ["malformed_ip": 1])
        #expect(try outcome([changed(23, 1)]).summary.skipped == ["icmp": 1])
        #expect(try outcome([changed(23, 2)]).summary.skipped == ["igmp": 1])
        #expect(try outcome([changed(23, 132)]).summary.skipped == ["unsupported_ip_protocol": 1])
        #expect(try outcome([changed(46, 0x10)]).summary.skipped == ["malformed_transport": 1])
        #expect(try outcome([Array(frame()[..<40])]).summary.skipped == ["truncated_transport": 1])
        #expect(try outcome([changed(23, 17)]).summary.skipped == ["unknown_protocol": 1])
        var datagram = changed(23, 17)
        datagram.replaceSubrange(38..<40, with: [0, 7])
        #expect(try outcome([datagram]).summary.skipped == ["malformed_transport": 1])
        #expect(try outcome([frame()], link: 147).summary.skipped == ["unsupported_link": 1])
        var tunnel: [UInt8] = []
        for _ in 0..<4 { tunnel += [0x45, 0, 0, 200, 0, 0, 0, 0, 64, 4, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2] }
        #expect(try outcome([tunnel], link: 101).summary.skipped == ["too_many_layers": 1])
    }

    /// Ethernet padding behind a short IP packet is not payload.
    @Test func paddingIsNotPayload() throws {
        let outcome = try outcome([frame() + [0, 0, 0, 0, 0, 0]])
        #expect(outcome.modbus.functions == [3: 1])
        #expect(outcome.modbus.anomalies == [:])
    }

    @Test func overlappingFragmentsTheFirstCopyWins() throws {
        let whole = frame(modbus(1, [6, 0, 1, 0, 3]))
        func fragment(_ from: Int, _ to: Int, more: Bool, _ change: (inout [UInt8]) -> Void = { _ in }) -> [UInt8] {
            var bytes = Array(whole[..<34]) + whole[34 + from..<34 + to]
            change(&bytes)
            bytes.replaceSubrange(16..<18, with: Conversation.word(UInt16(bytes.count - 14)))
            bytes.replaceSubrange(20..<22, with: Conversation.word(UInt16(from / 8) | (more ? 0x2000 : 0)))
            return bytes
        }
        // The second copy of the last eight bytes has another value.
        let outcome = try outcome([
            fragment(24, 32, more: false), fragment(16, 32, more: true) { $0[$0.count - 1] = 77 },
            fragment(0, 24, more: true),
        ])
        #expect(outcome.transactions.first?.numbers("modbus.values") == [3])
    }

    @Test func fragmentsAreBounded() throws {
        var options = EngineOptions()
        options.maxFragmentedDatagrams = 4
        let packets = (0..<100).map { index -> CapturedPacket in
            var bytes = frame([UInt8](repeating: 0, count: 20))
            bytes.replaceSubrange(18..<20, with: Conversation.word(UInt16(index)))
            bytes[20] = 0x20
            return CapturedPacket(time: Int64(index), bytes: bytes, originalLength: bytes.count, link: 1)
        }
        let outcome = try Outcome.of(packets, options: options)
        #expect(outcome.summary.skipped == ["incomplete_fragment": 100])
    }
}
