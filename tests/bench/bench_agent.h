// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The real agent as a process of its own, with folders of its own, for benchmarks that do things to
 * it from outside. What cannot be done ends the benchmark with a word.
 */
#pragma once

#include <stdbool.h>
#include <stdnoreturn.h>
#include <sys/types.h>

struct bench_agent {
	char dir[64]; /* with config/, state/, log and socket in it */
	pid_t pid;
	bool is_fed; /* from the socket feed in dir, too */
};

/* Says what, with errno, and ends the process. */
noreturn void bench_fail(const char *what);

/* This process runs before all others on this machine, as far as that is allowed. */
void bench_hurry(void);

/* Makes the folders. */
void bench_agent_init(struct bench_agent *a);
void bench_agent_done(struct bench_agent *a);

/* config/NAME.yaml, as a careful editor replaces a file. */
void bench_agent_put(const struct bench_agent *a, const char *name, const char *text);

/* It hurries, so that others on this machine count less. */
void bench_agent_start(struct bench_agent *a, const char *program, const char *log_level);
void bench_agent_stop(struct bench_agent *a);
/* Takes what it left in the kernel out of it. */
void bench_agent_cleanup(const struct bench_agent *a, const char *program);
/* Ends the process if the agent has ended by itself. */
void bench_agent_check(const struct bench_agent *a);
