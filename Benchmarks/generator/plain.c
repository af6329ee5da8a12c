// SPDX-License-Identifier: Apache-2.0
// RFC 5424 messages of many programs, whose structured data holds the mark.
#include <stdio.h>

#include "line.h"

enum { longestPlain = 608 };

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

void makePlain(Line *line, int target) {
    uint32_t style = below(100) < 60 ? 0 : below(100) < 60 ? 1 : 2;
    put(line, "<%u>1 ", below(192));
    put(line, style == 0 ? ISO "." MICROS "Z " : style == 1 ? ISO "." MILLIS "Z " : ISO_EAST "." MICROS "+01:00 ");
    const char *domain = target > 200 && below(3) == 0 ? ".plant.example" : "";
    put(line, "%s-%s%02u%s ", ANY(sites), ANY(roles), below(40), domain);
    put(line, "%s ", ANY(programs));
    if (below(4) == 0) put(line, "- "); else put(line, "%u ", below(32768) + 1);
    put(line, "%s [bench@32473 s='" SENDER "' n='" NUMBER "']", ANY(identifiers));
    if (target > 260 && below(5) == 0) {
        put(line, "[origin ip='10.%u.0.%u' software='agent' swVersion='2.%u']", below(255), below(255), below(9));
    }
    put(line, " ");
    if (below(50) == 0) put(line, "\xef\xbb\xbf"); // RFC 5424 section 6.4: the BOM says that UTF-8 follows
    char text[2 * longestPlain];
    int length = 0, wanted = target - line->message->length;
    length = beginning(text, sizeof text);
    // A beginning in full or not at all: it may hold UTF-8 sequences, which must not be cut.
    if (length > wanted) length = snprintf(text, sizeof text, "up");
    while (length < wanted) {
        text[length++] = ' ';
        length += snprintf(text + length, sizeof text - (size_t)length, ANY(fillers), below(9000));
    }
    put(line, "%.*s", wanted < 1 ? 1 : wanted, text);
}
