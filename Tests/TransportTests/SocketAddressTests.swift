// SPDX-License-Identifier: Apache-2.0
import Testing
import Transport
import Wire

@Suite struct SocketAddressTests {
    @Test(arguments: ["0.0.0.0:514", "127.0.0.1:0", "[::]:6514", "[2001:db8::1]:65535"])
    func readsAndWritesTheSameText(_ text: String) throws {
        #expect(try SocketAddress(text).description == text)
    }

    @Test(arguments: [
        ("514", "has no port"), ("localhost:514", "where an IP address belongs"),
        (":514", "where an IP address belongs"),
        ("::1:514", "without brackets"), ("0.0.0.0:65536", "where a port"), ("0.0.0.0:", "where a port"),
        ("0.0.0.0:+1", "where a port"), ("", "has no port"), ("[::1:514", "without brackets"),
    ])
    func saysWhatIsWrong(_ text: String, _ complaint: String) throws {
        let error = #expect(throws: TransportError.self) { try SocketAddress(text) }
        #expect(error?.code == .address)
        #expect(error?.description.contains(complaint) == true)
        #expect(error?.description.contains("0.0.0.0:514") == true)
    }
}
