// SPDX-License-Identifier: Apache-2.0
internal import Transport

extension SyslogReceiver {
    /// Takes note of a certificate that a connection has proven to own, and tells what an auditor should hear of it.
    func note(_ certificate: PeerCertificate, from peer: SocketAddress, _ listener: Listener) {
        let time = clocks.received / 1_000_000_000
        let found = listener.identities.note(certificate, from: peer.ip, now: clocks.now, time: time)
        if !found.shared.isEmpty {
            var notice = Notice(
                kind: .shared, listener: listener.configuration.name, peer: peer, certificate: certificate)
            notice.addresses = found.shared
            notice.detail = "one certificate is used from \(found.shared.count) addresses"
            notices.tell(notice, now: clocks.now)
        }
        if found.isExpiring, let end = certificate.end {
            var notice = Notice(
                kind: .expiring, listener: listener.configuration.name, peer: peer, certificate: certificate)
            notice.detail = "the certificate ends in \(max(0, (end - time) / 86_400)) days"
            notices.tell(notice, now: clocks.now)
        }
    }

    /// Tells of a client that a certificate kept out.
    func tell(refusalOf input: StreamInput, _ error: TransportError) {
        guard let refusal = input.connection.certificateRefusal else { return }
        tell(refusal, from: input.peer, input.listener, error.description)
    }

    /// Tells of a client that a certificate kept out.
    func tell(_ refusal: CertificateRefusal, from peer: SocketAddress, _ listener: Listener, _ detail: String) {
        let kind: Notice.Kind =
            switch refusal.reason {
            case .revoked: .revoked
            case .expired: .expired
            default: .refusedCertificate
            }
        var notice = Notice(
            kind: kind, listener: listener.configuration.name, peer: peer, certificate: refusal.certificate)
        notice.reason = refusal.reason.name
        notice.detail = detail
        notices.tell(notice, now: clocks.now)
    }
}
