// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Received routes on their way into the kernel: adopting, repairing, what is in the way; and random
 * runs against a kernel in memory that others change, that refuses, and that is looked at only now
 * and then: what is wanted is there in the end, and nobody else's route is ever touched.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/rng.h"
#include "plan/fib.h"

#include <errno.h>

#define N_PREFIXES 40
#define N_TABLES   2

static struct ip_prefix prefix_of(size_t i)
{
	const struct ip_addr v4 = ip_addr_from_v4(0x0b000000 + (uint32_t)(i << 8));
	const struct ip_addr v6 = {.b = {0x20, [1] = (uint8_t)i}};

	return i % 3 ? ip_prefix_of(&v4, 24) : ip_prefix_of(&v6, 16);
}

/* One of a few sets of hops; 0: none. */
static struct fib_hops hops_of(unsigned i)
{
	struct fib_hops ret = {.n = i % 4};

	for (size_t k = 0; k < ret.n; k++)
		ret.items[k] = (struct fib_hop){ip_addr_from_v4(0x0a000001 + (uint32_t)k + i / 4),
						(int)k + 1};
	return ret;
}

static bool same(const struct fib_hops *a, const struct fib_hops *b)
{
	return a->n == b->n && memcmp(a->items, b->items, a->n * sizeof(*a->items)) == 0;
}

/* A kernel: of each table and prefix our route and somebody else's of the same metric. */
struct kernel {
	struct fib_hops ours[N_TABLES][N_PREFIXES];
	bool others[N_TABLES][N_PREFIXES];
	unsigned fails; /* so many of 100 operations */
	struct rng rng;
};

static size_t index_of(const struct ip_prefix *p)
{
	for (size_t i = 0; i < N_PREFIXES; i++) {
		const struct ip_prefix q = prefix_of(i);

		if (ip_prefix_cmp(p, &q) == 0)
			return i;
	}
	fail_msg("a prefix that nobody wanted");
	return 0;
}

static int kernel_do(struct kernel *k, const struct fib_op *op)
{
	const size_t i = index_of(&op->prefix);
	struct fib_hops *ours = &k->ours[op->table][i];

	if (k->fails > 0 && rng_below(&k->rng, 100) < k->fails)
		return -ENOBUFS;
	switch (op->verb) {
	case FIB_ADD:
		if (k->others[op->table][i] || ours->n > 0)
			return -EEXIST;
		break;
	case FIB_REPLACE: /* where ours has gone meanwhile it would replace somebody else's */
		break;
	case FIB_DELETE:
		if (ours->n == 0)
			return -ESRCH;
		ours->n = 0;
		return 0;
	}
	assert_true(op->hops.n > 0);
	*ours = op->hops;
	return 0;
}

static void carry_out(struct fib *f, struct kernel *k, size_t n_max)
{
	struct fib_op ops[8];
	size_t n;

	while ((n = fib_take(f, ops, n_max < 8 ? n_max : 8)) > 0) {
		for (size_t i = 0; i < n; i++)
			fib_done(f, &ops[i], kernel_do(k, &ops[i]));
		n_max -= n;
	}
}

static void show_one(struct fib *f, const struct kernel *k, uint32_t t, size_t i)
{
	struct fib_seen seen = {.table = t, .prefix = prefix_of(i)};

	if (k->ours[t][i].n > 0) {
		seen.is_ours = true;
		seen.hops = k->ours[t][i];
	}
	if (seen.is_ours || k->others[t][i])
		fib_look_route(f, &seen);
}

static void look(struct fib *f, const struct kernel *k)
{
	fib_look_begin(f);
	for (uint32_t t = 0; t < N_TABLES; t++)
		for (size_t i = 0; i < N_PREFIXES; i++)
			show_one(f, k, t, i);
	fib_look_end(f, true);
}

static void want(struct fib *f, uint32_t t, size_t i, unsigned hops)
{
	const struct ip_prefix p = prefix_of(i);
	const struct fib_hops h = hops_of(hops);

	fib_want(f, t, &p, &h);
}

static enum fib_state state_of(const struct fib *f, uint32_t t, size_t i)
{
	const struct ip_prefix p = prefix_of(i);
	struct fib_hops hops;
	int error;

	return fib_state(f, t, &p, &hops, &error);
}

static void each_change_is_one_operation(void **state)
{
	struct fib *f = fib_new();
	struct fib_op op[2];

	(void)state;
	fib_sweep(f);
	want(f, 0, 1, 1);
	want(f, 0, 1, 2); /* and nobody has looked meanwhile */
	assert_int_equal(fib_take(f, op, 2), 1);
	assert_int_equal(op[0].verb, FIB_ADD);
	assert_int_equal(op[0].hops.n, 2);
	fib_done(f, &op[0], 0);
	assert_int_equal(state_of(f, 0, 1), FIB_PLACED);
	want(f, 0, 1, 1);
	want(f, 0, 1, 2); /* as it is */
	assert_int_equal(fib_take(f, op, 2), 0);
	want(f, 0, 1, 3);
	assert_int_equal(fib_take(f, op, 2), 1);
	assert_int_equal(op[0].verb, FIB_REPLACE);
	fib_done(f, &op[0], 0);
	want(f, 0, 1, 0);
	assert_int_equal(fib_take(f, op, 2), 1);
	assert_int_equal(op[0].verb, FIB_DELETE);
	fib_done(f, &op[0], -ESRCH); /* somebody was quicker */
	assert_int_equal(state_of(f, 0, 1), FIB_NONE);
	assert_int_equal(fib_counts(f).n_wanted, 0);
	fib_free(f);
}

static void what_a_former_process_left_stays_until_all_is_known(void **state)
{
	struct kernel k = {.fails = 0};
	struct fib *f = fib_new();

	(void)state;
	k.ours[0][1] = hops_of(2);
	k.ours[0][2] = hops_of(1);
	k.ours[0][4] = hops_of(3);
	look(f, &k);
	carry_out(f, &k, SIZE_MAX);
	want(f, 0, 1, 1); /* one of its two peers is back */
	want(f, 0, 2, 1);
	carry_out(f, &k, SIZE_MAX);
	assert_int_equal(k.ours[0][1].n, 2);
	assert_int_equal(k.ours[0][4].n, 3);
	want(f, 0, 1, 2);
	fib_sweep(f);
	carry_out(f, &k, SIZE_MAX);
	assert_int_equal(k.ours[0][1].n, 2);
	assert_int_equal(k.ours[0][2].n, 1);
	assert_int_equal(k.ours[0][4].n, 0);
	fib_free(f);
}

static void what_failed_first_is_told_until_it_is_tried_again(void **state)
{
	struct kernel k = {.fails = 0};
	struct fib *f = fib_new();
	struct fib_op ops[3];

	(void)state;
	fib_sweep(f);
	for (size_t i = 0; i < 3; i++)
		want(f, 0, i, 1);
	assert_int_equal(fib_take(f, ops, 3), 3);
	for (size_t i = 0; i < 3; i++)
		fib_done(f, &ops[i], i == 0 ? 0 : i == 1 ? -EPERM : -EINVAL);
	assert_int_equal(fib_counts(f).n_failed, 2);
	assert_int_equal(fib_counts(f).n_placed, 1);
	assert_int_equal(fib_counts(f).first_error, -EPERM);
	assert_int_equal(state_of(f, 0, 2), FIB_FAILED);
	k.ours[0][0] = hops_of(1);
	look(f, &k);
	assert_int_equal(fib_counts(f).n_failed, 0);
	assert_int_equal(fib_counts(f).first_error, 0);
	carry_out(f, &k, SIZE_MAX);
	assert_int_equal(fib_counts(f).n_placed, 3);
	fib_free(f);
}

/* Neither what this process has put there, nor what comes later in its name. */
static void nothing_else_stays(void **state)
{
	struct kernel k = {.fails = 0};
	struct fib *f = fib_new();

	(void)state;
	want(f, 0, 1, 1);
	carry_out(f, &k, SIZE_MAX);
	look(f, &k);
	assert_int_equal(fib_counts(f).n_adopted, 0);
	want(f, 0, 1, 2);
	carry_out(f, &k, SIZE_MAX);
	assert_int_equal(k.ours[0][1].n, 2);
	fib_sweep(f);
	k.ours[0][3] = hops_of(1);
	look(f, &k);
	carry_out(f, &k, SIZE_MAX);
	assert_int_equal(k.ours[0][3].n, 0);
	assert_int_equal(k.ours[0][1].n, 2);
	fib_free(f);
}

static void somebody_elses_is_left_and_told(void **state)
{
	struct kernel k = {.fails = 0};
	struct fib *f = fib_new();

	(void)state;
	fib_sweep(f);
	k.others[0][1] = true;
	want(f, 0, 1, 1);
	carry_out(f, &k, SIZE_MAX);
	assert_int_equal(state_of(f, 0, 1), FIB_TAKEN);
	look(f, &k);
	carry_out(f, &k, SIZE_MAX);
	assert_int_equal(fib_counts(f).n_taken, 1);
	k.others[0][1] = false;
	look(f, &k);
	carry_out(f, &k, SIZE_MAX);
	assert_int_equal(state_of(f, 0, 1), FIB_PLACED);
	fib_free(f);
}

static void what_was_taken_away_is_put_again_and_counted(void **state)
{
	struct kernel k = {.fails = 0};
	struct fib *f = fib_new();

	(void)state;
	fib_sweep(f);
	want(f, 0, 1, 1);
	want(f, 1, 1, 1);
	carry_out(f, &k, SIZE_MAX);
	k.ours[0][1].n = 0;
	k.ours[1][1] = hops_of(3); /* or changed */
	look(f, &k);
	carry_out(f, &k, SIZE_MAX);
	assert_int_equal(k.ours[0][1].n, 1);
	assert_int_equal(k.ours[1][1].n, 1);
	assert_int_equal(fib_counts(f).n_repaired, 1);
	look(f, &k); /* the second time there is nothing to do */
	assert_int_equal(fib_counts(f).n_waiting, 0);
	fib_free(f);
}

static void a_look_that_was_not_whole_takes_nothing_for_gone(void **state)
{
	struct kernel k = {.fails = 0};
	struct fib *f = fib_new();

	(void)state;
	fib_sweep(f);
	want(f, 0, 1, 1);
	carry_out(f, &k, SIZE_MAX);
	fib_look_begin(f);
	fib_look_end(f, false);
	assert_int_equal(fib_counts(f).n_waiting, 0);
	/* Nor does a whole one take for gone what was put while it went on. */
	fib_look_begin(f);
	want(f, 0, 2, 1);
	carry_out(f, &k, SIZE_MAX);
	show_one(f, &k, 0, 1);
	fib_look_end(f, true);
	assert_int_equal(fib_counts(f).n_waiting, 0);
	assert_int_equal(fib_counts(f).n_placed, 2);
	fib_free(f);
}

/* Operations that a helper has: what comes of them is told later. */
struct away {
	struct fib_op ops[8];
	int errors[8];
	size_t n;
};

static void send_away(struct away *a, struct fib *f, struct kernel *k)
{
	if (a->n > 0)
		return;
	a->n = fib_take(f, a->ops, 8);
	for (size_t i = 0; i < a->n; i++)
		a->errors[i] = kernel_do(k, &a->ops[i]);
}

static void take_back(struct away *a, struct fib *f)
{
	for (size_t i = 0; i < a->n; i++)
		fib_done(f, &a->ops[i], a->errors[i]);
	a->n = 0;
}

static void what_is_wanted_meanwhile_comes_next(void **state)
{
	struct kernel k = {.fails = 0};
	struct away a = {.n = 0};
	struct fib *f = fib_new();

	(void)state;
	fib_sweep(f);
	want(f, 0, 1, 1);
	want(f, 0, 2, 1);
	want(f, 0, 4, 1);
	send_away(&a, f, &k);
	assert_int_equal(a.n, 3);
	want(f, 0, 1, 2);
	want(f, 0, 2, 0);
	look(f, &k);
	assert_int_equal(fib_counts(f).n_waiting, 3); /* those that are away */
	assert_int_equal(fib_take(f, &(struct fib_op){.table = 0}, 1), 0);
	take_back(&a, f);
	assert_int_equal(fib_counts(f).n_waiting, 2);
	send_away(&a, f, &k);
	assert_int_equal(a.ops[0].verb, FIB_REPLACE);
	assert_int_equal(a.ops[1].verb, FIB_DELETE);
	take_back(&a, f);
	assert_int_equal(k.ours[0][1].n, 2);
	assert_int_equal(k.ours[0][2].n, 0);
	assert_int_equal(state_of(f, 0, 2), FIB_NONE);
	assert_int_equal(fib_counts(f).n_placed, 2);
	fib_free(f);
}

static void mess_up(struct kernel *k, struct rng *rng)
{
	const size_t t = rng_below(rng, N_TABLES), i = rng_below(rng, N_PREFIXES);

	switch (rng_below(rng, 3)) {
	case 0:
		k->ours[t][i].n = 0;
		break;
	case 1:
		k->ours[t][i] = hops_of((unsigned)rng_below(rng, 12));
		break;
	default:
		k->others[t][i] = k->ours[t][i].n == 0 && !k->others[t][i];
		break;
	}
}

static void random_runs_end_with_what_is_wanted(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed(&rng, 17);
	for (unsigned run = 0; run < 200; run++) {
		unsigned wanted[N_TABLES][N_PREFIXES] = {{0}};
		struct kernel k = {.fails = run % 3 ? 20 : 0};
		bool others[N_TABLES][N_PREFIXES];
		struct away a = {.n = 0};
		struct fib *f = fib_new();

		rng_seed(&k.rng, rng_next(&rng));
		for (unsigned n = 0; n < 10; n++)
			mess_up(&k, &rng);
		for (unsigned step = 0; step < 300; step++) {
			const size_t t = rng_below(&rng, N_TABLES), i = rng_below(&rng, N_PREFIXES);

			switch (rng_below(&rng, 14)) {
			case 0:
				mess_up(&k, &rng);
				look(f, &k); /* or REPLACE would meet what nobody has told of */
				break;
			case 1:
				look(f, &k);
				break;
			case 2:
				fib_sweep(f);
				break;
			case 3:
			case 4:
				memcpy(others, k.others, sizeof(others));
				carry_out(f, &k, rng_below(&rng, 20));
				assert_memory_equal(others, k.others, sizeof(others));
				break;
			case 5:
				send_away(&a, f, &k);
				break;
			case 6:
				take_back(&a, f);
				break;
			default:
				wanted[t][i] = (unsigned)rng_below(&rng, 12);
				want(f, (uint32_t)t, i, wanted[t][i]);
				break;
			}
		}
		take_back(&a, f);
		fib_sweep(f);
		k.fails = 0;
		for (int round = 0; round < 2; round++) {
			look(f, &k);
			carry_out(f, &k, SIZE_MAX);
		}
		assert_int_equal(fib_counts(f).n_waiting + fib_counts(f).n_failed, 0);
		for (uint32_t t = 0; t < N_TABLES; t++) {
			for (size_t i = 0; i < N_PREFIXES; i++) {
				const struct fib_hops h = hops_of(wanted[t][i]);

				if (k.others[t][i] && k.ours[t][i].n == 0)
					assert_true(h.n == 0 || state_of(f, t, i) == FIB_TAKEN);
				else
					assert_true(same(&k.ours[t][i], &h));
			}
		}
		fib_free(f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_change_is_one_operation),
		cmocka_unit_test(what_a_former_process_left_stays_until_all_is_known),
		cmocka_unit_test(what_failed_first_is_told_until_it_is_tried_again),
		cmocka_unit_test(nothing_else_stays),
		cmocka_unit_test(somebody_elses_is_left_and_told),
		cmocka_unit_test(what_was_taken_away_is_put_again_and_counted),
		cmocka_unit_test(a_look_that_was_not_whole_takes_nothing_for_gone),
		cmocka_unit_test(what_is_wanted_meanwhile_comes_next),
		cmocka_unit_test(random_runs_end_with_what_is_wanted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
