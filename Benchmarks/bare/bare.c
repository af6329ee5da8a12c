// SPDX-License-Identifier: Apache-2.0
// The least that a receiver can do: take the bytes from the kernel and count them. What Penstock is measured against.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { mostBatch = 1024, slotBytes = 2048, readBytes = 256 * 1024 };

/// What the driver reads while this runs: a file in shared memory.
typedef struct {
    volatile uint64_t messages, bytes, wakeups, dropped;
} Counters;

static volatile sig_atomic_t stopped;
static void stop(int signal) { (void)signal; stopped = 1; }

static int failed(const char *what) {
    fprintf(stderr, "bare: %s: %s\n", what, strerror(errno));
    return 1;
}

static int receiveUDP(int fd, unsigned batch, long coalesce, Counters *counters) {
    char *arena = mmap(NULL, (size_t)batch * slotBytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    static struct mmsghdr headers[mostBatch];
    static struct iovec parts[mostBatch];
    static char control[mostBatch][64];
    if (arena == MAP_FAILED) return failed("mmap");
    for (unsigned i = 0; i < batch; i++) parts[i] = (struct iovec){arena + (size_t)i * slotBytes, slotBytes};
    struct timespec pause = {coalesce / 1000000, coalesce % 1000000 * 1000};
    int flags = MSG_WAITFORONE;
    while (!stopped) {
        for (unsigned i = 0; i < batch; i++) {
            headers[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1, .msg_control = control[i],
                                                 .msg_controllen = sizeof control[i]};
        }
        int count = recvmmsg(fd, headers, batch, flags, NULL);
        if (count < 0) {
            if (errno == EAGAIN) flags = MSG_WAITFORONE;
            else if (errno != EINTR) return failed("recvmmsg");
            continue;
        }
        uint64_t bytes = 0;
        for (int i = 0; i < count; i++) bytes += headers[i].msg_len;
        struct msghdr *last = &headers[count - 1].msg_hdr;
        for (struct cmsghdr *c = CMSG_FIRSTHDR(last); c; c = CMSG_NXTHDR(last, c)) {
            uint32_t dropped;
            if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SO_RXQ_OVFL) continue;
            memcpy(&dropped, CMSG_DATA(c), sizeof dropped);
            counters->dropped = dropped;
        }
        counters->bytes += bytes;
        counters->messages += (uint64_t)count;
        counters->wakeups++;
        // Coalescing: whatever comes while this sleeps is taken at once, without another wake-up.
        if (coalesce && (unsigned)count < batch) {
            if (flags == MSG_WAITFORONE) nanosleep(&pause, NULL);
            flags = flags == MSG_WAITFORONE ? MSG_DONTWAIT : MSG_WAITFORONE;
        }
    }
    return 0;
}

static int receiveTCP(int listener, long coalesce, Counters *counters) {
    char *buffer = malloc(readBytes);
    int poller = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, events[256];
    if (!buffer || poller < 0 || listen(listener, 1024) != 0 ||
        epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event) != 0) {
        return failed("listen");
    }
    struct timespec pause = {coalesce / 1000000, coalesce % 1000000 * 1000};
    while (!stopped) {
        int count = epoll_wait(poller, events, 256, -1);
        if (count < 0 && errno != EINTR) return failed("epoll_wait");
        counters->wakeups++;
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) {
                int new = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
                event = (struct epoll_event){.events = EPOLLIN, .data.fd = new};
                if (new >= 0) epoll_ctl(poller, EPOLL_CTL_ADD, new, &event);
                continue;
            }
            ssize_t got = read(fd, buffer, readBytes);
            if (got > 0) counters->bytes += (uint64_t)got;
            else if (got == 0 || (errno != EAGAIN && errno != EINTR)) close(fd);
        }
        if (coalesce) nanosleep(&pause, NULL);
    }
    return 0;
}

int main(int argc, char **argv) {
    int port = 5514, size = 32 << 20, on = 1;
    unsigned batch = 128;
    long coalesce = 0;
    const char *path = NULL;
    static const struct option list[] = {{"port", 1, 0, 'p'}, {"batch", 1, 0, 'b'}, {"coalesce", 1, 0, 'c'},
                                         {"buffer", 1, 0, 'r'}, {"counters", 1, 0, 'f'}, {0, 0, 0, 0}};
    for (int option; (option = getopt_long(argc, argv, "", list, NULL)) != -1;) {
        switch (option) {
        case 'p': port = atoi(optarg); break;
        case 'b': batch = (unsigned)atoi(optarg); break;
        case 'c': coalesce = atol(optarg); break;
        case 'r': size = atoi(optarg); break;
        case 'f': path = optarg; break;
        default: optind = argc;
        }
    }
    if (optind + 1 != argc || !path || batch < 1 || batch > mostBatch) {
        fputs("usage: bare udp|tcp --counters FILE [--port N] [--batch N] [--coalesce MICROSECONDS] "
              "[--buffer BYTES]\n", stderr);
        return 2;
    }
    int shared = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (shared < 0 || ftruncate(shared, sizeof(Counters)) != 0) return failed(path);
    Counters *counters = mmap(NULL, sizeof(Counters), PROT_READ | PROT_WRITE, MAP_SHARED, shared, 0);
    if (counters == MAP_FAILED) return failed(path);

    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    int udp = strcmp(argv[optind], "udp") == 0;
    int fd = socket(AF_INET, (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (udp) {
        if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0) {
            setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
        }
        setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on);
    }
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0) return failed("bind");
    return udp ? receiveUDP(fd, batch, coalesce, counters) : receiveTCP(fd, coalesce, counters);
}
