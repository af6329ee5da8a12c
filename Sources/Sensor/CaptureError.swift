// SPDX-License-Identifier: Apache-2.0

/// What went wrong with a capture file or a capture interface.
public struct CaptureError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The path of the file, or the name of the interface.
    public let source: String
    /// What libpcap or the operating system says.
    public let message: String
    /// The packets that were read before.
    public let packets: Int

    /// An error after `packets` packets.
    public init(source: String, message: String, packets: Int = 0) {
        self.source = source
        self.message = message
        self.packets = packets
    }

    /// One line for people: where, what, and how far it came.
    public var description: String {
        let text = message.hasPrefix(source) ? message : "\(source): \(message)"
        return packets == 0 ? text : "\(text) (after \(packets) packets)"
    }
}
