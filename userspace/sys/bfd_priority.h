// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * How urgent the thread of BFD is to the kernel: real time where that is permitted, else as nice as
 * is.
 */
#pragma once

#include <stdbool.h>

enum bfd_priority { BFD_PRIORITY_NORMAL, BFD_PRIORITY_NICE, BFD_PRIORITY_FIFO };
const char *bfd_priority_text(enum bfd_priority p); /* "normal", "nice -20", "SCHED_FIFO" */

/* For the calling thread, which wakes up on time, too; what it could have. */
enum bfd_priority bfd_priority_take(void);

/*
 * Lends real time to another thread of this process, as the kernel numbers it, just below that of
 * the thread of BFD: what it is about to be told must not wait for a processor. It gives it back
 * by bfd_priority_give_back(). False: it is not permitted, or the thread has another policy than
 * the usual one.
 */
bool bfd_priority_lend(int thread);
void bfd_priority_give_back(void);
