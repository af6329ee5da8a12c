// SPDX-License-Identifier: Apache-2.0
#include "line.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const Product products[] = {
    {"fortigate", writeFortiGate}, {"paloalto", writePaloAlto}, {"asa", writeASA}, {"iptables", writeIptables},
    {"openssh", writeOpenSSH}, {"suricata", writeSuricata}, {"checkpoint", writeCheckPoint}, {"cef", writeCEF},
    {"windows", writeWindows}, {"zeek", writeZeek},
};
const int productCount = sizeof products / sizeof products[0];

/// What stands in a place until it is patched.
static const char *const blanks[patchKinds] = {
    "0000", "0000000000", "000000", "000", "000000000", "2026-01-01T00:00:00", "2026-01-01T00:00:00", "Jan  1 00:00:00",
    "2026-01-01", "00:00:00", "2026/01/01 00:00:00", "1767225600",
};

void put(Line *line, const char *format, ...) {
    char text[longest];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    Message *m = line->message;
    for (int i = 0; i < length; i++) {
        int kind = text[i] - PLACE_FIRST;
        const char *piece = kind >= 0 && kind < patchKinds ? blanks[kind] : NULL;
        size_t size = piece ? strlen(piece) : 1;
        if (length >= (int)sizeof text || m->patchCount == mostPatches || m->length + size > longest) {
            fprintf(stderr, "generator: a line is too long or has too many places: %.60s\n", m->bytes);
            exit(3);
        }
        if (text[i] == '\'') text[i] = '"';
        if (piece) m->patches[m->patchCount++] = (Patch){m->length, (uint8_t)kind};
        memcpy(line->end, piece ? piece : &text[i], size);
        line->end += size;
        m->length = (uint16_t)(m->length + size);
    }
}

static char *room(void) {
    static char rooms[8][16];
    static unsigned next;
    return rooms[next++ % 8];
}

const char *inside(void) {
    char *out = room();
    static const char *const networks[] = {"10.1", "10.20", "172.21", "172.24"};
    snprintf(out, 16, "%s.%u.%u", ANY(networks), below(64), below(254) + 1);
    return out;
}

const char *outside(void) {
    char *out = room();
    static const char *const networks[] = {"192.0.2", "198.51.100", "203.0.113"};
    snprintf(out, 16, "%s.%u", ANY(networks), below(254) + 1);
    return out;
}

uint32_t skewed(uint32_t low, uint32_t high) {
    uint32_t most = below(high - low + 1);
    return low + below(most + 1);
}
