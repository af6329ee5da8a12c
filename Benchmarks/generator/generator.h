// SPDX-License-Identifier: Apache-2.0
// What the parts of the generator share.
#ifndef GENERATOR_H
#define GENERATOR_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "messages.h"

typedef struct {
    const char *transport; // udp, tcp, tls, file
    const char *host;
    int port;
    bool lineFeed;         // LF instead of octet counting
    bool spread;           // paced: single messages, evenly in time
    int senders;           // UDP: source sockets; streams: connections
    int senderBase;        // the number of the first sender
    int threads;
    double rate;           // messages a second of all threads; 0: flood
    uint64_t count;        // messages of all threads; 0: as many as `seconds` allow
    double seconds;
    double grain;          // paced: the seconds between two bursts
    int batch;             // UDP: datagrams a sendmmsg
    int segments;          // UDP: datagrams of one length that go through the sender's stack as one
    int writeBytes;        // streams: the most bytes of one write (and of one TLS record: 16384)
    int cpu;               // the first core to pin to, or -1
    const char *output;    // file: where to
    const char *lines;     // plain, a product's name, or mix
    uint64_t seed;
} Options;

/// One thread's share.
typedef struct {
    const Options *options;
    int index;
    uint64_t count;
    double rate;
    int *own;           // the numbers of its senders, from 0
    int ownCount;
    Pool *pool;
    uint64_t *sent;     // by sender, of all threads; each thread writes its own
    uint64_t bytes;
    double seconds;
    char error[160];
} Share;

static inline int64_t monotonic(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static inline int64_t wallClock(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/// A token bucket: how many messages are due. What a late thread missed beyond 5 ms is not made up for, so that a
/// busy machine lowers the rate instead of making a burst that no real sender would send.
typedef struct {
    double rate;
    int64_t began, interval;
    double due;
    int64_t last;
    bool flood;
} Pace;

static inline void startPace(Pace *pace, const Share *share) {
    pace->rate = share->rate;
    pace->flood = share->rate <= 0;
    pace->began = pace->last = monotonic();
    pace->due = 0;
    pace->interval = share->options->spread && !pace->flood ? (int64_t)(1e9 / share->rate)
                                                            : (int64_t)(share->options->grain * 1e9);
}

/// Waits (spinning: a sleep is too coarse) until messages are due; returns how many, at most `most`.
static inline uint32_t awaitDue(Pace *pace, uint32_t most) {
    if (pace->flood) return most;
    while (pace->due < 1) {
        int64_t now = monotonic();
        if (now - pace->last < pace->interval) {
            __builtin_ia32_pause();
            continue;
        }
        int64_t elapsed = now - pace->last;
        if (elapsed > 5000000) elapsed = 5000000;
        pace->due += pace->rate * (double)elapsed / 1e9;
        pace->last = now;
    }
    return pace->due < most ? (uint32_t)pace->due : most;
}

/// Opens the sockets of a share and waits; then `sendUDP`/`sendStream` sends until the share's count or time is spent.
bool openUDP(Share *share);
void sendUDP(Share *share);
bool openStreams(Share *share);
void sendStreams(Share *share);

#endif
