// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The table of fragmented packets on plain memory: who finds what, who goes, and that nobody is
 * ever given another's, also while two threads write the same lines.
 */
#include "fixture.h"

#include "base/rng.h"

#include <pthread.h>

#include "bpf/fragment_table.h"

#define NOW 10000

static uint64_t hash_in_line(uint32_t line, uint32_t i)
{
	return line | (uint64_t)(i + 1) << 32;
}

static bool enter(struct lb_fragment_line *line, uint64_t hash, uint32_t target, uint16_t now)
{
	return lb_fragment_enter(line, hash, lb_fragment_rest(target, 1, 0, now), now);
}

/* The target that is found, or -1. */
static int64_t find(struct lb_fragment_line *line, uint64_t hash, uint16_t now)
{
	__u64 rest;
	struct lb_fragment *way = lb_fragment_find(line, hash, now, &rest);

	return way ? (int64_t)lb_fragment_target(rest) : -1;
}

static void follow(struct lb_fragment_line *line, uint64_t hash, uint16_t now)
{
	__u64 rest;
	struct lb_fragment *way = lb_fragment_find(line, hash, now, &rest);

	assert_non_null(way);
	lb_fragment_follow(way, rest);
}

static void what_is_entered_is_found_as_it_was(void **state)
{
	struct lb_fragment_line line = {0};
	struct lb_fragment *way;
	__u64 rest;

	(void)state;
	for (uint32_t i = 0; i < 4; i++) {
		const __u64 to = lb_fragment_rest(0xfffffff0u + i, (__u8)(250 + i), 0, NOW);

		assert_true(lb_fragment_enter(&line, hash_in_line(0, i), to, NOW));
	}
	for (uint32_t i = 0; i < 4; i++) {
		way = lb_fragment_find(&line, hash_in_line(0, i), NOW, &rest);
		assert_non_null(way);
		assert_int_equal(lb_fragment_target(rest), 0xfffffff0u + i);
		assert_int_equal(way->target, 0xfffffff0u + i);
		assert_int_equal(lb_fragment_gen(rest), 250 + i);
		assert_int_equal(way->gen, 250 + i);
		assert_int_equal(way->age, NOW);
		assert_int_equal(way->state, 0);
		lb_fragment_follow(way, rest);
		assert_int_equal(way->state, LB_FRAGMENT_FOLLOWED);
		assert_int_equal(way->gen, 250 + i);
		assert_int_equal(way->age, NOW);
	}
	assert_int_equal(find(&line, hash_in_line(0, 4), NOW), -1);
}

static void the_same_packet_has_one_entry_the_last(void **state)
{
	struct lb_fragment_line line = {0};
	unsigned n = 0;

	(void)state;
	for (uint32_t i = 0; i < 4; i++)
		assert_true(enter(&line, hash_in_line(0, i), i, NOW));
	follow(&line, hash_in_line(0, 2), NOW);
	assert_true(enter(&line, hash_in_line(0, 2), 77, NOW));
	assert_int_equal(find(&line, hash_in_line(0, 2), NOW), 77);
	for (int i = 0; i < LB_FRAGMENT_WAYS; i++)
		n += line.way[i].hash == hash_in_line(0, 2);
	assert_int_equal(n, 1);
	for (uint32_t i = 0; i < 4; i++)
		assert_true(find(&line, hash_in_line(0, i), NOW) >= 0);
}

static void an_entry_lives_for_half_a_minute(void **state)
{
	(void)state;
	for (uint32_t begin = 0; begin < 65536; begin += 4099) {
		struct lb_fragment_line line = {0};
		uint16_t age = (uint16_t)begin;

		assert_true(enter(&line, hash_in_line(0, 0), 5, age));
		assert_int_equal(
			find(&line, hash_in_line(0, 0), (uint16_t)(age + LB_FRAGMENT_AGES)), 5);
		assert_int_equal(
			find(&line, hash_in_line(0, 0), (uint16_t)(age + LB_FRAGMENT_AGES + 1)),
			-1);
	}
}

/* Unused, dead, alone by age, followed by age. */
static void who_is_needed_least_goes(void **state)
{
	struct lb_fragment_line line = {0};

	(void)state;
	assert_true(enter(&line, hash_in_line(0, 0), 0, NOW - 3));
	assert_true(enter(&line, hash_in_line(0, 1), 1, NOW - 2));
	assert_true(enter(&line, hash_in_line(0, 2), 2, NOW - LB_FRAGMENT_AGES - 1)); /* dead */
	follow(&line, hash_in_line(0, 0), NOW);
	assert_true(enter(&line, hash_in_line(0, 3), 3, NOW - 1));
	for (int i = 0; i < LB_FRAGMENT_WAYS; i++)
		assert_true(line.way[i].hash != LB_FLOW_UNUSED);
	assert_true(enter(&line, hash_in_line(0, 4), 4, NOW));
	assert_int_equal(find(&line, hash_in_line(0, 2), NOW - LB_FRAGMENT_AGES - 1), -1);
	assert_true(enter(&line, hash_in_line(0, 5), 5, NOW));
	assert_int_equal(find(&line, hash_in_line(0, 1), NOW), -1); /* the oldest that is alone */
	assert_true(enter(&line, hash_in_line(0, 6), 6, NOW));
	assert_int_equal(find(&line, hash_in_line(0, 3), NOW), -1);
	assert_int_equal(find(&line, hash_in_line(0, 0), NOW), 0);
	for (uint32_t i = 4; i < 7; i++)
		follow(&line, hash_in_line(0, i), NOW);
	assert_true(enter(&line, hash_in_line(0, 7), 7, NOW));
	assert_int_equal(find(&line, hash_in_line(0, 0), NOW), -1); /* the oldest of all */
	follow(&line, hash_in_line(0, 7), NOW);
	for (uint32_t i = 4; i < 8; i++)
		assert_int_equal(find(&line, hash_in_line(0, i), NOW), i);
}

/* For 64 ms it counts for something to have been followed. */
static void to_have_been_followed_counts_for_a_while(void **state)
{
	(void)state;
	for (uint16_t later = 0; later < 2 * LB_FRAGMENT_ALONE; later++) {
		struct lb_fragment_line line = {0};
		uint16_t now = (uint16_t)(NOW + later);

		assert_true(enter(&line, hash_in_line(0, 0), 0, NOW));
		follow(&line, hash_in_line(0, 0), NOW);
		for (uint32_t i = 1; i < 4; i++)
			assert_true(enter(&line, hash_in_line(0, i), i, now));
		if (later == LB_FRAGMENT_ALONE)
			continue; /* equals */
		assert_true(enter(&line, hash_in_line(0, 4), 4, now));
		assert_int_equal(find(&line, hash_in_line(0, 0), now),
				 later < LB_FRAGMENT_ALONE ? 0 : -1);
	}
}

/* Nor is it always the same way that goes, among equals. */
static void equals_go_by_the_newcomers_hash(void **state)
{
	unsigned gone[LB_FRAGMENT_WAYS] = {0};

	(void)state;
	for (uint32_t i = 0; i < 4; i++) {
		struct lb_fragment_line line = {0};

		for (uint32_t j = 0; j < 4; j++)
			line.way[j] = (struct lb_fragment){
				.hash = hash_in_line(0, 100 + j), .target = j, .age = NOW};
		assert_true(enter(&line, hash_in_line(0, i), 9, NOW));
		for (uint32_t j = 0; j < 4; j++)
			gone[j] += line.way[j].target == 9;
	}
	for (uint32_t j = 0; j < 4; j++)
		assert_int_equal(gone[j], 1);
}

static void a_way_that_is_being_written_is_nobodys(void **state)
{
	struct lb_fragment_line line = {0};

	(void)state;
	for (int i = 0; i < LB_FRAGMENT_WAYS; i++)
		line.way[i].hash = LB_FLOW_WRITING;
	assert_false(enter(&line, hash_in_line(0, 0), 9, NOW));
	line.way[2].hash = hash_in_line(0, 1);
	line.way[2].age = NOW;
	assert_true(enter(&line, hash_in_line(0, 0), 9, NOW));
	assert_int_equal(line.way[2].hash, hash_in_line(0, 0));
	assert_int_equal(line.way[0].hash, LB_FLOW_WRITING);
}

/*
 * Under a flood of first fragments, honest packets of two to five fragments, of which the second
 * comes while eight of the flood have: nearly all are whole. The table is full of the flood before.
 */
static void a_flood_of_first_fragments_costs_honest_packets_little(void **state)
{
	enum { PACKETS = 20000, BETWEEN = 8 };
	struct lb_fragment_line *table = calloc(LB_FRAGMENT_LINES, sizeof(*table));
	uint64_t seed = 1, lost_second = 0, lost_later = 0;
	struct rng rng;

	(void)state;
	rng_seed(&rng, seed);
	for (uint32_t i = 0; i < PACKETS; i++) {
		uint16_t now = (uint16_t)(NOW + i / 5);
		uint64_t honest = rng_next(&rng) | 4;

		assert_true(enter(&table[lb_fragment_line_of(honest)], honest, i, now));
		for (int piece = 0; piece < 2; piece++) {
			/* the second, then those behind it, for which it waits a hundred times as
			 * long */
			for (int k = 0; k < (piece ? 100 * BETWEEN : BETWEEN); k++) {
				uint64_t forged = rng_next(&rng) | 4;

				(void)enter(&table[lb_fragment_line_of(forged)], forged, ~0u, now);
			}
			if (find(&table[lb_fragment_line_of(honest)], honest, now) == i)
				follow(&table[lb_fragment_line_of(honest)], honest, now);
			else if (piece)
				lost_later++;
			else
				lost_second++;
		}
	}
	free(table);
	print_message("  of %d packets %llu lost by the second fragment, %llu later\n", PACKETS,
		      (unsigned long long)lost_second, (unsigned long long)lost_later);
	assert_in_range(lost_second, 0, PACKETS / 1000);
	assert_in_range(lost_later, lost_second, lost_second + PACKETS / 1000);
}

/* --- two writers ------------------------------------------------------------------------------ */

struct race {
	struct lb_fragment_line *lines;
	uint64_t seed;
	uint64_t found, wrong;
};

/* Keys 0..63 in four lines, each with the one target that is its own. */
static void *race_thread(void *arg)
{
	struct race *r = arg;
	struct rng rng;

	rng_seed(&rng, r->seed);
	for (int i = 0; i < 1000000; i++) {
		uint32_t key = (uint32_t)(rng_next(&rng) % 64);
		uint64_t hash = hash_in_line(key % 4, key);
		int64_t got;

		if (rng_next(&rng) % 2) {
			(void)enter(&r->lines[key % 4], hash, key * 7, NOW);
			continue;
		}
		got = find(&r->lines[key % 4], hash, NOW);
		r->found += got >= 0;
		r->wrong += got >= 0 && got != (int64_t)key * 7;
	}
	return NULL;
}

static void nobody_is_given_anothers_target(void **state)
{
	struct lb_fragment_line lines[4] = {0};
	struct race a = {.lines = lines, .seed = 1}, b = {.lines = lines, .seed = 2};
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, race_thread, &a), 0);
	race_thread(&b);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(a.wrong + b.wrong, 0);
	assert_true(a.found + b.found > 10000);
	for (int i = 0; i < 16; i++)
		assert_true(lines[i / 4].way[i % 4].hash > LB_FLOW_WRITING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_entered_is_found_as_it_was),
		cmocka_unit_test(the_same_packet_has_one_entry_the_last),
		cmocka_unit_test(an_entry_lives_for_half_a_minute),
		cmocka_unit_test(who_is_needed_least_goes),
		cmocka_unit_test(to_have_been_followed_counts_for_a_while),
		cmocka_unit_test(equals_go_by_the_newcomers_hash),
		cmocka_unit_test(a_way_that_is_being_written_is_nobodys),
		cmocka_unit_test(a_flood_of_first_fragments_costs_honest_packets_little),
		cmocka_unit_test(nobody_is_given_anothers_target),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
