// SPDX-License-Identifier: Apache-2.0
// SHA-256 (FIPS 180-4) by the processor's SHA instructions: of two texts of the same length at once, and of blocks of one.
// Each round waits for the one before it, so that a second, independent text costs next to nothing.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

/// Whether ``penstock_sha256_pair`` and ``penstock_sha256_blocks`` can be called: the processor has the instructions.
static inline int penstock_has_sha256_pair(void) {
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_SSE4_1) || !(c & bit_SSSE3)) return 0;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b >> 29 & 1);
}

/// Takes `blocks` blocks of 64 bytes of each text in; `state` holds two registers a text, as the instructions want them.
__attribute__((target("sha,sse4.1,ssse3"))) static inline void penstock_sha256_pair_blocks(
    __m128i state[4], const uint8_t *one, const uint8_t *two, size_t blocks) {
    static const uint32_t constants[64] = {
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
        0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
        0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
        0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
        0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
        0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
        0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
        0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};
    const __m128i order = _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL);
    __m128i a0 = state[0], a1 = state[1], b0 = state[2], b1 = state[3];
    for (; blocks > 0; blocks--, one += 64, two += 64) {
        const __m128i a0before = a0, a1before = a1, b0before = b0, b1before = b1;
        __m128i v[4], w[4];
#pragma clang loop unroll(full)
        for (int i = 0; i < 16; i++) {
            if (i < 4) {
                v[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(one + 16 * i)), order);
                w[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(two + 16 * i)), order);
            } else {
                __m128i p = v[(i + 3) & 3], q = w[(i + 3) & 3];
                __m128i s = _mm_sha256msg1_epu32(v[i & 3], v[(i + 1) & 3]);
                __m128i t = _mm_sha256msg1_epu32(w[i & 3], w[(i + 1) & 3]);
                s = _mm_add_epi32(s, _mm_alignr_epi8(p, v[(i + 2) & 3], 4));
                t = _mm_add_epi32(t, _mm_alignr_epi8(q, w[(i + 2) & 3], 4));
                v[i & 3] = _mm_sha256msg2_epu32(s, p);
                w[i & 3] = _mm_sha256msg2_epu32(t, q);
            }
            const __m128i k = _mm_loadu_si128((const __m128i *)(constants + 4 * i));
            __m128i m = _mm_add_epi32(v[i & 3], k), n = _mm_add_epi32(w[i & 3], k);
            a1 = _mm_sha256rnds2_epu32(a1, a0, m);
            b1 = _mm_sha256rnds2_epu32(b1, b0, n);
            a0 = _mm_sha256rnds2_epu32(a0, a1, _mm_shuffle_epi32(m, 0x0E));
            b0 = _mm_sha256rnds2_epu32(b0, b1, _mm_shuffle_epi32(n, 0x0E));
        }
        a0 = _mm_add_epi32(a0, a0before);
        a1 = _mm_add_epi32(a1, a1before);
        b0 = _mm_add_epi32(b0, b0before);
        b1 = _mm_add_epi32(b1, b1before);
    }
    state[0] = a0;
    state[1] = a1;
    state[2] = b0;
    state[3] = b1;
}

/// Writes the digest that two registers hold.
__attribute__((target("sse4.1,ssse3"))) static inline void penstock_sha256_store(
    __m128i abef, __m128i cdgh, uint8_t *digest) {
    const __m128i order = _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL);
    __m128i low = _mm_shuffle_epi32(abef, 0x1B), high = _mm_shuffle_epi32(cdgh, 0xB1);
    __m128i abcd = _mm_blend_epi16(low, high, 0xF0), efgh = _mm_alignr_epi8(high, low, 8);
    _mm_storeu_si128((__m128i *)digest, _mm_shuffle_epi8(abcd, order));
    _mm_storeu_si128((__m128i *)(digest + 16), _mm_shuffle_epi8(efgh, order));
}

/// The SHA-256 of `64 * blocks` bytes from `one` on and of as many from `two` on, one behind the other in `digests`.
__attribute__((target("sha,sse4.1,ssse3"))) static inline void penstock_sha256_pair(
    const uint8_t *one, const uint8_t *two, size_t blocks, uint8_t digests[64]) {
    const __m128i abef = _mm_set_epi32(0x6a09e667, (int)0xbb67ae85, 0x510e527f, (int)0x9b05688c);
    const __m128i cdgh = _mm_set_epi32(0x3c6ef372, (int)0xa54ff53a, 0x1f83d9ab, 0x5be0cd19);
    __m128i state[4] = {abef, cdgh, abef, cdgh};
    penstock_sha256_pair_blocks(state, one, two, blocks);
    // What FIPS 180-4 section 5.1.1 appends: a one, zeros, and the length in bits.
    uint8_t tail[64] = {0x80};
    uint64_t bits = __builtin_bswap64((uint64_t)blocks * 512);
    memcpy(tail + 56, &bits, 8);
    penstock_sha256_pair_blocks(state, tail, tail, 1);
    penstock_sha256_store(state[0], state[1], digests);
    penstock_sha256_store(state[2], state[3], digests + 32);
}

/// Takes `blocks` blocks of 64 bytes from `bytes` on into `words`, the eight words of a digest in the making.
__attribute__((target("sha,sse4.1,ssse3"))) static inline void penstock_sha256_blocks(
    uint32_t words[8], const uint8_t *bytes, size_t blocks) {
    const __m128i abef = _mm_set_epi32((int)words[0], (int)words[1], (int)words[4], (int)words[5]);
    const __m128i cdgh = _mm_set_epi32((int)words[2], (int)words[3], (int)words[6], (int)words[7]);
    __m128i state[4] = {abef, cdgh, abef, cdgh};
    penstock_sha256_pair_blocks(state, bytes, bytes, blocks);
    words[0] = (uint32_t)_mm_extract_epi32(state[0], 3);
    words[1] = (uint32_t)_mm_extract_epi32(state[0], 2);
    words[4] = (uint32_t)_mm_extract_epi32(state[0], 1);
    words[5] = (uint32_t)_mm_extract_epi32(state[0], 0);
    words[2] = (uint32_t)_mm_extract_epi32(state[1], 3);
    words[3] = (uint32_t)_mm_extract_epi32(state[1], 2);
    words[6] = (uint32_t)_mm_extract_epi32(state[1], 1);
    words[7] = (uint32_t)_mm_extract_epi32(state[1], 0);
}
#else
static inline void penstock_sha256_blocks(uint32_t words[8], const uint8_t *bytes, size_t blocks) {
    (void)words;
    (void)bytes;
    (void)blocks;
}
static inline int penstock_has_sha256_pair(void) { return 0; }
static inline void penstock_sha256_pair(const uint8_t *one, const uint8_t *two, size_t blocks, uint8_t digests[64]) {
    (void)one;
    (void)two;
    (void)blocks;
    (void)digests;
}
#endif
