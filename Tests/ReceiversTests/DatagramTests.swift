// SPDX-License-Identifier: Apache-2.0
import Events
import Foundation
import Receivers
import Testing
import Wire

@Suite(.timeLimit(.minutes(4))) struct DatagramTests {
    @Test func everyDatagramIsOneMessage() throws {
        let service = try Service([.test(.udp, name: "plant")])
        let before = Int64(Date().timeIntervalSince1970 * 1e9)
        let python = Program.python(
            service.port(),
            #"""
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            s.bind(("127.0.0.1", 0))
            for d in (b"<34>1 - - - - - - one", b"<34>two\n", b"<34>three\r\n", b"<34>four\n\0", b"", b"\n",
                      b"<34>in\nside\0too", b"\xff\xfe", b"x" * 65507):
                s.sendto(d, ("127.0.0.1", port))
            print(s.getsockname()[1])
            """#)
        let frames = service.frames(7)
        let port = UInt16(python.finish().output.trimmingCharacters(in: .whitespacesAndNewlines))
        service.stop()
        #expect(
            frames.prefix(5).map(\.text) == [
                "<34>1 - - - - - - one", "<34>two", "<34>three", "<34>four", "<34>in\nside\0too",
            ])
        #expect(frames.map(\.bytes.count).suffix(2) == [2, 65507])
        for seen in frames {
            #expect(seen.frame.peer == IPAddress("127.0.0.1"))
            #expect(seen.frame.peerPort == port)
            #expect(seen.frame.transport == .udp)
            #expect(seen.frame.listener == 0)
            #expect(!seen.frame.isCut)
            #expect(seen.frame.received >= before - 20_000_000)
            #expect(seen.frame.received < before + 30_000_000_000)
        }
        #expect(service.dropped("empty") == 2)
        #expect(service.registry.total("penstock_received_messages_total") == 7)
        #expect(
            service.registry.total("penstock_received_bytes_total") == Int64(frames.map(\.bytes.count).reduce(0, +)))
        #expect(
            service.registry.exposition().contains(
                #"penstock_received_messages_total{listener="plant",transport="udp"} 7"#))
    }

    @Test func aLongDatagramIsCutMarkedAndCounted() throws {
        let service = try Service([
            .test(.udp, name: "short") { $0.maxMessageBytes = 480 }, .test(.udp, name: "long"),
        ])
        for (listener, expected) in [(0, 480), (1, 5000)] {
            let count = service.frames.count
            let python = Program.python(
                service.port(listener),
                """
                socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"y" * 5000, ("127.0.0.1", port))
                """)
            let frame = try #require(service.frames(count + 1).last)
            #expect(frame.bytes.count == expected)
            #expect(frame.frame.isCut == (expected < 5000))
            #expect(frame.frame.listener == UInt16(listener))
            python.finish()
        }
        service.stop()
        #expect(service.dropped("oversize") == 1)
        #expect(service.log.all.contains { $0.contains("`short`") && $0.contains("sent 5000 bytes") })
    }

    @Test func whatIsSentIsDeliveredOrCountedAsDropped() throws {
        let service = try Service([.test(.udp, name: "plant") { $0.receiveBuffer = 65_536 }])
        // A lane that does not poll: the kernel's buffer fills.
        service.setPaused(true)
        let sent = 3000
        let python = Program.python(
            service.port(),
            """
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            for n in range(\(sent)): s.sendto(b"<34>1 - - - - - - %d" % n + b"." * (n % 700), ("127.0.0.1", port))
            """)
        #expect(python.finish().status == 0)
        service.setPaused(false)
        service.wait { Int64($0.frames.count) + $0.dropped("kernel") == Int64(sent) }
        service.stop()
        #expect(service.dropped("kernel") > 0)
        #expect(Int64(service.frames.count) + service.dropped("kernel") == Int64(sent))
        #expect(service.registry.total("penstock_kernel_dropped_datagrams_total") == service.dropped("kernel"))
        #expect(service.log.all.contains { $0.contains("the kernel dropped") })
        #expect(service.notices.contains { $0.text.contains(#""event":"kernel_drops""#) })
    }

    @Test func everyLaneHasASocketOfTheSamePort() throws {
        let service = try Service([.test(.udp, name: "plant") { $0.spread = .sender }], lanes: 4)
        let sent = 400
        let python = Program.python(
            service.port(),
            """
            for n in range(\(sent)):
                s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                s.sendto(b"<34>%d" % n, ("127.0.0.1", port))
            """)
        let frames = service.frames(sent)
        python.finish()
        service.stop()
        #expect(Set(frames.map(\.text)).count == sent)
        #expect(Set(frames.map(\.lane)) == [0, 1, 2, 3], "the kernel spreads 400 senders over four sockets")
    }

    @Test func pythonsLoggingModuleIsUnderstood() throws {
        let service = try Service([.test(.udp, name: "plant")])
        let python = Program.python(
            service.port(),
            """
            h = logging.handlers.SysLogHandler(("127.0.0.1", port))
            logging.getLogger().addHandler(h)
            for n in range(50): logging.error("message %d", n)
            """)
        let frames = service.frames(50)
        python.finish()
        service.stop()
        #expect(frames.map(\.text) == (0..<50).map { "<11>message \($0)" })
    }
}
