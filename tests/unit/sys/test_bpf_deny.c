// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Denied sources in this machine's kernel: many of them in turns, changes by one, restarts, and a
 * map that takes no more. What they do to packets is tested with the programs (tests/bpf).
 */
#include "bpf_under_test.h"
#include "refuse.h"

#include "base/prefixes.h"
#include "sys/bpf_maps.h"

#include <linux/bpf.h>

#define MANY 20000u

static uint64_t next_name = 1;

/* n prefixes from the i-th on, every other one of IPv6. */
static struct lb_denied list_of(struct under_test *u, uint32_t i, uint32_t n)
{
	struct ip_prefix *items = arena_array_of(u->arena, n, struct ip_prefix);

	for (uint32_t k = 0; k < n; k++) {
		const uint32_t at = i + k;
		struct ip_addr a = ip_addr_from_v4(at << 8);

		if (at % 2) {
			a = (struct ip_addr){.b = {0x20, 0x01, (uint8_t)(at >> 16)}};
			a.b[3] = (uint8_t)(at >> 8);
			a.b[4] = (uint8_t)at;
		}
		items[k] = ip_prefix_of(&a, at % 2 ? 40 : 24);
	}
	return (struct lb_denied){
		.name = next_name++, .sources = items, .n = prefixes_make(items, n)};
}

static int denied(struct under_test *u, const struct lb_denied *lists, size_t n, bool keep)
{
	const struct lb_ways ways = bpf_dataplane_ways(u->dp);

	return ways.ops->denied(ways.ctx, u->now, lists, n, keep);
}

static size_t count(struct under_test *u)
{
	size_t wanted;

	return bpf_dataplane_denied(u->dp, &wanted);
}

/* The map has these, and nothing else; the flag says that there are some, and so does each bit. */
static void expect_only(struct under_test *u, const struct lb_denied *list)
{
	const int fd = pinned(u, "maps/ranges"), uplinks = pinned(u, "maps/uplinks");
	const void *from = NULL;
	struct lb_range key, next;
	uint32_t value, place = 3;
	uint64_t word;
	size_t n = 0;

	while (bpf_map_get_next_key(fd, from, &next) == 0) {
		key = next;
		from = &key;
		n++;
	}
	assert_int_equal(n, list->n);
	for (size_t i = 0; i < list->n; i++) {
		key = bpf_deny_range(&list->sources[i]);
		assert_int_equal(bpf_map_lookup_elem(fd, &key, &value), 0);
	}
	assert_int_equal(bpf_map_lookup_elem(uplinks, &place, &word), 0);
	assert_int_equal(word >> 63, list->n > 0);
	assert_int_equal(count(u), list->n);
	close(uplinks);
	close(fd);
}

static void lists_are_put_changed_and_taken_back(void **state)
{
	struct lb_denied lists[2];
	struct under_test u;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	lists[0] = list_of(&u, 0, 1000);
	lists[1] = list_of(&u, 500, 1000);
	assert_int_equal(denied(&u, lists, 2, false), 0);
	lists[0] = list_of(&u, 0, 1500);
	expect_only(&u, &lists[0]);
	lists[0] = list_of(&u, 100, 10);
	assert_int_equal(denied(&u, lists, 1, true), 0);
	lists[1] = list_of(&u, 0, 1500);
	expect_only(&u, &lists[1]);
	assert_int_equal(denied(&u, lists, 1, false), 0);
	expect_only(&u, &lists[0]);
	assert_int_equal(denied(&u, NULL, 0, false), 0);
	lists[0].n = 0;
	expect_only(&u, &lists[0]);
	end(&u);
}

/* And one more or less is one system call, which the turn's end does not keep away. */
static void many_take_turns_and_one_more_takes_none(void **state)
{
	struct lb_denied list;
	struct under_test u;
	unsigned turns = 1;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin_like(&u, state, &(struct under_test){.turn = NSEC_PER_MSEC});
	list = list_of(&u, 0, MANY);
	while (denied(&u, &list, 1, false) == -EINPROGRESS) {
		u.now += NSEC_PER_MSEC;
		assert_in_range(++turns, 1, 10000);
	}
	assert_true(turns > 1);
	expect_only(&u, &list);
	u.now += NSEC_PER_MSEC;
	assert_int_equal(denied(&u, &list, 1, false), 0);
	u.turn = 0;
	reopen(&u);
	expect_only(&u, &list);
	list = list_of(&u, 0, MANY + 1);
	assert_int_equal(denied(&u, &list, 1, false), 0);
	expect_only(&u, &list);
	end(&u);
}

/* Before the lists are read what was denied stays so; a list that comes in between is no harm. */
static void restart_goes_on_with_what_is_denied(void **state)
{
	struct lb_denied list, all;
	struct under_test u;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	list = list_of(&u, 0, 3000);
	u.turn = 20 * NSEC_PER_USEC;
	reopen(&u);
	while (count(&u) < 300) {
		u.now += NSEC_PER_MSEC;
		assert_int_equal(denied(&u, &list, 1, false), -EINPROGRESS);
	}
	u.turn = 0;
	reopen(&u);
	assert_true(u.adopted);
	assert_in_range(count(&u), 300, 2999);
	assert_int_equal(denied(&u, &list, 1, true), 0);
	expect_only(&u, &list);
	reopen(&u);
	all = list_of(&u, 3000, 10);
	assert_int_equal(denied(&u, &all, 1, true), 0);
	all = list_of(&u, 0, 3010);
	expect_only(&u, &all);
	end(&u);
}

/* A prefix that somebody else took out is out. */
static void what_is_gone_is_no_error(void **state)
{
	struct lb_denied list;
	struct under_test u;
	struct lb_range key;
	int fd;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	list = list_of(&u, 0, 1000);
	assert_int_equal(denied(&u, &list, 1, false), 0);
	fd = pinned(&u, "maps/ranges");
	for (size_t i = 0; i < list.n; i += 100) {
		key = bpf_deny_range(&list.sources[i]);
		assert_int_equal(bpf_map_delete_elem(fd, &key), 0);
	}
	close(fd);
	assert_int_equal(denied(&u, NULL, 0, false), 0);
	list.n = 0;
	expect_only(&u, &list);
	end(&u);
}

/* What must go goes all the same, and what is denied already stays so. The last test: see refuse().
 */
static void a_map_that_takes_no_more_is_an_error(void **state)
{
	struct lb_denied list, less;
	struct under_test u;
	size_t wanted;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	list = list_of(&u, 0, 1000);
	assert_int_equal(denied(&u, &list, 1, false), 0);
	less = list_of(&u, 500, 500);
	list = list_of(&u, 500, 1000);
	refuse(__NR_bpf, 0, BPF_MAP_UPDATE_BATCH, ENOSPC);
	assert_int_equal(denied(&u, &list, 1, false), -ENOSPC);
	expect_only(&u, &less);
	assert_int_equal(bpf_dataplane_denied(u.dp, &wanted), 500);
	assert_int_equal(wanted, 1000);
	assert_int_equal(denied(&u, &list, 1, false), -ENOSPC);
	assert_int_equal(denied(&u, NULL, 0, false), 0);
	less.n = 0;
	expect_only(&u, &less);
	end(&u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_are_put_changed_and_taken_back),
		cmocka_unit_test(many_take_turns_and_one_more_takes_none),
		cmocka_unit_test(restart_goes_on_with_what_is_denied),
		cmocka_unit_test(what_is_gone_is_no_error),
		cmocka_unit_test(a_map_that_takes_no_more_is_an_error),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
