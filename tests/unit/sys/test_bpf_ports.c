// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * sys/bpf_ports on a map of this machine's kernel: whatever frontends come, go and change, the map
 * holds the backends that some frontend has, or is about to have, and no other. Many are written
 * in one call, so the numbers are around how many that are.
 */
#include "sys/bpf_ports.h"

#include "base/rng.h"
#include "bpf_fixture.h"

#include <arpa/inet.h>
#include <linux/types.h>
#include <netinet/in.h>

#include "bpf/abi.h"

#define N_FRONTENDS 4
#define N_TARGETS   600
#define MAP_MAX     1000

struct bench {
	struct bpf_ports *ports;
	int map;
	uint64_t *bits;
	struct lb_actual has[N_FRONTENDS];
	struct lb_target *targets[N_FRONTENDS];
};

static bool bench_begin(struct bench *b)
{
	*b = (struct bench){.map = bpf_map_create(BPF_MAP_TYPE_HASH, "ports",
						  sizeof(struct lb_backend_port), sizeof(__u32),
						  MAP_MAX, NULL)};
	if (b->map < 0)
		return false;
	b->bits = xcalloc(LB_BACKEND_WORDS, sizeof(*b->bits));
	b->ports = bpf_ports_new(b->map, b->bits);
	for (size_t i = 0; i < N_FRONTENDS; i++) {
		b->targets[i] = xcalloc(N_TARGETS, sizeof(*b->targets[i]));
		b->has[i] =
			(struct lb_actual){.key = {.proto = IPPROTO_TCP}, .targets = b->targets[i]};
	}
	return true;
}

static void bench_end(struct bench *b)
{
	bpf_ports_free(b->ports);
	for (size_t i = 0; i < N_FRONTENDS; i++)
		free(b->targets[i]);
	free(b->bits);
	close(b->map);
}

static struct lb_target target(uint32_t i)
{
	return (struct lb_target){.addr = ip_addr_from_v4(0x0a000000 + i), .port = 80};
}

static struct lb_backend_port key_of(const struct lb_target *t)
{
	struct lb_backend_port key = {.port = htons(t->port), .proto = IPPROTO_TCP};

	memcpy(key.addr, t->addr.b, sizeof(key.addr));
	return key;
}

static bool holds(const struct bench *b, uint32_t i)
{
	const struct lb_target t = target(i);
	const struct lb_backend_port key = key_of(&t);
	__u32 value;

	return bpf_map_lookup_elem(b->map, &key, &value) == 0;
}

static size_t n_held(const struct bench *b)
{
	struct lb_backend_port key, *from = NULL;
	size_t n = 0;

	for (; bpf_map_get_next_key(b->map, from, &key) == 0; n++)
		from = &key;
	return n;
}

/* Frontend i has targets from..from+n-1 now. */
static void change(struct bench *b, size_t i, uint32_t from, size_t n)
{
	struct lb_target *targets = xcalloc(N_TARGETS, sizeof(*targets));
	struct lb_actual after = b->has[i];

	for (uint32_t k = 0; k < n; k++)
		targets[k] = target(from + k);
	after.targets = targets;
	after.n_targets = n;
	bpf_ports_change(b->ports, b->has[i].n_targets ? &b->has[i] : NULL, n ? &after : NULL);
	free(b->targets[i]);
	b->targets[i] = targets;
	b->has[i] = after;
}

static struct lb_frontend about(struct lb_target *targets, uint32_t from, size_t n)
{
	for (uint32_t k = 0; k < n; k++)
		targets[k] = target(from + k);
	return (struct lb_frontend){
		.key = {.proto = IPPROTO_TCP}, .targets = targets, .n_targets = n};
}

static void the_map_holds_what_some_frontend_has(void **state)
{
	struct rng rng;
	struct bench b;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	assert_true(bench_begin(&b));
	rng_seed(&rng, 1);
	for (unsigned round = 0; round < 200; round++) {
		bool wanted[2 * N_TARGETS] = {false};
		size_t n = 0;

		change(&b, rng_below(&rng, N_FRONTENDS), (uint32_t)rng_below(&rng, 300),
		       rng_below(&rng, 4) == 0 ? 0 : rng_below(&rng, N_TARGETS));
		for (size_t i = 0; i < N_FRONTENDS; i++)
			for (size_t k = 0; k < b.has[i].n_targets; k++)
				wanted[b.targets[i][k].addr.b[14] << 8 |
				       b.targets[i][k].addr.b[15]] = true;
		for (uint32_t i = 0; i < 2 * N_TARGETS; i++) {
			assert_int_equal(holds(&b, i), wanted[i]);
			n += wanted[i];
		}
		assert_int_equal(n_held(&b), n);
	}
	bench_end(&b);
}

/* In turns without any time: what was written by then stays until it is over, and begins anew for
 * others. */
static void what_a_frontend_is_about_to_have_is_there_before(void **state)
{
	struct lb_target targets[N_TARGETS];
	struct lb_frontend f = about(targets, 0, N_TARGETS);
	struct bench b;
	unsigned turns = 0;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	assert_true(bench_begin(&b));
	change(&b, 0, 100, 50);
	while (!bpf_ports_use_ahead(b.ports, &f, 0)) {
		turns++;
		assert_in_range(n_held(&b), turns * 100, N_TARGETS - 1);
	}
	assert_in_range(turns, 1, 5);
	assert_int_equal(n_held(&b), N_TARGETS);
	change(&b, 0, 0, 300);
	bpf_ports_leave_ahead(b.ports);
	assert_int_equal(n_held(&b), 300);
	/* Another frontend comes first. */
	f = about(targets, 300, N_TARGETS);
	assert_false(bpf_ports_use_ahead(b.ports, &f, 0));
	assert_true(n_held(&b) > 300);
	f = about(targets, 290, 20);
	assert_true(bpf_ports_use_ahead(b.ports, &f, 0));
	assert_int_equal(n_held(&b), 310);
	bpf_ports_leave_ahead(b.ports);
	assert_int_equal(n_held(&b), 300);
	assert_false(holds(&b, 300));
	assert_true(holds(&b, 299));
	bench_end(&b);
}

/* What does not fit is left out, and the rest goes in and out as ever. */
static void a_full_map_costs_what_does_not_fit(void **state)
{
	struct bench b;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	assert_true(bench_begin(&b));
	change(&b, 0, 0, 590);
	change(&b, 1, 1000, 590);
	assert_int_equal(n_held(&b), MAP_MAX);
	change(&b, 1, 0, 0);
	assert_int_equal(n_held(&b), 590);
	change(&b, 1, 1000, 100);
	assert_int_equal(n_held(&b), 690);
	assert_true(holds(&b, 1099));
	bench_end(&b);
}

static size_t n_bits(const struct bench *b)
{
	size_t n = 0;

	for (size_t i = 0; i < LB_BACKEND_WORDS; i++)
		n += (size_t)__builtin_popcountll(b->bits[i]);
	return n;
}

static void what_a_former_run_left_goes_but_for_what_is_used(void **state)
{
	struct bench b;
	size_t bits;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	assert_true(bench_begin(&b));
	change(&b, 0, 0, 300);
	bpf_ports_free(b.ports);
	b.ports = bpf_ports_new(b.map, b.bits);
	change(&b, 1, 200, 400);
	bits = n_bits(&b);
	assert_int_equal(n_held(&b), 600);
	bpf_ports_prune(b.ports);
	assert_int_equal(n_held(&b), 400);
	for (uint32_t i = 0; i < 600; i++)
		assert_int_equal(holds(&b, i), i >= 200);
	assert_in_range(n_bits(&b), 1, bits - 1);
	bench_end(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_map_holds_what_some_frontend_has),
		cmocka_unit_test(what_a_frontend_is_about_to_have_is_there_before),
		cmocka_unit_test(what_a_former_run_left_goes_but_for_what_is_used),
		cmocka_unit_test(a_full_map_costs_what_does_not_fit),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
