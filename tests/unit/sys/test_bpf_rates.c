// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Limits of VIPs in this machine's kernel: changes, restarts, and a map that takes no more. What
 * they do to packets is tested with the programs (tests/bpf).
 */
#include "bpf_under_test.h"
#include "refuse.h"

#include <linux/bpf.h>

static struct plan_rate rate(uint32_t i, uint32_t packets)
{
	return (struct plan_rate){.vip = {.addr = ip_addr_from_v4(VIP + i), .domain = 3},
				  .packets = packets};
}

static int rates(struct under_test *u, const struct plan_rate *items, size_t n)
{
	const struct lb_ways ways = bpf_dataplane_ways(u->dp);

	return ways.ops->rates(ways.ctx, u->now, items, n);
}

/* Looks a VIP's limit up; 0: it has none. `spent`: what the programs would write, from then on. */
static uint32_t limit(struct under_test *u, uint32_t i, uint64_t spent)
{
	const int fd = pinned(u, "maps/rates");
	const struct plan_rate r = rate(i, 0);
	struct lb_rate_key key = {.domain = 3};
	struct lb_rate value = {.packets = 0};

	memcpy(key.addr, r.vip.addr.b, sizeof(key.addr));
	if (bpf_map_lookup_elem(fd, &key, &value) == 0 && spent) {
		value.until = spent;
		assert_int_equal(bpf_map_update_elem(fd, &key, &value, BPF_EXIST), 0);
	}
	close(fd);
	return value.packets;
}

static uint64_t spent(struct under_test *u, uint32_t i)
{
	const int fd = pinned(u, "maps/rates");
	const struct plan_rate r = rate(i, 0);
	struct lb_rate_key key = {.domain = 3};
	struct lb_rate value;

	memcpy(key.addr, r.vip.addr.b, sizeof(key.addr));
	assert_int_equal(bpf_map_lookup_elem(fd, &key, &value), 0);
	close(fd);
	return value.until;
}

static void limits_are_put_changed_and_taken_back(void **state)
{
	struct plan_rate list[] = {rate(0, 100), rate(1, 200), rate(2, 300)};
	struct under_test u;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	assert_int_equal(rates(&u, list, 2), 0);
	assert_int_equal(limit(&u, 0, 7), 100);
	assert_int_equal(limit(&u, 1, 7), 200);
	assert_int_equal(limit(&u, 2, 0), 0);
	list[1].packets = 250;
	assert_int_equal(rates(&u, list, 3), 0);
	assert_int_equal(spent(&u, 0), 7); /* what is the same is left alone */
	assert_int_equal(limit(&u, 1, 0), 250);
	assert_int_equal(limit(&u, 2, 0), 300);
	reopen(&u);
	assert_int_equal(rates(&u, list, 3), 0);
	assert_int_equal(spent(&u, 0), 7);
	reopen(&u);
	assert_int_equal(rates(&u, list + 1, 1), 0);
	assert_int_equal(limit(&u, 0, 0), 0);
	assert_int_equal(limit(&u, 1, 0), 250);
	assert_int_equal(limit(&u, 2, 0), 0);
	assert_int_equal(rates(&u, NULL, 0), 0);
	assert_int_equal(limit(&u, 1, 0), 0);
	end(&u);
}

/* What goes is gone, and what could not come does when there is room. The last test: see refuse().
 */
static void a_map_that_takes_no_more_is_an_error(void **state)
{
	struct plan_rate list[] = {rate(0, 100), rate(1, 200)};
	struct under_test u;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	assert_int_equal(rates(&u, list, 1), 0);
	refuse(__NR_bpf, 0, BPF_MAP_UPDATE_ELEM, E2BIG);
	assert_int_equal(rates(&u, list, 2), -E2BIG);
	assert_int_equal(rates(&u, list, 2), -E2BIG);
	assert_int_equal(limit(&u, 0, 0), 100);
	assert_int_equal(rates(&u, list, 1), 0);
	assert_int_equal(rates(&u, NULL, 0), 0);
	assert_int_equal(limit(&u, 0, 0), 0);
	end(&u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(limits_are_put_changed_and_taken_back),
		cmocka_unit_test(a_map_that_takes_no_more_is_an_error),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
