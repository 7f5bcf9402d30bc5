// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Of one thread alone: to Linux a priority is a thread's, nice as well. */
#include "sys/bfd_priority.h"

#include "base/mem.h"

#include <assert.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#define FIFO 10 /* below the kernel's own threads, above everything fair */

const char *bfd_priority_text(enum bfd_priority p)
{
	static const char *const text[] = {"normal", "nice -20", "SCHED_FIFO"};

	assert(p <= BFD_PRIORITY_FIFO);
	return text[p];
}

enum bfd_priority bfd_priority_take(void)
{
	const struct sched_param fifo = {.sched_priority = FIFO};

	(void)prctl(PR_SET_TIMERSLACK, 1); /* without it 50 us late, which is not much either */
	if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &fifo) == 0)
		return BFD_PRIORITY_FIFO;
	return setpriority(PRIO_PROCESS, 0, -20) == 0 ? BFD_PRIORITY_NICE : BFD_PRIORITY_NORMAL;
}

bool bfd_priority_lend(int thread)
{
	const struct sched_param fifo = {.sched_priority = FIFO - 1};

	return sched_getscheduler(thread) == SCHED_OTHER &&
	       sched_setscheduler(thread, SCHED_FIFO | SCHED_RESET_ON_FORK, &fifo) == 0;
}

void bfd_priority_give_back(void)
{
	const struct sched_param usual = {.sched_priority = 0};

	(void)sched_setscheduler(0, SCHED_OTHER, &usual); /* to less it is always permitted */
}
