// SPDX-License-Identifier: Apache-2.0
// CRC-32C of three parts at once. The instruction has a latency of three cycles and one can begin each cycle, so that
// three independent sums cost what one does; a carry-less product moves each to the end of the parts behind it.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

enum { penstock_crc32c_part = 1024 };

/// Whether ``penstock_crc32c_parts`` can be called: the processor has the instructions.
static inline int penstock_has_crc32c_parts(void) {
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_SSE4_2) && (c & bit_PCLMUL);
}

/// The factor by which a sum is moved over `bytes` zero bytes: x^(8 bytes - 33) modulo the polynomial. Of the missing
/// exponent, the product of two bit-reflected numbers gives one and the instruction, which reduces it, 32.
static inline uint32_t penstock_crc32c_factor(size_t bytes) {
    uint32_t factor = 0x80000000;
    for (size_t i = 0; i < 8 * bytes - 33; i++) factor = factor >> 1 ^ (factor & 1 ? 0x82F63B78 : 0);
    return factor;
}

__attribute__((target("sse4.2,pclmul"))) static inline uint64_t penstock_crc32c_moved(uint64_t crc, uint32_t factor) {
    __m128i product = _mm_clmulepi64_si128(_mm_cvtsi64_si128((long long)crc), _mm_cvtsi32_si128((int)factor), 0);
    return _mm_crc32_u64(0, (uint64_t)_mm_cvtsi128_si64(product));
}

/// The sum over `bytes`, from the sum `crc` of what is before them; neither is inverted. `once` and `twice` are the
/// factors of one part and of two.
__attribute__((target("sse4.2,pclmul"))) static inline uint32_t penstock_crc32c_parts(
    uint32_t crc, const uint8_t *bytes, size_t count, uint32_t once, uint32_t twice) {
    enum { part = penstock_crc32c_part };
    uint64_t state = crc, word;
    for (; count >= 3 * part; count -= 3 * part, bytes += 3 * part) {
        uint64_t second = 0, third = 0;
        for (size_t i = 0; i < part; i += 8) {
            memcpy(&word, bytes + i, 8);
            state = _mm_crc32_u64(state, word);
            memcpy(&word, bytes + part + i, 8);
            second = _mm_crc32_u64(second, word);
            memcpy(&word, bytes + 2 * part + i, 8);
            third = _mm_crc32_u64(third, word);
        }
        state = penstock_crc32c_moved(state, twice) ^ penstock_crc32c_moved(second, once) ^ third;
    }
    for (; count >= 8; count -= 8, bytes += 8) {
        memcpy(&word, bytes, 8);
        state = _mm_crc32_u64(state, word);
    }
    while (count-- > 0) state = _mm_crc32_u8((uint32_t)state, *bytes++);
    return (uint32_t)state;
}
#else
enum { penstock_crc32c_part = 1024 };
static inline int penstock_has_crc32c_parts(void) { return 0; }
static inline uint32_t penstock_crc32c_factor(size_t bytes) {
    (void)bytes;
    return 0;
}
static inline uint32_t penstock_crc32c_parts(
    uint32_t crc, const uint8_t *bytes, size_t count, uint32_t once, uint32_t twice) {
    (void)bytes;
    (void)count;
    (void)once;
    (void)twice;
    return crc;
}
#endif
