// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Images behind a wall: while it stands, each store into them traps, is let through alone, and what
 * it changed is logged. By the same means a row is marked behind a store of one's choice, as a
 * program does that still holds an older live word. For x86-64.
 */
#pragma once

#include "fixture.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#define N_REGIONS  5
#define MAX_STORES 8192
#define LINE       128
#define TRAP_FLAG  0x100 /* of EFLAGS: a trap behind each instruction */

enum { SERVICES, VIP_BITS, NEW_FLOWS, ROWS_REGION, BACKENDS };

struct region {
	char *at;
	size_t size;
};

struct store {
	size_t region, offset;
	char line[LINE];
};

/* What the signal handlers work on. */
static struct wall {
	struct region regions[N_REGIONS];
	struct store stores[MAX_STORES];
	size_t n_stores, n_done; /* done: their lines are known */
	uint64_t *row;           /* to be marked behind so many stores; NULL: none */
	size_t mark_behind;
} wall;

static inline size_t line_size(const struct store *s)
{
	size_t left = wall.regions[s->region].size - s->offset;

	return left < LINE ? left : LINE;
}

static inline void protect(const struct store *s, int prot)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *at = wall.regions[s->region].at + s->offset / page * page;

	if (mprotect(at, page, prot) != 0)
		abort();
}

static inline void on_store(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	const char *at = info->si_addr;

	(void)sig;
	for (size_t i = 0; i < N_REGIONS; i++) {
		const struct region *r = &wall.regions[i];
		struct store *s;

		if (at < r->at || at >= r->at + r->size)
			continue;
		if (wall.n_stores == MAX_STORES)
			abort();
		s = &wall.stores[wall.n_stores++];
		s->region = i;
		s->offset = (size_t)(at - r->at) / 64 * 64;
		protect(s, PROT_READ | PROT_WRITE);
		uc->uc_mcontext.gregs[REG_EFL] |= TRAP_FLAG;
		return;
	}
	abort(); /* not ours: a bug */
}

/* As the program does that still holds the live word from before the first store. */
static inline void mark_row(void)
{
	const struct store s = {.region = ROWS_REGION,
				.offset =
					(size_t)((char *)wall.row - wall.regions[ROWS_REGION].at)};

	protect(&s, PROT_READ | PROT_WRITE);
	*wall.row |= LB_ROW_UNSETTLED | LB_ROW_MARKED;
	protect(&s, PROT_READ);
	wall.row = NULL;
}

static inline void on_trap(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)sig;
	(void)info;
	uc->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
	for (; wall.n_done < wall.n_stores; wall.n_done++) {
		struct store *s = &wall.stores[wall.n_done];

		memcpy(s->line, wall.regions[s->region].at + s->offset, line_size(s));
		protect(s, PROT_READ);
	}
	if (wall.row && wall.n_stores >= wall.mark_behind)
		mark_row();
}

static inline void wall_handle(int sig, void (*handler)(int, siginfo_t *, void *))
{
	struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};

	assert_int_equal(sigaction(sig, &action, NULL), 0);
}

static inline void wall_protect(int prot)
{
	for (size_t i = 0; i < N_REGIONS; i++)
		assert_int_equal(mprotect(wall.regions[i].at, wall.regions[i].size, prot), 0);
}

static inline void wall_up(const struct fixture *x)
{
	const struct region regions[N_REGIONS] = {
		[SERVICES] = {(char *)x->services, LB_SERVICE_SLOTS * sizeof(*x->services)},
		[VIP_BITS] = {(char *)x->vip_bits, LB_VIP_WORDS * sizeof(*x->vip_bits)},
		[NEW_FLOWS] = {(char *)x->new_flows, LB_SERVICE_SLOTS * sizeof(*x->new_flows)},
		[ROWS_REGION] = {(char *)x->rows[0], LB_ROWS_CHUNK * sizeof(uint64_t)},
		[BACKENDS] = {(char *)x->backends[0], LB_BACKEND_CHUNK * sizeof(struct lb_backend)},
	};

	memcpy(wall.regions, regions, sizeof(regions));
	wall.n_stores = wall.n_done = 0;
	wall_handle(SIGSEGV, on_store);
	wall_handle(SIGTRAP, on_trap);
	wall_protect(PROT_READ);
}

static inline void wall_down(void)
{
	wall_protect(PROT_READ | PROT_WRITE);
	assert_int_equal(signal(SIGSEGV, SIG_DFL) == SIG_ERR, 0);
	assert_int_equal(signal(SIGTRAP, SIG_DFL) == SIG_ERR, 0);
}
