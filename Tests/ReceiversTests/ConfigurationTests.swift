// SPDX-License-Identifier: Apache-2.0
import Foundation
import Instruments
import Logging
import Receivers
import Testing
import Transport
import Wire

@Suite(.timeLimit(.minutes(4))) struct ConfigurationTests {
    private func open(_ configurations: [ListenerConfiguration], lanes: Int = 1) throws -> SyslogInput {
        try SyslogInput.open(configurations, lanes: lanes, registry: Registry(), logger: Logger(label: "test"))
    }

    @Test func allComplaintsComeAtOnceAndNameTheirListener() throws {
        let good = Certificates.good
        let configurations: [ListenerConfiguration] = [
            .test(.udp, name: "a") { $0.address = "localhost:514" },
            .test(.tcp, name: "b") { $0.address = "::1:514" },
            .test(.tls, name: "c"),
            .test(.tls, name: "d", tls: .init(certificate: good + "/none.pem", key: good + "/server.key")),
            .test(.tls, name: "e", tls: .init(certificate: good + "/server.pem", key: good + "/client.key")),
            .test(.tls, name: "f", tls: Certificates.tls()) { $0.tls?.clientCertificate = .required },
            .test(.udp, name: "g") { $0.maxMessageBytes = 100 },
            .test(.tcp, name: "h") { $0.address = "127.0.0.1:5999" },
            .test(.tls, name: "i", tls: Certificates.tls()) { $0.address = "127.0.0.1:5999" },
            .test(.udp, name: "j", tls: Certificates.tls()),
            .test(.udp, name: "j"),
        ]
        let expected = [
            "listener `a` (udp localhost:514): address `localhost:514` has `localhost` where an IP address belongs",
            "listener `b` (tcp ::1:514): address `::1:514` is an IPv6 address without brackets",
            "listener `c` (tls 127.0.0.1:0): tls needs `certificate` and `key` files",
            "none.pem cannot be read: No such file",
            "client.key is not the private key of",
            "client certificates are required but there is neither a client CA file nor a fingerprint",
            "maxMessageBytes is 100; it goes from 480 to 16777216",
            "listener `i` (tls 127.0.0.1:5999): listener `h` has that address already",
            "has TLS files, but its transport is udp",
            "listener `j` (udp 127.0.0.1:0): another listener has that name",
        ]
        let error = #expect(throws: ListenerErrors.self) { try open(configurations) }
        let complaints = error?.complaints ?? []
        #expect(complaints == ListenerConfiguration.complaints(about: configurations))
        for text in expected { #expect(complaints.contains { $0.contains(text) }, "\(text)") }
        #expect(complaints.count == expected.count)
    }

    @Test(arguments: [ListenerConfiguration.Transport.udp, .tcp], [1, 2])
    func aBusyPortIsAnErrorAndNothingStaysOpen(_ transport: ListenerConfiguration.Transport, _ lanes: Int) throws {
        let first = try open([.test(transport, name: "first")], lanes: 2)
        let address = first.listeners[0].address
        let free = try PortProbe.free(SocketAddress("127.0.0.1:0"), stream: transport == .tcp)
        let second: [ListenerConfiguration] = [
            .test(transport, name: "fine") { $0.address = "\(free)" },
            .test(transport, name: "late") { $0.address = "\(address)" },
        ]
        let error = withExtendedLifetime(first) {
            #expect(throws: ListenerErrors.self) { try open(second, lanes: lanes) }
        }
        #expect(error?.complaints.count == 1)
        #expect(error?.description.contains("listener `late` (\(transport.rawValue) \(address))") == true)
        #expect(error?.description.contains("the port is in use") == true)
        #expect(try PortProbe.free(free, stream: transport == .tcp) == free)
    }

    @Test func aForeignAddressIsAnError() throws {
        let error = #expect(throws: ListenerErrors.self) {
            try open([.test(.udp) { $0.address = "192.0.2.1:5514" }])
        }
        #expect(error?.description.contains("no interface of this host has that address") == true)
    }

    @Test func theDefaultsAreSound() {
        #expect(ListenerConfiguration.complaints(about: [.test(.udp), .test(.tcp, name: "other")]).isEmpty)
    }
}
