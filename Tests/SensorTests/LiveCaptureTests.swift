// SPDX-License-Identifier: Apache-2.0
import Events
import Glibc
import Sensor
import Testing
import Wire

/// A live capture of the loopback interface, where the test may open one (CAP_NET_RAW).
struct LiveCaptureTests {
    static let isAllowed: Bool = {
        do {
            _ = try LiveCapture(LiveOptions(interface: "lo"))
            return true
        } catch {
            return false
        }
    }()

    @Test func anUnknownInterfaceIsAnError() throws {
        let error = try #require(throws: CaptureError.self) {
            _ = try LiveCapture(LiveOptions(interface: "nosuch0"))
        }
        #expect(error.source == "nosuch0")
        #expect(!error.message.isEmpty)
    }

    @Test(.enabled(if: isAllowed, "no right to capture"))
    func aTransactionOverTheLoopback() throws {
        let (listening, port) = try #require(listen())
        defer { close(listening) }
        var options = LiveOptions(interface: "lo")
        options.filter = "tcp port \(port)"
        options.timeout = 0
        var source = SensorSource(live: try LiveCapture(options))
        #expect(source.fileDescriptor >= 0)
        var batch = Batch(table: SensorSourceTests.table)
        #expect(try source.read(into: &batch) == .waiting)
        try talk(listening, port)
        var records: [String] = []
        for _ in 0..<200 where !records.contains("modbus") {
            var ready = pollfd(fd: source.fileDescriptor, events: Int16(POLLIN), revents: 0)
            poll(&ready, 1, 20)
            while try source.read(into: &batch) == .more {}
            for frame in batch.frames { records.append(kind(batch.slab.bytes(frame.extent))) }
            batch.reset()
        }
        source.finish(into: &batch)
        for frame in batch.frames { records.append(kind(batch.slab.bytes(frame.extent))) }
        #expect(records.filter { $0 == "modbus" }.count == 1)
        #expect(records.filter { $0 == "conn" }.count == 2)
        #expect(source.summary.protocols["modbus"]?.functions == [3: 2])
        #expect(source.summary.skipped["unsupported_link"] == nil)
    }

    private func kind(_ record: RawSpan) -> String {
        var reader = RecordReader(record)
        while let (field, value) = try? reader.next() {
            // Field 2 is "record".
            if field == 2, case .bytes(let extent) = value { return record.part(extent).text }
        }
        return ""
    }

    private func address(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }

    private func listen() -> (Int32, UInt16)? {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = address(0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(socket, pointer, length) == 0 && Glibc.listen(socket, 1) == 0
                    && getsockname(socket, pointer, &length) == 0
            }
        }
        return isBound ? (socket, UInt16(bigEndian: address.sin_port)) : nil
    }

    private func talk(_ listening: Int32, _ port: UInt16) throws {
        let client = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(client) }
        var address = address(port)
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(client, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(connected == 0)
        let server = accept(listening, nil, nil)
        defer { close(server) }
        let request: [UInt8] = [0, 1, 0, 0, 0, 6, 1, 3, 0, 0, 0, 1]
        let response: [UInt8] = [0, 1, 0, 0, 0, 5, 1, 3, 2, 0, 9]
        var room = [UInt8](repeating: 0, count: 64)
        #expect(write(client, request, request.count) == request.count)
        #expect(read(server, &room, room.count) == request.count)
        #expect(write(server, response, response.count) == response.count)
        #expect(read(client, &room, room.count) == response.count)
    }
}
