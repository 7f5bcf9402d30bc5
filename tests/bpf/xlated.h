// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A loaded program, executed an instruction at a time: the kernel's own translation of it (xlated),
 * with look-ups inlined or not as this kernel does it, over its maps as they are. So a test learns
 * which instructions a packet takes, and which calls. Nothing is written to the maps.
 */
#pragma once

#include "bpf/frame.h"

#include <stdint.h>

struct xlated;

/* Ends the process if the kernel does not tell. */
struct xlated *xlated_new(int prog_fd);
struct xlated *xlated_free(struct xlated *x);

struct xlated_run {
	enum {
		XLATED_EXIT,    /* with `verdict` */
		XLATED_CALL,    /* of a helper or of another function comes next */
		XLATED_UNKNOWN, /* an instruction that is not understood */
	} end;
	uint32_t verdict;
	unsigned n_executed, at; /* instructions; the one that it ended at */
	bool wrote_counter;      /* into a value per CPU */
	bool looked_for_a_flow;  /* a chunk of the flow table was asked for */
};

/* Runs it with a frame, which it may change, until it ends or would call something. */
struct xlated_run xlated_run(struct xlated *x, struct frame *f);
