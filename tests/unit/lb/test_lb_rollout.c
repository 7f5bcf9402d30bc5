// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * How many living flows lose their owner when backends change: it is still there, but no candidate
 * of their row any more, so an unsettled row does not find it. Simulated with the rows of
 * lb_rows.h; a flow begins in each row after each step and lives to the end. The shares are in
 * docs/dataplane.md; what is asserted here are limits a little above them.
 */
#include "fixture.h"

#include <stdio.h>

#define ROWS_LOG2 11
#define ROWS      (1u << ROWS_LOG2)
#define MAX_N     64
#define MAX_STEPS 80
#define N_SEEDS   4

struct rollout {
	enum { GONE, DRAINING, READY } state[MAX_N];
	uint64_t id[MAX_N];
	uint16_t n;
	uint64_t rows[ROWS];
	uint16_t owner[MAX_STEPS][ROWS]; /* of the flows that began after this step */
	bool lost[MAX_STEPS][ROWS];
	unsigned n_steps;
};

static void add(struct rollout *r, uint32_t seed)
{
	struct ip_addr addr = ip_addr_from_v4(0x0a000000 + seed * 997 + r->n);
	__u32 words[4];

	assert_true(r->n < MAX_N);
	memcpy(words, addr.b, sizeof(words));
	r->id[r->n] = lb_wire_backend_id(words, __builtin_bswap16(8080), seed);
	r->state[r->n++] = READY;
}

static void add_many(struct rollout *r, uint32_t seed, uint16_t n)
{
	for (uint16_t i = 0; i < n; i++)
		add(r, seed);
}

static bool is_candidate(uint64_t row, uint16_t index)
{
	for (unsigned k = 0; k < LB_CANDIDATES; k++)
		if (lb_row_candidate(row, k) == index)
			return true;
	return false;
}

/* The change is made, packets of all flows come by, and new flows begin. */
static void step(struct rollout *r)
{
	struct lb_row_target targets[MAX_N];
	size_t n = 0;

	assert_true(r->n_steps < MAX_STEPS);
	for (uint16_t i = 0; i < r->n; i++)
		if (r->state[i] != GONE)
			targets[n++] = (struct lb_row_target){.id = r->id[i],
							      .index = i,
							      .ready = r->state[i] == READY,
							      .weight = 1};
	lb_rows_fill(targets, n, ROWS_LOG2, r->rows);
	for (uint32_t row = 0; row < ROWS; row++) {
		for (unsigned s = 0; s < r->n_steps; s++) {
			uint16_t owner = r->owner[s][row];

			if (r->state[owner] != GONE && !is_candidate(r->rows[row], owner))
				r->lost[s][row] = true;
		}
		r->owner[r->n_steps][row] = lb_row_candidate(r->rows[row], 0);
	}
	r->n_steps++;
}

/* --- what happens to n backends --------------------------------------------------------------- */

typedef void (*story)(struct rollout *r, uint32_t seed, uint16_t n);

static void all_at_once(struct rollout *r, uint32_t seed, uint16_t n)
{
	for (uint16_t i = 0; i < n; i++)
		r->state[i] = DRAINING;
	add_many(r, seed, n);
	step(r);
}

/* `surge` come and then as many go, which live on for `more` steps of that. */
static void by_surge(struct rollout *r, uint32_t seed, uint16_t n, unsigned surge, unsigned more)
{
	for (unsigned done = 0; done < n; done += surge) {
		unsigned end = done + surge < n ? done + surge : n;

		for (unsigned i = 0; i < done && i + more * surge < end; i++)
			r->state[i] = GONE;
		add_many(r, seed, (uint16_t)(end - done));
		step(r);
		for (unsigned i = done; i < end; i++)
			r->state[i] = DRAINING;
		step(r);
	}
}

static void by_quarters(struct rollout *r, uint32_t seed, uint16_t n)
{
	by_surge(r, seed, n, (n + 3) / 4, 1);
}

static void by_quarters_that_stay(struct rollout *r, uint32_t seed, uint16_t n)
{
	by_surge(r, seed, n, (n + 3) / 4, n);
}

static void one_by_one(struct rollout *r, uint32_t seed, uint16_t n)
{
	by_surge(r, seed, n, 1, 1);
}

static void doubled_at_once(struct rollout *r, uint32_t seed, uint16_t n)
{
	add_many(r, seed, n);
	step(r);
}

static void doubled_one_by_one(struct rollout *r, uint32_t seed, uint16_t n)
{
	for (uint16_t i = 0; i < n; i++) {
		add(r, seed);
		step(r);
	}
}

/* The commonest changes: a pod goes at once, or in peace, or comes. */
static void one_goes(struct rollout *r, uint32_t seed, uint16_t n)
{
	(void)seed;
	r->state[n / 2] = GONE;
	step(r);
}

static void one_drains(struct rollout *r, uint32_t seed, uint16_t n)
{
	(void)seed;
	r->state[n / 2] = DRAINING;
	step(r);
}

static void one_comes(struct rollout *r, uint32_t seed, uint16_t n)
{
	(void)n;
	add(r, seed);
	step(r);
}

/* Lost of a million flows. */
static uint32_t lost_by(story tell, uint16_t n)
{
	static struct rollout r;
	uint64_t lost = 0, all = 0;

	for (uint32_t seed = 1; seed <= N_SEEDS; seed++) {
		r = (struct rollout){.n = 0};
		add_many(&r, seed, n);
		step(&r);
		tell(&r, seed, n);
		for (unsigned s = 0; s + 1 < r.n_steps; s++)
			for (uint32_t row = 0; row < ROWS; row++)
				lost += r.lost[s][row];
		all += (uint64_t)(r.n_steps - 1) * ROWS;
	}
	return (uint32_t)(lost * 1000000 / all);
}

static void a_change_loses_no_more_flows_than_is_said(void **state)
{
	static const uint16_t numbers[] = {4, 10, 16, 30};
	static const struct {
		const char *what;
		story tell;
		uint32_t most[4]; /* of a million */
	} stories[] = {
		{"one goes", one_goes, {200, 500, 1000, 3000}},
		{"one drains", one_drains, {200, 500, 1200, 3500}},
		{"one comes", one_comes, {200, 700, 1000, 3000}},
		{"all are replaced at once", all_at_once, {3300, 10000, 16500, 28000}},
		{"replaced by quarters, each dies soon", by_quarters, {1000, 8000, 13000, 21000}},
		{"replaced by quarters, all drain to the end",
		 by_quarters_that_stay,
		 {13000, 35000, 51000, 65000}},
		{"replaced one by one, each dies soon", one_by_one, {1000, 7000, 11000, 18000}},
		{"doubled at once", doubled_at_once, {18000, 58000, 68000, 79000}},
		{"doubled one by one", doubled_one_by_one, {5000, 17000, 19000, 27000}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(stories) / sizeof(stories[0]); i++)
		for (size_t k = 0; k < 4; k++) {
			uint32_t lost = lost_by(stories[i].tell, numbers[k]);

			print_message("%-44s %2u backends: %u.%02u %%\n", stories[i].what,
				      numbers[k], lost / 10000, lost / 100 % 100);
			assert_in_range(lost, 0, stories[i].most[k]);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_change_loses_no_more_flows_than_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
