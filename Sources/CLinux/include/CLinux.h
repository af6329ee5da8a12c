// SPDX-License-Identifier: Apache-2.0
// The part of glibc that its Swift module map hides: _GNU_SOURCE symbols, macros and ancillary-data helpers.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "Allocate.h"
#include "Blocks.h"
#include "CRC32C.h"
#include "GuardedCopy.h"
#include "SHA256Pair.h"

/// What epoll_wait(2) tells; copied, because glibc's own structure is packed on x86-64 and its union has no Swift type.
struct penstock_epoll_event {
    uint32_t events;
    uint64_t data;
};

extern const uint32_t penstock_EPOLLIN, penstock_EPOLLOUT, penstock_EPOLLERR, penstock_EPOLLHUP, penstock_EPOLLRDHUP;

int penstock_epoll_create(void);
/// `op`: 1 add, 2 delete, 3 modify. Level-triggered. Returns 0 or -errno.
int penstock_epoll_ctl(int epoll, int op, int fd, uint32_t events, uint64_t data);
/// Returns the number of events, or -errno.
int penstock_epoll_wait(int epoll, struct penstock_epoll_event *events, int max, int timeout_ms);

/// An eventfd(2), non-blocking and close-on-exec, or -errno.
int penstock_eventfd(void);
/// accept4(2) with SOCK_NONBLOCK | SOCK_CLOEXEC. Returns the descriptor or -errno.
int penstock_accept(int fd, struct sockaddr *address, socklen_t *length);

/// What one received datagram says of itself.
struct penstock_datagram {
    uint32_t length;      ///< bytes received into the slot
    uint32_t wire_length; ///< bytes that the datagram had, more than `length` when it was cut
    uint64_t high, low;   ///< the sender's address as numbers; an IPv4 one in the lowest 32 bits of `low`
    uint16_t port;        ///< the sender's port in host order
    uint8_t family;       ///< 4, 6, or 0 when the kernel named no sender
    uint8_t same_peer;    ///< 1 when the datagram before it in the same receive came from the same address and port
};

/// The kernel's view of an arena of slots, prepared once so that a receive only renews what the last one used.
struct penstock_datagrams;

/// Slots of `slot` bytes, `count` of them (at most 128), one after the other at `arena`. NULL without memory.
struct penstock_datagrams *penstock_datagrams_make(uint8_t *arena, uint32_t slot, int count);
void penstock_datagrams_free(struct penstock_datagrams *datagrams);

/// Receives up to `most` datagrams, each into its own slot, with recvmmsg(2), without blocking, and describes them in
/// `out`. `overflow` gets the socket's cumulative SO_RXQ_OVFL count when the kernel delivered one, else it is left.
/// Returns the number of datagrams, or -errno (-EAGAIN when none waits).
int penstock_recvmmsg(int fd, struct penstock_datagrams *datagrams, struct penstock_datagram *out, int most,
                      uint32_t *overflow);

/// Makes a classic BPF program choose the socket of a SO_REUSEPORT group, `fd` being one of them, for all of them:
/// a random one of the first `sockets`, or with 1 always the first. Returns 0 or -errno.
int penstock_reuseport_random(int fd, uint32_t sockets);
/// Takes the program away; the kernel's hash of addresses and ports chooses again. Returns 0 or -errno.
int penstock_reuseport_hash(int fd);

/// Joins (`join` 1) or leaves (0) an IPv4 group, its address in network order, on the interface of that index (0: the
/// kernel chooses by route). Returns 0 or -errno.
int penstock_multicast4(int fd, int join, uint32_t group, unsigned int interface);
/// The same for an IPv6 group of 16 bytes.
int penstock_multicast6(int fd, int join, const uint8_t *group, unsigned int interface);
/// Delivers only the groups that this socket has joined itself, of both families. Returns 0 or -errno.
int penstock_multicast_joined_only(int fd, int ipv6);

/// What the kernel books for a socket (SO_MEMINFO): the bytes that wait to be received, of how many that may wait, and
/// the datagrams dropped so far, which is the number that SO_RXQ_OVFL carries, readable while no datagram arrives.
struct penstock_socket_memory {
    uint32_t received, buffer, drops;
};
/// Returns 0 or -errno.
int penstock_socket_memory(int fd, struct penstock_socket_memory *memory);
/// Turns TCP keepalive on: the first probe after `idle` seconds, then `count` of them each `interval` seconds.
int penstock_keep_alive(int fd, int idle, int interval, int count);
/// Turns Nagle's algorithm off. Returns 0 or -errno.
int penstock_no_delay(int fd);

/// Enables SO_RXQ_OVFL. Returns 0 or -errno.
int penstock_enable_rxq_ovfl(int fd);
/// Asks for a receive buffer with SO_RCVBUFFORCE, then SO_RCVBUF; returns the size that the kernel granted
/// (its own bookkeeping included, so about twice the payload), or -errno.
int penstock_set_receive_buffer(int fd, int bytes);

/// Lets all threads that are started from now on share one arena of malloc(3), where the C library has several.
void penstock_share_arena(void);
/// Gives the kernel what malloc(3) keeps of freed memory, and takes the pages of program and libraries that were only read
/// (most of them at the start, and never again) out of the process, after something large was done with.
void penstock_return_memory(void);

/// Names the calling thread (15 bytes at most are kept).
void penstock_name_thread(const char *name);

/// memmem(3): the first occurrence of `needle`, or NULL.
const void *penstock_memmem(const void *haystack, size_t haystack_length, const void *needle, size_t needle_length);
/// memrchr(3).
const void *penstock_memrchr(const void *bytes, int value, size_t length);
