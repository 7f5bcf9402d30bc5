// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * agent/show_bgp.c: routes of several sessions, eBGP and iBGP, told in pieces, against a list that
 * is made without them: which peer was sent which prefix with what.
 */
#include "agent/show.h"

#include "agent/agent.h"
#include "bgp/bgp_msg.h"
#include "bgp/bgp_open.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define N_PEERS  4
#define N_ROUTES 2600
#define NOW      (1000 * NSEC_PER_SEC)
#define NODE_ASN 64513

static const uint32_t communities[] = {0xfc010001, 0xffffff01};
static const struct large_community larges[] = {{64513, 2, 3}};
static const struct bgp_attrs sets[] = {
	{0},
	{.prepend = 2},
	{.has_local_pref = true, .local_pref = 200},
	{.has_med = true, .med = 7},
	{.communities = communities, .n_communities = 2},
	{.large = larges, .n_large = 1},
};
#define REST "\"extendedCommunities\":[],\"linkBandwidth\":null"
/* Of a set behind `"localPref":`, as show has it. */
static const char *const med_and_communities[] = {
	"\"med\":null,\"communities\":[],\"largeCommunities\":[]," REST,
	"\"med\":null,\"communities\":[],\"largeCommunities\":[]," REST,
	"\"med\":null,\"communities\":[],\"largeCommunities\":[]," REST,
	"\"med\":7,\"communities\":[],\"largeCommunities\":[]," REST,
	"\"med\":null,\"communities\":[\"64513:1\",\"65535:65281\"],\"largeCommunities\":[]," REST,
	"\"med\":null,\"communities\":[],\"largeCommunities\":[\"64513:2:3\"]," REST,
};

/* One line for each route of each peer: "ROW PEER". */
struct lines {
	char *items[N_PEERS * N_ROUTES];
	size_t n;
};

static void lines_done(struct lines *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->items[i]);
	l->n = 0;
}

static int cmp_line(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Both are sorted, and freed. */
static void expect_same(struct lines *got, struct lines *want)
{
	assert_int_equal(got->n, want->n);
	if (want->n) {
		qsort(got->items, got->n, sizeof(*got->items), cmp_line);
		qsort(want->items, want->n, sizeof(*want->items), cmp_line);
	}
	for (size_t i = 0; i < want->n; i++)
		assert_string_equal(got->items[i], want->items[i]);
	lines_done(got);
	lines_done(want);
}

/* --- sessions --------------------------------------------------------------------------------- */

static struct agent_peer *peer_new(const char *name, uint32_t remote_asn, uint32_t local)
{
	struct agent_peer *p = xcalloc(1, sizeof(*p));
	struct bgp_next_hops hops;
	struct rng rng;

	rng_seed(&rng, remote_asn);
	p->key.name = xstrdup(name);
	p->config.bgp = (struct bgp_peer_config){.local_asn = NODE_ASN,
						 .remote_asn = remote_asn,
						 .families = {BGP_FAMILY_BIT(BGP_IPV4_UNICAST)},
						 .router_id = 1,
						 .hold_s = 90,
						 .keepalive_s = 30};
	p->bgp = bgp_peer_new(&p->config.bgp, &rng, NULL);
	p->links[BGP_SLOT_DIALLED].local = ip_addr_from_v4(local);
	hops = bgp_next_hops_of(&p->links[BGP_SLOT_DIALLED].local);
	bgp_peer_set_local(p->bgp, BGP_SLOT_DIALLED, &hops);
	return p;
}

static void peer_free(struct agent_peer *p)
{
	bgp_peer_free(p->bgp);
	free((char *)(uintptr_t)p->key.name);
	free(p);
}

/* All that waits to be sent is sent. */
static void let_talk(struct agent_peer *p)
{
	uint8_t buf[BGP_MESSAGE_MAX];
	struct bgp_event e;

	do
		while (bgp_peer_poll(p->bgp, &e))
			;
	while (bgp_peer_transmit(p->bgp, NOW, BGP_SLOT_DIALLED, buf, sizeof(buf)) > 0);
}

static void establish(struct agent_peer *p)
{
	const struct bgp_open open = {.asn = p->config.bgp.remote_asn,
				      .hold_s = 90,
				      .router_id = 2,
				      .has_as4 = true,
				      .families = {BGP_FAMILY_BIT(BGP_IPV4_UNICAST)}};
	uint8_t buf[BGP_MESSAGE_MAX];

	bgp_peer_notify(p->bgp, NOW, BGP_SLOT_DIALLED, BGP_NOTE_START);
	let_talk(p);
	bgp_peer_notify(p->bgp, NOW, BGP_SLOT_DIALLED, BGP_NOTE_TCP_UP);
	let_talk(p);
	bgp_peer_receive(p->bgp, NOW, BGP_SLOT_DIALLED, buf,
			 bgp_open_encode(buf, sizeof(buf), &open));
	bgp_peer_receive(p->bgp, NOW, BGP_SLOT_DIALLED, buf,
			 bgp_keepalive_encode(buf, sizeof(buf)));
	let_talk(p);
	assert_int_equal(bgp_peer_info(p->bgp).state, BGP_ESTABLISHED);
}

/* --- what is to be shown ---------------------------------------------------------------------- */

struct bed {
	struct agent *agent;
	struct agent_peer *peers[N_PEERS];
	int set[N_PEERS][N_ROUTES]; /* -1: was not sent */
};

static struct ip_prefix prefix_of(uint32_t number)
{
	const struct ip_addr addr = ip_addr_from_v4(0xc6120000 + number);

	return ip_prefix_of(&addr, 32);
}

/* The peers differ in how many they have, two of them in nothing else, one is iBGP. */
static struct bed *bed_new(uint64_t seed)
{
	static const uint32_t asns[N_PEERS] = {64512, 64512, NODE_ASN, 64514};
	static const uint32_t locals[N_PEERS] = {0x0a000001, 0x0a000001, 0x0a000001, 0x0a000101};
	struct bed *b = xcalloc(1, sizeof(*b));
	struct rng rng;

	rng_seed(&rng, seed);
	b->agent = xcalloc(1, sizeof(*b->agent));
	b->agent->peers.items = b->peers;
	b->agent->peers.n = N_PEERS;
	for (unsigned i = 0; i < N_PEERS; i++) {
		const char name[] = {'r', (char)('0' + i), '\0'};
		const uint64_t one_of = 1 + rng_below(&rng, i + 1);

		b->peers[i] = peer_new(name, asns[i], locals[i]);
		establish(b->peers[i]);
		for (uint32_t n = 0; n < N_ROUTES; n++) {
			const struct ip_prefix prefix = prefix_of(n);
			const bool is_sent = rng_below(&rng, one_of) == 0;

			b->set[i][n] = is_sent ? (int)rng_below(&rng, ARRAY_SIZE(sets)) : -1;
			if (is_sent)
				assert_true(bgp_rib_set(bgp_peer_rib(b->peers[i]->bgp), &prefix,
							&sets[b->set[i][n]]));
		}
		let_talk(b->peers[i]);
	}
	return b;
}

static void bed_free(struct bed *b)
{
	for (unsigned i = 0; i < N_PEERS; i++)
		peer_free(b->peers[i]);
	free(b->agent);
	free(b);
}

static void add_wanted(struct lines *l, const struct agent_peer *p, uint32_t number, int set)
{
	const bool is_ibgp = p->config.bgp.remote_asn == NODE_ASN;
	const struct ip_prefix prefix = prefix_of(number);
	char hop[IP_ADDR_TEXT], text[IP_PREFIX_TEXT];
	const char *path = is_ibgp ? "" : set == 1 ? "64513,64513,64513" : "64513";
	const char *pref = !is_ibgp ? "null" : set == 2 ? "200" : "100";

	assert_true(asprintf(&l->items[l->n++],
			     "{\"prefix\":\"%s\",\"nextHop\":\"%s\",\"asPath\":[%s],"
			     "\"localPref\":%s,%s} %s",
			     ip_prefix_text(&prefix, text),
			     ip_addr_text(&p->links[BGP_SLOT_DIALLED].local, hop), path, pref,
			     med_and_communities[set], p->key.name) > 0);
}

/* Of eBGP peers like r0 and r1: by which set such routes look alike. */
static int looks(int set)
{
	return set == 2 ? 0 : set;
}

/* Returns in how many rows: r0 and r1 share one where they were told the same. */
static size_t wanted(const struct bed *b, const struct show_filter *filter, struct lines *l)
{
	size_t n_rows = 0;
	char text[IP_PREFIX_TEXT];

	for (unsigned i = 0; i < N_PEERS; i++)
		for (uint32_t n = 0; n < N_ROUTES; n++) {
			const struct ip_prefix prefix = prefix_of(n);

			if (b->set[i][n] < 0 ||
			    (filter->peer && strcmp(filter->peer, b->peers[i]->key.name) != 0) ||
			    (filter->name &&
			     strcmp(filter->name, ip_prefix_text(&prefix, text)) != 0))
				continue;
			add_wanted(l, b->peers[i], n, b->set[i][n]);
			n_rows += i != 1 || filter->peer ||
				  looks(b->set[0][n]) != looks(b->set[1][n]);
		}
	return n_rows;
}

static void add_row(struct lines *l, cJSON *row)
{
	cJSON *peers = cJSON_DetachItemFromObject(row, "peers"), *peer;
	char *text = cJSON_PrintUnformatted(row);

	assert_true(cJSON_GetArraySize(peers) > 0);
	cJSON_ArrayForEach(peer, peers)
	{
		assert_in_range(l->n, 0, ARRAY_SIZE(l->items) - 1);
		assert_true(asprintf(&l->items[l->n++], "%s %s", text, cJSON_GetStringValue(peer)) >
			    0);
	}
	free(text);
	cJSON_Delete(peers);
}

/* Returns in how many rows. */
static size_t told(const struct bed *b, const struct show_filter *filter, struct lines *l)
{
	struct show_cursor c = {.is_over = false};
	size_t n_rows = 0;

	while (!c.is_over) {
		cJSON *piece = show_routes(b->agent, filter, &c), *row;

		assert_in_range(cJSON_GetArraySize(piece), 0,
				(filter->peer ? 1 : N_PEERS) * SHOW_PIECE);
		cJSON_ArrayForEach(row, piece) add_row(l, row);
		n_rows += (size_t)cJSON_GetArraySize(piece);
		cJSON_Delete(piece);
	}
	return n_rows;
}

static void routes_of_several_peers(void **state)
{
	static struct lines got, want;
	char name[IP_PREFIX_TEXT];

	(void)state;
	for (uint64_t seed = 1; seed <= 4; seed++) {
		struct bed *b = bed_new(seed);
		const struct ip_prefix prefix = prefix_of((uint32_t)(seed * 611));
		const struct show_filter filters[] = {{.name = NULL},
						      {.peer = "r2"},
						      {.name = ip_prefix_text(&prefix, name)},
						      {.name = name, .peer = "r0"},
						      {.peer = "none"}};

		for (size_t i = 0; i < ARRAY_SIZE(filters); i++) {
			assert_int_equal(told(b, &filters[i], &got), wanted(b, &filters[i], &want));
			expect_same(&got, &want);
		}
		bed_free(b);
	}
}

/* Nothing is put before the path there, so routes are the same that differ in that. */
static void what_would_be_prepended_is_no_difference_to_routers_of_ibgp(void **state)
{
	static struct lines got;
	const struct show_filter all = {.name = NULL};
	const struct ip_prefix prefix = prefix_of(0);
	struct agent_peer *peers[] = {peer_new("r0", NODE_ASN, 0x0a000001),
				      peer_new("r1", NODE_ASN, 0x0a000001)};
	struct agent agent = {.peers = {.items = peers, .n = ARRAY_SIZE(peers)}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(peers); i++) {
		establish(peers[i]);
		assert_true(bgp_rib_set(bgp_peer_rib(peers[i]->bgp), &prefix, &sets[i]));
		let_talk(peers[i]);
	}
	assert_int_equal(sets[1].prepend, 2);
	assert_int_equal(told(&(struct bed){.agent = &agent}, &all, &got), 1);
	assert_int_equal(got.n, 2);
	lines_done(&got);
	for (size_t i = 0; i < ARRAY_SIZE(peers); i++)
		peer_free(peers[i]);
}

/* What is desired and was not sent yet is not shown. */
static void what_was_not_sent(void **state)
{
	static struct lines got;
	const struct show_filter all = {.name = NULL};
	struct bed *b = bed_new(1);
	struct agent_peer *p = b->peers[0];
	const struct ip_prefix prefix = prefix_of(N_ROUTES);

	(void)state;
	b->agent->peers.n = 1;
	assert_true(bgp_rib_set(bgp_peer_rib(p->bgp), &prefix, &sets[0]));
	assert_int_equal(told(b, &all, &got), N_ROUTES);
	lines_done(&got);
	let_talk(p);
	assert_int_equal(told(b, &all, &got), N_ROUTES + 1);
	lines_done(&got);
	bed_free(b);
}

/* Of two peers that were sent the same the one that is told that the node leaves has rows of its
 * own, with the community. */
static void what_is_added_for_one_of_two_peers_is_told_of_it_alone(void **state)
{
	static struct lines got;
	const struct show_filter all = {.name = NULL};
	struct bed *b = bed_new(1);
	size_t n_rows, n_marked = 0;

	(void)state;
	b->agent->peers.n = 2;
	b->peers[1]->config.bgp.graceful_shutdown = true;
	n_rows = told(b, &all, &got);
	assert_int_equal(n_rows, got.n); /* none is of both */
	for (size_t i = 0; i < got.n; i++) {
		const bool is_r1 = strstr(got.items[i], " r1");

		assert_int_equal(!!strstr(got.items[i], "\"65535:0\""), is_r1);
		n_marked += is_r1;
	}
	assert_in_range(n_marked, 1, got.n - 1);
	lines_done(&got);
	bed_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(routes_of_several_peers),
		cmocka_unit_test(what_would_be_prepended_is_no_difference_to_routers_of_ibgp),
		cmocka_unit_test(what_was_not_sent),
		cmocka_unit_test(what_is_added_for_one_of_two_peers_is_told_of_it_alone),
	};

	return cmocka_run_group_tests_name("show_routes", tests, NULL, NULL);
}
