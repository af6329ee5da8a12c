// SPDX-License-Identifier: Apache-2.0
#include "messages.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "line.h"

static uint64_t state;

void seedDraws(uint64_t seed) { state = 0x9e3779b97f4a7c15ULL ^ (seed + 1) * 0xbf58476d1ce4e5b9ULL; }

/// xorshift64*: the same numbers on every machine.
static uint64_t drawn(void) {
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * 2685821657736338717ULL;
}

uint32_t below(uint32_t bound) { return (uint32_t)((drawn() >> 33) % bound); }

static void shuffle(int *list) {
    for (int i = poolSize - 1; i > 0; i--) {
        int j = (int)below((uint32_t)i + 1), kept = list[i];
        list[i] = list[j];
        list[j] = kept;
    }
}

static void planPlain(int *lengths) {
    // An exponential cut off at 600, by its quantiles, then shuffled: the mean of 250 holds for every pool.
    const double shortest = 120, span = 480, scale = 150.6;
    for (int i = 0; i < poolSize; i++) {
        double u = (i + 0.5) / poolSize;
        lengths[i] = (int)lround(shortest - scale * log(1 - u * (1 - exp(-span / scale))));
    }
    shuffle(lengths);
}

Pool *makePool(uint64_t seed, int run, const char *lines) {
    int first = 0, count = productCount;
    if (strcmp(lines, "plain") == 0) {
        count = 0;
    } else if (strcmp(lines, "mix") != 0) {
        while (first < productCount && strcmp(lines, products[first].name) != 0) first++;
        if (first == productCount) return NULL;
        count = 1;
    }
    seedDraws(seed);
    Pool *pool = calloc(1, sizeof *pool);
    if (pool) pool->memory = calloc(poolSize, longest);
    int *plan = calloc(poolSize, sizeof *plan);
    if (!pool || !pool->memory || !plan) exit(3);
    if (count == 0) {
        planPlain(plan);
    } else {
        for (int i = 0; i < poolSize; i++) plan[i] = first + i % count;
        shuffle(plan);
    }
    char *at = pool->memory;
    for (int i = 0; i < poolSize; i++) {
        Message *m = &pool->messages[i];
        m->bytes = at;
        Line line = {.message = m, .end = at};
        if (count == 0) makePlain(&line, plan[i - i % run]); else products[plan[i]].write(&line);
        if (m->length > pool->longest) pool->longest = m->length;
        at += (m->length + 15) & ~15;
    }
    free(plan);
    pool->second = -1;
    return pool;
}

double meanLength(const Pool *pool) {
    double sum = 0;
    for (int i = 0; i < poolSize; i++) sum += pool->messages[i].length;
    return sum / poolSize;
}

static void writeDigits(char *at, int count, uint64_t value) {
    for (int i = count - 1; i >= 0; i--) {
        at[i] = (char)('0' + value % 10);
        value /= 10;
    }
}

static void tellSecond(Pool *pool, int64_t second) {
    static const struct { PatchKind kind; const char *format; int east; } forms[] = {
        {patchISO, "%Y-%m-%dT%H:%M:%S", 0}, {patchISOEast, "%Y-%m-%dT%H:%M:%S", 3600}, {patchBSD, "%b %e %H:%M:%S", 0},
        {patchDate, "%Y-%m-%d", 0}, {patchClock, "%H:%M:%S", 0}, {patchSlashes, "%Y/%m/%d %H:%M:%S", 0},
        {patchEpoch, "%s", 0},
    };
    pool->second = second;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        time_t time = (time_t)second + forms[i].east;
        struct tm parts;
        gmtime_r(&time, &parts);
        strftime(pool->texts[forms[i].kind], sizeof pool->texts[0], forms[i].format, &parts);
    }
    writeDigits(pool->texts[patchEpoch], 10, (uint64_t)second);
}

Message *nextMessage(Pool *pool, uint32_t sender, uint64_t number, int64_t now) {
    static const uint8_t widths[patchKinds] = {
        [patchISO] = 19, [patchISOEast] = 19, [patchBSD] = 15, [patchDate] = 10, [patchClock] = 8, [patchSlashes] = 19,
        [patchEpoch] = 10,
    };
    Message *m = &pool->messages[pool->next];
    pool->next = (pool->next + 1) % poolSize;
    if (now / 1000000000 != pool->second) tellSecond(pool, now / 1000000000);
    uint64_t part = (uint64_t)(now % 1000000000);
    for (int i = 0; i < m->patchCount; i++) {
        char *at = m->bytes + m->patches[i].at;
        PatchKind kind = m->patches[i].kind;
        switch (kind) {
        case patchSender: writeDigits(at, senderDigits, sender); break;
        case patchNumber: writeDigits(at, numberDigits, number); break;
        case patchMicros: writeDigits(at, 6, part / 1000); break;
        case patchMillis: writeDigits(at, 3, part / 1000000); break;
        case patchNanos: writeDigits(at, 9, part); break;
        default: memcpy(at, pool->texts[kind], widths[kind]);
        }
    }
    return m;
}
