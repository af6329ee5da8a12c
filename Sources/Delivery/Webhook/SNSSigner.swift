// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import Glibc

/// Signs notifications as Amazon SNS does: signature version 2, SHA256withRSA (PKCS #1 v1.5) over the string to sign.
public final class SNSSigner: @unchecked Sendable {
    // An EVP_PKEY is only read after loading, which OpenSSL allows from several threads.
    private let key: OpaquePointer
    /// Where receivers find the certificate.
    public let certificateURL: String

    /// A signer with the PEM private key in `keyFile`; `certificateURL` is what receivers are told.
    ///
    /// - Throws: a text that names the file and the cure.
    public init(keyFile: String, certificateURL: String) throws(WebhookError) {
        guard let file = fopen(keyFile, "re") else {
            throw WebhookError("the signing key \(keyFile) cannot be read: \(errorText(errno))")
        }
        defer { fclose(file) }
        ERR_clear_error()
        // No passphrase is ever asked for on a terminal.
        guard let key = PEM_read_PrivateKey(file, nil, { _, _, _, _ in 0 }, nil) else {
            ERR_clear_error()
            throw WebhookError("\(keyFile) holds no usable PEM private key; an encrypted one cannot be used")
        }
        guard EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA else {
            EVP_PKEY_free(key)
            throw WebhookError("\(keyFile) is no RSA key, which SNS signatures need")
        }
        self.key = key
        self.certificateURL = certificateURL
    }

    deinit { EVP_PKEY_free(key) }

    /// The signature of `text` in Base64.
    func sign(_ text: String) throws(WebhookError) -> String {
        guard let context = EVP_MD_CTX_new() else { throw WebhookError("no memory for a signature") }
        defer { EVP_MD_CTX_free(context) }
        var bytes = Array(text.utf8)
        var length = 0
        guard EVP_DigestSignInit(context, nil, EVP_sha256(), nil, key) == 1,
            EVP_DigestSign(context, nil, &length, &bytes, bytes.count) == 1
        else { throw WebhookError("OpenSSL cannot sign with the key") }
        var signature = [UInt8](repeating: 0, count: length)
        guard EVP_DigestSign(context, &signature, &length, &bytes, bytes.count) == 1 else {
            throw WebhookError("OpenSSL cannot sign with the key")
        }
        var encoded = [UInt8](repeating: 0, count: (length + 2) / 3 * 4 + 1)
        let count = EVP_EncodeBlock(&encoded, signature, Int32(length))
        return String(decoding: encoded.prefix(Int(count)), as: UTF8.self)
    }
}

/// Why a webhook cannot be set up, or a notification cannot be made: a sentence with the cure.
public struct WebhookError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What happened.
    public let description: String

    init(_ description: String) { self.description = description }
}
