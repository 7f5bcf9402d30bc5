// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Calls that write maps and fail: the n-th of a history of changes, for every n, either wholly or
 * after half of what it was to do. Whoever goes on trying ends with the maps of a history without
 * faults, and nothing is left that was not wanted.
 */
#include "bpf_under_test.h"

#include "base/prefixes.h"
#include "base/sorted.h"

#include <dlfcn.h>
#include <sys/syscall.h>

#define TRIES 4

/* --- a kernel that fails at times ------------------------------------------------------------- */

static struct {
	bool is_on, does_half;
	unsigned fail_at; /* the call of that number, from 1, fails; 0: none */
	unsigned n_calls;
} faults;

static bool is_write(long cmd)
{
	return cmd == BPF_MAP_UPDATE_ELEM || cmd == BPF_MAP_DELETE_ELEM ||
	       cmd == BPF_MAP_UPDATE_BATCH || cmd == BPF_MAP_DELETE_BATCH;
}

static bool is_batch(long cmd)
{
	return cmd == BPF_MAP_UPDATE_BATCH || cmd == BPF_MAP_DELETE_BATCH;
}

/* As libc does it. */
static long enter(long number, const long args[6])
{
	static long (*libc)(long number, ...);

	if (!libc)
		*(void **)&libc = dlsym(RTLD_NEXT, "syscall");
	return libc(number, args[0], args[1], args[2], args[3], args[4], args[5]);
}

/* A batch that breaks off says how far it came; one that is refused says nothing. */
static long break_off(long number, const long args[6])
{
	union bpf_attr *attr = (union bpf_attr *)args[1];

	if (faults.does_half && is_batch(args[0])) {
		attr->batch.count /= 2;
		if (attr->batch.count > 0)
			(void)enter(number, args);
	}
	errno = EIO;
	return -1;
}

/* In place of libc's, also for libbpf. */
long syscall(long number, ...)
{
	long args[6];
	va_list list;

	va_start(list, number);
	for (int i = 0; i < 6; i++)
		args[i] = va_arg(list, long);
	va_end(list);
	if (number != __NR_bpf || !faults.is_on || !is_write(args[0]))
		return enter(number, args);
	return ++faults.n_calls == faults.fail_at ? break_off(number, args) : enter(number, args);
}

/* --- what the maps hold ----------------------------------------------------------------------- */

/* Lines of text, each of one entry. */
struct lines {
	char **items;
	size_t n, cap;
};

static void add_line(struct under_test *u, struct lines *l, const char *what, const void *key,
		     size_t len, uint64_t value)
{
	char text[128] = "";

	for (size_t i = 0; i < len; i++)
		snprintf(text + 2 * i, 3, "%02x", ((const uint8_t *)key)[i]);
	*(char **)arena_push(u->arena, &l->items, &l->n, &l->cap, sizeof(char *)) =
		arena_printf(u->arena, "%s %s %llx", what, text, (unsigned long long)value);
}

static void add_frontends(struct under_test *u, struct lines *l)
{
	const struct lb_actual *all;
	const size_t n = dump(u, &all);

	for (size_t i = 0; i < n; i++) {
		add_line(u, l, "frontend", &all[i].key, sizeof(all[i].key), all[i].flags);
		add_line(u, l, "of", &all[i].table, sizeof(all[i].table), all[i].n_targets);
		if (all[i].key.port)
			assert_int_equal(u->store.ops->test(u->store.ctx, u->now, &all[i].key), 0);
	}
}

static void add_hash(struct under_test *u, struct lines *l, const char *map, size_t len)
{
	const int fd = pinned(u, map);
	uint8_t key[32], next[32], value[32];
	const void *from = NULL;

	assert_true(len <= sizeof(key));
	for (; bpf_map_get_next_key(fd, from, next) == 0; from = key) {
		memcpy(key, next, len);
		assert_int_equal(bpf_map_lookup_elem(fd, key, value), 0);
		add_line(u, l, map, key, len, 0);
	}
	close(fd);
}

/* Sets have other numbers in another history: what counts is their name. */
static void add_ranges(struct under_test *u, struct lines *l)
{
	const int fd = pinned(u, "maps/ranges"), names = pinned(u, "maps/range_names");
	struct lb_range key, next;
	const void *from = NULL;
	uint64_t name;

	for (; bpf_map_get_next_key(fd, from, &next) == 0; from = &key) {
		key = next;
		name = key.set;
		if (key.set < LB_RANGE_SETS)
			assert_int_equal(bpf_map_lookup_elem(names, &key.set, &name), 0);
		add_line(u, l, "range", &key.addr, sizeof(key.addr), name);
	}
	close(names);
	close(fd);
}

static int cmp_line(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static struct lines look(struct under_test *u)
{
	struct lines ret = {.n = 0};

	add_frontends(u, &ret);
	add_hash(u, &ret, "maps/backend_ports", sizeof(struct lb_backend_port));
	add_hash(u, &ret, "maps/rates", sizeof(struct lb_rate_key));
	add_ranges(u, &ret);
	if (ret.n > 0)
		qsort(ret.items, ret.n, sizeof(*ret.items), cmp_line);
	return ret;
}

static void expect_same(const struct lines *have, const struct lines *want, unsigned step)
{
	for (size_t i = 0; i < have->n && i < want->n; i++)
		if (strcmp(have->items[i], want->items[i]) != 0)
			fail_msg("call %u%s, step %u: \"%s\" instead of \"%s\"", faults.fail_at,
				 faults.does_half ? " half" : "", step, have->items[i],
				 want->items[i]);
	if (have->n != want->n)
		fail_msg("call %u%s, step %u: %zu entries instead of %zu", faults.fail_at,
			 faults.does_half ? " half" : "", step, have->n, want->n);
}

/* --- a history -------------------------------------------------------------------------------- */

static int put_ranged(struct under_test *u, uint32_t i, uint32_t first, uint32_t n)
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
	return put(u, &f);
}

static int put_served(struct under_test *u, uint32_t i, uint32_t n)
{
	const struct lb_frontend f = web(u, i, n);

	return put(u, &f);
}

static int put_address(struct under_test *u, uint32_t i)
{
	const struct lb_frontend f = vip(i);

	return put(u, &f);
}

static int drop(struct under_test *u, struct lb_key key)
{
	return u->store.ops->del(u->store.ctx, u->now, &key);
}

/* VIPs `first` to 1 let in so many packets. */
static int limit(struct under_test *u, uint32_t first, uint32_t packets)
{
	const struct lb_ways ways = bpf_dataplane_ways(u->dp);
	struct plan_rate items[2];
	size_t n = 0;

	for (uint32_t i = first; i < 2; i++)
		items[n++] = (struct plan_rate){.vip = {.addr = ip_addr_from_v4(VIP + i)},
						.packets = packets + i};
	return ways.ops->rates(ways.ctx, u->now, items, n);
}

static int deny(struct under_test *u, uint32_t first, uint32_t n)
{
	const struct lb_ways ways = bpf_dataplane_ways(u->dp);
	struct ip_prefix *items = arena_array_of(u->arena, n, struct ip_prefix);
	struct lb_denied list = {.name = first + n, .sources = items};

	for (uint32_t k = 0; k < n; k++) {
		const struct ip_addr a = ip_addr_from_v4(first + (k << 8));

		items[k] = ip_prefix_of(&a, 24);
	}
	list.n = prefixes_make(items, n);
	return ways.ops->denied(ways.ctx, u->now, &list, n > 0, false);
}

/* As a plan is applied: what fails keeps nothing else from being tried. */
static bool begin_all(struct under_test *u)
{
	const int errors[] = {put_address(u, 0), put_served(u, 0, 3), put_address(u, 1),
			      put_ranged(u, 1, 0x0a000000, 300), limit(u, 0, 100)};

	return !(errors[0] | errors[1] | errors[2] | errors[3] | errors[4]);
}

static bool change_all(struct under_test *u)
{
	const int errors[] = {put_served(u, 0, 300), put_ranged(u, 1, 0x0b000000, 5),
			      limit(u, 1, 200), deny(u, 0x0c000000, 300)};

	return !(errors[0] | errors[1] | errors[2] | errors[3]);
}

static bool shrink_all(struct under_test *u)
{
	const int errors[] = {put_served(u, 0, 2), put_served(u, 1, 1), limit(u, 0, 200),
			      deny(u, 0x0c000200, 2)};

	return !(errors[0] | errors[1] | errors[2] | errors[3]);
}

static bool end_all(struct under_test *u)
{
	const int errors[] = {drop(u, web_key(0)), drop(u, web_key(1)), drop(u, vip(0).key),
			      drop(u, vip(1).key), limit(u, 2, 0),      deny(u, 0, 0)};

	return !(errors[0] | errors[1] | errors[2] | errors[3] | errors[4] | errors[5]);
}

static bool (*const steps[])(struct under_test *u) = {begin_all, change_all, shrink_all, end_all};

/* Until nothing is left to be emptied, as the agent's loop would do it: it never spins. */
static void come_to_rest(struct under_test *u)
{
	const nsec_t end = u->now + 4 * LB_REST_NS;

	for (unsigned i = 0; u->now < end; i++) {
		assert_in_range(i, 0, 200);
		u->now = nsec_min(bpf_dataplane_tick(u->dp, u->now), end);
	}
}

/* The number of calls that it made; what the maps hold after each step into *ret, or as in *want.
 */
static unsigned live(struct under_test *u, struct lines *ret, const struct lines *want)
{
	faults.n_calls = 0;
	for (unsigned i = 0; i < ARRAY_SIZE(steps); i++) {
		unsigned tries = 1;
		struct lines have;

		faults.is_on = true;
		while (!steps[i](u) && tries++ < TRIES)
			;
		come_to_rest(u);
		faults.is_on = false;
		if (tries > TRIES)
			fail_msg("call %u, step %u: still fails", faults.fail_at, i);
		have = look(u);
		if (ret)
			ret[i] = have;
		if (want)
			expect_same(&have, &want[i], i);
	}
	return faults.n_calls;
}

static void each_call_may_fail(void **state, bool does_half)
{
	struct lines want[ARRAY_SIZE(steps)];
	struct under_test u;
	unsigned n_calls;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin_sized(&u, state, 1000);
	faults.fail_at = 0;
	faults.does_half = does_half;
	n_calls = live(&u, want, NULL);
	assert_true(n_calls > 20 && want[1].n > 600 && want[3].n == 0);
	for (faults.fail_at = 1; faults.fail_at <= n_calls; faults.fail_at++)
		n_calls = live(&u, NULL, want);
	end(&u);
	print_message("%u calls\n", n_calls);
}

static void each_call_may_be_refused(void **state)
{
	each_call_may_fail(state, false);
}

static void each_call_may_break_off(void **state)
{
	each_call_may_fail(state, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_call_may_be_refused),
		cmocka_unit_test(each_call_may_break_off),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
