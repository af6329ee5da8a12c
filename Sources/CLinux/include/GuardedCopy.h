// SPDX-License-Identifier: Apache-2.0
// Copying into a mapped file. Where a store finds no page (the file was cut, its disk is full or broken) the kernel sends
// SIGBUS, and no call before the store can rule that out: writing back makes the kernel ask the file system again.
#pragma once
#include <stddef.h>

/// Makes a SIGBUS inside ``penstock_guarded_copy`` end only that copy. Any other goes where it went before. Can be called
/// often and from any thread; returns 0 or -errno.
int penstock_guard_copies(void);

/// memcpy(3) into a mapping. Returns 0; or -1 when a page of the mapping could not be had: the bytes before it may have
/// been copied. Only behind ``penstock_guard_copies``.
int penstock_guarded_copy(void *to, const void *from, size_t count);
