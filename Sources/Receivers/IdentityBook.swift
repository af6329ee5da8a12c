// SPDX-License-Identifier: Apache-2.0
internal import Synchronization
internal import Transport
internal import Wire

/// Which addresses each certificate was used from, over all lanes of a listener: a key that turns up at a second
/// address was copied, or its device has moved.
final class IdentityBook: Sendable {
    private struct Entry {
        var addresses: [IPAddress]
        var lastUse: Int64
        /// When its end was told last, in monotonic milliseconds.
        var expiryTold: Int64?
    }

    /// Milliseconds after which an address is forgotten that an identity no longer comes from.
    private static let memory: Int64 = 86_400_000
    /// Seconds before a certificate's end from which on it is told, once a day.
    private static let warning: Int64 = 30 * 86_400
    private static let limit = 10_000
    private static let addressLimit = 16
    private let entries = Mutex<[String: Entry]>([:])

    /// Takes note of a connection: the addresses of the identity when this one is new beside others, and whether its
    /// certificate's end is worth telling.
    ///
    /// - Parameters:
    ///   - now: monotonic milliseconds.
    ///   - time: seconds since the epoch.
    func note(
        _ certificate: PeerCertificate, from address: IPAddress, now: Int64, time: Int64
    ) -> (shared: [IPAddress], isExpiring: Bool) {
        entries.withLock { entries in
            if entries.count >= IdentityBook.limit, entries[certificate.fingerprint] == nil {
                entries = entries.filter { now - $0.value.lastUse < IdentityBook.memory }
                guard entries.count < IdentityBook.limit else { return ([], false) }
            }
            var entry = entries[certificate.fingerprint] ?? Entry(addresses: [], lastUse: now)
            if now - entry.lastUse >= IdentityBook.memory { entry.addresses = [] }
            entry.lastUse = now
            var shared: [IPAddress] = []
            if !entry.addresses.contains(address), entry.addresses.count < IdentityBook.addressLimit {
                entry.addresses.append(address)
                if entry.addresses.count > 1 { shared = entry.addresses }
            }
            var isExpiring = false
            if let end = certificate.end, end - time < IdentityBook.warning,
                entry.expiryTold.map({ now - $0 >= IdentityBook.memory }) ?? true
            {
                entry.expiryTold = now
                isExpiring = true
            }
            entries[certificate.fingerprint] = entry
            return (shared, isExpiring)
        }
    }
}
