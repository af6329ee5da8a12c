// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing
import Transport
import Wire

@Suite(.timeLimit(.minutes(2))) struct DTLSTests {
    @Test func aClientSendsMessagesAndCloses() throws {
        let harness = try DTLSHarness(DTLSContext(dtlsSettings()))
        let client = dtlsClient(harness.port, ["-verify_return_error"], input: "<13>1 - - - - - - one\n")
        #expect(harness.serve { harness.endpoint.statistics.closed == 1 })
        let result = client.finish()
        #expect(result.output.contains("DTLSv1.2"), "\(result.output)")
        #expect(harness.messages.map(\.text) == ["<13>1 - - - - - - one\n"])
        #expect(harness.messages.first?.subject == nil)
        let statistics = harness.endpoint.statistics
        #expect(statistics.handshakes == 1 && statistics.messages == 1 && statistics.sessions == 0)
        #expect(statistics.handshaking == 0 && statistics.unsent == 0)
        #expect(DTLSRefusal.allCases.allSatisfy { statistics.refused($0) == 0 })
        // The cookie exchange: a ClientHello without a cookie, then the same one with one of 32 bytes.
        #expect(statistics.verifyRequests == 1)
        let hellos = harness.arrivals.filter { $0.count > 60 && $0[0] == 22 && $0[13] == 1 }
        #expect(hellos.map { $0[60] } == [0, 32])
    }

    @Test func ipv6SocketsServeBothFamilies() throws {
        let harness = try DTLSHarness(DTLSContext(dtlsSettings()), bind: "[::]:0")
        for host in ["127.0.0.1", "[::1]"] {
            let client = dtlsClient(harness.port, host: host, input: host)
            let before = harness.endpoint.statistics.closed
            #expect(harness.serve { harness.endpoint.statistics.closed > before }, "\(host)")
            client.finish()
        }
        #expect(harness.messages.map(\.text) == ["127.0.0.1", "[::1]"])
        #expect(harness.messages.first?.peer.ip == IPAddress("127.0.0.1"))
    }

    @Test func clientCertificatesAreAskedForAndChecked() throws {
        let good = ["-cert", Certificates.good + "/client.pem", "-key", Certificates.good + "/client.key"]
        let strange = ["-cert", Certificates.strange + "/client.pem", "-key", Certificates.strange + "/client.key"]
        let expired = ["-cert", Certificates.expired + "/client.pem", "-key", Certificates.expired + "/client.key"]
        func run(_ settings: TLSServerSettings, _ options: [String]) throws -> DTLSHarness {
            let harness = try DTLSHarness(DTLSContext(settings))
            let client = dtlsClient(harness.port, options, input: "x")
            harness.serve { harness.endpoint.statistics.closed + harness.notices.count > 0 }
            client.finish()
            return harness
        }
        let mutual = try run(dtlsSettings(.required), good)
        #expect(mutual.messages.map(\.text) == ["x"])
        #expect(mutual.messages.first?.subject?.contains("CN=") == true)
        let absent = try run(dtlsSettings(.required), [])
        #expect(absent.messages.isEmpty && absent.endpoint.statistics.refused(.certificate) == 1)
        #expect(absent.notices.first?.certificate?.reason == .missing)
        #expect(try run(dtlsSettings(.optional), []).messages.map(\.text) == ["x"])
        for (options, reason) in [(strange, CertificateRefusal.Reason.untrusted), (expired, .untrusted)] {
            let refused = try run(dtlsSettings(.optional), options)
            #expect(refused.messages.isEmpty && refused.endpoint.statistics.sessions == 0)
            #expect(refused.notices.first?.certificate?.reason == reason, "\(refused.notices)")
            #expect(refused.notices.first?.description.contains("subject") == true)
        }
        let others = CertificateAllowList(subjects: ["CN=somebody else"])
        let unlisted = try run(dtlsSettings(.required, allow: others), good)
        #expect(unlisted.messages.isEmpty && unlisted.notices.first?.certificate?.reason == .notAllowed)
    }

    @Test func manyPeersShareOneSocket() throws {
        let harness = try DTLSHarness(DTLSContext(dtlsSettings()))
        let clients = (0..<8).map { dtlsClient(harness.port, input: "message \($0)") }
        #expect(harness.serve { harness.endpoint.statistics.closed == 8 })
        for client in clients { client.finish() }
        #expect(Set(harness.messages.map(\.text)) == Set((0..<8).map { "message \($0)" }))
        #expect(Set(harness.messages.map(\.peer.port)).count == 8)
    }

    @Test func aNewCertificateIsForNewSessions() throws {
        let harness = try DTLSHarness(DTLSContext(dtlsSettings()))
        // s_client stays while its input is open.
        let old = try LongClient(harness.port)
        try old.send("before\n")
        #expect(harness.serve { harness.messages.count == 1 })
        harness.endpoint.context = try DTLSContext(dtlsSettings(folder: Certificates.strange))
        let ca = Certificates.strange + "/ca.pem"
        let new = dtlsClient(harness.port, ["-verify_return_error", "-CAfile", ca], input: "new")
        #expect(harness.serve { harness.messages.count == 2 })
        #expect(new.finish().output.contains("Verify return code: 0"))
        try old.send("after\n")
        #expect(harness.serve { harness.messages.count == 3 })
        #expect(harness.messages.map(\.text) == ["before\n", "new", "after\n"])
        try old.endInput()
        #expect(harness.serve { harness.endpoint.statistics.closed == 2 })
        _ = old.finish()
    }

    @Test func silentSessionsEndWithCloseNotify() throws {
        let harness = try DTLSHarness(DTLSContext(dtlsSettings()), limits: DTLSLimits(idleTime: 60_000))
        let client = try LongClient(harness.port)
        #expect(harness.serve { harness.endpoint.statistics.sessions == 1 })
        harness.skew += 30_000
        harness.endpoint.tick(now: harness.now)
        #expect(harness.endpoint.statistics.sessions == 1)
        try client.send("still here")
        #expect(harness.serve { harness.messages.count == 1 })
        harness.skew += 50_000
        harness.endpoint.tick(now: harness.now)
        #expect(harness.endpoint.statistics.sessions == 1)
        harness.skew += 50_000
        harness.endpoint.tick(now: harness.now)
        #expect(harness.endpoint.statistics.sessions == 0 && harness.endpoint.statistics.idle == 1)
        // The client hears of it and ends by itself, its input still open.
        #expect(client.finish() == 0)
    }

    @Test func settingsThatCannotWorkAreNamed() throws {
        func complaint(_ change: (inout TLSServerSettings) -> Void) -> String? {
            var settings = dtlsSettings(.required)
            change(&settings)
            return #expect(throws: TransportError.self) { try DTLSContext(settings) }?.description
        }
        #expect(complaint { $0.minimumVersion = .v1_3 }?.contains("DTLS has no version above 1.2") == true)
        #expect(complaint { $0.clientCA = nil }?.contains("neither a client CA file") == true)
        #expect(complaint { $0.certificate += ".absent" }?.contains("cannot be read") == true)
        #expect(try DTLSContext(dtlsSettings()).certificateEnd != nil)
    }
}
