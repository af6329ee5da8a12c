// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <openssl/ssl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <openssl/x509_vfy.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/bio.h>

// OpenSSL offers these only as function-like or computed macros, which Swift cannot import.
static inline int penstock_ssl_ctx_set_min_proto(SSL_CTX *ctx, int version) {
    return SSL_CTX_set_min_proto_version(ctx, version);
}
static inline int penstock_ssl_ctx_set_max_proto(SSL_CTX *ctx, int version) {
    return SSL_CTX_set_max_proto_version(ctx, version);
}
static inline int penstock_ssl_set_tlsext_host_name(SSL *ssl, const char *name) {
    return SSL_set_tlsext_host_name(ssl, name);
}
static inline long penstock_ssl_ctx_set_mode(SSL_CTX *ctx, long mode) { return SSL_CTX_set_mode(ctx, mode); }
static inline X509 *penstock_ssl_get1_peer_certificate(const SSL *ssl) { return SSL_get1_peer_certificate(ssl); }
static const uint64_t penstock_SSL_OP_NO_RENEGOTIATION = SSL_OP_NO_RENEGOTIATION;
static const uint64_t penstock_SSL_OP_NO_COMPRESSION = SSL_OP_NO_COMPRESSION;
static const uint64_t penstock_SSL_OP_CIPHER_SERVER_PREFERENCE = SSL_OP_CIPHER_SERVER_PREFERENCE;
static const uint64_t penstock_SSL_OP_NO_TICKET = SSL_OP_NO_TICKET;
static const unsigned long penstock_XN_FLAG_RFC2253 = XN_FLAG_RFC2253;
static inline EVP_PKEY *penstock_ec_key(const char *curve) { return EVP_EC_gen(curve); }

// DTLS (Sources/Transport/DTLS*.swift).
static const uint64_t penstock_SSL_OP_NO_QUERY_MTU = SSL_OP_NO_QUERY_MTU;
static const uint64_t penstock_SSL_OP_COOKIE_EXCHANGE = SSL_OP_COOKIE_EXCHANGE;
static inline void penstock_bio_retry_read(BIO *bio) { BIO_set_retry_read(bio); }
static inline void penstock_bio_clear_retry(BIO *bio) { BIO_clear_retry_flags(bio); }
static inline long penstock_dtls_set_link_mtu(SSL *ssl, long mtu) { return DTLS_set_link_mtu(ssl, mtu); }
static inline long penstock_dtls_handle_timeout(SSL *ssl) { return DTLSv1_handle_timeout(ssl); }
// HMAC-SHA256 (RFC 2104) with a key of 32 bytes, for cookies. HMAC() of OpenSSL 3.0 looks its algorithm up by name and
// allocates on each call, four times the work of the hashing; a flood of ClientHellos pays that a datagram.
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wdeprecated-declarations"
static inline void penstock_hmac_sha256(const uint8_t *key, const uint8_t *bytes, size_t count, uint8_t *digest) {
    SHA256_CTX hash;
    uint8_t pad[SHA256_CBLOCK];
    for (int i = 0; i < SHA256_CBLOCK; i++) pad[i] = (i < 32 ? key[i] : 0) ^ 0x36;
    SHA256_Init(&hash);
    SHA256_Update(&hash, pad, sizeof pad);
    SHA256_Update(&hash, bytes, count);
    SHA256_Final(digest, &hash);
    for (int i = 0; i < SHA256_CBLOCK; i++) pad[i] ^= 0x36 ^ 0x5C;
    SHA256_Init(&hash);
    SHA256_Update(&hash, pad, sizeof pad);
    SHA256_Update(&hash, digest, SHA256_DIGEST_LENGTH);
    SHA256_Final(digest, &hash);
}
#pragma clang diagnostic pop

// SHA-256 over three parts, for hash chains. EVP_DigestInit_ex of OpenSSL 3.0 allocates its state anew at each call.
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wdeprecated-declarations"
static inline void penstock_sha256_link(const uint8_t *previous, const uint8_t *head, size_t head_count,
                                        const uint8_t *body, size_t body_count, uint8_t *next) {
    SHA256_CTX hash;
    SHA256_Init(&hash);
    SHA256_Update(&hash, previous, SHA256_DIGEST_LENGTH);
    SHA256_Update(&hash, head, head_count);
    SHA256_Update(&hash, body, body_count);
    SHA256_Final(next, &hash);
}
#pragma clang diagnostic pop
