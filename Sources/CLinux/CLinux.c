// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/uio.h>

const uint32_t penstock_EPOLLIN = EPOLLIN, penstock_EPOLLOUT = EPOLLOUT, penstock_EPOLLERR = EPOLLERR,
               penstock_EPOLLHUP = EPOLLHUP, penstock_EPOLLRDHUP = EPOLLRDHUP;

int penstock_epoll_create(void) {
    int fd = epoll_create1(EPOLL_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int penstock_epoll_ctl(int epoll, int op, int fd, uint32_t events, uint64_t data) {
    struct epoll_event event = {.events = events, .data.u64 = data};
    return epoll_ctl(epoll, op, fd, &event) < 0 ? -errno : 0;
}

int penstock_epoll_wait(int epoll, struct penstock_epoll_event *events, int max, int timeout_ms) {
    struct epoll_event raw[64];
    if (max > 64) max = 64;
    int n = epoll_wait(epoll, raw, max, timeout_ms);
    if (n < 0) return -errno;
    for (int i = 0; i < n; i++) {
        events[i].events = raw[i].events;
        events[i].data = raw[i].data.u64;
    }
    return n;
}

int penstock_eventfd(void) {
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int penstock_accept(int fd, struct sockaddr *address, socklen_t *length) {
    int accepted = accept4(fd, address, length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    return accepted < 0 ? -errno : accepted;
}

enum { most = 128 };

int penstock_recvmmsg(int fd, uint8_t *arena, uint32_t slot, struct penstock_datagram *out, int count,
                      uint32_t *overflow) {
    struct mmsghdr headers[most];
    struct iovec vectors[most];
    union {
        char bytes[CMSG_SPACE(sizeof(uint32_t))];
        struct cmsghdr align;
    } control[most];
    if (count > most) count = most;
    for (int i = 0; i < count; i++) {
        vectors[i] = (struct iovec){.iov_base = arena + (size_t)i * slot, .iov_len = slot};
        memset(&headers[i], 0, sizeof headers[i]);
        headers[i].msg_hdr.msg_iov = &vectors[i];
        headers[i].msg_hdr.msg_iovlen = 1;
        headers[i].msg_hdr.msg_name = &out[i].peer;
        headers[i].msg_hdr.msg_namelen = sizeof out[i].peer;
        headers[i].msg_hdr.msg_control = control[i].bytes;
        headers[i].msg_hdr.msg_controllen = sizeof control[i].bytes;
    }
    // MSG_TRUNC asks for the datagram's real length even when its slot is shorter.
    int n = recvmmsg(fd, headers, count, MSG_DONTWAIT | MSG_TRUNC, NULL);
    if (n < 0) return -errno;
    for (int i = 0; i < n; i++) {
        out[i].offset = (uint32_t)i * slot;
        out[i].wire_length = headers[i].msg_len;
        out[i].length = headers[i].msg_len < slot ? headers[i].msg_len : slot;
        out[i].truncated = (headers[i].msg_hdr.msg_flags & MSG_TRUNC) != 0;
        out[i].peer_length = headers[i].msg_hdr.msg_namelen;
        for (struct cmsghdr *c = CMSG_FIRSTHDR(&headers[i].msg_hdr); c; c = CMSG_NXTHDR(&headers[i].msg_hdr, c))
            if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL)
                memcpy(overflow, CMSG_DATA(c), sizeof *overflow);
    }
    return n;
}

// From <linux/sock_diag.h>, which user space may include but which drags <linux/types.h> in: the ninth word of
// SO_MEMINFO is SK_MEMINFO_DROPS, a kernel ABI since Linux 4.12.
enum { meminfo_words = 9, meminfo_drops = 8 };

int penstock_socket_drops(int fd, uint32_t *drops) {
    uint32_t words[meminfo_words] = {0};
    socklen_t length = sizeof words;
    if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, words, &length) < 0) return -errno;
    if (length < sizeof words) return -ENOPROTOOPT;
    *drops = words[meminfo_drops];
    return 0;
}

int penstock_keep_alive(int fd, int idle, int interval, int count) {
    int one = 1;
    if (setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one) < 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle) < 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval) < 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count) < 0)
        return -errno;
    return 0;
}

int penstock_no_delay(int fd) {
    int one = 1;
    return setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) < 0 ? -errno : 0;
}

int penstock_enable_rxq_ovfl(int fd) {
    int one = 1;
    return setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &one, sizeof one) < 0 ? -errno : 0;
}

int penstock_set_receive_buffer(int fd, int bytes) {
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) < 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    int granted = 0;
    socklen_t length = sizeof granted;
    if (getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &granted, &length) < 0) return -errno;
    return granted;
}

int penstock_pin_thread(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    return -pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

void penstock_name_thread(const char *name) {
    char kept[16];
    strncpy(kept, name, sizeof kept - 1);
    kept[sizeof kept - 1] = 0;
    pthread_setname_np(pthread_self(), kept);
}

const void *penstock_memmem(const void *haystack, size_t haystack_length, const void *needle, size_t needle_length) {
    return memmem(haystack, haystack_length, needle, needle_length);
}

const void *penstock_memrchr(const void *bytes, int value, size_t length) { return memrchr(bytes, value, length); }
