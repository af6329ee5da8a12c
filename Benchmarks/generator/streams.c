// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "generator.h"

enum { bufferBytes = 72 * 1024, closeMilliseconds = 10000 };

typedef struct {
    int fd;
    SSL *tls;
    char *buffer;
    uint32_t length, offset;
} Connection;

static Connection connections[10000];

static bool connectOne(Share *share, SSL_CTX *context, int number) {
    Connection *c = &connections[number];
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)share->options->port)};
    inet_pton(AF_INET, share->options->host, &to.sin_addr);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    c->buffer = malloc(bufferBytes);
    if (c->fd < 0 || !c->buffer || connect(c->fd, (struct sockaddr *)&to, sizeof to) != 0) {
        snprintf(share->error, sizeof share->error, "connection %d: %s", number, strerror(errno));
        return false;
    }
    int on = 1;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (context) {
        c->tls = SSL_new(context);
        SSL_set_fd(c->tls, c->fd);
        if (SSL_connect(c->tls) != 1) {
            snprintf(share->error, sizeof share->error, "TLS %d: %s", number, ERR_error_string(ERR_get_error(), NULL));
            return false;
        }
    }
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    return true;
}

bool openStreams(Share *share) {
    SSL_CTX *context = NULL;
    if (strcmp(share->options->transport, "file") == 0) {
        Connection *c = &connections[0];
        c->fd = open(share->options->output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        c->buffer = malloc(bufferBytes);
        if (c->fd < 0 || !c->buffer) {
            snprintf(share->error, sizeof share->error, "%s: %s", share->options->output, strerror(errno));
        }
        return c->fd >= 0 && c->buffer;
    }
    if (strcmp(share->options->transport, "tls") == 0) {
        // The certificate is not checked: the generator measures receivers and trusts whatever they show.
        context = SSL_CTX_new(TLS_client_method());
        SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    }
    for (int i = 0; i < share->ownCount; i++) {
        if (!connectOne(share, context, share->own[i])) return false;
    }
    return true;
}

/// Appends messages until `most` of them or `writeBytes` are there.
static uint32_t fill(Share *share, int number, uint32_t most) {
    const Options *options = share->options;
    Connection *c = &connections[number];
    c->length = c->offset = 0;
    uint32_t count = 0;
    int64_t now = wallClock();
    uint32_t each = (uint32_t)share->pool->longest + 8, room = (uint32_t)options->writeBytes;
    while (count < most && (count == 0 || c->length + each < room)) {
        uint32_t sender = (uint32_t)(options->senderBase + number);
        Message *m = nextMessage(share->pool, sender, share->sent[number] + count, now);
        char *at = c->buffer + c->length;
        if (options->lineFeed) {
            memcpy(at, m->bytes, m->length);
            at[m->length] = '\n';
            c->length += m->length + 1u;
        } else {
            char *begin = at;
            int unit = 1000;
            while (unit > m->length) unit /= 10;
            for (; unit > 0; unit /= 10) *at++ = (char)('0' + m->length / unit % 10);
            *at++ = ' ';
            memcpy(at, m->bytes, m->length);
            c->length += (uint32_t)(at - begin) + m->length;
        }
        now += 1000;
        count++;
    }
    share->sent[number] += count;
    share->bytes += c->length;
    return count;
}

/// 1: all is written; 0: the connection takes no more for now; -1: it broke.
static int flush(Share *share, int number) {
    Connection *c = &connections[number];
    while (c->offset < c->length) {
        ssize_t count;
        if (c->tls) {
            ERR_clear_error();
            int written = SSL_write(c->tls, c->buffer + c->offset, (int)(c->length - c->offset));
            if (written <= 0) {
                int reason = SSL_get_error(c->tls, written);
                if (reason == SSL_ERROR_WANT_WRITE || reason == SSL_ERROR_WANT_READ) return 0;
                snprintf(share->error, sizeof share->error, "SSL_write on %d: error %d, %s", number, reason,
                         strerror(errno));
                return -1;
            }
            count = written;
        } else {
            count = strcmp(share->options->transport, "file") == 0
                ? write(c->fd, c->buffer + c->offset, c->length - c->offset)
                : send(c->fd, c->buffer + c->offset, c->length - c->offset, MSG_NOSIGNAL);
            if (count < 0) {
                if (errno == EINTR) continue;
                if (errno == EAGAIN) return 0;
                snprintf(share->error, sizeof share->error, "send on %d: %s", number, strerror(errno));
                return -1;
            }
        }
        c->offset += (uint32_t)count;
    }
    return 1;
}

static void awaitWritable(const Share *share) {
    struct pollfd list[1024];
    int count = 0;
    for (int i = 0; i < share->ownCount && count < 1024; i++) {
        const Connection *c = &connections[share->own[i]];
        if (c->offset < c->length) list[count++] = (struct pollfd){.fd = c->fd, .events = POLLOUT};
    }
    poll(list, (nfds_t)count, 100);
}

static bool flushAll(Share *share) {
    for (;;) {
        bool waiting = false;
        for (int i = 0; i < share->ownCount; i++) {
            int result = flush(share, share->own[i]);
            if (result < 0) return false;
            waiting |= result == 0;
        }
        if (!waiting) return true;
        awaitWritable(share);
    }
}

/// Ends every connection and waits until the receiver has: a close with unread bytes (TLS session tickets) would reset
/// the connection and could cost the receiver its last messages.
static void closeAll(Share *share) {
    for (int i = 0; i < share->ownCount; i++) {
        Connection *c = &connections[share->own[i]];
        if (c->tls) SSL_shutdown(c->tls);
        shutdown(c->fd, SHUT_WR);
    }
    int64_t limit = monotonic() + (int64_t)closeMilliseconds * 1000000;
    for (int i = 0; i < share->ownCount; i++) {
        Connection *c = &connections[share->own[i]];
        char rest[4096];
        while (monotonic() < limit) {
            ssize_t count = read(c->fd, rest, sizeof rest);
            if (count > 0 || (count < 0 && errno == EINTR)) continue;
            if (count == 0 || errno != EAGAIN) break;
            struct pollfd one = {.fd = c->fd, .events = POLLIN};
            poll(&one, 1, 100);
        }
        close(c->fd);
    }
}

void sendStreams(Share *share) {
    const Options *options = share->options;
    uint64_t total = 0;
    int turn = 0, blocked = 0;
    Pace pace;
    startPace(&pace, share);
    int64_t end = options->seconds > 0 ? pace.began + (int64_t)(options->seconds * 1e9) : INT64_MAX;
    while ((share->count == 0 || total < share->count) && monotonic() < end) {
        int number = share->own[turn];
        turn = (turn + 1) % share->ownCount;
        int result = flush(share, number);
        if (result > 0) {
            uint32_t due = awaitDue(&pace, options->spread && share->rate > 0 ? 1 : 4096);
            if (share->count != 0 && due > share->count - total) due = (uint32_t)(share->count - total);
            uint32_t count = fill(share, number, due);
            total += count;
            pace.due -= count;
            result = flush(share, number);
        }
        if (result < 0) return;
        blocked = result == 0 ? blocked + 1 : 0;
        if (blocked >= share->ownCount) {
            awaitWritable(share);
            blocked = 0;
        }
    }
    if (!flushAll(share)) return;
    share->seconds = (double)(monotonic() - pace.began) / 1e9;
    if (strcmp(options->transport, "file") == 0) close(connections[0].fd); else closeAll(share);
}
