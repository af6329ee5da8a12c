// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "GuardedCopy.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>

// The copy that the thread is in; the handler runs on the same thread.
static _Thread_local struct {
    volatile uintptr_t first, end; // the same: in none
    sigjmp_buf place;
} copy;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int guarded;
static struct sigaction before;

static void failed(int number, siginfo_t *info, void *context) {
    uintptr_t address = (uintptr_t)info->si_addr;
    // What somebody sent with kill(2) has no address.
    if (info->si_code > 0 && address >= copy.first && address < copy.end) siglongjmp(copy.place, 1);
    if (before.sa_flags & SA_SIGINFO) {
        before.sa_sigaction(number, info, context);
    } else if (before.sa_handler == SIG_DFL) {
        // The store comes again when this returns, and then ends the process; a signal that was sent has to be sent again.
        sigaction(number, &before, NULL);
        if (info->si_code <= 0) raise(number);
    } else if (before.sa_handler != SIG_IGN) {
        before.sa_handler(number);
    }
}

int penstock_guard_copies(void) {
    pthread_mutex_lock(&lock);
    int problem = 0;
    if (!guarded) {
        // SA_NODEFER: the jump leaves the handler without unblocking the signal.
        struct sigaction action = {.sa_sigaction = failed, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
        sigemptyset(&action.sa_mask);
        if (sigaction(SIGBUS, NULL, &before) < 0 || sigaction(SIGBUS, &action, NULL) < 0) problem = -errno;
        guarded = problem == 0;
    }
    pthread_mutex_unlock(&lock);
    return problem;
}

int penstock_guarded_copy(void *to, const void *from, size_t count) {
    if (sigsetjmp(copy.place, 0) != 0) {
        copy.first = copy.end = 0;
        return -1;
    }
    copy.end = (uintptr_t)to + count;
    copy.first = (uintptr_t)to;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    memcpy(to, from, count);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    copy.first = copy.end = 0;
    return 0;
}
