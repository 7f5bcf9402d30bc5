// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Two processors at one line of the flow table, step by step: whatever one of them does is stopped
 * before each of its reads and writes of the table, and all that the other one does happens there.
 * Threads (test_lb_flow_table.c) meet such moments by chance, and some of them last a nanosecond.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <linux/types.h>

#include <cmocka.h>

#include "bpf/flow_entry.h"

/* --- stopping --------------------------------------------------------------------------------- */

static struct {
	int left;           /* steps until `other` happens; negative: it has, or will not */
	void (*other)(int); /* with this argument */
	int arg;
} stop;

static void step(void)
{
	if (stop.left >= 0 && stop.left-- == 0)
		stop.other(stop.arg);
}

#undef LB_FLOW_READ
#undef LB_FLOW_WRITE
#undef LB_FLOW_PUBLISH
#undef LB_FLOW_SWAP
#define LB_FLOW_READ(p)           (step(), *(const lb_flow_word *)(p))
#define LB_FLOW_WRITE(p, v)       (step(), (void)(*(lb_flow_word *)(p) = (v)))
#define LB_FLOW_PUBLISH(p, v)     LB_FLOW_WRITE(p, v)
#define LB_FLOW_SWAP(p, old, new) (step(), __sync_bool_compare_and_swap((p), (old), (new)))

/* --- a small table ---------------------------------------------------------------------------- */

#define LINES 16u
#define NOW   100u

typedef struct lb_flow_line *flow_table_t;
static struct lb_flow_line all[LINES];

static __u32 flow_table_lines(flow_table_t t)
{
	(void)t;
	return LINES;
}

static struct lb_flow_line *flow_line_at(flow_table_t t, __u32 index)
{
	return &t[index];
}

static flow_table_t flow_table_left(flow_table_t t)
{
	(void)t;
	return NULL;
}

static void flow_moved(__u64 rest)
{
	(void)rest;
}

#include "bpf/flow_insert.h"

#define FIRST  1u
#define SECOND 2u
#define N_OLD  8 /* flows that fill both lines; flow i may also lie in line 4 + i, see hash_of() */
#define NEWER  8 /* these may lie in either of them, and begin */
#define NEWEST 9
#define N_ALL  10

static __u64 hash_of(int i)
{
	const __u64 number = (__u64)(i + 1) << 50;

	if (i >= N_OLD)
		return number | (__u64)SECOND << 32 | FIRST;
	if (i < N_OLD / 2) /* it lies in the first of its lines */
		return number | (__u64)(4 + i) << 32 | FIRST;
	return number | (__u64)SECOND << 32 | (4 + (__u64)i);
}

static __u64 rest_of(int i, __u32 state, __u8 age)
{
	return lb_rest((__u16)i, (__u16)(100 + i), 7, lb_flow_state(state, false, 1), age);
}

static bool find(int i, __u64 *ret_rest)
{
	return lb_flow_find(all, hash_of(i), ret_rest) != NULL;
}

/* --- what is done ----------------------------------------------------------------------------- */

enum { E = LB_FLOW_ESTABLISHED, N = LB_FLOW_NEW };

/* How the two lines are filled, and who of that may have gone when two flows have begun. */
static const struct fill {
	__u32 states[N_OLD];
	__u8 silent[N_OLD];
	int roomy;    /* this flow's other line has room; none: -1 */
	int free_way; /* of the first line; none: -1 */
	__u32 may_go; /* bits of flows */
} fills[] = {
	{{E, E, E, E, E, E, E, E}, {1, 2, 3, 4, 1, 1, 1, 1}, -1, 2, 1 << 2 | 1 << 3},
	{{E, N, E, E, N, E, N, E}, {9, 2, 9, 9, 1, 9, 3, 9}, -1, -1, 1 << 1 | 1 << 6 | 1 << 4},
	{{E, E, E, E, E, E, E, N}, {1, 2, 3, 4, 1, 1, 1, 1}, 3, -1, 1 << 7},
	{{E, E, E, E, E, E, E, E}, {1, 2, 3, 4, 1, 1, 1, 1}, 3, -1, 1 << 2 | 1 << 3},
	{{E, E, N, E, E, E, E, E}, {1, 2, 200, 4, 1, 1, 1, 1}, 3, -1, 1 << 2},
	{{E, E, E, E, E, E, E, N}, {1, 2, 3, 4, 1, 1, 1, 1}, 6, -1, 1 << 7},
	{{E, E, E, E, E, E, E, E}, {1, 2, 3, 4, 1, 1, 1, 1}, 6, -1, 1 << 2 | 1 << 3},
};
#define N_FILLS ((int)(sizeof(fills) / sizeof(*fills)))

static void fill(const struct fill *f)
{
	memset(all, 0, sizeof(all));
	for (int i = 0; i < N_OLD; i++) {
		struct lb_flow_line *own = &all[i < N_OLD / 2 ? FIRST : SECOND];
		struct lb_flow_line *other = &all[4 + i];

		*lb_flow_rest_of(&own->way[i % 4]) =
			rest_of(i, f->states[i], (__u8)(NOW - f->silent[i]));
		own->way[i % 4].hash = hash_of(i);
		for (int k = 0; k < 4; k++) {
			*lb_flow_rest_of(&other->way[k]) = rest_of(40 + k, E, NOW);
			other->way[k].hash = (__u64)(100 + 4 * i + k) << 50 | (__u32)(4 + i);
		}
	}
	if (f->roomy >= 0)
		all[4 + f->roomy].way[2].hash = LB_FLOW_FREE;
	if (f->free_way >= 0)
		all[FIRST].way[f->free_way].hash = LB_FLOW_FREE;
}

static int made[N_ALL]; /* what came of it; of begins(): an lb_flow_made */

static void begins(int i)
{
	const struct lb_flow_new n = {hash_of(i), rest_of(i, E, NOW), NOW};

	made[i] = lb_flow_insert(all, &n);
}

static void is_heard_of(int i)
{
	__u64 rest;
	struct lb_flow *way = lb_flow_find(all, hash_of(i), &rest);

	made[i] = way && lb_flow_change(way, rest, lb_rest_with_age(rest, NOW + 1));
}

static void ends(int i)
{
	__u64 rest;
	struct lb_flow *way = lb_flow_find(all, hash_of(i), &rest);

	made[i] = way && lb_flow_free(way, hash_of(i), rest);
}

/* Whoever may not go is found, and nobody is given what is another's. */
static void look(const struct fill *f, int i)
{
	__u64 rest = 0;
	const bool found = find(i, &rest);

	if (found)
		assert_int_equal(lb_rest_slot(rest), i);
	else if (i < N_OLD && i != f->free_way)
		assert_true(f->may_go >> i & 1);
}

static const struct fill *looked_at;

static void looks(int unused)
{
	(void)unused;
	for (int i = 0; i < N_ALL; i++)
		look(looked_at, i);
}

/* Runs `one`, and `other` before its step `at`; false: it had no such step. */
static bool run(const struct fill *f, int at, void (*one)(int), int one_arg, void (*other)(int),
		int other_arg)
{
	fill(f);
	memset(made, 0, sizeof(made));
	looked_at = f;
	stop.left = at;
	stop.other = other;
	stop.arg = other_arg;
	one(one_arg);
	at = stop.left;
	stop.left = -1;
	return at < 0;
}

/* --- claims ----------------------------------------------------------------------------------- */

static void whoever_looks_while_a_flow_begins_gets_no_wrong_answer(void **state)
{
	(void)state;
	for (int f = 0; f < N_FILLS; f++) {
		int at = 0;
		__u64 rest;

		for (; run(&fills[f], at, begins, NEWER, looks, 0); at++) {
			assert_true(made[NEWER] >= LB_FLOW_MADE);
			assert_true(find(NEWER, &rest));
			looks(0);
		}
		assert_true(at > 4);
	}
}

static void a_flow_that_begins_while_one_looks_gives_no_wrong_answer(void **state)
{
	(void)state;
	for (int f = 0; f < N_FILLS; f++)
		for (int at = 0; run(&fills[f], at, looks, 0, begins, NEWER); at++)
			assert_true(made[NEWER] >= LB_FLOW_MADE);
}

/* That is why who changes something compares with what was read. */
static void what_changes_meanwhile_is_kept_or_said_to_be_lost(void **state)
{
	(void)state;
	for (int f = 0; f < N_FILLS; f++) {
		for (int who = 0; who < N_OLD; who++) {
			__u64 rest = 0;

			if (fills[f].may_go >> who & 1)
				continue;
			for (int at = 0; run(&fills[f], at, begins, NEWER, is_heard_of, who);
			     at++) {
				assert_true(find(who, &rest));
				assert_int_equal(lb_rest_age(rest) == NOW + 1, made[who]);
			}
			for (int at = 0; run(&fills[f], at, is_heard_of, who, begins, NEWER);
			     at++) {
				assert_true(find(who, &rest));
				assert_int_equal(lb_rest_age(rest) == NOW + 1, made[who]);
			}
		}
	}
}

/* Whoever began has an entry, or was told that it has none. */
static void look_for_newer(void)
{
	__u64 rest;

	assert_int_equal(find(NEWER, &rest), made[NEWER] >= LB_FLOW_MADE);
}

/* One that ends does not come back by a copy. */
static void what_ends_meanwhile_has_ended(void **state)
{
	(void)state;
	for (int f = 0; f < N_FILLS; f++) {
		for (int who = 0; who < N_OLD; who++) {
			__u64 rest;

			if (fills[f].may_go >> who & 1)
				continue;
			for (int at = 0; run(&fills[f], at, begins, NEWER, ends, who); at++) {
				assert_int_equal(find(who, &rest), !made[who]);
				look_for_newer();
			}
			for (int at = 0; run(&fills[f], at, ends, who, begins, NEWER); at++) {
				assert_int_equal(find(who, &rest), !made[who]);
				look_for_newer();
			}
		}
	}
}

/* Both have an entry, or are told that they have none; nobody else loses one that would not. */
static void two_that_begin_get_a_place_each(void **state)
{
	(void)state;
	for (int f = 0; f < N_FILLS; f++) {
		for (int at = 0; run(&fills[f], at, begins, NEWER, begins, NEWEST); at++) {
			__u64 rest;

			assert_true(made[NEWEST] >= LB_FLOW_MADE);
			assert_true(find(NEWEST, &rest));
			assert_int_equal(find(NEWER, &rest), made[NEWER] >= LB_FLOW_MADE);
			looks(0);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whoever_looks_while_a_flow_begins_gets_no_wrong_answer),
		cmocka_unit_test(a_flow_that_begins_while_one_looks_gives_no_wrong_answer),
		cmocka_unit_test(what_changes_meanwhile_is_kept_or_said_to_be_lost),
		cmocka_unit_test(what_ends_meanwhile_has_ended),
		cmocka_unit_test(two_that_begin_get_a_place_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
