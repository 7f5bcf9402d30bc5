// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What the edit of one EndpointSlice costs, from its text to what the store is told, with 10, 1,000
 * and 5,000 Services, each with its slice in files of their own; held against the bar of 1.5 ms
 * whatever their number. A session is established and has every route, and all is programmed; each
 * edit makes the one endpoint of another Service unready, or ready again. Then what it costs to
 * read the edit of one Service among 5,000 in one file, and to put 50,000 sources of one object
 * each and look at the world after each batch of them. Time is the processor's, and the median of
 * the edits counts. Prints value, bar and ratio and exits 0; with BENCH_STRICT=1 a bar that is
 * missed fails the run.
 */
#include "base/limits.h"
#include "base/strbuf.h"
#include "bench_clock.h"
#include "bench_sort.h"
#include "bench_store.h"
#include "bench_texts.h"
#include "plan/ipam.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define N_EDITS   60
#define N_SOURCES 50000
#define BAR_NS    (1.5 * NSEC_PER_MSEC)

/* Of one file: it is cut and compared as a whole, but one document of it is decoded. */
#define BAR_FILE_NS (5 * NSEC_PER_MSEC)

enum part { PUT, INDEX, ADDRESSES, PLAN, APPLY, N_PARTS };

static const char *const part_names[] = {"put", "index", "addresses", "plan", "apply"};

struct bench {
	size_t n; /* Services */
	struct world *world;
	struct arena *kept;     /* of what is actual */
	struct arena *plans[2]; /* of a plan and of the one before, as in the agent */
	struct plan_actual_peer peer;
	struct plan_actual actual;
	struct plan_ledger ledger;
	struct plan_cache *cache;
	struct ipam_cache *ipam_cache;
	double ns[N_PARTS][N_EDITS], total[N_EDITS];
	double begun;
	struct bench_store store;
	bool missed;
};

/* --- objects --------------------------------------------------------------------------------- */

static void put(struct bench *b, const char *source, const char *text)
{
	world_put_source(b->world, source, text, strlen(text));
}

/* Names and addresses are not in the same order; 7919 has no divisor with any number of them. */
static void put_service(struct bench *b, size_t i)
{
	char source[64], text[BENCH_TEXT];

	snprintf(source, sizeof(source), "service-%zu.yaml", i);
	bench_service_text(text, i, 0x0a000000u + (unsigned)(i * 7919 % b->n));
	put(b, source, text);
}

static void put_slice(struct bench *b, size_t i, bool ready)
{
	char source[64], endpoints[192], text[BENCH_TEXT];

	snprintf(source, sizeof(source), "slice-%zu.yaml", i);
	snprintf(endpoints, sizeof(endpoints),
		 "- {addresses: [172.16.0.1], nodeName: node-a, conditions: {ready: true}}\n"
		 "- {addresses: [172.16.0.2], nodeName: node-a, conditions: {ready: %s}}",
		 ready ? "true" : "false");
	bench_slice_text(text, i, endpoints);
	put(b, source, text);
}

static void put_all(struct bench *b)
{
	put(b, "bgp.yaml",
	    "apiVersion: metallb.io/v1beta2\nkind: BGPPeer\n"
	    "metadata: {name: tor, namespace: metallb-system}\n"
	    "spec: {myASN: 64512, peerASN: 64513, peerAddress: 192.0.2.1}\n"
	    "---\napiVersion: metallb.io/v1beta1\nkind: BGPAdvertisement\n"
	    "metadata: {name: all, namespace: metallb-system}\n"
	    "---\napiVersion: metallb.io/v1beta1\nkind: IPAddressPool\n"
	    "metadata: {name: pool, namespace: metallb-system}\n"
	    "spec: {addresses: [10.0.0.0/8]}\n");
	for (size_t i = 0; i < b->n; i++) {
		put_service(b, i);
		put_slice(b, i, true);
	}
}

/* --- an edit --------------------------------------------------------------------------------- */

static void lap(struct bench *b, size_t edit, enum part part)
{
	const double now = cpu_now();

	b->ns[part][edit] = now - b->begun;
	b->begun = now;
}

static void compute(struct bench *b, struct arena *arena, size_t edit, struct plan *ret)
{
	const struct plan_settings settings = {
		.node_name = "node-a", .ns = "metallb-system", .dataplane = true};
	const struct plan_link links[] = {{.ifindex = 1, .name = "eth0", .up = true}};
	const struct plan_route_to ways[] = {{.to = ip_addr_from_v4(0xc0000201), .ifindex = 1}};
	const struct plan_node node = {
		.links = links, .n_links = 1, .routes_to = ways, .n_routes_to = 1};
	const struct plan_addresses given = {.generation = 1};
	struct problems problems = {.arena = arena};
	struct plan_addresses addresses;
	struct plan_ledger ledger;
	nsec_t deadline;

	ipam_recompute(b->ipam_cache,
		       &(struct ipam_inputs){.world = b->world,
					     .settings = &settings,
					     .node = &node,
					     .given = &given,
					     .synced = true},
		       &addresses, &problems);
	lap(b, edit, ADDRESSES);
	plan_compute(&(struct plan_inputs){.world = b->world,
					   .addresses = &addresses,
					   .node = &node,
					   .actual = &b->actual,
					   .settings = &settings,
					   .synced = true,
					   .cache = b->cache},
		     &b->ledger, NSEC_PER_SEC, arena, ret, &ledger, &deadline);
	lap(b, edit, PLAN);
}

static void edit_once(struct bench *b, size_t edit)
{
	const struct lb_store store = bench_store_of(&b->store);
	struct arena *arena = b->plans[edit % 2], *scratch = arena_new();
	struct plan_apply apply = {.at = 0};
	struct plan plan;

	b->begun = cpu_now();
	arena_reset(arena);
	put_slice(b, edit / 2 * 7919 % b->n, edit % 2);
	lap(b, edit, PUT);
	(void)world_list(b->world, API_SERVICE);
	lap(b, edit, INDEX);
	compute(b, arena, edit, &plan);
	plan_apply_begin(&apply, &plan.stirred, &store, scratch);
	plan_apply_go_on(&apply, NSEC_PER_SEC);
	lap(b, edit, APPLY);
	for (unsigned part = 0; part < N_PARTS; part++)
		b->total[edit] += b->ns[part][edit];
	arena_free(scratch);
}

/* All that the plan wants is there. */
static void make_actual(struct bench *b)
{
	static const struct plan_actual_device device = {
		.ifindex = 1, .name = "eth0", .xdp = true, .tc = true};
	struct prefix_list *sent = prefix_list_new(b->n);
	struct lb_actual *frontends;
	struct plan plan;

	b->peer = (struct plan_actual_peer){.key = {"tor", "", ""},
					    .established = true,
					    .end_of_rib_sent = true,
					    .trying_since = NSEC_NEVER};
	b->store.actual = &b->actual;
	b->actual = (struct plan_actual){
		.peers = &b->peer, .n_peers = 1, .devices = &device, .n_devices = 1};
	compute(b, b->kept, 0, &plan);
	frontends = arena_array_of(b->kept, plan.n_frontends, struct lb_actual);
	for (size_t i = 0; i < plan.n_frontends; i++)
		frontends[i] = (struct lb_actual){.key = plan.frontends[i].lb.key,
						  .table = plan.frontends[i].lb.table,
						  .flags = plan.frontends[i].lb.flags,
						  .limit = plan.frontends[i].lb.limit,
						  .tested = true,
						  .targets = plan.frontends[i].lb.targets,
						  .n_targets = plan.frontends[i].lb.n_targets};
	b->actual.frontends = frontends;
	b->actual.n_frontends = plan.n_frontends;
	b->actual.generation = b->actual.since = 1; /* nothing changes in it */
	for (size_t i = 0; i < b->n; i++) {
		const struct ip_addr vip = ip_addr_from_v4(0x0a000000 + (uint32_t)i);

		sent->items[i] = ip_prefix_of(&vip, 32);
	}
	b->peer.advertised = sent;
}

/* --- rows ------------------------------------------------------------------------------------ */

static double median(double *items)
{
	bench_sort(items, N_EDITS);
	return items[N_EDITS / 2];
}

static void edit_row(struct bench *all, size_t n)
{
	struct bench b = {.n = n,
			  .world = world_new(),
			  .kept = arena_new(),
			  .plans = {arena_new(), arena_new()},
			  .cache = plan_cache_new(),
			  .ipam_cache = ipam_cache_new()};
	double ns;

	put_all(&b);
	make_actual(&b);
	for (size_t i = 0; i < N_EDITS; i++)
		edit_once(&b, i);
	ns = median(b.total);
	printf("  an edit with %5zu Services %25s %7.2f ms  ratio %5.2f  bar %5.2f  %s\n", n, "",
	       ns / NSEC_PER_MSEC, ns / BAR_NS, 1.0, ns < BAR_NS ? "ok" : "MISSED");
	for (unsigned part = 0; part < N_PARTS; part++)
		printf("    of that %-43s %7.2f ms\n", part_names[part],
		       median(b.ns[part]) / NSEC_PER_MSEC);
	if (b.store.n_told != N_EDITS / 2 || b.actual.n_frontends != 2 * n) {
		printf("  ... but the store was told of %zu changes, and holds %zu\n",
		       b.store.n_told, b.actual.n_frontends);
		exit(1);
	}
	all->missed |= ns >= BAR_NS;
	plan_cache_free(b.cache);
	ipam_cache_free(b.ipam_cache);
	arena_free(b.plans[0]);
	arena_free(b.plans[1]);
	arena_free(b.kept);
	prefix_list_unref(b.peer.advertised);
	world_free(b.world);
}

/* Sources of one object each, looked at after every hundredth. */
static double put_sources(size_t n)
{
	struct bench b = {.n = n, .world = world_new()};
	const double begun = cpu_now();
	double ns;

	for (size_t i = 0; i < n; i++) {
		put_service(&b, i);
		if (i % 100 == 0)
			(void)world_list(b.world, API_SERVICE);
	}
	ns = cpu_now() - begun;
	if (world_list(b.world, API_SERVICE).n != n)
		exit(1);
	world_free(b.world);
	return ns;
}

/* One of many Services of one file gets another port, and the lines behind it move. */
static void file_row(struct bench *all)
{
	const size_t n = 5000;
	struct world *w = world_new();
	double ns[N_EDITS], begun;
	struct strbuf text;

	for (size_t edit = 0; edit < N_EDITS; edit++) {
		strbuf_init(&text, LIMIT_FILE_BYTES);
		for (size_t i = 0; i < n; i++)
			strbuf_printf(&text,
				      "---\napiVersion: v1\nkind: Service\n"
				      "metadata: {name: s%05zu, namespace: shop}\n"
				      "spec: {type: LoadBalancer, ports: [{port: 80}%s]}\n",
				      i, i == edit * 7919 % n ? ",\n {port: 81}" : "");
		begun = cpu_now();
		world_put_source(w, "all.yaml", text.data, text.len);
		(void)world_list(w, API_SERVICE);
		ns[edit] = cpu_now() - begun;
		strbuf_done(&text);
	}
	if (world_list(w, API_SERVICE).n != n)
		exit(1);
	bench_sort(ns, N_EDITS);
	printf("  %-52s %7.2f ms  ratio %5.2f  bar %5.2f  %s\n",
	       "an edit of one of 5,000 Services in one file, read",
	       ns[N_EDITS / 2] / NSEC_PER_MSEC, ns[N_EDITS / 2] / BAR_FILE_NS, 1.0,
	       ns[N_EDITS / 2] < BAR_FILE_NS ? "ok" : "MISSED");
	all->missed |= ns[N_EDITS / 2] >= BAR_FILE_NS;
	world_free(w);
}

/* Twice as many are to cost about twice as much: the bar leaves room for the logarithm. */
static void sources_row(struct bench *all)
{
	const double half = put_sources(N_SOURCES / 2), whole = put_sources(N_SOURCES);
	const bool ok = whole < 2.5 * half;

	printf("  %-52s %7.1f ms  ratio %5.2f  bar %5.2f  %s\n",
	       "50,000 sources, against twice 25,000", whole / NSEC_PER_MSEC, whole / half / 2,
	       1.25, ok ? "ok" : "MISSED");
	all->missed |= !ok;
}

int main(void)
{
	static const size_t numbers[] = {10, 1000, 5000};
	const char *strict = getenv("BENCH_STRICT");
	struct bench all = {0};

	printf("edits\n");
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		edit_row(&all, numbers[i]);
	file_row(&all);
	sources_row(&all);
	return all.missed && strict && strict[0] == '1';
}
