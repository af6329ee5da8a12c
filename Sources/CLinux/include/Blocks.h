// SPDX-License-Identifier: Apache-2.0
// Bytes looked at sixteen at a time. Clang's vectors instead of one processor's intrinsics: a mask is one PMOVMSKB on
// x86-64 and a short sequence on AArch64. Swift's own vectors have no way from a comparison to a mask of bits.
#pragma once
#include <stdint.h>

/// Sixteen bytes; Swift sees them as SIMD16<UInt8>. By value: nothing here reads memory.
typedef uint8_t penstock_block __attribute__((ext_vector_type(16)));

#define PENSTOCK_INLINE static inline __attribute__((always_inline, const))

/// Bit n is set where byte n is not 0, as a comparison has it where it is true.
PENSTOCK_INLINE uint32_t penstock_block_bits(penstock_block found) {
    typedef _Bool bits __attribute__((ext_vector_type(16)));
    bits each = __builtin_convertvector(found, bits);
    uint16_t mask;
    __builtin_memcpy(&mask, &each, sizeof mask);
    return mask;
}

/// What gives an RFC 5424 header and its structured data their shape: a blank, `"`, `=`, `]`, `\`; and besides `<`, `|`
/// and `}`, which come with them.
PENSTOCK_INLINE uint32_t penstock_block_marks(penstock_block bytes) {
    // A blank is `"` less bit 1; the others are `}` less some of the bits 0, 5 and 6.
    return penstock_block_bits((penstock_block)(((bytes & (uint8_t)0xFD) == (uint8_t)0x20) |
                                                ((bytes | (uint8_t)0x61) == (uint8_t)0x7D)));
}

/// The bytes that equal `byte`.
PENSTOCK_INLINE uint32_t penstock_block_equal(penstock_block bytes, uint8_t byte) {
    return penstock_block_bits((penstock_block)(bytes == byte));
}

/// Backslashes and `]`, which differ in bit 0.
PENSTOCK_INLINE uint32_t penstock_block_closes(penstock_block bytes) {
    return penstock_block_bits((penstock_block)((bytes | (uint8_t)1) == (uint8_t)0x5D));
}

/// Quotes and backslashes, which a JSON string escapes.
PENSTOCK_INLINE uint32_t penstock_block_escapes(penstock_block bytes) {
    return penstock_block_bits((penstock_block)((bytes == (uint8_t)0x22) | (bytes == (uint8_t)0x5C)));
}

/// Quotes, backslashes, bytes below 32 and DEL: what has another form in our JSON strings.
PENSTOCK_INLINE uint32_t penstock_block_odd(penstock_block bytes) {
    return penstock_block_bits((penstock_block)((bytes == (uint8_t)0x22) | (bytes == (uint8_t)0x5C) |
                                                (bytes < (uint8_t)0x20) | (bytes == (uint8_t)0x7F)));
}

/// The same, and bytes above 127.
PENSTOCK_INLINE uint32_t penstock_block_unplain(penstock_block bytes) {
    return penstock_block_bits((penstock_block)((bytes == (uint8_t)0x22) | (bytes == (uint8_t)0x5C) |
                                                (bytes - (uint8_t)0x20 > (uint8_t)0x5E)));
}

/// Quotes, backslashes, bytes below 32 and above 127: what a JSON string cannot take unseen.
PENSTOCK_INLINE uint32_t penstock_block_unclean(penstock_block bytes) {
    return penstock_block_bits((penstock_block)((bytes == (uint8_t)0x22) | (bytes == (uint8_t)0x5C) |
                                                (bytes - (uint8_t)0x20 > (uint8_t)0x5F)));
}

/// Bytes below 32, and DEL.
PENSTOCK_INLINE uint32_t penstock_block_controls(penstock_block bytes) {
    return penstock_block_bits((penstock_block)((bytes < (uint8_t)0x20) | (bytes == (uint8_t)0x7F)));
}

/// Bytes above 127.
PENSTOCK_INLINE uint32_t penstock_block_high(penstock_block bytes) {
    return penstock_block_bits((penstock_block)(bytes >= (uint8_t)0x80));
}

/// The larger of `most` and how far each byte lies above the blank; what is no printable ASCII comes out above 0x5E.
PENSTOCK_INLINE penstock_block penstock_block_range(penstock_block most, penstock_block bytes) {
    return __builtin_elementwise_max(most, bytes - (uint8_t)0x20);
}

/// The bytes of a range that are above 0x5E.
PENSTOCK_INLINE uint32_t penstock_block_unprintable(penstock_block most) {
    return penstock_block_bits((penstock_block)(most > (uint8_t)0x5E));
}
