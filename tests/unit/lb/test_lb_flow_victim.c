// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Who of a full line is given up is computed without a branch (bpf/flow_victim.h); here it is held
 * against the same in plain words.
 */
#include "flow_fixture.h"

static uint32_t plain_rank(uint64_t rest, uint8_t now)
{
	if (lb_rest_is_dead(rest, now))
		return LB_FLOW_RANK_DEAD | lb_rest_silence(rest, now);
	if (lb_rest_is_spare(rest))
		return LB_FLOW_RANK_SPARE | lb_rest_silence(rest, now);
	return LB_FLOW_RANK_ESTABLISHED | lb_rest_silence(rest, now);
}

static void an_entrys_rank_is_what_is_said_of_it(void **state)
{
	(void)state;
	for (uint32_t state_byte = 0; state_byte < 32; state_byte++) {
		for (uint32_t at = 0; at < 256 * 256; at++) {
			uint64_t rest = lb_rest(7, 8, 9, (uint8_t)state_byte, (uint8_t)at);
			uint8_t now = (uint8_t)(at >> 8);

			if (lb_flow_rank(rest, now) != plain_rank(rest, now))
				fail_msg("state %x, age %u, now %u", state_byte, at & 255, now);
		}
	}
}

/* Of equals the first one; what is free or being written is nobody. */
static struct lb_flow_victim plain_choice(struct lb_flow_line *const lines[2])
{
	struct lb_flow_victim v = {.rank = 0};

	for (uint16_t i = 0; i < 2 * LB_FLOW_WAYS; i++) {
		struct lb_flow *way = &lines[i / LB_FLOW_WAYS]->way[i % LB_FLOW_WAYS];
		uint64_t rest = line_rest(way);

		if (way->hash == LB_FLOW_UNUSED || way->hash == LB_FLOW_FREE)
			v.n_free++;
		if (way->hash <= LB_FLOW_FREE)
			continue;
		v.n_spare = (uint16_t)(v.n_spare + lb_rest_is_spare(rest));
		if (plain_rank(rest, NOW) <= v.rank)
			continue;
		v.rank = (uint16_t)plain_rank(rest, NOW);
		v.way = i;
		v.hash = way->hash;
	}
	return v;
}

/* Few kinds of entries, so that many are equal. */
static void lay(struct lb_flow_line *line, struct rng *rng)
{
	for (int i = 0; i < LB_FLOW_WAYS; i++) {
		uint64_t hash = rng_below(rng, 12);

		line->way[i].hash =
			hash <= LB_FLOW_FREE ? hash : hash << 60 | rng_next(rng) >> 4 | 4;
		*lb_flow_rest_of(&line->way[i]) =
			lb_rest(1, 2, 3, (uint8_t)rng_below(rng, 16),
				(uint8_t)(NOW - (rng_below(rng, 2) ? 0 : rng_below(rng, 256))));
	}
}

static void of_two_lines_the_most_dispensable_goes(void **state)
{
	struct lb_flow_line first, second, *const lines[] = {&first, &second};
	struct rng rng;

	(void)state;
	rng_seed(&rng, 5);
	for (uint32_t n = 0; n < 200000; n++) {
		struct lb_flow_victim v = {.rank = 0}, want;

		lay(&first, &rng);
		lay(&second, &rng);
		want = plain_choice(lines);
		assert_true(lb_flow_judge(&first, NOW, 0, &v));
		assert_true(lb_flow_judge(&second, NOW, LB_FLOW_WAYS, &v));
		assert_true(v.hash == want.hash);
		assert_int_equal(v.rank, want.rank);
		assert_int_equal(v.way, want.way);
		assert_int_equal(v.n_spare, want.n_spare);
		assert_int_equal(v.n_free, want.n_free);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_entrys_rank_is_what_is_said_of_it),
		cmocka_unit_test(of_two_lines_the_most_dispensable_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
