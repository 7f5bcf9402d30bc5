// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The ledger survives a restart of the agent; what counts in the clock of a boot does not survive a
 * reboot. Nothing in the file is believed: a field that is wrong costs its item, and what comes out
 * is in order whatever went in.
 */
#include "agent/ledger_json.h"
#include "base/limits.h"
#include "base/rng.h"
#include "plan/plan_ledger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define BOOT   UINT64_C(0xfedcba9876543210)
#define NOW    (1000 * NSEC_PER_SEC)
#define LATEST (NOW + LIMIT_DRAIN_S * NSEC_PER_SEC)

static const struct ledger_clock ticking = {.boot = BOOT, .now = NOW};

static struct plan_drain drain(uint32_t backend, nsec_t until)
{
	struct plan_drain d = {0};

	d.frontend.addr = ip_addr_from_v4(0xc0a86401);
	d.frontend.port = 443;
	d.frontend.proto = 6;
	d.frontend.domain = 7;
	d.target.addr = ip_addr_from_v4(backend);
	d.target.port = 8443;
	d.target.weight = 1;
	d.target.state = LB_BACKEND_DRAINING;
	d.until = until;
	return d;
}

static char *two_drains(void)
{
	const struct plan_drain drains[] = {drain(0x0a000001, 5), drain(0x0a000002, LATEST)};
	const struct plan_ledger in = {.drains = drains, .n_drains = 2};

	return ledger_to_json(&in, BOOT);
}

#define ADVERT                                                                                     \
	"{apiVersion: metallb.io/v1beta1, kind: BGPAdvertisement, "                                \
	"metadata: {name: adv, namespace: metallb-system}}"
#define PEER                                                                                       \
	"{apiVersion: metallb.io/v1beta2, kind: BGPPeer, metadata: {name: r1}, "                   \
	"spec: {myASN: 64512, peerASN: 64513, peerAddress: 10.0.0.1}}"

static const uint32_t communities[] = {0x00010001, COMMUNITY_NO_EXPORT};
static const uint64_t extended[] = {UINT64_C(0x0002fc0000000064), UINT64_C(0x0103c00002010007)};
static const struct large_community large[] = {{1, 2, 3}, {4200000001, 0, 9}};
static const char *const pools[] = {"a", "b"};
static const uint8_t password[] = {0, 1, 0xff, '"', '\n', 'x'};

/* As the planner would have made it. */
static void fill_good(struct plan_good ret[2])
{
	ret[0] = (struct plan_good){
		.kind = API_BGP_ADVERTISEMENT,
		.ns = "metallb-system",
		.name = "adv",
		.text = ADVERT,
		.communities = communities,
		.n_communities = 2,
		.extended = extended,
		.n_extended = 2,
		.large = large,
		.n_large = 2,
		.pools = {{.items = pools, .n = 2}, {.items = pools, .n = 1}},
	};
	ret[1] = (struct plan_good){
		.kind = API_BGP_PEER,
		.ns = "",
		.name = "r1",
		.text = PEER,
		.password = password,
		.password_len = sizeof(password),
	};
	for (int i = 0; i < 2; i++) {
		struct arena *arena = arena_new();

		ret[i].hash = api_decode_object(arena, ret[i].text, strlen(ret[i].text))->hash;
		arena_free(arena);
	}
}

static char *two_versions(uint64_t boot)
{
	struct plan_drain d = drain(0x0a000001, 5);
	struct plan_good good[2];
	struct plan_ledger in = {.good = good, .n_good = 2, .drains = &d, .n_drains = 1};

	fill_good(good);
	return ledger_to_json(&in, boot);
}

static struct ledger_reading read_text(const char *text, struct arena *arena)
{
	return ledger_from_json(text, strlen(text), &ticking, arena);
}

static void drains_come_back_as_they_were(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const struct plan_drain want[] = {drain(0x0a000001, 5), drain(0x0a000002, LATEST)};
	_cleanup_(freep) char *text = two_drains();
	const struct ledger_reading r = read_text(text, arena);

	(void)state;
	assert_true(r.is_ledger);
	assert_int_equal(r.n_bad, 0);
	assert_int_equal(r.ledger.n_drains, 2);
	assert_memory_equal(r.ledger.drains, want, sizeof(want));
}

/* Who knows no tunnels, or no real servers, passes over what they have. */
static void drains_on_other_nodes_and_real_servers_lie_apart(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct plan_drain want[] = {drain(0x0a000001, 5), drain(0x0a000002, 6),
				    drain(0x0a000003, 7)};
	const struct plan_ledger in = {.drains = want, .n_drains = 3};
	_cleanup_(freep) char *text = NULL;
	struct ledger_reading r;

	(void)state;
	want[1].target.node = ip_addr_from_v4(0x0a000902);
	want[2].target.node = want[2].target.addr;
	want[2].target.way = LB_BY_NAT; /* the last one */
	text = ledger_to_json(&in, BOOT);
	r = read_text(text, arena);
	assert_int_equal(r.ledger.n_drains, 3);
	assert_memory_equal(r.ledger.drains, want, sizeof(want));
	assert_true(strstr(text, "remoteDrains") < strstr(text, "10.0.0.2\""));
	assert_true(strstr(text, "serverDrains") < strstr(text, "10.0.0.3\""));
	*strchr(strstr(text, "backendWay"), '4') = '5';
	memcpy(strstr(text, "backendNode"), "backendEdon", 11);
	assert_int_equal(read_text(text, arena).n_bad, 2);
}

static void drains_of_another_boot_are_none(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const struct ledger_clock other = {.boot = BOOT + 1, .now = NOW};
	_cleanup_(freep) char *text = two_drains();
	const struct ledger_reading r = ledger_from_json(text, strlen(text), &other, arena);

	(void)state;
	assert_true(r.is_ledger);
	assert_int_equal(r.n_bad, 0);
	assert_int_equal(r.ledger.n_drains, 0);
}

/* Also over a reboot: routers know the node by it. */
static void router_id_comes_back_in_any_boot(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const struct plan_ledger none = {0}, in = {.router_id = 0x0a000009};

	(void)state;
	for (uint64_t boot = BOOT; boot < BOOT + 2; boot++) {
		_cleanup_(freep) char *text = ledger_to_json(&in, boot);
		const struct ledger_reading r = read_text(text, arena);

		assert_non_null(strstr(text, "10.0.0.9"));
		assert_true(r.is_ledger);
		assert_int_equal(r.n_bad, 0);
		assert_int_equal(r.ledger.router_id, 0x0a000009);
	}
	_cleanup_(freep) char *text = ledger_to_json(&none, BOOT);
	assert_int_equal(read_text(text, arena).ledger.router_id, 0);
	assert_int_equal(read_text(text, arena).n_bad, 0);
}

static void order_of_pools_comes_back_in_any_boot(void **state)
{
	static const char *const names[] = {"prod", "overlap", "a"};
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const struct plan_ledger in = {.pools = {.items = names, .n = 3}};
	_cleanup_(freep) char *text = ledger_to_json(&in, BOOT + 1);
	const struct ledger_reading r = read_text(text, arena);

	(void)state;
	assert_int_equal(r.n_bad, 0);
	assert_int_equal(r.ledger.pools.n, 3);
	for (size_t i = 0; i < 3; i++)
		assert_string_equal(r.ledger.pools.items[i], names[i]);
}

static void what_is_no_name_of_a_pool_is_left_out(void **state)
{
	static const char text[] =
		"{\"apiVersion\": \"lodestone.io/v1alpha1\", \"kind\": \"Ledger\", "
		"\"version\": 1, \"pools\": [\"b\", 5, \"\", {}, \"a\"]}";
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const struct ledger_reading r = read_text(text, arena);

	(void)state;
	assert_int_equal(r.n_bad, 3);
	assert_int_equal(r.ledger.pools.n, 2);
	assert_string_equal(r.ledger.pools.items[0], "b");
	assert_string_equal(r.ledger.pools.items[1], "a");
}

static void wrong_router_id_is_left_out(void **state)
{
	static const char *const wrong[] = {"1",           "null",       "\"\"",
					    "\"0.0.0.0\"", "\"10.0.0\"", "\"2001:db8::1\""};
	_cleanup_(arena_freep) struct arena *arena = arena_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		const struct ledger_reading r = read_text(
			arena_printf(arena,
				     "{\"apiVersion\": \"lodestone.io/v1alpha1\", "
				     "\"kind\": \"Ledger\", \"version\": 1, \"routerID\": %s}",
				     wrong[i]),
			arena);

		assert_true(r.is_ledger);
		assert_int_equal(r.n_bad, 1);
		assert_int_equal(r.ledger.router_id, 0);
	}
}

static void last_good_versions_come_back_in_any_boot(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct plan_good want[2];
	struct plan_ledger in = {.good = want, .n_good = 2};

	(void)state;
	fill_good(want);
	for (uint64_t boot = BOOT; boot < BOOT + 2; boot++) {
		_cleanup_(freep) char *text = two_versions(boot);
		struct ledger_reading r = read_text(text, arena);

		assert_true(r.is_ledger);
		assert_int_equal(r.n_bad, 0);
		assert_int_equal(r.ledger.n_drains, boot == BOOT);
		r.ledger.n_drains = 0;
		assert_int_equal(plan_ledger_hash(&r.ledger), plan_ledger_hash(&in));
	}
}

static void longest_password_comes_back(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	uint8_t longest[LIMIT_PASSWORD_BYTES];
	struct plan_good good[2];
	struct plan_ledger in = {.good = good, .n_good = 2};
	_cleanup_(freep) char *text = NULL;
	struct ledger_reading r;

	(void)state;
	fill_good(good);
	for (size_t i = 0; i < sizeof(longest); i++)
		longest[i] = (uint8_t)(0x11 * i); /* each digit */
	good[1].password = longest;
	good[1].password_len = sizeof(longest);
	text = ledger_to_json(&in, BOOT);
	r = read_text(text, arena);
	assert_int_equal(plan_ledger_hash(&r.ledger), plan_ledger_hash(&in));
}

#define QUOTED_ADVERT                                                                              \
	"\"{apiVersion: metallb.io/v1beta1, kind: BGPAdvertisement, metadata: {name: adv}}\""
#define QUOTED_PEER                                                                                \
	"\"{apiVersion: metallb.io/v1beta2, kind: BGPPeer, metadata: {name: r1}, "                 \
	"spec: {myASN: 64512, peerASN: 64513, peerAddress: 10.0.0.1}}\""
#define VERSION(kind, ns, name, document, more)                                                    \
	"{\"kind\": " kind ", \"namespace\": " ns ", \"name\": " name ", \"document\": " document  \
	", " more "}"
#define GOOD_ADVERT(more) VERSION("\"BGPAdvertisement\"", "\"\"", "\"adv\"", QUOTED_ADVERT, more)
#define GOOD_PEER(more)   VERSION("\"BGPPeer\"", "\"\"", "\"r1\"", QUOTED_PEER, more)
#define RESOLVED          "\"communities\": [\"1:1\"], \"pools\": [\"a\"], \"poolsV6\": [\"b\"]"

static const char *with_versions(struct arena *arena, const char *items)
{
	return arena_printf(arena,
			    "{\"apiVersion\": \"lodestone.io/v1alpha1\", \"kind\": \"Ledger\", "
			    "\"version\": 1, \"good\": [%s]}",
			    items);
}

static void wrong_version_is_left_out_alone(void **state)
{
	static const char *const wrong[] = {
		"1",
		"{}",
		VERSION("\"BGPPeer\"", "\"\"", "\"adv\"", QUOTED_ADVERT, RESOLVED),
		VERSION("7", "\"\"", "\"adv\"", QUOTED_ADVERT, RESOLVED),
		VERSION("\"BGPAdvertisement\"", "\"x\"", "\"adv\"", QUOTED_ADVERT, RESOLVED),
		VERSION("\"BGPAdvertisement\"", "null", "\"adv\"", QUOTED_ADVERT, RESOLVED),
		VERSION("\"BGPAdvertisement\"", "\"\"", "\"other\"", QUOTED_ADVERT, RESOLVED),
		VERSION("\"BGPAdvertisement\"", "\"\"", "null", QUOTED_ADVERT, RESOLVED),
		VERSION("\"BGPAdvertisement\"", "\"\"", "\"adv\"", "\"\"", RESOLVED),
		VERSION("\"BGPAdvertisement\"", "\"\"", "\"adv\"", "\"{\"", RESOLVED),
		VERSION("\"BGPAdvertisement\"", "\"\"", "\"adv\"", "null", RESOLVED),
		VERSION("\"Namespace\"", "\"\"", "\"n\"",
			"\"{apiVersion: v1, kind: Namespace, metadata: {name: n}}\"", RESOLVED),
		VERSION("\"BGPAdvertisement\"", "\"\"", "\"adv\"",
			"\"{apiVersion: metallb.io/v1beta1, kind: BGPAdvertisement, "
			"metadata: {name: adv}, spec: {localPref: -1}}\"",
			RESOLVED),
		GOOD_ADVERT("\"pools\": []"),
		GOOD_ADVERT("\"communities\": []"),
		GOOD_ADVERT("\"communities\": [\"gold\"], \"pools\": []"),
		GOOD_ADVERT("\"communities\": [7], \"pools\": []"),
		GOOD_ADVERT("\"communities\": [\"1:70000\"], \"pools\": []"),
		GOOD_ADVERT("\"communities\": \"1:1\", \"pools\": []"),
		GOOD_ADVERT("\"communities\": [], \"pools\": [1]"),
		GOOD_ADVERT("\"communities\": [], \"pools\": {}"),
		GOOD_ADVERT("\"communities\": [], \"pools\": [], \"poolsV6\": [1]"),
		GOOD_PEER("\"communities\": []"),
		GOOD_PEER("\"password\": 1"),
		GOOD_PEER("\"password\": \"0\""),
		GOOD_PEER("\"password\": \"0g\""),
		GOOD_PEER("\"password\": \"/0\""),
		GOOD_PEER("\"password\": \"AA\""),
	};
	_cleanup_(arena_freep) struct arena *arena = arena_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		const struct ledger_reading r = read_text(
			with_versions(arena, arena_printf(arena, "%s, %s, %s",
							  GOOD_PEER("\"password\": \"\""), wrong[i],
							  GOOD_ADVERT(RESOLVED))),
			arena);

		assert_true(r.is_ledger);
		if (r.ledger.n_good != 2 || r.n_bad != 1)
			fail_msg("taken: %s", wrong[i]);
		assert_int_equal(r.ledger.good[0].kind, API_BGP_ADVERTISEMENT);
		assert_int_equal(r.ledger.good[0].pools[IP_V4].n, 1);
		assert_int_equal(r.ledger.good[0].pools[IP_V6].n, 1);
		assert_null(r.ledger.good[1].password);
	}
}

static void bounds_of_what_was_resolved(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();

	(void)state;
	for (int n = LIMIT_COMMUNITIES; n <= LIMIT_COMMUNITIES + 1; n++) {
		char *list = arena_printf(arena, "\"large:0:0:0\"");

		for (int i = 1; i < n; i++)
			list = arena_printf(arena, "%s, \"1:%d\"", list, i);
		list = arena_printf(arena, GOOD_ADVERT("\"communities\": [%s], \"pools\": []"),
				    list);
		assert_int_equal(read_text(with_versions(arena, list), arena).n_bad,
				 n > LIMIT_COMMUNITIES);
	}
	for (int n = LIMIT_PASSWORD_BYTES; n <= LIMIT_PASSWORD_BYTES + 1; n++) {
		char *digits = arena_alloc(arena, (size_t)n * 2 + 1, 1);

		memset(digits, '7', (size_t)n * 2);
		digits = arena_printf(arena, GOOD_PEER("\"password\": \"%s\""), digits);
		assert_int_equal(read_text(with_versions(arena, digits), arena).n_bad,
				 n > LIMIT_PASSWORD_BYTES);
	}
}

static void what_was_resolved_comes_out_sorted_and_once(void **state)
{
	static const char item[] = GOOD_ADVERT(
		"\"communities\": [\"1:2\", \"large:2:0:0\", \"1:1\", \"1:2\", \"large:1:0:0\"], "
		"\"pools\": [\"b\", \"a\", \"b\"]");
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const struct ledger_reading r =
		read_text(with_versions(arena, arena_printf(arena, "%s, %s", item, item)), arena);
	const struct plan_good *g = r.ledger.good;

	(void)state;
	assert_int_equal(r.ledger.n_good, 1);
	assert_int_equal(r.n_bad, 1);
	assert_int_equal(g->n_communities, 2);
	assert_int_equal(g->communities[0], 0x00010001);
	assert_int_equal(g->n_large, 2);
	assert_int_equal(g->large[0].global, 1);
	assert_int_equal(g->pools[IP_V4].n, 2);
	assert_string_equal(g->pools[IP_V4].items[0], "a");
	assert_int_equal(g->pools[IP_V6].n, 0); /* a ledger of before has none */
}

static void what_is_cut_or_foreign_is_no_ledger(void **state)
{
	static const char *const foreign[] = {
		"[]",
		"{}",
		"null",
		"{\"apiVersion\": \"lodestone.io/v1alpha1\", \"kind\": \"Ledger\", \"boot\": \"1\"}",
		"{\"apiVersion\": \"lodestone.io/v1alpha1\", \"kind\": \"Ledger\", \"version\": 2}",
		"{\"apiVersion\": \"lodestone.io/v1alpha1\", \"kind\": \"Other\", \"version\": 1}",
		"{\"apiVersion\": \"v1\", \"kind\": \"Ledger\", \"version\": 1}",
	};
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	_cleanup_(freep) char *text = two_drains();

	(void)state;
	for (size_t len = 0; len < strlen(text); len++) {
		const struct ledger_reading r = ledger_from_json(text, len, &ticking, arena);

		assert_false(r.is_ledger);
		assert_int_equal(r.ledger.n_drains, 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(foreign); i++)
		assert_false(read_text(foreign[i], arena).is_ledger);
}

/* A document with these drains, in JSON. */
static const char *with_drains(struct arena *arena, const char *items)
{
	return arena_printf(arena,
			    "{\"apiVersion\": \"lodestone.io/v1alpha1\", \"kind\": \"Ledger\", "
			    "\"version\": 1, \"boot\": \"%llu\", \"drains\": [%s]}",
			    (unsigned long long)BOOT, items);
}

#define DRAIN(vip, port, proto, domain, backend, bport, until)                                     \
	"{\"vip\": " vip ", \"port\": " port ", \"protocol\": " proto ", \"domain\": " domain      \
	", \"backend\": " backend ", \"backendPort\": " bport ", \"until\": " until "}"
#define VIP     "\"192.168.100.1\""
#define BACKEND "\"10.0.0.1\""
#define GOOD    DRAIN(VIP, "443", "6", "7", BACKEND, "8443", "\"5\"")

static void wrong_field_costs_its_item_alone(void **state)
{
	static const char *const wrong[] = {
		"1",
		"null",
		"{}",
		DRAIN("1", "443", "6", "7", BACKEND, "8443", "\"5\""),
		DRAIN("\"192.168.100\"", "443", "6", "7", BACKEND, "8443", "\"5\""),
		DRAIN("\"0.0.0.0\"", "443", "6", "7", BACKEND, "8443", "\"5\""),
		DRAIN(VIP, "0", "6", "7", BACKEND, "8443", "\"5\""),
		DRAIN(VIP, "65536", "6", "7", BACKEND, "8443", "\"5\""),
		DRAIN(VIP, "4.5", "6", "7", BACKEND, "8443", "\"5\""),
		DRAIN(VIP, "\"443\"", "6", "7", BACKEND, "8443", "\"5\""),
		DRAIN(VIP, "443", "7", "7", BACKEND, "8443", "\"5\""),
		DRAIN(VIP, "443", "262", "7", BACKEND, "8443", "\"5\""),
		DRAIN(VIP, "443", "6", "-1", BACKEND, "8443", "\"5\""),
		DRAIN(VIP, "443", "6", "65536", BACKEND, "8443", "\"5\""),
		DRAIN(VIP, "443", "6", "7", "\"::\"", "8443", "\"5\""),
		DRAIN(VIP, "443", "6", "7", BACKEND, "0", "\"5\""),
		DRAIN(VIP, "443", "6", "7", BACKEND, "1e9", "\"5\""),
		DRAIN(VIP, "443", "6", "7", BACKEND, "8443", "5"),
		DRAIN(VIP, "443", "6", "7", BACKEND, "8443", "\"\""),
		DRAIN(VIP, "443", "6", "7", BACKEND, "8443", "\"-5\""),
		DRAIN(VIP, "443", "6", "7", BACKEND, "8443", "\"5s\""),
		DRAIN(VIP, "443", "6", "7", BACKEND, "8443", "\"87400000000001\""),
		DRAIN(VIP, "443", "6", "7", BACKEND, "8443", "\"99999999999999999999\""),
	};
	_cleanup_(arena_freep) struct arena *arena = arena_new();

	(void)state;
	assert_int_equal(LATEST, 87400000000000);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		const struct ledger_reading r = read_text(
			with_drains(arena, arena_printf(arena, "%s, %s", wrong[i], GOOD)), arena);

		assert_true(r.is_ledger);
		if (r.ledger.n_drains != 1 || r.n_bad != 1)
			fail_msg("taken: %s", wrong[i]);
	}
}

static void drains_come_out_sorted_and_once(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const char *items = arena_printf(
		arena, "%s, %s, %s, %s",
		DRAIN(VIP, "443", "6", "7", "\"10.0.0.9\"", "8443", "\"5\""), GOOD,
		DRAIN("\"192.168.100.0\"", "443", "17", "7", BACKEND, "8443", "\"5\""), GOOD);
	const struct ledger_reading r = read_text(with_drains(arena, items), arena);

	(void)state;
	assert_int_equal(r.n_bad, 1);
	assert_int_equal(r.ledger.n_drains, 3);
	for (size_t i = 1; i < 3; i++)
		assert_true(plan_drain_cmp(&r.ledger.drains[i - 1], &r.ledger.drains[i]) < 0);
}

static void list_that_is_none_is_empty(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const char *text = arena_printf(arena,
					"{\"apiVersion\": \"lodestone.io/v1alpha1\", "
					"\"kind\": \"Ledger\", \"version\": 1, "
					"\"boot\": \"%llu\", \"drains\": \"none\"}",
					(unsigned long long)BOOT);

	(void)state;
	assert_true(read_text(text, arena).is_ledger);
	assert_int_equal(read_text(text, arena).ledger.n_drains, 0);
}

/* What plan_compute relies on. */
static void assert_in_order(const struct plan_ledger *l)
{
	for (size_t i = 0; i < l->n_drains; i++) {
		const struct plan_drain *d = &l->drains[i];

		assert_false(ip_addr_is_none(&d->frontend.addr));
		assert_true(d->frontend.port && d->target.port);
		assert_int_equal(d->target.state, LB_BACKEND_DRAINING);
		assert_true(d->until <= LATEST);
		assert_true(i == 0 || plan_drain_cmp(d - 1, d) < 0);
	}
	for (size_t i = 0; i < l->n_good; i++) {
		const struct plan_good *g = &l->good[i];

		assert_true(g->ns && g->name && g->text);
		assert_true(i == 0 || plan_good_cmp(g - 1, g) < 0);
		assert_true(g->n_communities + g->n_large <= LIMIT_COMMUNITIES);
		assert_true(g->password_len <= LIMIT_PASSWORD_BYTES);
	}
}

static void mutate(struct rng *rng, char *text, size_t *len)
{
	static const char bytes[] = "\"{}[]:,0123456789abcdef.-\\ \n";
	const size_t at = (size_t)rng_below(rng, (uint32_t)*len);

	switch (rng_below(rng, 4)) {
	case 0:
		text[at] = bytes[rng_below(rng, sizeof(bytes) - 1)];
		break;
	case 1:
		text[at] = (char)rng_below(rng, 256);
		break;
	case 2:
		*len = at;
		break;
	default:
		memmove(text + at, text + at + 1, *len - at - 1);
		(*len)--;
		break;
	}
}

static void damaged_file_is_read_in_order_or_not_at_all(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	_cleanup_(freep) char *text = two_versions(BOOT);
	const size_t whole = strlen(text);
	size_t n_drains = 0, n_good = 0;
	struct rng rng;

	(void)state;
	rng_seed(&rng, 1);
	for (int i = 0; i < 10000; i++) {
		char *copy = arena_memdup(arena, text, whole + 1);
		struct ledger_reading r;
		size_t len = whole;

		for (unsigned k = (unsigned)rng_below(&rng, 3); k-- > 0 && len > 1;)
			mutate(&rng, copy, &len);
		r = ledger_from_json(copy, len, &ticking, arena);
		assert_in_order(&r.ledger);
		n_drains += r.ledger.n_drains;
		n_good += r.ledger.n_good;
		arena_reset(arena);
	}
	assert_true(n_drains > 1000 && n_good > 2000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(drains_come_back_as_they_were),
		cmocka_unit_test(drains_on_other_nodes_and_real_servers_lie_apart),
		cmocka_unit_test(drains_of_another_boot_are_none),
		cmocka_unit_test(router_id_comes_back_in_any_boot),
		cmocka_unit_test(wrong_router_id_is_left_out),
		cmocka_unit_test(order_of_pools_comes_back_in_any_boot),
		cmocka_unit_test(what_is_no_name_of_a_pool_is_left_out),
		cmocka_unit_test(last_good_versions_come_back_in_any_boot),
		cmocka_unit_test(longest_password_comes_back),
		cmocka_unit_test(wrong_version_is_left_out_alone),
		cmocka_unit_test(bounds_of_what_was_resolved),
		cmocka_unit_test(what_was_resolved_comes_out_sorted_and_once),
		cmocka_unit_test(what_is_cut_or_foreign_is_no_ledger),
		cmocka_unit_test(wrong_field_costs_its_item_alone),
		cmocka_unit_test(drains_come_out_sorted_and_once),
		cmocka_unit_test(list_that_is_none_is_empty),
		cmocka_unit_test(damaged_file_is_read_in_order_or_not_at_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
