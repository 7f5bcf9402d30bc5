// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A helper thread for what the kernel makes block and cannot be cut into slices: syncing a file,
 * waiting for a grace period. Jobs are done one after the other, in the order in which they were
 * given, and come back to the loop's thread by an eventfd. Nothing is shared: while a job is with
 * the helper its memory is the helper's alone, so there is no lock but that of the two queues. A
 * job makes no use of the loop or anything else that the agent owns; it may use the log.
 */
#pragma once

#include "base/mem.h"

#include <stdbool.h>

struct loop;
struct worker;

/* The first member of a struct that holds what the job needs and what comes of it. */
struct worker_job {
	void (*run)(struct worker_job *job);  /* by the helper */
	void (*done)(struct worker_job *job); /* by the loop's thread, which has the job back */
	struct worker_job *next;              /* the worker's */
};

/* Starts the thread. The caller owns the worker. Aborts if there is no thread to be had. */
struct worker *worker_new(struct loop *loop);

/* Gives a job away until its done(), which may give it away again. */
void worker_add(struct worker *w, struct worker_job *job);

/* Waits until all jobs, also those that done() gives, have come back. */
void worker_finish(struct worker *w);

/* The same, and ends the thread. NULL is fine. */
struct worker *worker_free(struct worker *w);
