// SPDX-License-Identifier: Apache-2.0
// Sends RFC 5424 messages, or products' lines, whose sequence numbers prove loss, duplication and order. See
// docs/benchmarks.md.
#define _GNU_SOURCE
#include <getopt.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "generator.h"

static const char usage[] =
    "usage: generator --transport udp|tcp|tls|file [--host A] [--port N] [OPTION…]\n"
    "  --senders N    UDP: source sockets, each with its own address; TCP, TLS: connections (default 1)\n"
    "  --base N       the first sender's number (default 0)\n"
    "  --threads N    (default 1); --cpu N pins them to core N and following ones\n"
    "  --rate R       messages a second; without it: flood\n"
    "  --spread       with --rate: single messages, evenly in time, instead of a burst every --grain seconds\n"
    "  --grain S      (default 0.0002)\n"
    "  --count N      messages in all; --seconds S: or so long\n"
    "  --lf           TCP: messages end with LF (default: octet counting)\n"
    "  --batch N      UDP: datagrams a sendmmsg (default 64, at most 256)\n"
    "  --segments N   UDP: N messages of one length in a row, which pass the sender's stack as one (default 1);\n"
    "                 the receiver gets single datagrams all the same\n"
    "  --write N      streams: bytes a write (default 16384, at most 65536)\n"
    "  --go           print \"ready\" once connected, and begin when a line comes on standard input\n"
    "  --lines NAME   plain (RFC 5424, the default), mix (ten products), or one of: fortigate paloalto asa iptables\n"
    "                 openssh suricata checkpoint cef windows zeek\n"
    "  --output FILE  with --transport file: where the lines go\n"
    "  --seed N       (default 1)\n"
    "Prints one JSON line: what was sent, by sender, and how fast.\n";

static void *run(void *argument) {
    Share *share = argument;
    const Options *options = share->options;
    if (options->cpu >= 0) {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET(options->cpu + share->index, &set);
        if (pthread_setaffinity_np(pthread_self(), sizeof set, &set) != 0) { /* fewer cores: run where we are */ }
    }
    if (strcmp(options->transport, "udp") == 0) sendUDP(share); else sendStreams(share);
    return NULL;
}

static int wrong(const char *what) {
    fprintf(stderr, "generator: %s\n%s", what, usage);
    return 2;
}

int main(int argc, char **argv) {
    Options o = {.transport = "udp", .host = "127.0.0.1", .port = 5514, .senders = 1, .threads = 1, .grain = 0.0002,
                 .batch = 64, .segments = 1, .writeBytes = 16384, .cpu = -1, .seed = 1,
                 .lines = "plain"};
    bool go = false;
    static const struct option list[] = {
        {"transport", 1, 0, 't'}, {"host", 1, 0, 'h'}, {"port", 1, 0, 'p'}, {"senders", 1, 0, 's'}, {"base", 1, 0, 'b'},
        {"threads", 1, 0, 'T'}, {"cpu", 1, 0, 'c'}, {"rate", 1, 0, 'r'}, {"spread", 0, 0, 'S'}, {"grain", 1, 0, 'g'},
        {"count", 1, 0, 'n'}, {"seconds", 1, 0, 'd'}, {"lf", 0, 0, 'l'}, {"batch", 1, 0, 'B'}, {"write", 1, 0, 'w'},
        {"go", 0, 0, 'G'}, {"output", 1, 0, 'o'}, {"segments", 1, 0, 'm'}, {"seed", 1, 0, 'e'},
        {"lines", 1, 0, 'L'},
        {"help", 0, 0, 'H'}, {0, 0, 0, 0}};
    for (int option; (option = getopt_long(argc, argv, "", list, NULL)) != -1;) {
        switch (option) {
        case 't': o.transport = optarg; break;
        case 'h': o.host = optarg; break;
        case 'p': o.port = atoi(optarg); break;
        case 's': o.senders = atoi(optarg); break;
        case 'b': o.senderBase = atoi(optarg); break;
        case 'T': o.threads = atoi(optarg); break;
        case 'c': o.cpu = atoi(optarg); break;
        case 'r': o.rate = atof(optarg); break;
        case 'S': o.spread = true; break;
        case 'g': o.grain = atof(optarg); break;
        case 'n': o.count = strtoull(optarg, NULL, 10); break;
        case 'd': o.seconds = atof(optarg); break;
        case 'l': o.lineFeed = true; break;
        case 'B': o.batch = atoi(optarg); break;
        case 'm': o.segments = atoi(optarg); break;
        case 'w': o.writeBytes = atoi(optarg); break;
        case 'G': go = true; break;
        case 'o': o.output = optarg; break;
        case 'e': o.seed = strtoull(optarg, NULL, 10); break;
        case 'L': o.lines = optarg; break;
        case 'H': fputs(usage, stdout); return 0;
        default: return wrong("unknown option");
        }
    }
    bool udp = strcmp(o.transport, "udp") == 0, file = strcmp(o.transport, "file") == 0;
    if (!udp && !file && strcmp(o.transport, "tcp") != 0 && strcmp(o.transport, "tls") != 0) {
        return wrong("unknown transport");
    }
    if (o.count == 0 && o.seconds <= 0) return wrong("--count or --seconds is needed");
    if (file) {
        if (!o.output) return wrong("--output is needed");
        o.senders = o.threads = 1;
        o.lineFeed = true;
    }
    if (o.senders < 1 || o.senderBase < 0 || o.senders + o.senderBase > 9999) return wrong("--senders: 1 to 9999");
    if (o.batch < 1 || o.batch > 256) return wrong("--batch: 1 to 256");
    if (o.segments < 1 || o.segments > 64) return wrong("--segments: 1 to 64");
    if (o.writeBytes < 1 || o.writeBytes > 65536) return wrong("--write: 1 to 65536");
    if (o.threads < 1 || o.threads > 16) return wrong("--threads: 1 to 16");
    if (o.threads > o.senders) o.threads = o.senders;
    signal(SIGPIPE, SIG_IGN);

    Share *shares = calloc((size_t)o.threads, sizeof *shares);
    uint64_t *sent = calloc((size_t)o.senders, sizeof *sent);
    if (!shares || !sent) return 3;
    for (int t = 0; t < o.threads; t++) {
        Share *s = &shares[t];
        s->options = &o;
        s->index = t;
        s->sent = sent;
        s->rate = o.rate / o.threads;
        s->count = o.count / (uint64_t)o.threads + ((uint64_t)t < o.count % (uint64_t)o.threads);
        s->own = calloc((size_t)o.senders, sizeof *s->own);
        if (!s->own) return 3;
        for (int i = t; i < o.senders; i += o.threads) s->own[s->ownCount++] = i;
        s->pool = makePool(o.seed + (uint64_t)t, o.segments, o.lines);
        if (!s->pool) return wrong("--lines: no such product");
        if (!(udp ? openUDP(s) : openStreams(s))) {
            fprintf(stderr, "generator: %s\n", s->error);
            return 1;
        }
    }
    if (go) {
        puts("ready");
        fflush(stdout);
        if (getchar() == EOF) return 1;
    }
    struct timespec before, after;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
    pthread_t threads[16];
    for (int t = 0; t < o.threads; t++) {
        if (pthread_create(&threads[t], NULL, run, &shares[t]) != 0) return 3;
    }
    uint64_t messages = 0, bytes = 0;
    double seconds = 0;
    int status = 0;
    for (int t = 0; t < o.threads; t++) {
        pthread_join(threads[t], NULL);
        bytes += shares[t].bytes;
        if (shares[t].seconds > seconds) seconds = shares[t].seconds;
        if (shares[t].error[0]) {
            fprintf(stderr, "generator: %s\n", shares[t].error);
            status = 1;
        }
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
    for (int i = 0; i < o.senders; i++) messages += sent[i];
    double cpu = (double)(after.tv_sec - before.tv_sec) + (double)(after.tv_nsec - before.tv_nsec) / 1e9;
    printf("{\"sent\":%llu,\"bytes\":%llu,\"seconds\":%.6f,\"rate\":%.0f,\"mean_length\":%.1f,\"cpu\":%.3f,"
           "\"base\":%d,\"senders\":[", (unsigned long long)messages, (unsigned long long)bytes, seconds,
           seconds > 0 ? (double)messages / seconds : 0, meanLength(shares[0].pool), cpu, o.senderBase);
    for (int i = 0; i < o.senders; i++) printf("%s%llu", i ? "," : "", (unsigned long long)sent[i]);
    puts("]}");
    return status;
}
