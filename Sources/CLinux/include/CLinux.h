// SPDX-License-Identifier: Apache-2.0
// The part of glibc that its Swift module map hides: _GNU_SOURCE symbols, macros and ancillary-data helpers.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

/// Layout-compatible with glibc's `struct epoll_event`, which is packed on x86-64.
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
    uint32_t offset;      ///< start inside the arena
    uint32_t length;      ///< bytes received into the slot
    uint32_t wire_length; ///< bytes that the datagram had, more than `length` when it was cut
    uint32_t truncated;   ///< 1 when the datagram was longer than its slot (MSG_TRUNC)
    uint32_t peer_length; ///< bytes of `peer` that are valid
    struct sockaddr_storage peer;
};

/// Receives up to `count` datagrams, each into its own slot of `slot` bytes at `arena`, with recvmmsg(2), without
/// blocking. `overflow` gets the socket's cumulative SO_RXQ_OVFL count when the kernel delivered one, else it is left.
/// Returns the number of datagrams, or -errno (-EAGAIN when none waits).
int penstock_recvmmsg(int fd, uint8_t *arena, uint32_t slot, struct penstock_datagram *out, int count,
                      uint32_t *overflow);

/// The datagrams that the kernel dropped at this socket so far (SO_MEMINFO, SK_MEMINFO_DROPS): the number that
/// SO_RXQ_OVFL carries, readable while no datagram arrives. Returns 0 or -errno.
int penstock_socket_drops(int fd, uint32_t *drops);
/// Turns TCP keepalive on: the first probe after `idle` seconds, then `count` of them each `interval` seconds.
int penstock_keep_alive(int fd, int idle, int interval, int count);
/// Turns Nagle's algorithm off. Returns 0 or -errno.
int penstock_no_delay(int fd);

/// Enables SO_RXQ_OVFL. Returns 0 or -errno.
int penstock_enable_rxq_ovfl(int fd);
/// Asks for a receive buffer with SO_RCVBUFFORCE, then SO_RCVBUF; returns the size that the kernel granted
/// (its own bookkeeping included, so about twice the payload), or -errno.
int penstock_set_receive_buffer(int fd, int bytes);

/// Pins the calling thread to one processor. Returns 0 or -errno.
int penstock_pin_thread(int cpu);
/// Names the calling thread (15 bytes at most are kept).
void penstock_name_thread(const char *name);

/// memmem(3): the first occurrence of `needle`, or NULL.
const void *penstock_memmem(const void *haystack, size_t haystack_length, const void *needle, size_t needle_length);
/// memrchr(3).
const void *penstock_memrchr(const void *bytes, int value, size_t length);
