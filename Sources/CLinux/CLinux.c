// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "CLinux.h"

#include <endian.h>
#include <errno.h>
#include <link.h>
#include <linux/filter.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

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

enum { most_slots = 128 };

struct penstock_datagrams {
    int count, used;
    uint32_t slot;
    struct iovec vectors[most_slots];
    struct mmsghdr headers[most_slots];
    struct sockaddr_in6 peers[most_slots]; // the larger of the two families that UDP has
    // Of the first slot only: the drop count is cumulative, and writing it for each datagram costs as much as its address.
    union {
        char bytes[CMSG_SPACE(sizeof(uint32_t))];
        struct cmsghdr align;
    } control;
};

struct penstock_datagrams *penstock_datagrams_make(uint8_t *arena, uint32_t slot, int count) {
    struct penstock_datagrams *d = calloc(1, sizeof *d);
    if (!d) return NULL;
    d->count = count < 1 ? 1 : count > most_slots ? most_slots : count;
    d->used = d->count;
    d->slot = slot;
    for (int i = 0; i < d->count; i++) {
        d->vectors[i] = (struct iovec){.iov_base = arena + (size_t)i * slot, .iov_len = slot};
        struct msghdr *header = &d->headers[i].msg_hdr;
        header->msg_iov = &d->vectors[i];
        header->msg_iovlen = 1;
        header->msg_name = &d->peers[i];
    }
    d->headers[0].msg_hdr.msg_control = d->control.bytes;
    return d;
}

void penstock_datagrams_free(struct penstock_datagrams *datagrams) { free(datagrams); }

static inline void read_peer(const struct sockaddr_in6 *peer, struct penstock_datagram *out) {
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)peer;
    const uint8_t *bytes = peer->sin6_addr.s6_addr;
    uint64_t halves[2];
    switch (peer->sin6_family) {
    case AF_INET:
        out->high = 0;
        out->low = be32toh(v4->sin_addr.s_addr);
        out->family = 4;
        break;
    case AF_INET6:
        memcpy(halves, bytes, sizeof halves);
        out->high = be64toh(halves[0]);
        out->low = be64toh(halves[1]);
        out->family = 6;
        break;
    default:
        out->high = out->low = 0;
        out->family = 0;
        break;
    }
    out->port = be16toh(peer->sin6_port); // at the same place in both
}

int penstock_recvmmsg(int fd, struct penstock_datagrams *d, struct penstock_datagram *out, int most,
                      uint32_t *overflow) {
    // The kernel shortens these of the headers that it fills, and touches no other.
    for (int i = 0; i < d->used; i++) {
        struct msghdr *header = &d->headers[i].msg_hdr;
        header->msg_namelen = sizeof d->peers[i];
        header->msg_flags = 0;
    }
    d->headers[0].msg_hdr.msg_controllen = sizeof d->control.bytes;
    d->used = 0;
    if (most > d->count) most = d->count;
    // MSG_TRUNC asks for the datagram's real length even when its slot is shorter.
    int n = recvmmsg(fd, d->headers, most, MSG_DONTWAIT | MSG_TRUNC, NULL);
    if (n < 0) {
        d->used = 1; // the first may be half filled
        return -errno;
    }
    // recvmmsg(2) stops at an error and keeps it for the next call; the header it stopped at may be touched.
    d->used = n < most ? n + 1 : n;
    for (int i = 0; i < n; i++) {
        uint32_t length = d->headers[i].msg_len;
        out[i].wire_length = length;
        out[i].length = length < d->slot ? length : d->slot;
        if (d->headers[i].msg_hdr.msg_namelen == 0) d->peers[i].sin6_family = AF_UNSPEC;
        read_peer(&d->peers[i], &out[i]);
        out[i].same_peer = i > 0 && out[i].low == out[i - 1].low && out[i].port == out[i - 1].port &&
                           out[i].high == out[i - 1].high && out[i].family == out[i - 1].family;
    }
    if (n > 0) {
        struct msghdr *first = &d->headers[0].msg_hdr;
        for (struct cmsghdr *c = CMSG_FIRSTHDR(first); c; c = CMSG_NXTHDR(first, c))
            if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL)
                memcpy(overflow, CMSG_DATA(c), sizeof *overflow);
    }
    return n;
}

// From <asm-generic/socket.h>, for C libraries older than Linux 4.5 and 5.3; a kernel ABI.
#ifndef SO_ATTACH_REUSEPORT_CBPF
#define SO_ATTACH_REUSEPORT_CBPF 51
#endif
#ifndef SO_DETACH_REUSEPORT_BPF
#define SO_DETACH_REUSEPORT_BPF 68
#endif

int penstock_reuseport_random(int fd, uint32_t sockets) {
    if (sockets == 0) return -EINVAL;
    struct sock_filter random[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_RANDOM)),
        BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, sockets),
        BPF_STMT(BPF_RET | BPF_A, 0),
    };
    struct sock_filter first[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
    struct sock_fprog program = sockets == 1 ? (struct sock_fprog){.len = 1, .filter = first}
                                             : (struct sock_fprog){.len = 3, .filter = random};
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program) < 0 ? -errno : 0;
}

int penstock_reuseport_hash(int fd) {
    int unused = 0;
    if (setsockopt(fd, SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, &unused, sizeof unused) == 0) return 0;
    return errno == ENOENT ? 0 : -errno; // there was none
}

int penstock_multicast4(int fd, int join, uint32_t group, unsigned int interface) {
    struct ip_mreqn request = {.imr_multiaddr.s_addr = group, .imr_ifindex = (int)interface};
    int option = join ? IP_ADD_MEMBERSHIP : IP_DROP_MEMBERSHIP;
    return setsockopt(fd, IPPROTO_IP, option, &request, sizeof request) < 0 ? -errno : 0;
}

int penstock_multicast6(int fd, int join, const uint8_t *group, unsigned int interface) {
    struct ipv6_mreq request = {.ipv6mr_interface = interface};
    memcpy(&request.ipv6mr_multiaddr, group, sizeof request.ipv6mr_multiaddr);
    int option = join ? IPV6_JOIN_GROUP : IPV6_LEAVE_GROUP;
    return setsockopt(fd, IPPROTO_IPV6, option, &request, sizeof request) < 0 ? -errno : 0;
}

// From <linux/in6.h>, which clashes with <netinet/in.h>; Linux 4.20.
#ifndef IPV6_MULTICAST_ALL
#define IPV6_MULTICAST_ALL 29
#endif

int penstock_multicast_joined_only(int fd, int ipv6) {
    int off = 0;
    // An IPv6 socket takes IPv4 as well, and with it that family's option.
    if (ipv6 && setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_ALL, &off, sizeof off) < 0) return -errno;
    return setsockopt(fd, IPPROTO_IP, IP_MULTICAST_ALL, &off, sizeof off) < 0 ? -errno : 0;
}

// From <linux/sock_diag.h>, which user space may include but which drags <linux/types.h> in: the words of
// SO_MEMINFO (SK_MEMINFO_RMEM_ALLOC, _RCVBUF, _DROPS) are a kernel ABI since Linux 4.12.
enum { meminfo_received = 0, meminfo_buffer = 1, meminfo_drops = 8, meminfo_words = 9 };

int penstock_socket_memory(int fd, struct penstock_socket_memory *memory) {
    uint32_t words[meminfo_words] = {0};
    socklen_t length = sizeof words;
    if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, words, &length) < 0) return -errno;
    if (length < sizeof words) return -ENOPROTOOPT;
    *memory = (struct penstock_socket_memory){
        .received = words[meminfo_received], .buffer = words[meminfo_buffer], .drops = words[meminfo_drops]};
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

void penstock_share_arena(void) {
#ifdef __GLIBC__
    mallopt(M_ARENA_MAX, 1);
#endif
}

// Unmaps the pages of an object's segments that nothing ever writes; they are read again from the page cache when asked for.
static int forget_read_pages(struct dl_phdr_info *object, size_t size, void *context) {
    (void)size;
    (void)context;
    // Where the loader wrote relocations into the program's text, its pages are not those of the file.
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &object->dlpi_phdr[i];
        if (header->p_type != PT_DYNAMIC) continue;
        for (const ElfW(Dyn) *entry = (const void *)(object->dlpi_addr + header->p_vaddr); entry->d_tag != DT_NULL; entry++)
            if (entry->d_tag == DT_TEXTREL || (entry->d_tag == DT_FLAGS && (entry->d_un.d_val & DF_TEXTREL))) return 0;
    }
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &object->dlpi_phdr[i];
        if (header->p_type != PT_LOAD || (header->p_flags & PF_W)) continue;
        uintptr_t start = (object->dlpi_addr + header->p_vaddr + page - 1) / page * page;
        uintptr_t end = (object->dlpi_addr + header->p_vaddr + header->p_memsz) / page * page;
        if (start < end) madvise((void *)start, end - start, MADV_DONTNEED);
    }
    return 0;
}

void penstock_return_memory(void) {
#ifdef __GLIBC__
    malloc_trim(0);
#endif
    dl_iterate_phdr(forget_read_pages, NULL);
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
