// SPDX-License-Identifier: Apache-2.0
// Writes a line with places that are filled in when it is sent, and holds the products' tables.
#ifndef LINE_H
#define LINE_H

#include "messages.h"

// Places inside a format: a control character stands for each kind of patch.
#define PLACE_FIRST '\x0e'
#define SENDER "\x0e"
#define NUMBER "\x0f"
#define MICROS "\x10"
#define MILLIS "\x11"
#define NANOS "\x12"
#define ISO "\x13"
#define ISO_EAST "\x14"
#define BSD "\x15"
#define DATE "\x16"
#define CLOCK "\x17"
#define SLASHES "\x18"
#define EPOCH "\x19"

/// What the checker looks for, as long as a UUID: where a product writes an identifier of its own.
#define MARK "bench@32473-s-" SENDER "-n-" NUMBER

/// A message that is being written.
typedef struct {
    Message *message;
    char *end;
} Line;

/// Appends formatted text; the places become patches, and an apostrophe a double quote, so that formats can be read.
__attribute__((format(printf, 2, 3))) void put(Line *line, const char *format, ...);

/// An address of the plant, and one that is documentation's (RFC 5737); valid until the eighth call after.
const char *inside(void);
const char *outside(void);

/// A number from `low` to `high`, the small ones more often: sizes and durations.
uint32_t skewed(uint32_t low, uint32_t high);

/// One of a product's lines.
typedef void (*Writer)(Line *line);

typedef struct {
    const char *name;
    Writer write;
} Product;

/// The products of `mix`, each with an equal share.
extern const Product products[];
extern const int productCount;

/// An RFC 5424 message of `target` bytes; plain.c.
void makePlain(Line *line, int target);

// firewalls.c
void writeFortiGate(Line *line);
void writePaloAlto(Line *line);
void writeASA(Line *line);
void writeIptables(Line *line);
void writeCheckPoint(Line *line);
// hosts.c
void writeOpenSSH(Line *line);
void writeWindows(Line *line);
// sensors.c
void writeSuricata(Line *line);
void writeZeek(Line *line);
void writeCEF(Line *line);

#endif
