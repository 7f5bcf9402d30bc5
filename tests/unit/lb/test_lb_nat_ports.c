// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* bpf/nat_ports.h: which ports a flow may leave by, and the sum over what is kept of it. */
#include "fixture.h"

#include "bpf/nat_ports.h"

static void a_range_is_told_in_a_word(void **state)
{
	const uint64_t range = lb_nat_range(16384, 16384);

	(void)state;
	assert_int_equal(lb_nat_first(range), 16384);
	assert_int_equal(lb_nat_count(range), 16384);
	assert_int_equal(lb_nat_line_of(range, 16384), 0);
	assert_int_equal(lb_nat_line_of(range, 32767), 16383);
	assert_true(lb_nat_line_of(range, 16383) >= lb_nat_count(range));
	assert_true(lb_nat_line_of(range, 32768) >= lb_nat_count(range));
	assert_true(lb_nat_line_of(range, 0) >= lb_nat_count(range));
	assert_int_equal(lb_nat_count(0), 0);
	/* Whatever the word holds, no line is beyond the table. */
	assert_int_equal(lb_nat_count(lb_nat_range(1, 65535)), LB_NAT_LINES);
}

/* Every port of a range is somebody's, and none is outside of it. */
static void all_ports_of_a_range_are_used_alike(void **state)
{
	static const uint32_t counts[] = {1, 2, 3, 100, 16384};
	static unsigned used[LB_NAT_LINES];
	struct rng rng;

	(void)state;
	rng_seed(&rng, 1);
	for (size_t c = 0; c < ARRAY_SIZE(counts); c++) {
		const unsigned flows = counts[c] * 64;

		memset(used, 0, sizeof(used));
		for (unsigned i = 0; i < flows; i++) {
			const uint64_t hash = rng_next(&rng);

			for (unsigned k = 0; k < LB_NAT_TRIES; k++) {
				const uint32_t line = lb_nat_line(hash, k, counts[c]);

				assert_true(line < counts[c]);
				used[line]++;
			}
		}
		for (unsigned i = 0; i < counts[c]; i++) /* of 512 each; eight deviations */
			assert_in_range(used[i], 330, counts[c] == 1 ? 512 : 700);
	}
}

/* Of a flow's ports nearly all differ, so that where one is taken there are others. */
static void a_flow_has_several_ports(void **state)
{
	unsigned doubles = 0;
	struct rng rng;

	(void)state;
	rng_seed(&rng, 2);
	for (unsigned i = 0; i < 10000; i++) {
		const uint64_t hash = rng_next(&rng);

		for (unsigned k = 0; k < LB_NAT_TRIES; k++)
			for (unsigned j = 0; j < k; j++)
				doubles += lb_nat_line(hash, k, LB_NAT_LINES) ==
					   lb_nat_line(hash, j, LB_NAT_LINES);
	}
	assert_in_range(doubles, 0, 60); /* 28 pairs each: 17 by chance */
}

/* A reader between two writers has some of one and some of the other. */
static void each_octet_of_what_is_kept_counts_in_its_sum(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed(&rng, 3);
	for (unsigned round = 0; round < 100; round++) {
		struct lb_nat n = {.domain = 0};
		const uint64_t hash = rng_next(&rng);

		for (size_t i = 0; i < offsetof(struct lb_nat, zero); i++)
			((uint8_t *)&n)[i] = (uint8_t)rng_next(&rng);
		n.uplink = (uint32_t)rng_next(&rng);
		for (size_t i = 0; i < offsetof(struct lb_nat, sum); i++) {
			struct lb_nat other = n;

			if (i >= offsetof(struct lb_nat, zero) &&
			    i < offsetof(struct lb_nat, uplink))
				continue;
			((uint8_t *)&other)[i] ^= (uint8_t)(1u << round % 8);
			assert_int_not_equal(lb_nat_sum(&n, hash), lb_nat_sum(&other, hash));
		}
		assert_int_not_equal(lb_nat_sum(&n, hash), lb_nat_sum(&n, hash ^ 1));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_range_is_told_in_a_word),
		cmocka_unit_test(all_ports_of_a_range_are_used_alike),
		cmocka_unit_test(a_flow_has_several_ports),
		cmocka_unit_test(each_octet_of_what_is_kept_counts_in_its_sum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
