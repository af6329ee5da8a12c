// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Rehearsal
internal import Transport
internal import Wire

/// Plays a recording through the service's own doors: syslog over its sockets, packets through a pipe that its sensor
/// reads as a capture.
final class Player {
    private let udp: DatagramSender
    private let tcp: StreamClient
    private let tls: StreamClient
    private let pipe: Int32
    private var hasHeader = false

    /// Connects to the listeners and opens the sensor's pipe.
    init(udp: Int, tcp: Int, tls: Int, authority: String, pipe path: String) throws {
        self.udp = try DatagramSender(to: "127.0.0.1", port: UInt16(udp))
        self.tcp = try StreamClient.connect(to: "127.0.0.1", port: UInt16(tcp))
        self.tls = try StreamClient.connect(
            to: "127.0.0.1", port: UInt16(tls), tls: try TLSContext.client(ca: authority), serverName: "localhost")
        pipe = open(path, O_WRONLY | O_CLOEXEC)
        guard pipe >= 0 else { throw Input.Failure(description: "\(path): \(String(cString: strerror(errno)))") }
    }

    /// Plays `recording`, which starts at `start`, `speed` times as fast as it happened; 0 plays without waiting.
    ///
    /// - Returns: how many messages and frames were sent.
    @discardableResult
    func play(_ recording: Recording, start: Int64, speed: Double) throws -> (messages: Int, packets: Int) {
        let begun = wallClock()
        var message = 0
        var packet = 0
        while message < recording.messages.count || packet < recording.capture.count {
            let nextMessage = message < recording.messages.count ? recording.messages[message].offset : .max
            let nextPacket = packet < recording.capture.count ? recording.capture[packet].time - start : .max
            if speed > 0 {
                let due = begun + Int64(Double(min(nextMessage, nextPacket)) / speed)
                let wait = (due - wallClock()) / 1_000_000
                if wait > 0 { sleepMilliseconds(Int(wait)) }
            } else if message % 64 == 63 {
                // UDP has no back-pressure: let the receiver keep up.
                sleepMilliseconds(1)
            }
            if nextMessage <= nextPacket {
                try send(recording.messages[message])
                message += 1
            } else {
                try write(recording.capture[packet])
                packet += 1
            }
        }
        return (message, packet)
    }

    /// Ends the streams and the capture.
    func close() {
        tcp.close()
        tls.close()
        Glibc.close(pipe)
    }

    private func send(_ message: Scripted) throws {
        switch message.channel {
        case .udp: try udp.send(message.bytes.span.bytes)
        case .tcp: try tcp.send((message.bytes + [0x0A]).span.bytes)
        case .tls:
            // RFC 5425: octet counting.
            try tls.send((Array("\(message.bytes.count) ".utf8) + message.bytes).span.bytes)
        }
    }

    private func write(_ packet: Packet) throws {
        var bytes = PcapFile.encode([packet])
        if hasHeader { bytes.removeFirst(24) }
        hasHeader = true
        var start = 0
        while start < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.write(pipe, $0.baseAddress! + start, $0.count - start) }
            guard count > 0 else {
                throw Input.Failure(description: "the sensor's pipe: \(String(cString: strerror(errno)))")
            }
            start += count
        }
    }
}
