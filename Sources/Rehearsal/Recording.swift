// SPDX-License-Identifier: Apache-2.0

/// One syslog message of a scenario: what is sent, when, and through which door.
public struct Scripted: Equatable, Sendable {
    /// The listener that a message is meant for.
    public enum Channel: String, CaseIterable, Sendable {
        /// A datagram.
        case udp
        /// A plain stream.
        case tcp
        /// A stream inside TLS (RFC 5425).
        case tls
    }

    /// Nanoseconds after the start of the scenario.
    public let offset: Int64
    /// Where to send it.
    public let channel: Channel
    /// The message from `<PRI>` on, without framing: a stream's sender adds octet counts or line feeds.
    public let bytes: [UInt8]
}

/// One captured frame: when it passed the sensor, and its bytes from the Ethernet header on.
public struct Packet: Equatable, Sendable {
    /// Nanoseconds since the epoch.
    public let time: Int64
    /// The whole frame, without the frame check sequence, as libpcap hands it over.
    public let bytes: [UInt8]
}

/// What a stretch of plant life looks like from outside: the log lines and the wire, each in the order of time.
public struct Recording: Equatable, Sendable {
    /// Syslog messages in the order of their offsets.
    public let messages: [Scripted]
    /// Frames in the order of their times.
    public let capture: [Packet]
    /// Nanoseconds from the start to the last message or frame.
    public let duration: Int64

    init(messages: [Scripted], capture: [Packet], start: Int64) {
        // Swift's sort is stable, so frames of one moment stay in the order in which they were made.
        self.messages = messages.sorted { $0.offset < $1.offset }
        self.capture = capture.sorted { $0.time < $1.time }
        self.duration = max(self.messages.last?.offset ?? 0, (self.capture.last?.time ?? start) - start)
    }

    /// The messages as a log file: one a line.
    public var log: [UInt8] {
        var text: [UInt8] = []
        for message in messages {
            text += message.bytes
            text.append(0x0A)
        }
        return text
    }
}
