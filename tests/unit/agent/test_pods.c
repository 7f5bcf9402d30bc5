// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * agent/pods: who is asked, how often, and that what the data plane was told is always what was
 * answered last. The kernel is a table here.
 */
#include "agent/pods.h"

#include "base/mem.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka.h wants these before it. */
#include <cmocka.h>

#define N_PODS      600
#define N_FRONTENDS 300
#define TIMES(asks) (((asks) + PODS_ASKS - 1) / PODS_ASKS)

struct bench {
	struct pods pods;
	int answer[N_PODS]; /* of 10.0.0.0 + i */
	unsigned n_asked[N_PODS];
	int told[N_FRONTENDS][4]; /* nsid of each target as the data plane knows it; -1: none */
	unsigned n_puts, n_tells;
	unsigned n_asks; /* questions, of one pod and more */
	struct ip_addr asked[PODS_ASKS];
	size_t n_pending; /* of them not answered */
	int put_error;
	struct lb_target targets[N_FRONTENDS][4];
	struct plan_frontend frontends[N_FRONTENDS];
	struct plan plan;
	nsec_t now;
};

static uint32_t pod_of(const struct ip_addr *addr)
{
	return (uint32_t)addr->b[14] << 8 | addr->b[15];
}

static void ask(void *ctx, const struct ip_addr *pods, size_t n)
{
	struct bench *b = ctx;

	assert_true(n > 0 && n <= PODS_ASKS && b->n_pending == 0);
	memcpy(b->asked, pods, n * sizeof(*pods));
	b->n_pending = n;
	b->n_asks++;
	for (size_t i = 0; i < n; i++)
		b->n_asked[pod_of(&pods[i])]++;
}

/* The helper comes back; false: it was not asked. */
static bool answer(struct bench *b)
{
	const size_t n = b->n_pending;
	int nsids[PODS_ASKS];

	for (size_t i = 0; i < n; i++)
		nsids[i] = b->answer[pod_of(&b->asked[i])];
	b->n_pending = 0;
	if (n > 0)
		pods_answered(&b->pods, nsids, n);
	return n > 0;
}

static void tell(void *ctx, const struct lb_key *key, const struct lb_nsid *nsids, size_t n)
{
	struct bench *b = ctx;
	const size_t at = pod_of(&key->addr);

	b->n_tells++;
	for (size_t i = 1; i < n; i++)
		assert_true(ip_addr_cmp(&nsids[i - 1].addr, &nsids[i].addr) < 0);
	for (size_t k = 0; k < b->frontends[at].lb.n_targets && k < 4; k++) {
		b->told[at][k] = -1;
		for (size_t i = 0; i < n; i++)
			if (ip_addr_equal(&nsids[i].addr, &b->targets[at][k].addr))
				b->told[at][k] = (int)nsids[i].nsid;
	}
}

static int put(void *ctx, nsec_t now, const struct lb_frontend *f)
{
	struct bench *b = ctx;

	(void)now, (void)f;
	b->n_puts++;
	return b->put_error;
}

static const struct pods_ops ops = {.ask = ask, .tell = tell};

/* Frontend i has pods 2i and 2i + 1, the latter on two ports. */
static struct bench *bench_new(void)
{
	struct bench *b = xcalloc(1, sizeof(*b));

	for (uint32_t i = 0; i < N_FRONTENDS; i++) {
		struct lb_frontend *f = &b->frontends[i].lb;

		for (uint32_t k = 0; k < 3; k++)
			b->targets[i][k] = (struct lb_target){
				.addr = ip_addr_from_v4(0x0a000000 + 2 * i + (k > 0)),
				.port = (uint16_t)(80 + k)};
		f->key = (struct lb_key){
			.addr = ip_addr_from_v4(0xc6120000 + i), .port = 80, .proto = 6};
		f->targets = b->targets[i];
		f->n_targets = 3;
	}
	for (int i = 0; i < N_PODS; i++)
		b->answer[i] = i % 3 == 0 ? -ENOENT : i;
	memset(b->told, 0xff, sizeof(b->told));
	b->plan.frontends = b->frontends;
	b->plan.n_frontends = N_FRONTENDS;
	b->now = 1;
	pods_init(&b->pods, &ops, b);
	return b;
}

static void bench_free(struct bench *b)
{
	pods_done(&b->pods);
	free(b);
}

static int put_frontend(struct bench *b, size_t i)
{
	static const struct lb_store_ops inner = {.put = put};
	const struct lb_store below = {.ops = &inner, .ctx = b};
	const struct lb_store store = pods_store(&b->pods, &below);

	return store.ops->put(store.ctx, b->now, &b->frontends[i].lb);
}

static void assert_told(const struct bench *b, size_t i)
{
	for (size_t k = 0; k < b->frontends[i].lb.n_targets; k++) {
		const int answer = b->answer[pod_of(&b->targets[i][k].addr)];

		assert_int_equal(b->told[i][k], answer < 0 ? -1 : answer);
	}
}

/* The questions that a round takes. */
static unsigned finish_round(struct bench *b)
{
	const unsigned before = b->n_asks;
	unsigned turns = 0;
	bool more;

	do {
		more = pods_tick(&b->pods, &b->plan);
		assert_true(++turns < 200);
	} while (answer(b) || more);
	return b->n_asks - before;
}

static void a_put_asks_for_its_pods_once_and_tells_them(void **state)
{
	struct bench *b = bench_new();

	(void)state;
	assert_int_equal(put_frontend(b, 5), 0);
	assert_int_equal(b->n_tells, 0); /* nothing is known yet */
	assert_int_equal(b->n_asks, 0);
	b->plan.n_frontends = 6;
	assert_false(pods_tick(&b->pods, &b->plan));
	assert_int_equal(b->n_asks, 1);
	assert_false(pods_tick(&b->pods, &b->plan)); /* the answer is waited for */
	assert_int_equal(b->n_asks, 1);
	(void)finish_round(b);
	assert_told(b, 5);
	b->n_tells = 0;
	assert_int_equal(put_frontend(b, 5), 0); /* at once: they are known */
	assert_int_equal(b->n_tells, 1);
	assert_int_equal(b->n_puts, 2);
	assert_int_equal(b->n_asked[10], 1);
	assert_int_equal(b->n_asked[11], 1);
	assert_int_equal(b->n_asked[12], 0);
	assert_int_equal(finish_round(b), 0);
	assert_int_equal(b->n_tells, 1);
	bench_free(b);
}

/* After a round over the first N_OLD, at whose targets nobody may look from now on. */
#define N_OLD 200
static struct bench *bench_of_old_frontends(void)
{
	struct bench *b = bench_new();

	b->plan.n_frontends = N_OLD;
	pods_ask_anew(&b->pods);
	(void)finish_round(b);
	b->n_tells = 0;
	for (size_t i = 0; i < N_OLD; i++)
		b->frontends[i].lb.targets = NULL;
	return b;
}

static void put_new_frontends(struct bench *b, size_t n)
{
	b->plan.n_frontends = N_OLD + n;
	for (size_t i = 0; i < n; i++)
		assert_int_equal(put_frontend(b, N_OLD + i), 0);
	assert_int_equal(b->n_tells, 0);
}

static void of_all_frontends_only_those_that_were_put_are_looked_at(void **state)
{
	struct bench *b = bench_of_old_frontends();

	(void)state;
	put_new_frontends(b, PODS_DUE);
	assert_int_equal(put_frontend(b, N_OLD), 0); /* is due already */
	assert_int_equal(finish_round(b), TIMES(2 * PODS_DUE));
	assert_int_equal(b->n_tells, PODS_DUE);
	for (size_t i = 0; i < PODS_DUE; i++)
		assert_told(b, N_OLD + i);
	assert_int_equal(finish_round(b), 0);
	assert_int_equal(b->n_tells, PODS_DUE);
	bench_free(b);
}

static void of_more_a_round_tells(void **state)
{
	struct bench *b = bench_of_old_frontends();

	(void)state;
	for (size_t i = 0; i < N_OLD; i++)
		b->frontends[i].lb.targets = b->targets[i];
	put_new_frontends(b, PODS_DUE + 1);
	(void)finish_round(b);
	assert_int_equal(b->n_tells, N_OLD + PODS_DUE + 1);
	for (size_t i = 0; i <= PODS_DUE; i++)
		assert_told(b, N_OLD + i);
	bench_free(b);
}

/* It stays as it is programmed, or is not programmed at all. */
static void what_was_put_and_is_wanted_no_more_is_not_told(void **state)
{
	struct bench *b = bench_of_old_frontends();

	(void)state;
	put_new_frontends(b, 4);
	b->plan.n_frontends--;
	b->frontends[N_OLD].hold = true;
	b->frontends[N_OLD + 2].lb.n_targets = 0;
	(void)finish_round(b);
	assert_int_equal(b->n_tells, 1);
	assert_told(b, N_OLD + 1);
	b->plan.n_frontends++;
	b->frontends[N_OLD].hold = false;
	(void)finish_round(b);
	assert_int_equal(b->n_tells, 1);
	bench_free(b);
}

/* The second makes it more than a turn tells of, so the third has the next. */
static void a_turn_tells_of_so_many_that_were_put(void **state)
{
	struct bench *b = bench_of_old_frontends();
	const size_t many = PODS_TOLD / 2;
	struct lb_target *targets = xcalloc(many, sizeof(*targets));

	(void)state;
	for (size_t i = 0; i < many; i++)
		targets[i] = (struct lb_target){.addr = b->targets[N_OLD][0].addr, .port = 80};
	for (size_t i = 0; i < 3; i++) {
		b->frontends[N_OLD + i].lb.targets = targets;
		b->frontends[N_OLD + i].lb.n_targets = many;
	}
	put_new_frontends(b, 3);
	assert_false(pods_tick(&b->pods, &b->plan));
	assert_true(answer(b));
	assert_true(pods_tick(&b->pods, &b->plan));
	assert_int_equal(b->n_tells, 2);
	assert_false(pods_tick(&b->pods, &b->plan));
	assert_int_equal(b->n_tells, 3);
	free(targets);
	bench_free(b);
}

/* Who was told without a pod is told once it is known, and if that were several all are. */
static void only_who_lacked_a_pod_is_told_of_it(void **state)
{
	struct bench *b = bench_of_old_frontends();

	(void)state;
	for (size_t i = 2 * N_OLD; i < 2 * N_OLD + 4; i++)
		b->answer[i] = -ENOENT;
	b->targets[N_OLD + 2][0].addr = b->targets[N_OLD + 1][2].addr;
	put_new_frontends(b, 3);
	(void)finish_round(b);
	assert_int_equal(b->n_tells, 3);
	b->answer[2 * N_OLD] = b->answer[2 * N_OLD + 1] = 7; /* both of the first */
	pods_learned(&b->pods);
	(void)finish_round(b);
	assert_int_equal(b->n_tells, 4);
	assert_told(b, N_OLD);
	for (size_t i = 0; i < N_OLD; i++)
		b->frontends[i].lb.targets = b->targets[i];
	b->answer[2 * N_OLD + 3] = 8; /* of the second and the third */
	pods_learned(&b->pods);
	(void)finish_round(b);
	assert_int_equal(b->n_tells, 4 + N_OLD + 3);
	assert_told(b, N_OLD + 1);
	assert_told(b, N_OLD + 2);
	bench_free(b);
}

/* A round that has begun tells it anyway. */
static void what_an_earlier_round_lacked_is_no_matter_of_the_next(void **state)
{
	struct bench *b = bench_of_old_frontends();

	(void)state;
	b->answer[2 * N_OLD] = b->answer[2 * N_OLD + 1] = -ENOENT;
	put_new_frontends(b, 1);
	(void)finish_round(b);
	assert_int_equal(b->n_tells, 1);
	for (size_t i = 0; i < N_OLD; i++)
		b->frontends[i].lb.targets = b->targets[i];
	b->answer[2 * N_OLD] = 7;
	pods_ask_anew(&b->pods);
	(void)finish_round(b);
	assert_int_equal(b->n_tells, 1 + N_OLD + 1);
	assert_told(b, N_OLD);
	bench_free(b);
}

static void a_put_that_failed_tells_nothing(void **state)
{
	struct bench *b = bench_new();

	(void)state;
	b->put_error = -ENOSPC;
	assert_int_equal(put_frontend(b, 5), -ENOSPC);
	assert_int_equal(b->told[5][2], -1);
	assert_int_equal(b->n_asked[11], 0);
	bench_free(b);
}

static void so_many_are_asked_for_at_a_time(void **state)
{
	struct bench *b = bench_new();

	(void)state;
	for (size_t i = 0; i < N_FRONTENDS; i++)
		assert_int_equal(put_frontend(b, i), 0);
	assert_int_equal(b->told[N_FRONTENDS - 1][0], -1);
	assert_int_equal(finish_round(b), TIMES(N_PODS));
	for (size_t i = 0; i < N_FRONTENDS; i++)
		assert_told(b, i);
	for (size_t i = 0; i < N_PODS; i++)
		assert_int_equal(b->n_asked[i], 1);
	bench_free(b);
}

/* What is asked for when links change may be answered as they were before. */
static void an_answer_of_an_earlier_round_is_asked_for_again(void **state)
{
	struct bench *b = bench_new();

	(void)state;
	b->plan.n_frontends = 2;
	pods_ask_anew(&b->pods);
	assert_false(pods_tick(&b->pods, &b->plan));
	assert_int_equal(b->n_pending, 4);
	pods_ask_anew(&b->pods);
	assert_int_equal(put_frontend(b, 0), 0);
	assert_true(answer(b));
	assert_int_equal(b->n_tells, 0);
	b->answer[1] = 4711;
	assert_int_equal(finish_round(b), 1);
	assert_told(b, 0);
	assert_told(b, 1);
	assert_int_equal(b->told[0][1], 4711);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(b->n_asked[i], 2);
	bench_free(b);
}

/* Gone while it was asked for, and there again. */
static void a_pod_that_nobody_names_any_more_may_be_answered(void **state)
{
	struct bench *b = bench_new();

	(void)state;
	b->plan.n_frontends = 1;
	for (size_t i = 0; i < 4; i++)
		b->answer[i] = -ENOENT;
	pods_ask_anew(&b->pods);
	(void)finish_round(b);
	pods_learned(&b->pods);
	assert_false(pods_tick(&b->pods, &b->plan));
	assert_int_equal(b->n_pending, 2);
	b->plan.n_frontends = 0;
	pods_ask_anew(&b->pods);
	assert_true(answer(b));
	assert_int_equal(finish_round(b), 0);
	b->plan.n_frontends = 1;
	b->answer[1] = 7;
	pods_ask_anew(&b->pods);
	assert_int_equal(finish_round(b), 1);
	assert_told(b, 0);
	bench_free(b);
}

/* Only those of which nothing is known are asked for, and told once one of them is known. */
static void what_the_kernel_learned_is_asked_for(void **state)
{
	struct bench *b = bench_new();

	(void)state;
	for (int i = 0; i < N_PODS; i++)
		b->answer[i] = i < 300 ? -ENOENT : i;
	pods_ask_anew(&b->pods);
	(void)finish_round(b);
	b->n_tells = 0;
	pods_learned(&b->pods);
	assert_int_equal(finish_round(b), TIMES(300));
	for (size_t i = 0; i < N_PODS; i++)
		assert_int_equal(b->n_asked[i], i < 300 ? 2 : 1);
	assert_int_equal(b->n_tells, 0);
	assert_int_equal(finish_round(b), 0);
	b->answer[299] = 4711;
	pods_learned(&b->pods);
	assert_int_equal(finish_round(b), TIMES(300));
	assert_told(b, 149);
	assert_int_equal(b->told[149][2], 4711);
	assert_int_equal(b->n_tells, 1); /* nobody else was told without it */
	assert_int_equal(b->n_asked[298], 3);
	assert_int_equal(b->n_asked[300], 1);
	bench_free(b);
}

static void a_round_asks_all_anew_and_forgets_who_is_gone(void **state)
{
	struct bench *b = bench_new();

	(void)state;
	pods_ask_anew(&b->pods);
	assert_int_equal(finish_round(b), TIMES(N_PODS));
	assert_int_equal(b->n_tells, N_FRONTENDS); /* it goes on where it stopped */
	b->answer[42] = 4711;
	b->answer[43] = -ENOENT;
	b->plan.n_frontends = 100;
	pods_ask_anew(&b->pods);
	assert_int_equal(finish_round(b), TIMES(200));
	for (size_t i = 0; i < 100; i++)
		assert_told(b, i);
	for (size_t i = 0; i < N_PODS; i++)
		assert_int_equal(b->n_asked[i], i < 200 ? 2 : 1);
	assert_int_equal(put_frontend(b, 200), 0);
	assert_false(pods_tick(&b->pods, &b->plan));
	assert_int_equal(b->n_asked[400], 2);
	bench_free(b);
}

/* All are known, by one answer for all: what a turn takes then is to tell of it. */
static void a_turn_tells_of_so_many(void **state)
{
	struct bench *b = bench_new();
	unsigned before;

	(void)state;
	for (size_t i = 0; i < N_FRONTENDS; i++) {
		for (size_t k = 0; k < 4; k++)
			b->targets[i][k].addr = b->targets[0][0].addr;
		b->frontends[i].lb.n_targets = 4;
	}
	b->answer[0] = 7;
	pods_ask_anew(&b->pods);
	assert_false(pods_tick(&b->pods, &b->plan));
	assert_true(answer(b));
	assert_true(pods_tick(&b->pods, &b->plan));
	assert_int_equal(b->n_tells, PODS_TOLD / 4);
	before = b->n_tells;
	assert_false(pods_tick(&b->pods, &b->plan));
	assert_int_equal(b->n_tells - before, N_FRONTENDS - before);
	assert_int_equal(b->n_asked[0], 1);
	bench_free(b);
}

static void a_row_that_is_held_is_left_alone(void **state)
{
	struct bench *b = bench_new();

	(void)state;
	pods_ask_anew(&b->pods);
	(void)finish_round(b);
	b->frontends[7].hold = true;
	b->answer[14] = 99;
	pods_ask_anew(&b->pods);
	(void)finish_round(b);
	assert_int_equal(b->told[7][0], 14);
	assert_int_equal(b->n_asked[14], 1);
	bench_free(b);
}

static void a_frontend_with_more_pods_than_are_asked_for_at_a_time_is_told_in_the_end(void **state)
{
	struct bench *b = bench_new();
	struct lb_target *many = xcalloc(N_PODS, sizeof(*many));

	(void)state;
	for (uint32_t i = 0; i < N_PODS; i++)
		many[i] = (struct lb_target){.addr = ip_addr_from_v4(0x0a000000 + i), .port = 80};
	b->plan.n_frontends = 1;
	b->frontends[0].lb.targets = many;
	b->frontends[0].lb.n_targets = N_PODS;
	for (size_t i = 0; i < 4; i++)
		b->targets[0][i].addr = many[i].addr;
	pods_ask_anew(&b->pods);
	for (unsigned i = 0; i < TIMES(N_PODS); i++) {
		assert_false(pods_tick(&b->pods, &b->plan));
		assert_int_equal(b->n_tells, 0);
		assert_true(answer(b));
	}
	b->frontends[0].lb.n_targets = 4; /* as many as told[] has room for */
	assert_false(pods_tick(&b->pods, &b->plan));
	assert_int_equal(b->n_tells, 1);
	assert_told(b, 0);
	free(many);
	bench_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_put_asks_for_its_pods_once_and_tells_them),
		cmocka_unit_test(of_all_frontends_only_those_that_were_put_are_looked_at),
		cmocka_unit_test(of_more_a_round_tells),
		cmocka_unit_test(what_was_put_and_is_wanted_no_more_is_not_told),
		cmocka_unit_test(a_turn_tells_of_so_many_that_were_put),
		cmocka_unit_test(only_who_lacked_a_pod_is_told_of_it),
		cmocka_unit_test(what_an_earlier_round_lacked_is_no_matter_of_the_next),
		cmocka_unit_test(a_put_that_failed_tells_nothing),
		cmocka_unit_test(so_many_are_asked_for_at_a_time),
		cmocka_unit_test(an_answer_of_an_earlier_round_is_asked_for_again),
		cmocka_unit_test(a_pod_that_nobody_names_any_more_may_be_answered),
		cmocka_unit_test(what_the_kernel_learned_is_asked_for),
		cmocka_unit_test(a_round_asks_all_anew_and_forgets_who_is_gone),
		cmocka_unit_test(a_turn_tells_of_so_many),
		cmocka_unit_test(a_row_that_is_held_is_left_alone),
		cmocka_unit_test(
			a_frontend_with_more_pods_than_are_asked_for_at_a_time_is_told_in_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
