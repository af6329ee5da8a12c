// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "generator.h"

static int sockets[10000];

bool openUDP(Share *share) {
    for (int i = 0; i < share->ownCount; i++) {
        int number = share->own[i];
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        // Each sender has its own address (127.1.x.y), as devices have.
        struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f010001u + (uint32_t)number)};
        struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)share->options->port)};
        inet_pton(AF_INET, share->options->host, &to.sin_addr);
        bool loopback = ntohl(to.sin_addr.s_addr) >> 24 == 127;
        if (fd < 0 || (loopback && bind(fd, (struct sockaddr *)&from, sizeof from) != 0) ||
            connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
            snprintf(share->error, sizeof share->error, "udp socket: %s", strerror(errno));
            return false;
        }
        sockets[number] = fd;
    }
    return true;
}

enum { mostBatch = 256 };

typedef struct {
    struct mmsghdr headers[mostBatch];
    struct iovec parts[mostBatch];
    uint32_t messages[mostBatch]; // of each header
    _Alignas(struct cmsghdr) char control[mostBatch][CMSG_SPACE(sizeof(uint16_t))];
} Batch;

/// Puts messages of equal length that follow each other under one header: the kernel cuts it into datagrams again
/// (UDP_SEGMENT), before the receiver's socket. Returns the number of headers.
static uint32_t group(Batch *batch, uint32_t count, uint32_t most) {
    uint32_t headers = 0;
    for (uint32_t i = 0; i < count;) {
        uint32_t together = 1;
        size_t length = batch->parts[i].iov_len;
        while (together < most && i + together < count && batch->parts[i + together].iov_len == length) together++;
        struct msghdr *header = &batch->headers[headers].msg_hdr;
        *header = (struct msghdr){.msg_iov = &batch->parts[i], .msg_iovlen = together};
        if (together > 1) {
            header->msg_control = batch->control[headers];
            header->msg_controllen = sizeof batch->control[headers];
            struct cmsghdr *control = CMSG_FIRSTHDR(header);
            control->cmsg_level = IPPROTO_UDP;
            control->cmsg_type = UDP_SEGMENT;
            control->cmsg_len = CMSG_LEN(sizeof(uint16_t));
            uint16_t segment = (uint16_t)length;
            memcpy(CMSG_DATA(control), &segment, sizeof segment);
        }
        batch->messages[headers++] = together;
        i += together;
    }
    return headers;
}

void sendUDP(Share *share) {
    const Options *options = share->options;
    Batch *list = calloc(1, sizeof *list);
    if (!list) return;
    uint32_t batch = options->spread && share->rate > 0 ? 1 : (uint32_t)options->batch;
    uint64_t total = 0;
    int turn = 0;
    Pace pace;
    startPace(&pace, share);
    int64_t end = options->seconds > 0 ? pace.began + (int64_t)(options->seconds * 1e9) : INT64_MAX;
    while ((share->count == 0 || total < share->count) && monotonic() < end) {
        uint32_t due = awaitDue(&pace, batch), messages = 0;
        if (share->count != 0 && due > share->count - total) due = (uint32_t)(share->count - total);
        int number = share->own[turn];
        turn = (turn + 1) % share->ownCount;
        int64_t now = wallClock();
        for (uint32_t i = 0; i < due; i++) {
            uint32_t sender = (uint32_t)(options->senderBase + number);
            Message *m = nextMessage(share->pool, sender, share->sent[number] + i, now);
            list->parts[i] = (struct iovec){.iov_base = m->bytes, .iov_len = m->length};
            share->bytes += m->length;
            now += 1000;
        }
        uint32_t headers = group(list, due, (uint32_t)options->segments), done = 0;
        while (done < headers) {
            int count = sendmmsg(sockets[number], list->headers + done, headers - done, 0);
            if (count > 0) {
                for (int i = 0; i < count; i++) messages += list->messages[done + (uint32_t)i];
                done += (uint32_t)count;
            } else if (errno != EINTR && errno != EAGAIN && errno != ENOBUFS) {
                snprintf(share->error, sizeof share->error, "sendmmsg: %s", strerror(errno));
                share->sent[number] += messages;
                free(list);
                return;
            }
        }
        share->sent[number] += due;
        total += due;
        pace.due -= due;
    }
    share->seconds = (double)(monotonic() - pace.began) / 1e9;
    free(list);
}
