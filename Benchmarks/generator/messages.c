// SPDX-License-Identifier: Apache-2.0
#include "messages.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t state;

/// xorshift64*: the same numbers on every machine.
static uint64_t drawn(void) {
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * 2685821657736338717ULL;
}

static uint32_t below(uint32_t bound) { return (uint32_t)((drawn() >> 33) % bound); }

#define ANY(list) list[below(sizeof(list) / sizeof(list[0]))]

static const char *const sites[] = {"ber", "muc", "hh", "vie", "zrh", "fra"};
static const char *const roles[] = {"fw", "sw", "web", "dc", "plc", "hmi", "hist", "vpn", "ap", "db"};
static const char *const programs[] = {"sshd", "kernel", "nginx", "dhcpd", "named", "sudo", "cron", "postfix", "fwlog",
                                       "%ASA-6", "snmpd", "opcua", "scada"};
static const char *const identifiers[] = {"-", "-", "ID47", "TRAFFIC", "AUTH", "302013", "10042", "conn"};
static const char *const users[] = {"root", "operator", "svc-hist", "m.weber", "a.kowalski", "engineer7"};
static const char *const fillers[] = {
    "policyid=%u", "sessionid=%u", "sentbyte=%u", "rcvdbyte=%u", "duration=%u", "srcintf=\"port%u\"", "dstport=%u",
    "service=\"tcp/%u\"", "vlan=%u", "zone=\"cell-%u\"", "rule=\"allow out %u\"", "app=\"Modbus.TCP\" unit=%u",
    "path=\"C:\\Plant\\Line%u\"", "crscore=%u", "ttl=%u", "seq=%u", "temperature=%u.4", "setpoint=%u", "tag=FIC-%u.PV",
};

/// The beginning of a message's text, as such programs write it on a quiet day: nothing that a detection fires on, or
/// the benchmark would measure incidents.
static int beginning(char *out, size_t room) {
    unsigned a = below(254) + 1, b = below(254) + 1, c = below(60000) + 1024, d = below(100000);
    switch (below(9)) {
    case 0: return snprintf(out, room, "Accepted publickey for %s from 10.%u.4.%u port %u ssh2", ANY(users), a, b, c);
    case 1: return snprintf(out, room, "Disconnected from user %s 198.51.100.%u port %u", ANY(users), a, c);
    case 2: return snprintf(out, room, "10.2.%u.%u - - \"GET /api/v1/tags?id=%u HTTP/1.1\" 200 %u", a, b, d, c);
    case 3: return snprintf(out, room, "DHCPACK on 192.168.%u.%u to 00:1d:9c:%02x:%02x:01 via eth0", a, b, a, b);
    case 4: return snprintf(out, room, "Built outbound TCP connection %u for outside:203.0.113.%u/443", d, a);
    case 5: return snprintf(out, room, "srcip=10.10.%u.%u dstip=10.20.0.%u action=\"accept\" proto=6", a, b, b);
    case 6: return snprintf(out, room, "pump P-%u started by %s", a, ANY(users));
    case 7: return snprintf(out, room, "Temperatur im Kessel %u: 8%u,5 \xc2\xb0""C, Grenzwert \xc3\xbc""berschritten",
                            a, b % 10);
    default: return snprintf(out, room, "link %u changed state to %s", a, b & 1 ? "up" : "down");
    }
}

static void makeMessage(Message *m, char *at, int target) {
    char *p = at;
    m->bytes = at;
    m->style = (uint8_t)(below(100) < 60 ? 0 : below(100) < 60 ? 1 : 2);
    p += sprintf(p, "<%u>1 ", below(192));
    m->stamp = (uint16_t)(p - at);
    p += sprintf(p, "%s ", m->style == 0 ? "2026-01-01T00:00:00.000000Z"
                         : m->style == 1 ? "2026-01-01T00:00:00.000Z" : "2026-01-01T00:00:00.000000+01:00");
    const char *domain = target > 200 && below(3) == 0 ? ".plant.example" : "";
    p += sprintf(p, "%s-%s%02u%s ", ANY(sites), ANY(roles), below(40), domain);
    p += sprintf(p, "%s ", ANY(programs));
    p += below(4) == 0 ? sprintf(p, "- ") : sprintf(p, "%u ", below(32768) + 1);
    p += sprintf(p, "%s [bench@32473 s=\"", ANY(identifiers));
    m->sender = (uint16_t)(p - at);
    p += sprintf(p, "%0*u\" n=\"", senderDigits, 0);
    m->number = (uint16_t)(p - at);
    p += sprintf(p, "%0*u\"]", numberDigits, 0);
    if (target > 260 && below(5) == 0) {
        p += sprintf(p, "[origin ip=\"10.%u.0.%u\" software=\"agent\" swVersion=\"2.%u\"]", below(255), below(255),
                     below(9));
    }
    *p++ = ' ';
    if (below(50) == 0) p += sprintf(p, "\xef\xbb\xbf"); // RFC 5424 section 6.4: the BOM says that UTF-8 follows
    char text[2 * longest];
    int length = 0, wanted = target - (int)(p - at);
    length = beginning(text, sizeof text);
    // A beginning in full or not at all: it may hold UTF-8 sequences, which must not be cut.
    if (length > wanted) length = snprintf(text, sizeof text, "up");
    while (length < wanted) {
        text[length++] = ' ';
        length += snprintf(text + length, sizeof text - (size_t)length, ANY(fillers), below(9000));
    }
    if (wanted < 1) wanted = 1;
    memcpy(p, text, (size_t)wanted);
    p += wanted;
    m->length = (uint16_t)(p - at);
}

Pool *makePool(uint64_t seed, int run) {
    state = 0x9e3779b97f4a7c15ULL ^ (seed + 1) * 0xbf58476d1ce4e5b9ULL;
    Pool *pool = calloc(1, sizeof *pool);
    enum { stride = 16 + longest + 16 };
    pool->memory = calloc(poolSize, stride);
    int *lengths = calloc(poolSize, sizeof *lengths);
    if (!pool || !pool->memory || !lengths) exit(3);
    // An exponential cut off at 600, by its quantiles, then shuffled: the mean of 250 holds for every pool.
    const double shortest = 120, span = 480, scale = 150.6;
    for (int i = 0; i < poolSize; i++) {
        double u = (i + 0.5) / poolSize;
        lengths[i] = (int)lround(shortest - scale * log(1 - u * (1 - exp(-span / scale))));
    }
    for (int i = poolSize - 1; i > 0; i--) {
        int j = (int)below((uint32_t)i + 1), kept = lengths[i];
        lengths[i] = lengths[j];
        lengths[j] = kept;
    }
    for (int i = 0; i < poolSize; i++) {
        makeMessage(&pool->messages[i], pool->memory + (size_t)i * stride + 16, lengths[i - i % run]);
    }
    free(lengths);
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

Message *nextMessage(Pool *pool, uint32_t sender, uint64_t number, int64_t now) {
    Message *m = &pool->messages[pool->next];
    pool->next = (pool->next + 1) % poolSize;
    int64_t second = now / 1000000000;
    if (second != pool->second) {
        pool->second = second;
        for (int i = 0; i < 2; i++) {
            time_t time = (time_t)second + i * 3600;
            struct tm parts;
            gmtime_r(&time, &parts);
            char text[32];
            strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S.", &parts);
            memcpy(pool->prefixes[i], text, 20);
        }
    }
    char *stamp = m->bytes + m->stamp;
    uint32_t micros = (uint32_t)(now % 1000000000 / 1000);
    memcpy(stamp, pool->prefixes[m->style == 2], 20);
    if (m->style == 1) writeDigits(stamp + 20, 3, micros / 1000); else writeDigits(stamp + 20, 6, micros);
    writeDigits(m->bytes + m->sender, senderDigits, sender);
    writeDigits(m->bytes + m->number, numberDigits, number);
    return m;
}
