// SPDX-License-Identifier: Apache-2.0

/// What one ``DTLSEndpoint`` gives at most to strangers.
public struct DTLSLimits: Hashable, Sendable {
    /// Sessions in all; each holds some 46 KiB, most of it OpenSSL's record and message buffers.
    public var sessions: Int
    /// Sessions and handshakes of one IP address; relays and address translation put several senders behind one.
    public var sessionsPerAddress: Int
    /// Handshakes at the same time. One holds some 50 KiB, a hostile one up to 200 KiB.
    public var handshakes: Int
    /// Handshakes at the same time of one IP address; a quarter of ``handshakes`` unless set, so that no single host can
    /// take the places of all others.
    public var handshakesPerAddress: Int
    /// The bytes that a peer may send in one handshake; a client certificate chain is rarely over 6 KiB.
    public var handshakeBytes: Int
    /// The milliseconds that a handshake may take.
    public var handshakeTime: Int64
    /// The milliseconds without a message after which a session ends; a datagram socket knows no other end of a peer
    /// that was switched off. 0 is no limit.
    public var idleTime: Int64
    /// The bytes of the largest IP packet that is sent; 1280 passes every IPv6 link (RFC 8200 section 5).
    public var linkMTU: Int

    /// Limits with what most listeners need.
    public init(
        sessions: Int = 512, sessionsPerAddress: Int = 64, handshakes: Int = 128, handshakeBytes: Int = 64 * 1024,
        handshakeTime: Int64 = 30_000, idleTime: Int64 = 3_600_000, linkMTU: Int = 1280,
        handshakesPerAddress: Int? = nil
    ) {
        self.sessions = max(sessions, 1)
        self.sessionsPerAddress = max(sessionsPerAddress, 1)
        self.handshakes = max(handshakes, 1)
        self.handshakesPerAddress = max(handshakesPerAddress ?? self.handshakes / 4, 1)
        self.handshakeBytes = max(handshakeBytes, 4096)
        self.handshakeTime = max(handshakeTime, 1000)
        self.idleTime = max(idleTime, 0)
        self.linkMTU = min(max(linkMTU, 576), 9000)
    }
}
