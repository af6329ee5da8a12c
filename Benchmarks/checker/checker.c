// SPDX-License-Identifier: Apache-2.0
// Counts what a receiver wrote: distinct, lost, duplicated and out-of-order messages of each sender. The generator's
// mark (`bench@32473`, then the parameters s and n in any order) is found in whatever JSON a receiver makes of it.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const char mark[] = "bench@32473";
enum { markLength = sizeof mark - 1, mostSenders = 10000 };

typedef struct {
    uint64_t expected, distinct, duplicated, disordered, next;
    uint64_t *seen;
} Sender;

static Sender senders[mostSenders];

static int isWord(unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// The digits after the parameter named `name`: the first that stands alone between characters of no word.
static int parameter(const char *at, const char *end, char name, uint64_t *value) {
    for (const char *p = at; p + 1 < end; p++) {
        if (*p != name || isWord((unsigned char)p[-1]) || isWord((unsigned char)p[1])) continue;
        const char *d = p + 1;
        while (d < end && !isWord((unsigned char)*d)) d++;
        if (d == end || *d < '0' || *d > '9') continue;
        uint64_t number = 0;
        for (; d < end && *d >= '0' && *d <= '9'; d++) number = number * 10 + (uint64_t)(*d - '0');
        *value = number;
        return 1;
    }
    return 0;
}

static int wrong(void) {
    fputs("usage: checker [--base N] --expected N,N,… FILE   what was lost, doubled or out of order, by JSON lines\n"
          "       checker --count FILE                       only the number of lines\n", stderr);
    return 2;
}

int main(int argc, char **argv) {
    uint32_t base = 0, count = 0;
    int onlyLines = 0, given = 1;
    for (; given < argc && strncmp(argv[given], "--", 2) == 0; given++) {
        if (strcmp(argv[given], "--count") == 0) {
            onlyLines = 1;
        } else if (strcmp(argv[given], "--base") == 0 && given + 1 < argc) {
            base = (uint32_t)strtoul(argv[++given], NULL, 10);
        } else if (strcmp(argv[given], "--expected") == 0 && given + 1 < argc) {
            char *rest = argv[++given];
            while (*rest && count < mostSenders) {
                senders[count++].expected = strtoull(rest, &rest, 10);
                if (*rest == ',') rest++; else break;
            }
        } else {
            return wrong();
        }
    }
    if (given + 1 != argc || (!onlyLines && count == 0)) return wrong();

    int fd = open(argv[given], O_RDONLY);
    struct stat facts;
    if (fd < 0 || fstat(fd, &facts) != 0) {
        perror(argv[given]);
        return 1;
    }
    size_t size = (size_t)facts.st_size;
    const char *bytes = size ? mmap(NULL, size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0) : "";
    if (bytes == MAP_FAILED) {
        perror("mmap");
        return 1;
    }
    for (uint32_t s = 0; s < count; s++) {
        senders[s].seen = calloc(senders[s].expected / 64 + 1, sizeof(uint64_t));
        if (!senders[s].seen) return 3;
    }
    uint64_t lines = 0, unreadable = 0, foreign = 0;
    const char *end = bytes + size;
    for (const char *line = bytes; line < end;) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        if (!stop) break; // a line without its end is not written yet
        lines++;
        if (!onlyLines) {
            const char *found = memmem(line, (size_t)(stop - line), mark, markLength);
            uint64_t sender, number;
            if (!found || !parameter(found + markLength, stop, 's', &sender) ||
                !parameter(found + markLength, stop, 'n', &number)) {
                unreadable++;
            } else if (sender < base || sender - base >= count || number >= senders[sender - base].expected) {
                foreign++;
            } else {
                Sender *s = &senders[sender - base];
                uint64_t bit = 1ULL << (number & 63), *word = &s->seen[number >> 6];
                if (*word & bit) s->duplicated++; else s->distinct++;
                *word |= bit;
                if (number + 1 < s->next) s->disordered++; else s->next = number + 1;
            }
        }
        line = stop + 1;
    }
    uint64_t expected = 0, distinct = 0, duplicated = 0, disordered = 0;
    for (uint32_t s = 0; s < count; s++) {
        expected += senders[s].expected;
        distinct += senders[s].distinct;
        duplicated += senders[s].duplicated;
        disordered += senders[s].disordered;
    }
    printf("{\"lines\":%llu,\"bytes\":%llu", (unsigned long long)lines, (unsigned long long)size);
    if (!onlyLines) {
        printf(",\"expected\":%llu,\"distinct\":%llu,\"lost\":%llu,\"duplicated\":%llu,\"out_of_order\":%llu,"
               "\"unreadable\":%llu,\"foreign\":%llu",
               (unsigned long long)expected, (unsigned long long)distinct, (unsigned long long)(expected - distinct),
               (unsigned long long)duplicated, (unsigned long long)disordered, (unsigned long long)unreadable,
               (unsigned long long)foreign);
    }
    puts("}");
    return 0;
}
