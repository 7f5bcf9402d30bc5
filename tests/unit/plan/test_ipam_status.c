// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * plan/ipam_status: what is written to the API server, what is left alone, and that nothing is
 * written any more once the objects say so.
 */
#include "plan/ipam_status.h"

#include "api/world.h"
#include "base/rng.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#define POOL                                                                                       \
	"{apiVersion: metallb.io/v1beta1, kind: IPAddressPool, metadata: {name: p, namespace: "    \
	"metallb-system}, spec: {addresses: [10.1.0.0/29, 'fd00::/125']}}"

struct bed {
	struct world *world;
	struct plan_settings settings;
	struct plan_node node;
	struct plan_addresses given, wanted, has;
	struct arena *arena;
	const struct ipam_status *items;
	size_t n;
};

static void put(struct bed *b, const char *source, const char *text)
{
	world_put_source(b->world, source, text, strlen(text));
}

static void set_up(struct bed *b)
{
	*b = (struct bed){.world = world_new(),
			  .settings = {.node_name = "node", .ns = "metallb-system"},
			  .arena = arena_new()};
	put(b, "kube:IPAddressPool/metallb-system/p", POOL);
}

static void tear_down(struct bed *b)
{
	world_free(b->world);
	arena_free(b->arena);
}

/* A Service of the API server, with what stands behind metadata's names, in spec and status. */
static void service(struct bed *b, const char *name, const char *meta, const char *spec,
		    const char *ingress)
{
	const char *source = arena_printf(b->arena, "kube:Service/shop/%s", name);

	put(b, source,
	    arena_printf(
		    b->arena,
		    "{apiVersion: v1, kind: Service, metadata: {name: %s, namespace: shop%s}, "
		    "spec: {%s, ports: [{port: 80}]}, status: {loadBalancer: {ingress: [%s]}}}",
		    name, meta, spec, ingress));
}

static void compute(struct bed *b)
{
	struct problems problems = {.arena = b->arena};
	struct ipam_inputs in = {.world = b->world,
				 .settings = &b->settings,
				 .node = &b->node,
				 .given = &b->given,
				 .synced = true,
				 .cluster = "kube:"};

	ipam_compute(&in, b->arena, &b->wanted, &problems);
	b->n = ipam_statuses(&in, &b->wanted, b->arena, &b->items);
	in.only_written = true;
	ipam_compute(&in, b->arena, &b->has, &problems);
}

/* What was asked for is remembered; names of the world go with their objects. */
static void remember(struct bed *b)
{
	struct plan_address *items = arena_array_of(b->arena, b->wanted.n, struct plan_address);

	for (size_t i = 0; i < b->wanted.n; i++) {
		items[i] = b->wanted.items[i];
		items[i].ns = arena_strdup(b->arena, items[i].ns);
		items[i].name = arena_strdup(b->arena, items[i].name);
		items[i].pool = arena_strdup(b->arena, items[i].pool);
	}
	b->given = (struct plan_addresses){.items = items, .n = b->wanted.n};
}

static void assert_written(const struct bed *b, size_t i, const char *name, const char *addrs)
{
	const char *text = "";

	assert_true(i < b->n);
	assert_string_equal(b->items[i].service->meta.name, name);
	for (size_t k = 0; k < b->items[i].n_addrs; k++) {
		char addr[IP_ADDR_TEXT];

		text = arena_printf(b->arena, "%s%s%s", text, k ? " " : "",
				    ip_addr_text(&b->items[i].addrs[k], addr));
	}
	assert_string_equal(text, addrs);
}

#define LB   "type: LoadBalancer"
#define FROM ", annotations: {metallb.io/ip-allocated-from-pool: p}"

static void what_has_none_gets_one_and_nobody_acts_before_it_is_written(void **state)
{
	struct bed b;

	(void)state;
	set_up(&b);
	service(&b, "web", "", LB, "");
	compute(&b);
	assert_int_equal(b.n, 1);
	assert_written(&b, 0, "web", "10.1.0.0");
	assert_string_equal(b.items[0].pool, "p");
	assert_int_equal(b.has.n, 0);
	service(&b, "web", FROM, LB, "{ip: 10.1.0.0, ipMode: VIP}");
	compute(&b);
	assert_int_equal(b.n, 0);
	assert_int_equal(b.has.n, 1);
	tear_down(&b);
}

static void both_families_the_primary_first(void **state)
{
	struct bed b;

	(void)state;
	set_up(&b);
	service(&b, "a", "", LB ", ipFamilyPolicy: RequireDualStack, ipFamilies: [IPv6, IPv4]", "");
	compute(&b);
	assert_written(&b, 0, "a", "fd00:: 10.1.0.0");
	tear_down(&b);
}

static void of_others_nothing_is_touched(void **state)
{
	struct bed b;

	(void)state;
	set_up(&b);
	service(&b, "class", FROM, LB ", loadBalancerClass: else.io/x", "{ip: 10.1.0.1}");
	service(&b, "hand", "", LB, "{ip: 172.16.0.1}");
	service(&b, "other", "", "type: ClusterIP", "");
	put(&b, "file.yaml",
	    "{apiVersion: v1, kind: Service, metadata: {name: file, namespace: shop}, "
	    "spec: {type: LoadBalancer, ports: [{port: 80}]}}");
	compute(&b);
	/* Without an address of a pool it is given one, as MetalLB does; nothing is only cleared.
	 */
	assert_int_equal(b.n, 1);
	assert_string_equal(b.items[0].service->meta.name, "hand");
	assert_true(b.items[0].n_addrs > 0);
	tear_down(&b);
}

static void what_was_ours_is_cleared(void **state)
{
	struct bed b;

	(void)state;
	set_up(&b);
	world_drop_source(b.world, "kube:IPAddressPool/metallb-system/p");
	service(&b, "former", FROM, "type: ClusterIP", "");
	service(&b, "hand", "", LB, "{ip: 10.1.0.1}");
	service(&b, "web", FROM, LB, "{ip: 10.1.0.0}");
	compute(&b);
	assert_int_equal(b.n, 2);
	assert_written(&b, 0, "former", "");
	assert_written(&b, 1, "web", "");
	assert_int_equal(b.has.n, 0);
	tear_down(&b);
}

static void what_was_promised_stays_promised(void **state)
{
	struct bed b;

	(void)state;
	set_up(&b);
	service(&b, "z", "", LB, "");
	compute(&b);
	assert_written(&b, 0, "z", "10.1.0.0");
	remember(&b);
	service(&b, "a", "", LB, "");
	compute(&b);
	assert_written(&b, 0, "a", "10.1.0.1");
	assert_written(&b, 1, "z", "10.1.0.0");
	tear_down(&b);
}

static void an_address_is_written_once_it_was_left(void **state)
{
	struct bed b;

	(void)state;
	set_up(&b);
	service(&b, "a", ", annotations: {metallb.io/loadBalancerIPs: 10.1.0.3}", LB, "");
	service(&b, "b",
		", annotations: {metallb.io/loadBalancerIPs: 10.1.0.4, "
		"metallb.io/ip-allocated-from-pool: p}",
		LB, "{ip: 10.1.0.3}");
	compute(&b);
	assert_int_equal(b.n, 1);
	assert_written(&b, 0, "b", "10.1.0.4");
	/* Meanwhile b is served where it is. */
	assert_int_equal(b.has.n, 1);
	tear_down(&b);
}

static void who_swap_addresses_do_not_wait_for_ever(void **state)
{
	struct bed b;

	(void)state;
	set_up(&b);
	service(&b, "a", ", annotations: {metallb.io/loadBalancerIPs: 10.1.0.4}", LB,
		"{ip: 10.1.0.3}");
	service(&b, "b", ", annotations: {metallb.io/loadBalancerIPs: 10.1.0.3}", LB,
		"{ip: 10.1.0.4}");
	compute(&b);
	assert_int_equal(b.n, 2);
	tear_down(&b);
}

/*
 * Services come, go and are changed while what was asked for is written late and in any order: no
 * two of them ever have one address, and in the end nothing is left to be written.
 */
#define NAMES 12

struct written {
	bool is_there, is_promised;
	char ip[IP_ADDR_TEXT]; /* "": none */
};

static void put_written(struct bed *b, const struct written *all, size_t i)
{
	const char *name = arena_printf(b->arena, "s%02zu", i);

	if (!all[i].is_there)
		world_drop_source(b->world, arena_printf(b->arena, "kube:Service/shop/%s", name));
	else
		service(b, name, *all[i].ip ? FROM : "", LB,
			*all[i].ip ? arena_printf(b->arena, "{ip: %s}", all[i].ip) : "");
}

static void assert_no_doubles(const struct written *all)
{
	for (size_t i = 0; i < NAMES; i++)
		for (size_t k = 0; k < i; k++)
			if (all[i].is_there && all[k].is_there && *all[i].ip)
				assert_string_not_equal(all[i].ip, all[k].ip);
}

static void write_one(struct bed *b, struct written *all, size_t i)
{
	const struct ipam_status *s = &b->items[i];
	struct written *w = &all[strtoul(s->service->meta.name + 1, NULL, 10)];

	w->ip[0] = '\0';
	if (s->n_addrs > 0)
		(void)ip_addr_text(&s->addrs[0], w->ip);
}

static void no_two_ever_have_one_address(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 40; seed++) {
		struct written all[NAMES] = {0};
		struct rng rng;
		struct bed b;

		rng_seed(&rng, seed);
		set_up(&b);
		for (int turn = 0; turn < 60; turn++) {
			const size_t i = rng_below(&rng, NAMES);

			if (turn < 40 && rng_below(&rng, 2)) {
				all[i] = (struct written){.is_there = rng_below(&rng, 3) > 0};
				put_written(&b, all, i);
			}
			compute(&b);
			remember(&b);
			for (size_t k = 0; k < b.n; k++)
				if (turn >= 40 || rng_below(&rng, 3) == 0)
					write_one(&b, all, k);
			assert_no_doubles(all);
			for (size_t k = 0; k < NAMES; k++) /* what was written comes back late */
				if (turn >= 40 || rng_below(&rng, 2))
					put_written(&b, all, k);
		}
		compute(&b);
		assert_int_equal(b.n, 0);
		tear_down(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_has_none_gets_one_and_nobody_acts_before_it_is_written),
		cmocka_unit_test(both_families_the_primary_first),
		cmocka_unit_test(of_others_nothing_is_touched),
		cmocka_unit_test(what_was_ours_is_cleared),
		cmocka_unit_test(what_was_promised_stays_promised),
		cmocka_unit_test(an_address_is_written_once_it_was_left),
		cmocka_unit_test(who_swap_addresses_do_not_wait_for_ever),
		cmocka_unit_test(no_two_ever_have_one_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
