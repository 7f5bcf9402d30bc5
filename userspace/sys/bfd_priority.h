// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * How urgent the thread of BFD is to the kernel: real time where that is permitted, else as nice as
 * is.
 */
#pragma once

enum bfd_priority { BFD_PRIORITY_NORMAL, BFD_PRIORITY_NICE, BFD_PRIORITY_FIFO };
const char *bfd_priority_text(enum bfd_priority p); /* "normal", "nice -20", "SCHED_FIFO" */

/* For the calling thread, which wakes up on time, too; what it could have. */
enum bfd_priority bfd_priority_take(void);
