// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Blackholes in this machine's kernel: put, changed and taken back, counted, adopted by the next
 * run, healed, at their limit, and a map that takes no more. What they do to packets is tested with
 * the programs (tests/bpf), and what they do to bits of destinations with the tables
 * (tests/unit/lb).
 */
#include "bpf_under_test.h"
#include "refuse.h"

#include "sys/bpf_maps.h"

#include <linux/bpf.h>

static int cmp_discard(const void *a, const void *b)
{
	return lb_discard_cmp(a, b);
}

/* n of them from the i-th on, of four lengths, both families and three domains. */
static struct lb_discard *list_of(struct under_test *u, uint32_t i, uint32_t n)
{
	struct lb_discard *ret = arena_array_of(u->arena, n, struct lb_discard);

	for (uint32_t k = 0; k < n; k++) {
		const uint32_t at = i + k;
		struct ip_addr a = ip_addr_from_v4(0x0a000000 + (at << 8));

		if (at % 2) {
			a = (struct ip_addr){.b = {0x20, 0x01}};
			a.b[14] = (uint8_t)at;
			a.b[13] = (uint8_t)(at >> 8);
		}
		memset(&ret[k], 0, sizeof(ret[k]));
		ret[k].prefix = ip_prefix_of(&a, (uint8_t)(ip_addr_bits(&a) - at % 4 * 2));
		ret[k].domain = (uint16_t)(at % 3 * 1000);
	}
	qsort(ret, n, sizeof(*ret), cmp_discard);
	return ret;
}

static int apply(struct under_test *u, const struct lb_discard *want, size_t n)
{
	const struct lb_ways ways = bpf_dataplane_ways(u->dp);

	return ways.ops->discards(ways.ctx, u->now, want, n);
}

/* As the programs read it: length, domain and address (bpf/abi.h). */
static struct lb_range wire_of(const struct lb_discard *d)
{
	const unsigned above = ip_addr_is_v4(&d->prefix.addr) ? 96 : 0;
	struct lb_range ret = {.len = LB_RANGE_SET_BITS + above + d->prefix.len, .set = d->domain};

	memcpy(ret.addr, d->prefix.addr.b, sizeof(ret.addr));
	return ret;
}

static uint32_t place_of(struct under_test *u, const struct lb_discard *d)
{
	const int fd = pinned(u, "maps/blackholes");
	const struct lb_range key = wire_of(d);
	uint32_t place = LB_BLACKHOLES;

	assert_int_equal(bpf_map_lookup_elem(fd, &key, &place), 0);
	close(fd);
	assert_in_range(place, 0, LB_BLACKHOLES - 1);
	return place;
}

static bool is_looked_at(struct under_test *u, const struct ip_addr *a)
{
	const int fd = pinned(u, "maps/vip_bits");
	uint32_t words[4], at;
	uint64_t word;

	memcpy(words, a->b, sizeof(words));
	at = lb_vip_bit(words) / 64;
	assert_int_equal(bpf_map_lookup_elem(fd, &at, &word), 0);
	close(fd);
	return word >> lb_vip_bit(words) % 64 & 1;
}

/* The kernel has these, each at a place of its own, and no other; and so it is told. */
static void expect_only(struct under_test *u, const struct lb_discard *want, size_t n)
{
	const int fd = pinned(u, "maps/blackholes");
	bool taken[LB_BLACKHOLES] = {false};
	const struct lb_discard *list;
	const void *from = NULL;
	struct lb_range key, next;
	size_t n_there = 0, n_told;

	while (bpf_map_get_next_key(fd, from, &next) == 0) {
		key = next;
		from = &key;
		n_there++;
	}
	close(fd);
	assert_int_equal(n_there, n);
	list = bpf_dataplane_discards(u->dp, u->arena, &n_told);
	assert_int_equal(n_told, n);
	for (size_t i = 0; i < n; i++) {
		const uint32_t place = place_of(u, &want[i]);

		assert_false(taken[place]);
		taken[place] = true;
		assert_int_equal(lb_discard_cmp(&list[i], &want[i]), 0);
		assert_true(is_looked_at(u, &want[i].prefix.addr));
	}
}

/* As if packets had been dropped for it, on each processor. */
static void drop(struct under_test *u, const struct lb_discard *d, uint64_t packets)
{
	const int fd = pinned(u, "maps/blackhole_drops"), n_cpus = libbpf_num_possible_cpus();
	uint64_t *values = arena_array_of(u->arena, (size_t)n_cpus, uint64_t);
	const uint32_t place = place_of(u, d);

	for (int i = 0; i < n_cpus; i++)
		values[i] = packets;
	assert_int_equal(bpf_map_update_elem(fd, &place, values, BPF_ANY), 0);
	close(fd);
}

static uint64_t drops(struct under_test *u, const struct lb_discard *d)
{
	uint64_t ret = 99;

	assert_true(bpf_dataplane_discard_drops(u->dp, d, &ret));
	return ret;
}

static void they_are_put_changed_and_taken_back(void **state)
{
	const struct lb_discard *want;
	struct under_test u;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	expect_only(&u, NULL, 0);
	want = list_of(&u, 0, 40);
	assert_int_equal(apply(&u, want, 40), 0);
	expect_only(&u, want, 40);
	want = list_of(&u, 20, 40);
	assert_int_equal(apply(&u, want, 40), 0);
	expect_only(&u, want, 40);
	assert_int_equal(apply(&u, want, 40), 0);
	expect_only(&u, want, 40);
	assert_int_equal(apply(&u, NULL, 0), 0);
	expect_only(&u, NULL, 0);
	assert_false(is_looked_at(&u, &want[0].prefix.addr));
	end(&u);
}

/* One prefix in two domains is two; each counts from nothing, and on as long as it is there. */
static void each_counts_what_was_dropped_for_it(void **state)
{
	struct lb_discard *want, other;
	const int n_cpus = libbpf_num_possible_cpus();
	struct under_test u;
	uint64_t told = 1;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	want = list_of(&u, 0, 2);
	want[1].prefix = want[0].prefix;
	want[0].domain = 7;
	want[1].domain = 8;
	assert_int_equal(apply(&u, want, 2), 0);
	drop(&u, &want[0], 5);
	drop(&u, &want[1], 3);
	assert_int_equal(drops(&u, &want[0]), 5 * n_cpus);
	assert_int_equal(drops(&u, &want[1]), 3 * n_cpus);
	reopen(&u);
	assert_int_equal(drops(&u, &want[0]), 5 * n_cpus);
	assert_int_equal(apply(&u, &want[1], 1), 0);
	assert_int_equal(drops(&u, &want[1]), 3 * n_cpus);
	assert_false(bpf_dataplane_discard_drops(u.dp, &want[0], &told));
	assert_int_equal(told, 0);
	/* Another one comes to its place. */
	other = list_of(&u, 9, 1)[0];
	want[0] = lb_discard_cmp(&other, &want[1]) < 0 ? other : want[1];
	want[1] = lb_discard_cmp(&other, &want[1]) < 0 ? want[1] : other;
	assert_int_equal(apply(&u, want, 2), 0);
	assert_int_equal(drops(&u, &other), 0);
	end(&u);
}

static void the_next_run_takes_over_what_is_there(void **state)
{
	const struct lb_discard *want;
	struct under_test u;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	want = list_of(&u, 0, 40);
	assert_int_equal(apply(&u, want, 40), 0);
	reopen(&u);
	assert_true(u.adopted);
	expect_only(&u, want, 40);
	assert_int_equal(apply(&u, want + 1, 39), 0);
	expect_only(&u, want + 1, 39);
	assert_int_equal(apply(&u, NULL, 0), 0);
	assert_false(is_looked_at(&u, &want[5].prefix.addr));
	end(&u);
}

/* Two at one place, and one at a place that there is not: put again, each at its own. */
static void places_that_cannot_be_are_put_in_order(void **state)
{
	static const uint32_t places[] = {3, LB_BLACKHOLES, UINT32_MAX};
	const struct lb_discard *want;
	struct under_test u;
	int fd;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	want = list_of(&u, 0, 10);
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		const struct lb_range key = wire_of(&want[4]);

		assert_int_equal(apply(&u, want, 10), 0);
		fd = pinned(&u, "maps/blackholes");
		assert_int_equal(bpf_map_update_elem(fd, &key, &places[i], BPF_ANY), 0);
		close(fd);
		reopen(&u);
		assert_true(u.adopted);
		assert_int_equal(apply(&u, want, 10), 0);
		expect_only(&u, want, 10);
	}
	end(&u);
}

/* One that somebody else took out is out; that is no error. */
static void what_is_gone_is_no_error(void **state)
{
	const struct lb_discard *want;
	struct lb_range key;
	struct under_test u;
	int fd;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	want = list_of(&u, 0, 3);
	assert_int_equal(apply(&u, want, 3), 0);
	fd = pinned(&u, "maps/blackholes");
	key = wire_of(&want[1]);
	assert_int_equal(bpf_map_delete_elem(fd, &key), 0);
	close(fd);
	assert_int_equal(apply(&u, NULL, 0), 0);
	expect_only(&u, NULL, 0);
	end(&u);
}

/* While all places are taken a new one waits; what is to go goes, and then there is room. */
static void there_are_as_many_as_places(void **state)
{
	struct lb_discard *want;
	struct under_test u;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	want = list_of(&u, 0, LB_BLACKHOLES);
	assert_int_equal(apply(&u, want, LB_BLACKHOLES), 0);
	expect_only(&u, want, LB_BLACKHOLES);
	want = list_of(&u, 10, LB_BLACKHOLES);
	assert_int_equal(apply(&u, want, LB_BLACKHOLES), -ENOSPC);
	assert_int_equal(apply(&u, want, LB_BLACKHOLES), 0);
	expect_only(&u, want, LB_BLACKHOLES);
	end(&u);
}

/* What is to go goes all the same, and what is there stays. The last test: see refuse(). */
static void a_map_that_takes_no_more_is_an_error(void **state)
{
	struct lb_discard *want, *more;
	struct under_test u;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	want = list_of(&u, 0, 4);
	assert_int_equal(apply(&u, want, 4), 0);
	more = list_of(&u, 0, 6);
	refuse(__NR_bpf, 0, BPF_MAP_UPDATE_ELEM, ENOSPC);
	assert_int_equal(apply(&u, more, 6), -ENOSPC);
	expect_only(&u, want, 4);
	assert_int_equal(apply(&u, want, 1), 0);
	expect_only(&u, want, 1);
	end(&u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(they_are_put_changed_and_taken_back),
		cmocka_unit_test(each_counts_what_was_dropped_for_it),
		cmocka_unit_test(the_next_run_takes_over_what_is_there),
		cmocka_unit_test(places_that_cannot_be_are_put_in_order),
		cmocka_unit_test(what_is_gone_is_no_error),
		cmocka_unit_test(there_are_as_many_as_places),
		cmocka_unit_test(a_map_that_takes_no_more_is_an_error),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
