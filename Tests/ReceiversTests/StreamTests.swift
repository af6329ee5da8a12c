// SPDX-License-Identifier: Apache-2.0
import Events
import Foundation
import Receivers
import Testing
import Wire

@Suite(.timeLimit(.minutes(4))) struct StreamTests {
    @Test func octetCountingAndLineFeedShareOnePort() throws {
        let service = try Service([.test(.tcp)])
        let python = Program.python(
            service.port(),
            #"""
            s = tcp()
            for n in range(100):
                m = b"<34>1 - - - - - - counted %d\nwith a line feed" % n
                s.sendall(b"%d %s" % (len(m), m))
            s.sendall(b"".join(b"<34>line %d\n" % n for n in range(100)))
            end(s)
            """#)
        let frames = service.frames(200)
        #expect(python.finish().status == 0)
        service.stop()
        let counted = (0..<100).map { "<34>1 - - - - - - counted \($0)\nwith a line feed" }
        #expect(frames.map(\.text) == counted + (0..<100).map { "<34>line \($0)" })
        #expect(frames.allSatisfy { $0.frame.transport == .tcp && !$0.frame.isCut && $0.origin == nil })
    }

    @Test(arguments: [false, true]) func segmentsOfOneByteMakeTheSameFrames(_ encrypted: Bool) throws {
        let service = try Service([
            encrypted ? .test(.tls, tls: Certificates.tls()) : .test(.tcp)
        ])
        let python = Program.python(
            service.port(),
            #"""
            s = \#(encrypted ? "tls()" : "tcp()")
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for b in b"17 <34>1 octets\nhere<34>2 line\n<34>3 line\r\n":
                s.sendall(bytes([b]))
                time.sleep(0.0005)
            end(s)
            """#)
        let frames = service.frames(3)
        #expect(python.finish().status == 0)
        service.stop()
        #expect(frames.map(\.text) == ["<34>1 octets\nhere", "<34>2 line", "<34>3 line"])
    }

    @Test func theBeginningOfAFrameIsDeliveredWhenItsConnectionEnds() throws {
        let service = try Service([.test(.tcp)])
        let python = Program.python(
            service.port(),
            #"""
            for d in (b"<34>whole\n<34>half a li", b"100 <34>1 - - - counted"):
                s = tcp(); s.sendall(d); end(s)
            """#)
        let frames = service.frames(3)
        python.finish()
        service.stop()
        #expect(frames.map(\.text) == ["<34>whole", "<34>half a li", "<34>1 - - - counted"])
        #expect(frames.map(\.frame.isCut) == [false, true, true])
        #expect(service.wait { $0.connections("test") == 0 })
    }

    @Test func manyConnectionsAreServedFairlyInSmallPolls() throws {
        let service = try Service([.test(.tcp)], limits: ReceiveLimits(frames: 50, bytes: 4096, turn: 4096))
        let python = Program.python(
            service.port(),
            #"""
            many = [tcp() for _ in range(100)]
            for r in range(20):
                for i, s in enumerate(many): s.sendall(b"".join(b"<34>%d %d %d\n" % (i, r, n) for n in range(10)))
            for s in many: end(s)
            """#)
        let frames = service.frames(20_000)
        #expect(python.finish().status == 0)
        service.stop()
        #expect(frames.count == 20_000)
        #expect(Set(frames.map(\.text)).count == 20_000)
        var next: [Substring: Int] = [:]
        for seen in frames {
            // Within a connection the order is kept.
            let words = seen.text.dropFirst(4).split(separator: " ")
            let place = (Int(words[1]) ?? -1) * 10 + (Int(words[2]) ?? -1)
            #expect(next[words[0], default: 0] == place)
            next[words[0]] = place + 1
        }
    }

    @Test func whatIsNotPolledStaysWithTheSender() throws {
        let service = try Service([.test(.tcp)])
        service.setPaused(true)
        let flag = NSTemporaryDirectory() + "penstock-held-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: flag) }
        let python = Program.python(
            service.port(),
            #"""
            s = tcp()
            s.settimeout(1)
            sent = 0
            try:
                while sent < 200_000_000: sent += s.send(b"<34>" + b"x" * 95 + b"\n")
            except TimeoutError: print(sent)
            open("\#(flag)", "w").close()
            s.settimeout(60)
            # What a partial send left of its line.
            s.sendall((b"<34>" + b"x" * 95 + b"\n")[sent % 100:] if sent % 100 else b"")
            time.sleep(0.2)
            end(s)
            """#)
        #expect(service.wait { _ in FileManager.default.fileExists(atPath: flag) })
        #expect(service.frames.isEmpty)
        service.setPaused(false)
        let output = python.finish()
        #expect(output.status == 0)
        let sent = try #require(Int(output.output.trimmingCharacters(in: .whitespacesAndNewlines)))
        #expect(sent < 100_000_000, "the sender was held back")
        let count = (sent + 99) / 100
        #expect(service.frames(count).count == count)
        service.stop()
        #expect(service.frames.allSatisfy { $0.bytes.count == 99 })
    }

    @Test func pythonsLoggingModuleSpeaksTCP() throws {
        let service = try Service([.test(.tcp) { $0.framing = .nul }])
        let python = Program.python(
            service.port(),
            """
            h = logging.handlers.SysLogHandler(("127.0.0.1", port), socktype=socket.SOCK_STREAM)
            logging.getLogger().addHandler(h)
            for n in range(50): logging.error("message %d", n)
            h.close()
            """)
        let frames = service.frames(50)
        python.finish()
        service.stop()
        #expect(frames.map(\.text) == (0..<50).map { "<11>message \($0)" })
    }

    @Test func longMessagesAreCutOrSplit() throws {
        let service = try Service([
            .test(.tcp, name: "cut") { $0.maxMessageBytes = 1000 },
            .test(.tcp, name: "split") {
                $0.maxMessageBytes = 1000
                $0.oversize = .split
            },
        ])
        for listener in 0...1 {
            let python = Program.python(
                service.port(listener),
                #"""
                s = tcp()
                s.sendall(b"<34>" + b"a" * 2496 + b"\n<34>next\n2500 <34>" + b"b" * 2496 + b"8 <34>last")
                end(s)
                """#)
            #expect(python.finish().status == 0)
        }
        service.wait { $0.frames.count >= 12 }
        service.stop()
        let cut = service.frames.filter { $0.frame.listener == 0 }
        #expect(cut.map(\.bytes.count) == [1000, 8, 1000, 8])
        #expect(cut.map(\.frame.isCut) == [true, false, true, false])
        let split = service.frames.filter { $0.frame.listener == 1 }
        #expect(split.map(\.bytes.count) == [1000, 1000, 500, 8, 1000, 1000, 500, 8])
        #expect(service.dropped("oversize") >= 2)
    }

    @Test(arguments: [false, true]) func garbageNeverStopsTheService(_ encrypted: Bool) throws {
        let service = try Service([
            encrypted ? .test(.tls, tls: Certificates.tls()) : .test(.tcp) { $0.maxMessageBytes = 4096 }
        ])
        let python = Program.python(
            service.port(),
            #"""
            random.seed(7)
            open_ = \#(encrypted ? "tls" : "tcp")
            parts = [b"<34>", b"\n", b"0", b"9" * 30, b" ", b"\0", b"18446744073709551616 <1>", b"4294967295 <1>",
                     b"-1 <1>", b"007 <1>x", b"\xff" * 50, b"5 <1>ab", b"\r\n", b"A" * 9000]
            for n in range(60):
                s = open_()
                try:
                    for _ in range(40):
                        s.sendall(random.choice(parts) if random.random() < .7 else random.randbytes(random.randrange(300)))
                    if n % 3 == 0: s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    s.close()
                except OSError: pass
            s = open_()
            s.sendall(b"<34>still here\n")
            end(s)
            """#)
        #expect(python.finish().status == 0)
        #expect(service.wait { $0.frames.contains { $0.text == "<34>still here" } })
        #expect(service.wait { $0.connections("test") == 0 })
        service.stop()
    }

    @Test func framesDoNotDependOnHowTheStreamWasCut() throws {
        let service = try Service([
            .test(.tcp) { $0.maxMessageBytes = 9000 }
        ])
        let python = Program.python(
            service.port(),
            #"""
            random.seed(11)
            stream = b""
            for n in range(400):
                m = b"<34>%d " % n + bytes(random.choices(b"abc <>\\\"", k=random.choice((3, 200, 4000, 8990, 20_000))))
                stream += m + b"\n" if n % 3 else b"%d %s" % (len(m), m)
            whole = tcp(); whole.sendall(stream); end(whole)
            cut = tcp(); cut.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            at = 0
            while at < len(stream):
                n = random.choice((1, 2, 7, 100, 3000, 10_000))
                cut.sendall(stream[at:at + n]); at += n
                time.sleep(0.0002)
            end(cut)
            print(len(stream))
            """#)
        #expect(python.finish().status == 0)
        service.wait { $0.frames.count >= 800 && $0.connections("test") == 0 }
        service.stop()
        let byPort = Dictionary(grouping: service.frames, by: \.frame.peerPort).values.map { $0.map(\.bytes) }
        #expect(byPort.count == 2)
        #expect(byPort.first?.count == 400)
        #expect(byPort.first == byPort.last)
    }
}
