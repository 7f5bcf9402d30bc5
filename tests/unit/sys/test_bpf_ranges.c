// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Source ranges in this machine's kernel: sets that are filled in turns, exchanged and emptied,
 * over restarts. What they do to packets is tested with the programs (tests/bpf).
 */
#include "bpf_under_test.h"

#define MANY 10000u

/* Frontend i with n ranges of 256 addresses each, from `first` on. */
static struct lb_frontend ranged(struct under_test *u, uint32_t i, uint32_t first, uint32_t n)
{
	struct ip_prefix *ranges = arena_array_of(u->arena, n, struct ip_prefix);
	struct lb_frontend f = web(u, i, 1);

	for (uint32_t k = 0; k < n; k++) {
		const struct ip_addr a = ip_addr_from_v4(first + (k << 8));

		ranges[k] = ip_prefix_of(&a, 24);
	}
	f.flags = LB_F_RANGES;
	f.ranges = ranges;
	f.n_ranges = n;
	f.ranges_name = lb_ranges_name(ranges, n);
	return f;
}

/* Ranges in the kernel's map, of all sets; *ret_sets: of how many. */
static unsigned count_ranges(struct under_test *u, unsigned *ret_sets)
{
	static bool seen[LB_RANGE_SETS];
	const int fd = pinned(u, "maps/ranges");
	struct lb_range key, next;
	const void *from = NULL;
	unsigned n = 0;

	memset(seen, 0, sizeof(seen));
	*ret_sets = 0;
	while (bpf_map_get_next_key(fd, from, &next) == 0) {
		key = next;
		from = &key;
		n++;
		assert_in_range(key.set, 1, LB_RANGE_SETS - 1);
		assert_int_equal(key.len, 32 + 96 + 24);
		*ret_sets += !seen[key.set];
		seen[key.set] = true;
	}
	close(fd);
	return n;
}

static void expect_ranges(struct under_test *u, unsigned n, unsigned n_sets)
{
	unsigned sets;

	assert_int_equal(count_ranges(u, &sets), n);
	assert_int_equal(sets, n_sets);
}

/* Until nothing is left to be emptied. */
static void tick(struct under_test *u)
{
	u->now += 2 * LB_REST_NS;
	for (int i = 0; i < 1000; i++)
		(void)bpf_dataplane_tick(u->dp, u->now);
}

static void put_vip(struct under_test *u, uint32_t i)
{
	struct lb_frontend f = vip(i);

	assert_int_equal(put(u, &f), 0);
}

static uint64_t dumped_name(struct under_test *u, uint32_t i)
{
	const struct lb_key key = web_key(i);
	const struct lb_actual *all;
	const size_t n = dump(u, &all);

	for (size_t k = 0; k < n; k++)
		if (lb_key_cmp(&all[k].key, &key) == 0)
			return all[k].ranges_name;
	fail_msg("it is not there");
	return 0;
}

static void ranges_are_put_exchanged_and_emptied(void **state)
{
	struct lb_frontend first, second, open;
	struct under_test u;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	put_vip(&u, 0);
	first = ranged(&u, 0, 0x0a000000, MANY);
	second = ranged(&u, 0, 0x0b000000, 5);
	open = web(&u, 0, 1);
	assert_int_equal(put(&u, &first), 0);
	expect_ranges(&u, MANY, 1);
	assert_int_equal(dumped_name(&u, 0), first.ranges_name);
	assert_int_equal(test(&u, 0), 0);
	assert_int_equal(put(&u, &second), 0);
	expect_ranges(&u, MANY + 5, 2); /* until no reader can be there any more */
	tick(&u);
	expect_ranges(&u, 5, 1);
	assert_int_equal(put(&u, &open), 0);
	assert_int_equal(dumped_name(&u, 0), 0);
	tick(&u);
	expect_ranges(&u, 0, 0);
	end(&u);
}

static void services_of_the_same_ranges_share_them(void **state)
{
	struct under_test u;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	for (uint32_t i = 0; i < 50; i++) {
		const struct lb_frontend f = ranged(&u, i, 0x0a000000, 100);

		put_vip(&u, i);
		assert_int_equal(put(&u, &f), 0);
	}
	expect_ranges(&u, 100, 1);
	for (uint32_t i = 0; i < 49; i++) {
		const struct lb_key key = web_key(i);

		assert_int_equal(u.store.ops->del(u.store.ctx, u.now, &key), 0);
	}
	tick(&u);
	expect_ranges(&u, 100, 1);
	assert_true(dumped_name(&u, 49) != 0);
	end(&u);
}

/* Whoever goes on in the next turn finds a frontend that is not there, or is as it was. */
static void many_ranges_take_turns(void **state)
{
	struct lb_frontend few, many, other;
	struct under_test u;
	unsigned turns = 0;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	put_vip(&u, 0);
	few = ranged(&u, 0, 0x0a000000, 3);
	many = ranged(&u, 0, 0x0b000000, MANY);
	other = ranged(&u, 0, 0x0d000000, MANY);
	assert_int_equal(put(&u, &few), 0);
	u.turn = 20 * NSEC_PER_USEC;
	reopen(&u);
	u.now += LB_REST_NS;
	assert_int_equal(put(&u, &other), -EINPROGRESS); /* and is given up then */
	while (put(&u, &many) == -EINPROGRESS) {
		assert_int_equal(dumped_name(&u, 0), few.ranges_name);
		u.now += NSEC_PER_MSEC;
		assert_in_range(++turns, 1, 10000);
	}
	assert_true(turns > 1);
	assert_int_equal(dumped_name(&u, 0), many.ranges_name);
	tick(&u);
	expect_ranges(&u, MANY, 1);
	end(&u);
}

/* What a process that died left half done is of no use to the next one; the rest is. */
static void restart_takes_over_what_has_a_name(void **state)
{
	struct lb_frontend first, other;
	struct under_test u;
	unsigned sets;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	put_vip(&u, 0);
	first = ranged(&u, 0, 0x0a000000, 300);
	other = ranged(&u, 0, 0x0b000000, MANY);
	assert_int_equal(put(&u, &first), 0);
	u.turn = 20 * NSEC_PER_USEC;
	reopen(&u);
	u.now += LB_REST_NS;
	do {
		u.now += NSEC_PER_MSEC;
		assert_int_equal(put(&u, &other), -EINPROGRESS);
	} while (count_ranges(&u, &sets) == 300);
	u.turn = 0;
	reopen(&u);
	assert_true(u.adopted);
	expect_ranges(&u, 300, 1);
	assert_int_equal(dumped_name(&u, 0), first.ranges_name);
	assert_int_equal(put(&u, &first), 0);
	expect_ranges(&u, 300, 1);
	assert_int_equal(put(&u, &other), 0);
	tick(&u);
	expect_ranges(&u, MANY, 1);
	end(&u);
}

/* None at all: a set of nobody, which is not the same as no set. */
static void an_empty_set_is_a_set(void **state)
{
	struct lb_frontend none;
	struct under_test u;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	put_vip(&u, 0);
	none = ranged(&u, 0, 0, 0);
	assert_int_equal(put(&u, &none), 0);
	assert_int_equal(dumped_name(&u, 0), none.ranges_name);
	assert_int_equal(test(&u, 0), 0);
	expect_ranges(&u, 0, 0);
	end(&u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges_are_put_exchanged_and_emptied),
		cmocka_unit_test(services_of_the_same_ranges_share_them),
		cmocka_unit_test(many_ranges_take_turns),
		cmocka_unit_test(restart_takes_over_what_has_a_name),
		cmocka_unit_test(an_empty_set_is_a_set),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
