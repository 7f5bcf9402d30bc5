// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The largest plan that is promised: 5,000 Services with 50,000 endpoints on 50 nodes, a hundred
 * BGPPeers of which this node has as many sessions as it may have, an advertisement for all. From
 * nothing it is to take less than 50 ms, the edit of one endpoint 5 ms to what the store is told.
 * What objects say beside each other (plan_findings.c) is measured by itself, too, and the memory
 * of world and plan is told. The same, with the same bars, with an advertisement for each peer
 * besides, where each router gets routes of its own: 320,000 rows. Time is the processor's, the
 * median counts. Prints value, bar and ratio and exits 0; with BENCH_STRICT=1 a bar that is missed
 * fails the run.
 */
#include "base/limits.h"
#include "base/strbuf.h"
#include "bench_clock.h"
#include "bench_sort.h"
#include "bench_store.h"
#include "bench_texts.h"
#include "plan/ipam.h"
#include "plan/plan_env.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define N_SERVICES  5000
#define N_ENDPOINTS 10
#define N_PEERS     100
#define N_NODES     50
#define N_RUNS      11

#define BAR_FULL_NS (50 * NSEC_PER_MSEC)
#define BAR_EDIT_NS (5 * NSEC_PER_MSEC)

struct bench {
	unsigned n_adverts; /* that name one peer each, beside the one for all */
	struct world *world;
	struct arena *kept, *plans[2];
	struct plan_actual_peer peers[LIMIT_PEERS];
	struct plan_actual actual;
	struct plan_addresses addresses;
	struct plan_ledger ledger;
	struct plan_cache *cache;
	struct bench_store store;
	bool missed;
};

static double memory_mb(void)
{
	char line[128];
	FILE *file = fopen("/proc/self/status", "re");
	double kb = 0;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "RssAnon: %lf", &kb) == 1)
			break;
	if (file)
		fclose(file);
	return kb / 1024;
}

/* --- objects --------------------------------------------------------------------------------- */

static void put(struct bench *b, const char *source, const char *text)
{
	world_put_source(b->world, source, text, strlen(text));
}

static void put_advert(struct bench *b, unsigned i)
{
	char name[32], text[512];

	snprintf(name, sizeof(name), "advert-%u.yaml", i);
	snprintf(text, sizeof(text),
		 "apiVersion: metallb.io/v1beta1\nkind: BGPAdvertisement\n"
		 "metadata: {name: to-%03u, namespace: metallb-system}\n"
		 "spec:\n  peers: [tor-%03u]\n  communities: [\"64512:%u\", rack]\n"
		 "  nodeSelectors:\n  - matchExpressions:\n"
		 "    - {key: rack, operator: In, values: [r0, r1]}\n",
		 i, i, i);
	put(b, name, text);
}

/* So many are this node's as it may have; the rest are of others. */
static void put_peers(struct bench *b)
{
	char name[32], text[512];

	for (unsigned i = 0; i < N_PEERS; i++) {
		snprintf(name, sizeof(name), "peer-%u.yaml", i);
		snprintf(text, sizeof(text),
			 "apiVersion: metallb.io/v1beta2\nkind: BGPPeer\n"
			 "metadata: {name: tor-%03u, namespace: metallb-system}\n"
			 "spec:\n  myASN: 64512\n  peerASN: %u\n  peerAddress: 192.0.2.%u\n"
			 "  nodeSelectors:\n  - matchLabels: {rack: r%u}\n",
			 i, 64513 + i % 2, i + 1, i < LIMIT_PEERS ? 0 : 1);
		put(b, name, text);
	}
	for (unsigned i = 0; i < b->n_adverts; i++)
		put_advert(b, i);
	put(b, "all.yaml",
	    "apiVersion: metallb.io/v1beta1\nkind: BGPAdvertisement\n"
	    "metadata: {name: all, namespace: metallb-system}\nspec: {localPref: 200}\n"
	    "---\napiVersion: metallb.io/v1beta1\nkind: Community\n"
	    "metadata: {name: racks, namespace: metallb-system}\n"
	    "spec: {communities: [{name: rack, value: \"64512:7\"}]}\n"
	    "---\napiVersion: metallb.io/v1beta1\nkind: IPAddressPool\n"
	    "metadata: {name: pool, namespace: metallb-system}\nspec: {addresses: [10.0.0.0/8]}\n");
}

static void put_nodes(struct bench *b)
{
	char name[32], text[256];

	for (unsigned i = 0; i < N_NODES; i++) {
		snprintf(name, sizeof(name), "node-%u.yaml", i);
		snprintf(text, sizeof(text),
			 "apiVersion: v1\nkind: Node\nmetadata:\n  name: node-%u\n"
			 "  labels: {kubernetes.io/hostname: node-%u, rack: r%u}\n",
			 i, i, i > 0);
		put(b, name, text);
	}
}

/* Each has an endpoint here, and others wherever. */
static void put_slice(struct bench *b, size_t i, bool ready)
{
	char source[64];
	struct strbuf text;

	snprintf(source, sizeof(source), "slice-%zu.yaml", i);
	strbuf_init(&text, LIMIT_DOCUMENT_BYTES);
	strbuf_printf(&text,
		      "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata:\n"
		      "  name: s%05zu-x\n  namespace: shop\n"
		      "  labels: {kubernetes.io/service-name: s%05zu}\naddressType: IPv4\n"
		      "ports: [{name: '', port: 8080, protocol: TCP}]\nendpoints:\n",
		      i, i);
	for (unsigned k = 0; k < N_ENDPOINTS; k++)
		strbuf_printf(&text,
			      "- {addresses: [172.16.%u.%u], nodeName: node-%u, conditions: "
			      "{ready: %s}}\n",
			      k, (unsigned)(i % 250) + 1, k < 2 ? 0 : (unsigned)(i + k) % N_NODES,
			      k == 1 && !ready ? "false" : "true");
	put(b, source, text.data);
	strbuf_done(&text);
}

static void put_all(struct bench *b)
{
	char source[64], text[BENCH_TEXT];

	put_peers(b);
	put_nodes(b);
	for (size_t i = 0; i < N_SERVICES; i++) {
		snprintf(source, sizeof(source), "service-%zu.yaml", i);
		bench_service_text(text, i, 0x0a000000u + (unsigned)i);
		put(b, source, text);
		put_slice(b, i, true);
	}
	(void)world_list(b->world, API_SERVICE);
}

/* --- plans ----------------------------------------------------------------------------------- */

static const struct plan_settings settings = {
	.node_name = "node-0", .ns = "metallb-system", .dataplane = true};
static const struct plan_link links[] = {{.ifindex = 1, .name = "eth0", .up = true}};

static struct plan_inputs inputs_of(const struct bench *b, struct plan_cache *cache)
{
	static struct plan_route_to ways[N_PEERS];
	static struct plan_node node;

	for (unsigned i = 0; i < N_PEERS; i++)
		ways[i] =
			(struct plan_route_to){.to = ip_addr_from_v4(0xc0000201 + i), .ifindex = 1};
	node = (struct plan_node){
		.links = links, .n_links = 1, .routes_to = ways, .n_routes_to = N_PEERS};
	return (struct plan_inputs){.world = b->world,
				    .addresses = &b->addresses,
				    .node = &node,
				    .actual = &b->actual,
				    .settings = &settings,
				    .synced = true,
				    .cache = cache};
}

static double compute(struct bench *b, struct arena *arena, struct plan_cache *cache,
		      struct plan *ret)
{
	const struct plan_inputs in = inputs_of(b, cache);
	const double begun = cpu_now();
	struct plan_ledger ledger;
	nsec_t deadline;

	plan_compute(&in, &b->ledger, NSEC_PER_SEC, arena, ret, &ledger, &deadline);
	return cpu_now() - begun;
}

static void give_addresses(struct bench *b)
{
	const struct plan_inputs in = inputs_of(b, NULL);
	struct problems problems = {.arena = b->kept};
	const struct plan_addresses given = {.generation = 1};

	ipam_compute(&(struct ipam_inputs){.world = b->world,
					   .settings = &settings,
					   .node = in.node,
					   .given = &given,
					   .synced = true},
		     b->kept, &b->addresses, &problems);
	b->addresses.generation = 1;
}

/* Sessions with all of this node's peers, all is programmed and was sent. */
static void make_actual(struct bench *b)
{
	static const struct plan_actual_device device = {
		.ifindex = 1, .name = "eth0", .xdp = true, .tc = true};
	struct prefix_list *sent = prefix_list_new(N_SERVICES);
	struct lb_actual *frontends;
	struct plan plan;

	b->store.actual = &b->actual;
	b->actual = (struct plan_actual){.devices = &device, .n_devices = 1};
	(void)compute(b, b->kept, NULL, &plan);
	for (size_t i = 0; i < N_SERVICES; i++) {
		const struct ip_addr vip = ip_addr_from_v4(0x0a000000 + (uint32_t)i);

		sent->items[i] = ip_prefix_of(&vip, 32);
	}
	for (size_t i = 0; i < plan.n_peers; i++)
		b->peers[i] = (struct plan_actual_peer){.key = plan.peers[i].key,
							.established = true,
							.end_of_rib_sent = true,
							.advertised = sent,
							.trying_since = NSEC_NEVER};
	frontends = arena_array_of(b->kept, plan.n_frontends, struct lb_actual);
	for (size_t i = 0; i < plan.n_frontends; i++)
		frontends[i] = (struct lb_actual){.key = plan.frontends[i].lb.key,
						  .table = plan.frontends[i].lb.table,
						  .flags = plan.frontends[i].lb.flags,
						  .limit = plan.frontends[i].lb.limit,
						  .tested = true,
						  .targets = plan.frontends[i].lb.targets,
						  .n_targets = plan.frontends[i].lb.n_targets};
	b->actual.peers = b->peers;
	b->actual.n_peers = plan.n_peers;
	b->actual.frontends = frontends;
	b->actual.n_frontends = plan.n_frontends;
	b->actual.generation = b->actual.since = 1;
}

/* --- rows ------------------------------------------------------------------------------------ */

static double median(double *items)
{
	bench_sort(items, N_RUNS);
	return items[N_RUNS / 2];
}

static void row(struct bench *b, const char *what, double ns, double bar)
{
	printf("  %-52s %7.2f ms  ratio %5.2f  bar %5.2f  %s\n", what, ns / NSEC_PER_MSEC, ns / bar,
	       1.0, ns < bar ? "ok" : "MISSED");
	b->missed |= ns >= bar;
}

static void full_row(struct bench *b)
{
	double ns[N_RUNS];
	struct plan plan;

	for (size_t i = 0; i < N_RUNS; i++) {
		arena_reset(b->plans[0]);
		ns[i] = compute(b, b->plans[0], NULL, &plan);
	}
	row(b, "a plan from nothing", median(ns), BAR_FULL_NS);
	if (plan.n_peers != LIMIT_PEERS || plan.n_services != N_SERVICES ||
	    plan.n_routes != (b->n_adverts ? (size_t)LIMIT_PEERS * N_SERVICES : N_SERVICES)) {
		printf("  ... but it has %zu peers, %zu routes and %zu rows of status\n",
		       plan.n_peers, plan.n_routes, plan.n_services);
		exit(1);
	}
}

static void edit_row(struct bench *b)
{
	const struct lb_store store = bench_store_of(&b->store);
	double ns[N_RUNS];
	struct plan plan;

	(void)compute(b, b->plans[0], b->cache, &plan);
	for (size_t i = 0; i < N_RUNS; i++) {
		struct arena *arena = b->plans[(i + 1) % 2], *scratch = arena_new();
		struct plan_apply apply = {.at = 0};
		double begun;

		arena_reset(arena);
		begun = cpu_now();
		put_slice(b, i * 7919 % N_SERVICES, false);
		(void)world_list(b->world, API_SERVICE);
		(void)compute(b, arena, b->cache, &plan);
		plan_apply_begin(&apply, &plan.stirred, &store, scratch);
		plan_apply_go_on(&apply, NSEC_PER_SEC);
		ns[i] = cpu_now() - begun;
		arena_free(scratch);
	}
	row(b, "one endpoint changes, to what the store is told", median(ns), BAR_EDIT_NS);
	if (b->store.n_told < N_RUNS) {
		printf("  ... but the store was told of %zu changes\n", b->store.n_told);
		exit(1);
	}
}

/* What is not a Service's own, and of it what objects say beside each other. */
static void environment_rows(struct bench *b)
{
	const struct plan_inputs in = inputs_of(b, NULL);
	double all[N_RUNS], findings[N_RUNS];

	for (size_t i = 0; i < N_RUNS; i++) {
		struct arena *arena = arena_new();
		struct plan_env env;
		double begun = cpu_now();

		plan_env_build(&in, &b->ledger, arena, &env);
		all[i] = cpu_now() - begun;
		begun = cpu_now();
		plan_env_findings(&in, arena, &env);
		findings[i] = cpu_now() - begun;
		arena_free(arena);
	}
	printf("    of that the environment %27s %7.2f ms\n", "", median(all) / NSEC_PER_MSEC);
	printf("    of that findings across objects %19s %7.2f ms\n", "",
	       median(findings) / NSEC_PER_MSEC);
}

static bool measure(unsigned n_adverts)
{
	struct bench b = {.n_adverts = n_adverts,
			  .world = world_new(),
			  .kept = arena_new(),
			  .plans = {arena_new(), arena_new()},
			  .cache = plan_cache_new()};
	const double before = memory_mb();
	double with_world;

	put_all(&b);
	with_world = memory_mb();
	give_addresses(&b);
	make_actual(&b);
	full_row(&b);
	environment_rows(&b);
	edit_row(&b);
	if (n_adverts == 0) /* the next one is given what this one gives back */
		printf("    memory: objects %.1f MB, addresses, plans and what is kept of them %.1f MB\n",
		       with_world - before, memory_mb() - with_world);
	plan_cache_free(b.cache);
	arena_free(b.plans[0]);
	arena_free(b.plans[1]);
	arena_free(b.kept);
	prefix_list_unref(b.peers[0].advertised);
	world_free(b.world);
	return b.missed;
}

int main(void)
{
	const char *strict = getenv("BENCH_STRICT");
	bool missed;

	printf("plans of 5,000 Services, 50,000 endpoints and 100 peers\n");
	missed = measure(0);
	printf("the same with an advertisement for each peer besides\n");
	missed |= measure(N_PEERS);
	return missed && strict && strict[0] == '1';
}
