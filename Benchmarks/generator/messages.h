// SPDX-License-Identifier: Apache-2.0
// The messages that the generator sends: made once, patched in place with time, sender and sequence number.
#ifndef MESSAGES_H
#define MESSAGES_H

#include <stddef.h>
#include <stdint.h>

enum { poolSize = 8192, longest = 608, numberDigits = 10, senderDigits = 4 };

/// One RFC 5424 message. `prefix` bytes before `bytes` are free for `LENGTH SP`, one byte after it for LF.
typedef struct {
    char *bytes;
    uint16_t length;
    uint16_t stamp;   // offset of the timestamp
    uint8_t style;    // 0: microseconds Z, 1: milliseconds Z, 2: microseconds +01:00
    uint16_t sender;  // offset of the sender's digits
    uint16_t number;  // offset of the sequence number's digits
} Message;

typedef struct {
    Message messages[poolSize];
    char *memory;
    uint32_t next;
    int64_t second;       // the second that `prefixes` tell
    char prefixes[2][20]; // "2026-11-21T05:00:00." in UTC and one hour east of it
} Pool;

/// Makes the messages; the same seed makes the same ones. Lengths are 120 to 600, their mean is 250; each length comes
/// `run` times in a row.
Pool *makePool(uint64_t seed, int run);

/// The pool's next message, patched; `now` is the time in nanoseconds since 1970.
Message *nextMessage(Pool *pool, uint32_t sender, uint64_t number, int64_t now);

/// The mean length of the pool's messages.
double meanLength(const Pool *pool);

#endif
