// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Who announces what the API server of tests/bench/kube-up has: the agent and its feeder, or, to
 * compare, MetalLB's own speaker (native mode) and controller. Two processes either way, with their
 * logs in the agent's folder. What cannot be done ends the benchmark with a word.
 */
#pragma once

#include "bench_agent.h"

struct bench_who {
	struct bench_agent agent; /* its pid is the speaker's where that runs */
	pid_t feeder;             /* or the controller */
	bool is_metallb;
	const char *agents, *feeders; /* what they are called */
	const char *agent_program, *feeder_program;
};

void bench_who_init(struct bench_who *w, bool is_metallb, const char *agent_program,
		    const char *feeder_program);
void bench_who_done(struct bench_who *w);

void bench_who_start(struct bench_who *w);
void bench_who_stop(struct bench_who *w);

/* What was saved and what is pinned goes: the next start is one from nothing. */
void bench_who_forget(const struct bench_who *w);

/* Runs a program that ends with this process, and says what it says in `log`. It runs before all
 * others, as far as that is allowed. */
pid_t bench_who_run(const char *log, const char *const argv[]);
