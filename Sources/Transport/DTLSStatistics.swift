// SPDX-License-Identifier: Apache-2.0

/// Why a datagram or a handshake was refused, or a session cut.
public enum DTLSRefusal: Int, Sendable, CaseIterable {
    /// The datagram is no DTLS record, or a first ClientHello that cannot be read.
    case notDTLS
    /// A record of no session: the peer has one from before a restart here, or somebody guesses.
    case noSession
    /// There are as many sessions as there may be.
    case sessions
    /// The peer's address has as many sessions as it may have.
    case sessionsPerAddress
    /// There are as many handshakes as there may be at the same time.
    case handshakes
    /// The handshake took too long.
    case handshakeTime
    /// The handshake took too many bytes.
    case handshakeBytes
    /// The handshake failed: no version or cipher in common, or a broken message.
    case handshake
    /// The client's certificate, or its absence, was refused.
    case certificate
    /// Nothing came for as long as the limits allow.
    case idle
    /// A session ended with a fatal alert or an error.
    case failed

    /// A name for metrics, such as `no_session`.
    public var name: String {
        switch self {
        case .notDTLS: "not_dtls"
        case .noSession: "no_session"
        case .idle: "idle"
        case .sessions: "sessions"
        case .sessionsPerAddress: "sessions_per_address"
        case .handshakes: "handshakes"
        case .handshakeTime: "handshake_time"
        case .handshakeBytes: "handshake_bytes"
        case .handshake: "handshake"
        case .certificate: "certificate"
        case .failed: "failed"
        }
    }
}

/// What an endpoint did so far, and what it holds now.
public struct DTLSStatistics: Hashable, Sendable {
    /// Established sessions now.
    public internal(set) var sessions = 0
    /// Handshakes in progress now.
    public internal(set) var handshaking = 0
    /// Datagrams received.
    public internal(set) var datagrams = 0
    /// Messages delivered: one a record (RFC 6012 section 5.4).
    public internal(set) var messages = 0
    /// ClientHellos without a valid cookie, answered with a HelloVerifyRequest and forgotten.
    public internal(set) var verifyRequests = 0
    /// Handshakes completed.
    public internal(set) var handshakes = 0
    /// Sessions that gave way to a newer one of the same address and port (RFC 6347 section 4.2.8).
    public internal(set) var replaced = 0
    /// Sessions that their peer ended with close_notify.
    public internal(set) var closed = 0
    /// Sessions ended because nothing came for too long.
    public internal(set) var idle = 0
    /// Datagrams that the kernel did not take; the peer's retransmission makes up for them.
    public internal(set) var unsent = 0
    private var refusals = [Int](repeating: 0, count: DTLSRefusal.allCases.count)

    /// What was refused or cut for that reason.
    public func refused(_ reason: DTLSRefusal) -> Int { refusals[reason.rawValue] }

    mutating func count(_ reason: DTLSRefusal) { refusals[reason.rawValue] += 1 }
}

/// A refusal that is worth a line in a log: of a peer that has proven its address by a cookie.
public struct DTLSNotice: Sendable, CustomStringConvertible {
    /// The kind of reason.
    public let reason: DTLSRefusal
    /// Whom it concerns.
    public let peer: SocketAddress
    /// What was wrong with the certificate, when that was the reason.
    public let certificate: CertificateRefusal?
    /// What happened.
    public let text: String

    /// The peer and what happened.
    public var description: String { "dtls \(peer): \(text)" }
}
