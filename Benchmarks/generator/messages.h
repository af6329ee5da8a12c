// SPDX-License-Identifier: Apache-2.0
// The messages that the generator sends: made once, patched in place with time, sender and sequence number.
#ifndef MESSAGES_H
#define MESSAGES_H

#include <stddef.h>
#include <stdint.h>

enum { poolSize = 8192, longest = 2048, mostPatches = 12, numberDigits = 10, senderDigits = 4 };

/// What is written anew into each message that is sent.
typedef enum {
    patchSender, patchNumber,
    patchMicros, patchMillis, patchNanos,   // the digits of a second's part
    patchISO,                               // 2026-11-21T05:00:00
    patchISOEast,                           // the same an hour east of UTC
    patchBSD,                               // Nov 21 05:00:00
    patchDate, patchClock,                  // 2026-11-21 and 05:00:00
    patchSlashes,                           // 2026/11/21 05:00:00
    patchEpoch,                             // seconds since 1970
    patchKinds
} PatchKind;

typedef struct {
    uint16_t at; // offset in the message
    uint8_t kind;
} Patch;

/// One message without its framing.
typedef struct {
    char *bytes;
    uint16_t length;
    uint8_t patchCount;
    Patch patches[mostPatches];
} Message;

typedef struct {
    Message messages[poolSize];
    char *memory;
    int longest;                 // the length of the longest message
    uint32_t next;
    int64_t second;              // the second that `texts` tell
    char texts[patchKinds][24];
} Pool;

/// Makes the messages; the same seed makes the same ones. `lines` is `plain` (RFC 5424, 120 to 600 bytes, mean 250,
/// each length `run` times in a row), a product's name, or `mix`. NULL when there is no such product.
Pool *makePool(uint64_t seed, int run, const char *lines);

/// The pool's next message, patched; `now` is the time in nanoseconds since 1970.
Message *nextMessage(Pool *pool, uint32_t sender, uint64_t number, int64_t now);

/// The mean length of the pool's messages.
double meanLength(const Pool *pool);

/// Begins the sequence of random numbers.
void seedDraws(uint64_t seed);

/// A random number below `bound`: the same ones on every machine.
uint32_t below(uint32_t bound);

#define ANY(list) list[below(sizeof(list) / sizeof(list[0]))]

#endif
