// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Why a socket or a TLS context could not be made or used: a code for programs, a sentence with the cure for people.
public struct TransportError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What kind of failure it is.
    public enum Code: String, Sendable {
        /// The address is not one, or is not of this host.
        case address
        /// The port is in use.
        case busy
        /// The process may not do this.
        case permission
        /// A certificate or certificate authority file cannot be used.
        case certificate
        /// A private key file cannot be used, or does not belong to the certificate.
        case key
        /// The TLS handshake failed.
        case handshake
        /// The other side did not answer in time.
        case timeout
        /// The other side refused the connection.
        case refused
        /// There is no way to the other side, or its name is unknown.
        case unreachable
        /// The connection is closed.
        case closed
        /// Any other answer of the operating system.
        case system
    }

    /// What kind of failure it is.
    public let code: Code
    /// What happened and, where it is known, the cure.
    public let description: String

    /// An error of that code and that text.
    public init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }

    /// The error of a system call's `errno` while doing `what`.
    init(errno number: Int32, _ what: String) {
        let reason = TransportError.text(number)
        switch number {
        case EADDRINUSE:
            self.init(
                .busy, "\(what): the port is in use; stop the other program (`ss -lnp` names it) or take another port")
        case EADDRNOTAVAIL: self.init(.address, "\(what): no interface of this host has that address (`ip address`)")
        case EACCES, EPERM:
            self.init(
                .permission,
                "\(what): \(reason); ports below 1024 need CAP_NET_BIND_SERVICE or the systemd unit that grants it")
        case EAFNOSUPPORT: self.init(.address, "\(what): this host has no such address family (is IPv6 off?)")
        case ETIMEDOUT: self.init(.timeout, "\(what): \(reason)")
        case ECONNREFUSED: self.init(.refused, "\(what): \(reason)")
        case EHOSTUNREACH, ENETUNREACH, ENETDOWN, EHOSTDOWN: self.init(.unreachable, "\(what): \(reason)")
        case EPIPE, ECONNRESET, ENOTCONN, ECONNABORTED: self.init(.closed, "\(what): \(reason)")
        default: self.init(.system, "\(what): \(reason)")
        }
    }

    /// The text of an `errno`.
    static func text(_ number: Int32) -> String { String(cString: strerror(number)) }
}
