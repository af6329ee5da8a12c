// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Sends datagrams to one address.
public final class DatagramSender {
    private let descriptor: Descriptor
    /// The address that datagrams go to.
    public let peer: SocketAddress

    /// A sender to `host`, a name or an IP address; its first address is taken.
    public init(to host: String, port: UInt16) throws(TransportError) {
        guard let address = try StreamClient.resolve(host, port: port, stream: false).first else {
            throw TransportError(.unreachable, "\(host): the name has no address")
        }
        descriptor = try Descriptor.socket(for: address, stream: false)
        peer = address
        let raw = descriptor.raw
        guard address.withSockaddr({ Glibc.connect(raw, $0, $1) }) == 0 else {
            throw TransportError(errno: errno, "udp \(address)")
        }
    }

    /// Sends `bytes` as one datagram, waiting up to `timeout` for room in the socket's buffer.
    ///
    /// - Throws: also when the other side has answered an earlier datagram with "port unreachable".
    public func send(_ bytes: RawSpan, timeout: Duration = .seconds(1)) throws(TransportError) {
        let deadline = Deadline(timeout)
        for attempt in 0..<2 {
            let sent = bytes.withUnsafeBytes {
                Glibc.send(descriptor.raw, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if sent >= 0 { return }
            let number = errno
            guard number == EAGAIN || number == EINTR, attempt == 0 else {
                if number == EMSGSIZE {
                    throw TransportError(
                        .system, "udp \(peer): \(bytes.byteCount) bytes are more than a datagram holds; use TCP")
                }
                throw TransportError(errno: number, "udp \(peer)")
            }
            guard deadline.wait(descriptor.raw, Int16(POLLOUT)) else {
                throw TransportError(.timeout, "udp \(peer): no room to send in time")
            }
        }
    }
}
