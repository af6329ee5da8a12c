// SPDX-License-Identifier: Apache-2.0
internal import Synchronization
internal import Transport

extension Listener {
    /// What a listener's connections, or sessions of datagrams, are secured with.
    struct Contexts {
        var stream: TLSContext?
        var datagram: DTLSContext?
    }

    /// The TLS context for the next connection.
    var currentContext: TLSContext? { context.withLock { $0 } }
    /// The DTLS context for the next session.
    var currentDatagramContext: DTLSContext? { datagramContext.withLock { $0 } }

    /// When the certificate in use ends, in seconds since the epoch; nil without TLS.
    public var certificateEnd: Int64? { currentContext?.certificateEnd ?? currentDatagramContext?.certificateEnd }

    /// Reads certificate, key, client authorities and revocation lists anew. Open connections stay as they are, the next
    /// one gets the new files; when these are wrong, the old ones stay in use.
    ///
    /// - Throws: what is wrong with the files.
    public func reloadCertificate() throws(ListenerErrors) {
        guard configuration.tls != nil else { return }
        let fresh = try Listener.contexts(of: configuration)
        context.withLock { $0 = fresh.stream }
        datagramContext.withLock { $0 = fresh.datagram }
    }

    static func contexts(of configuration: ListenerConfiguration) throws(ListenerErrors) -> Contexts {
        guard let tls = configuration.tls else {
            guard configuration.transport == .tls || configuration.transport == .dtls else { return Contexts() }
            throw ListenerErrors([
                """
                \(title(configuration)): \(configuration.transport.rawValue) needs `certificate` and `key` files; \
                certs/make-certs makes some to try with
                """
            ])
        }
        var settings = TLSServerSettings(
            certificate: tls.certificate, key: tls.key, clientCA: tls.clientCA,
            clientCertificate: tls.clientCertificate, minimumVersion: tls.minimumVersion)
        settings.crlFiles = tls.revocationLists
        settings.allow = CertificateAllowList(
            subjects: tls.subjects, names: tls.names, fingerprints: tls.fingerprints)
        settings.sessionTickets = tls.sessionTickets
        do {
            return try configuration.transport == .dtls
                ? Contexts(datagram: DTLSContext(settings)) : Contexts(stream: TLSContext.server(settings))
        } catch {
            throw ListenerErrors(["\(title(configuration)): \(error)"])
        }
    }
}
