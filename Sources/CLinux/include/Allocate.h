// SPDX-License-Identifier: Apache-2.0
// fallocate(2), which the C library declares for GNU sources only and so does not show to Swift.
#pragma once

extern int fallocate(int fd, int mode, long offset, long count);

/// Asks the file system for the blocks of `count` bytes from `offset` on, without making the file longer: 0, or -1.
static inline int penstock_allocate(int fd, long offset, long count) {
    return fallocate(fd, 1 /* FALLOC_FL_KEEP_SIZE */, offset, count);
}
