// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import Glibc
internal import Synchronization

/// The keys that a context's session tickets are sealed with: AES-256-CBC, then HMAC-SHA256 (RFC 5077 section 4).
///
/// Whoever gets hold of such a key can read every TLS 1.2 session that was resumed, or given a ticket, under it (RFC 9325
/// section 4.3). So each is drawn at random, kept in memory only, seals for one period and opens for one more.
final class TLSTicketKeys: Sendable {
    private struct Key {
        var name: [UInt8]
        var cipher: [UInt8]
        var digest: [UInt8]
        /// When it was made, in monotonic milliseconds.
        var made: Int64

        init?(_ now: Int64) {
            var bytes = [UInt8](repeating: 0, count: 80)
            guard RAND_bytes(&bytes, 80) == 1 else { return nil }
            name = Array(bytes[..<16])
            cipher = Array(bytes[16..<48])
            digest = Array(bytes[48...])
            made = now
        }
    }

    private struct Keys {
        var current: Key
        var previous: Key?
    }

    private let period: Int64
    private let keys: Mutex<Keys>

    /// Keys that change every `seconds`; nil without random numbers.
    init?(seconds: Int) {
        guard let first = Key(TLSTicketKeys.now) else { return nil }
        period = Int64(clamping: max(seconds, 1)) * 1000
        keys = Mutex(Keys(current: first))
    }

    /// Makes an SSL_CTX use the keys, which must outlive it.
    func install(on pointer: OpaquePointer) {
        SSL_CTX_set_ex_data(pointer, 0, Unmanaged.passUnretained(self).toOpaque())
        SSL_CTX_set_tlsext_ticket_key_evp_cb(pointer) { ssl, name, vector, cipher, digest, isNew in
            guard let ssl, let name, let vector, let cipher, let digest, let context = SSL_get_SSL_CTX(ssl),
                let data = SSL_CTX_get_ex_data(context, 0)
            else { return -1 }
            let keys = Unmanaged<TLSTicketKeys>.fromOpaque(data).takeUnretainedValue()
            return isNew == 1
                ? keys.seal(name, vector, cipher, digest) : keys.open(name, vector, cipher, digest)
        }
    }

    /// - Returns: 1, or -1 on failure.
    private func seal(
        _ name: UnsafeMutablePointer<UInt8>, _ vector: UnsafeMutablePointer<UInt8>, _ cipher: OpaquePointer,
        _ digest: OpaquePointer
    ) -> Int32 {
        let key = at(TLSTicketKeys.now).current
        guard RAND_bytes(vector, 16) == 1,
            EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), nil, key.cipher, vector) == 1,
            TLSTicketKeys.set(digest, key)
        else { return -1 }
        name.update(from: key.name, count: 16)
        return 1
    }

    /// - Returns: 1, 2 when the ticket is to be renewed, 0 when its key is unknown, -1 on failure.
    private func open(
        _ name: UnsafeMutablePointer<UInt8>, _ vector: UnsafeMutablePointer<UInt8>, _ cipher: OpaquePointer,
        _ digest: OpaquePointer
    ) -> Int32 {
        let keys = at(TLSTicketKeys.now)
        let shown = UnsafeBufferPointer(start: name, count: 16)
        let isCurrent = shown.elementsEqual(keys.current.name)
        guard isCurrent || keys.previous.map({ shown.elementsEqual($0.name) }) == true else { return 0 }
        let key = isCurrent ? keys.current : keys.previous ?? keys.current
        guard EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), nil, key.cipher, vector) == 1,
            TLSTicketKeys.set(digest, key)
        else { return -1 }
        return isCurrent ? 1 : 2
    }

    /// The keys that count at `now`.
    private func at(_ now: Int64) -> Keys {
        keys.withLock { keys in
            let age = now - keys.current.made
            guard age >= period, let fresh = Key(now) else { return keys }
            // After a long pause not even the last one counts.
            keys = Keys(current: fresh, previous: age < 2 * period ? keys.current : nil)
            return keys
        }
    }

    // OpenSSL keeps the pointers to a parameter's names until the parameters are used: a String lent to the call that
    // makes one is gone by then. Literals stay, and end in 0.
    private static let keyName: StaticString = "key"
    private static let digestName: StaticString = "digest"
    private static let digestValue: StaticString = "SHA256"

    private static func set(_ digest: OpaquePointer, _ key: Key) -> Bool {
        func text(_ literal: StaticString) -> UnsafeMutablePointer<CChar> {
            UnsafeMutableRawPointer(mutating: literal.utf8Start).assumingMemoryBound(to: CChar.self)
        }
        var bytes = key.digest
        return bytes.withUnsafeMutableBytes { bytes in
            let parameters = [
                OSSL_PARAM_construct_octet_string(text(keyName), bytes.baseAddress, bytes.count),
                OSSL_PARAM_construct_utf8_string(text(digestName), text(digestValue), 0), OSSL_PARAM_construct_end(),
            ]
            return EVP_MAC_CTX_set_params(digest, parameters) == 1
        }
    }

    private static var now: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}
