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
