// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * How long the allocator takes over large worlds, held against the bar of 50 ms for 10,000
 * addresses. Each row is one ipam_compute() over a world made of text; reading that text is not
 * measured. Time is the processor's, and the fastest of several runs counts, since noise only adds.
 * Prints value, bar and ratio and exits 0; with BENCH_STRICT=1 a bar that is missed fails the run.
 *
 * Plain: Services that have their addresses. Half in use: a /8 of which another, older pool holds
 * every other /20, with 10,000 Services that have an address and 10,000 that get one. Under an
 * older pool that gives nothing by itself: no address to be had, for 10,000 Services with a sharing
 * key each of its own, which all look. Shared: one key and one port, so as many addresses. In
 * pieces: 5,000 pools of ten ranges, all but the first under others, full but for the last. Two
 * families: from pools that have one family left each, but for the last, so that all are asked.
 */
#include "base/strbuf.h"
#include "bench_clock.h"
#include "plan/ipam.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define N      10000
#define N_RUNS 5
#define BAR_NS (50 * NSEC_PER_MSEC)

struct bench {
	struct strbuf text; /* documents */
	bool missed;
};

static void add_pool(struct bench *b, const char *name, const char *more)
{
	strbuf_printf(&b->text,
		      "---\napiVersion: metallb.io/v1beta1\nkind: IPAddressPool\n"
		      "metadata: {name: %s, namespace: metallb-system}\nspec:\n%s  addresses:\n",
		      name, more);
}

static void add_range(struct bench *b, uint32_t first, uint32_t last)
{
	const struct ip_addr from = ip_addr_from_v4(first), to = ip_addr_from_v4(last);
	char x[IP_ADDR_TEXT], y[IP_ADDR_TEXT];

	strbuf_printf(&b->text, "  - %s-%s\n", ip_addr_text(&from, x), ip_addr_text(&to, y));
}

/* `owned`: its address, 0 = none; `key`: what it shares by, "" = nothing. */
static void add_service(struct bench *b, unsigned i, uint32_t owned, const char *key)
{
	const struct ip_addr a = ip_addr_from_v4(owned);
	char text[IP_ADDR_TEXT];

	strbuf_printf(&b->text,
		      "---\napiVersion: v1\nkind: Service\nmetadata: {name: s%05u, namespace: shop",
		      i);
	if (key[0])
		strbuf_printf(&b->text, ", annotations: {metallb.io/allow-shared-ip: %s}", key);
	strbuf_add(&b->text, "}\nspec: {type: LoadBalancer, ports: [{port: 80}]}\n");
	if (owned)
		strbuf_printf(&b->text, "status: {loadBalancer: {ingress: [{ip: %s}]}}\n",
			      ip_addr_text(&a, text));
}

/* --- measuring ------------------------------------------------------------------------------ */

static double run_once(const struct world *world, size_t *ret_given)
{
	const struct plan_settings settings = {.node_name = "node-a", .ns = "metallb-system"};
	const struct plan_addresses none = {0};
	const struct plan_node node = {0};
	const struct ipam_inputs in = {
		.world = world,
		.settings = &settings,
		.node = &node,
		.given = &none,
		.synced = true,
	};
	struct arena *arena = arena_new();
	struct problems problems = {.arena = arena};
	struct plan_addresses addresses;
	const double begun = cpu_now();
	double ns;

	ipam_compute(&in, arena, &addresses, &problems);
	ns = cpu_now() - begun;
	*ret_given = addresses.n;
	arena_free(arena);
	return ns;
}

/* Computes over the documents so far, and begins anew. */
static void row(struct bench *b, const char *what, size_t expected)
{
	struct world *world = world_new();
	double best = 1e18;
	size_t given = 0;

	world_put_source(world, "bench", b->text.data, b->text.len);
	for (unsigned i = 0; i < N_RUNS; i++) {
		const double ns = run_once(world, &given);

		best = ns < best ? ns : best;
	}
	printf("  %-52s %7.1f ms  ratio %5.2f  bar %5.2f  %s\n", what, best / NSEC_PER_MSEC,
	       best / BAR_NS, 1.0, best < BAR_NS ? "ok" : "MISSED");
	if (given != expected) {
		printf("  ... but %zu addresses instead of %zu\n", given, expected);
		exit(1);
	}
	b->missed |= best >= BAR_NS;
	world_free(world);
	strbuf_done(&b->text);
	strbuf_init(&b->text, 256u << 20);
}

static void half_in_use(struct bench *b)
{
	add_pool(b, "a-old", "  autoAssign: false\n");
	for (uint32_t i = 0; i < 2048; i++)
		add_range(b, 0x0a000000 + (i << 13), 0x0a000fff + (i << 13));
	add_pool(b, "b-new", "");
	add_range(b, 0x0a000000, 0x0affffff);
	for (unsigned i = 0; i < N; i++)
		add_service(b, i, 0x0a001000 + (i / 2048 << 13) + i % 2048 * 2, "");
	for (unsigned i = N; i < 2 * N; i++)
		add_service(b, i, 0, "");
	row(b, "10,000 from a /8 half in use, beside 10,000 owners", 2 * N);
}

static void under_an_older(struct bench *b)
{
	char key[16];

	add_pool(b, "a-old", "  autoAssign: false\n");
	add_range(b, 0x0a000000, 0x0affffff);
	add_pool(b, "b-new", "");
	add_range(b, 0x0a000000, 0x0affffff);
	for (unsigned i = 0; i < N; i++) {
		snprintf(key, sizeof(key), "k%u", i);
		add_service(b, i, 0, key);
	}
	row(b, "10,000 with sharing keys, /8 under an older pool", 0);
}

static void shared(struct bench *b)
{
	add_pool(b, "a", "");
	add_range(b, 0x0a000000, 0x0affffff);
	for (unsigned i = 0; i < N; i++)
		add_service(b, i, 0, "key");
	row(b, "10,000 with one sharing key and one port", N);
}

static void in_pieces(struct bench *b)
{
	char name[16];

	for (uint32_t p = 0; p < N / 2; p++) {
		snprintf(name, sizeof(name), "p%04u", p);
		add_pool(b, name, "");
		for (uint32_t i = 0; i < 10; i++)
			add_range(b, 0x0a000000 + (i << 16), 0x0a000000 + (i << 16) + p / 5);
	}
	for (unsigned i = 0; i < N; i++)
		add_service(b, i, 0, i % 2 ? "key" : "");
	row(b, "10,000 from 5,000 pools of ten ranges that overlap", N);
}

static void two_families(struct bench *b)
{
	char name[16];

	for (uint32_t p = 0; p < 1000; p++) {
		snprintf(name, sizeof(name), "p%04u", p);
		add_pool(b, name, "");
		if (p % 2)
			add_range(b, 0x0a000000 + (p << 8), 0x0a0000ff + (p << 8));
		else
			strbuf_printf(&b->text, "  - 2001:db8:%x::/64\n", p);
	}
	add_pool(b, "q", "");
	add_range(b, 0x0b000000, 0x0bffffff);
	strbuf_add(&b->text, "  - 2001:db8:ffff::/64\n");
	for (unsigned i = 0; i < N; i++)
		strbuf_printf(&b->text,
			      "---\napiVersion: v1\nkind: Service\nmetadata: {name: s%05u, "
			      "namespace: shop}\nspec: {type: LoadBalancer, ipFamilyPolicy: "
			      "RequireDualStack, ports: [{port: 80}]}\n",
			      i);
	row(b, "10,000 of two families, 1,000 pools that have one", 2 * N);
}

static void plain(struct bench *b)
{
	add_pool(b, "a", "");
	add_range(b, 0x0a000000, 0x0a00ffff);
	for (unsigned i = 0; i < N / 2; i++)
		add_service(b, i, 0x0a000000 + i, "");
	row(b, "5,000 that have their addresses", N / 2);
}

int main(void)
{
	const char *strict = getenv("BENCH_STRICT");
	struct bench b = {0};

	strbuf_init(&b.text, 256u << 20);
	printf("addresses\n");
	plain(&b);
	half_in_use(&b);
	under_an_older(&b);
	shared(&b);
	in_pieces(&b);
	two_families(&b);
	strbuf_done(&b.text);
	return b.missed && strict && strict[0] == '1';
}
