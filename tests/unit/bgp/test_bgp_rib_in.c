// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Adj-RIB-In: what is kept of a peer's routes and what is told of their changes; random runs beside
 * a model so simple that it is right by inspection, an array of what the peer has said last.
 */
#include "unit/bgp/rib_in_made.h"

static struct bgp_rib_in *new_rib(const struct bgp_import *import)
{
	struct bgp_rib_in *rib = bgp_rib_in_new(7);

	assert_int_equal(bgp_rib_in_set_import(rib, import), !bgp_import_is_nothing(import));
	return rib;
}

/* In small pieces; it comes to an end. */
static void go_on(struct bgp_rib_in *rib)
{
	for (size_t n = 0; bgp_rib_in_go_on(rib, 7) > 0; n += 7)
		assert_true(n < 4 * (BGP_REJECTED_MAX + 1000));
}

static size_t take_all(struct bgp_rib_in *rib)
{
	struct ip_prefix p;
	size_t n = 0;

	go_on(rib);
	while (bgp_rib_in_take(rib, &p))
		n++;
	return n;
}

static bool has(const struct bgp_rib_in *rib, const char *text)
{
	const struct ip_prefix p = prefix(text);

	return bgp_rib_in_accepted(rib, &p) != NULL;
}

static enum bgp_verdict verdict(const struct bgp_rib_in *rib, const char *text)
{
	const struct ip_prefix p = prefix(text);
	struct bgp_rib_in_route r;
	size_t pos = 0;

	while (bgp_rib_in_next(rib, &pos, &r))
		if (ip_prefix_cmp(&r.prefix, &p) == 0)
			return r.verdict;
	return BGP_N_VERDICTS;
}

static const struct bgp_attrs plain = {.origin = BGP_ORIGIN_IGP};

static void without_a_policy_nothing_is_kept(void **state)
{
	const struct bgp_import nothing = {.max_prefixes = 0},
				all = {.all = true, .max_prefixes = 10};
	struct bgp_rib_in *rib = new_rib(&nothing);

	(void)state;
	says_text(rib, "192.0.2.0/24", &plain);
	assert_int_equal(verdict(rib, "192.0.2.0/24"), BGP_N_VERDICTS);
	assert_int_equal(take_all(rib), 0);
	assert_true(bgp_rib_in_set_import(rib, &all)); /* it is to be asked for */
	assert_false(bgp_rib_in_set_import(rib, &all));
	says_text(rib, "192.0.2.0/24", &plain);
	assert_true(has(rib, "192.0.2.0/24"));
	assert_int_equal(take_all(rib), 1);
	assert_false(bgp_rib_in_set_import(rib, &nothing));
	assert_false(has(rib, "192.0.2.0/24"));
	assert_int_equal(take_all(rib), 1);
	bgp_rib_in_free(rib);
}

static void a_change_is_told_once(void **state)
{
	const struct bgp_import all = {.all = true, .max_prefixes = 10};
	const struct bgp_attrs other = {.has_med = true, .med = 5};
	struct bgp_rib_in *rib = new_rib(&all);
	struct ip_prefix p;

	(void)state;
	says_text(rib, "192.0.2.0/24", &plain);
	says_text(rib, "192.0.2.0/24", &other);
	assert_int_equal(take_all(rib), 1);
	says_text(rib, "192.0.2.0/24", &other); /* the same again */
	assert_int_equal(take_all(rib), 0);
	says_text(rib, "192.0.2.0/24", NULL);
	says_text(rib, "192.0.2.0/24", &plain); /* it was away and is back */
	says_text(rib, "192.0.2.0/24", NULL);
	says_text(rib, "203.0.113.0/24", NULL); /* never was there */
	assert_true(bgp_rib_in_take(rib, &p));
	assert_null(bgp_rib_in_accepted(rib, &p));
	assert_int_equal(take_all(rib), 0);
	assert_int_equal(verdict(rib, "192.0.2.0/24"), BGP_N_VERDICTS);
	bgp_rib_in_free(rib);
}

static void routes_that_must_not_be_followed_are_rejected(void **state)
{
	static const struct {
		const char *body; /* attributes and prefix behind them */
		enum bgp_verdict want;
	} cases[] = {
		{"0000 0014 400101 00 400206 0201 0000fbf5 400304 0a000002  18 c00002",
		 BGP_ACCEPTED},
		/* our own AS, behind another one */
		{"0000 0018 400101 00 40020a 0202 0000fbf5 0000fbf4 400304 0a000002  18 c00002",
		 BGP_OWN_ASN},
		{"0000 0014 400101 00 400206 0201 0000fbf5 400304 0a000001  18 c00002",
		 BGP_OWN_NEXT_HOP},
	};
	const struct bgp_import all = {.all = true, .max_prefixes = 10};
	const struct bgp_update_session s = our_session();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct bgp_rib_in *rib = new_rib(&all);
		struct octets o = octets(cases[i].body);
		struct bgp_update u;
		struct bgp_error e;

		assert_int_equal(bgp_update_decode(rcur_init(o.b, o.len), &s, &u, &e),
				 BGP_UPDATE_OK);
		bgp_rib_in_learn(rib, &u, &s);
		assert_int_equal(verdict(rib, "192.0.2.0/24"), cases[i].want);
		assert_int_equal(take_all(rib), cases[i].want == BGP_ACCEPTED);
		bgp_rib_in_free(rib);
	}
}

static void a_reflected_route_of_our_own_is_rejected(void **state)
{
	struct octets o = octets("0000 001f 400101 00 400200 400304 0a000002 400504 00000064"
				 " 800904 0a000001  18 c00002");
	const struct bgp_import all = {.all = true, .max_prefixes = 10};
	struct bgp_update_session s = our_session();
	struct bgp_rib_in *rib = new_rib(&all);
	struct bgp_update u;
	struct bgp_error e;

	(void)state;
	s.is_ibgp = true;
	o.b[3] = (uint8_t)(o.len - 4 - 4);
	assert_int_equal(bgp_update_decode(rcur_init(o.b, o.len), &s, &u, &e), BGP_UPDATE_OK);
	bgp_rib_in_learn(rib, &u, &s);
	assert_int_equal(verdict(rib, "192.0.2.0/24"), BGP_OWN_ROUTE);
	s.router_id = 0x0a000003;
	bgp_rib_in_learn(rib, &u, &s);
	assert_int_equal(verdict(rib, "192.0.2.0/24"), BGP_ACCEPTED);
	bgp_rib_in_free(rib);
}

static void all_communities_of_a_route_are_kept(void **state)
{
	static const uint32_t communities[] = {0xfbf40001, 0xfbf40002, 0xffffff01};
	static const struct large_community large[] = {{64500, 1, 2}, {64500, 1, 3}};
	const struct bgp_attrs attrs = {.origin = BGP_ORIGIN_IGP,
					.communities = communities,
					.n_communities = ARRAY_SIZE(communities),
					.large = large,
					.n_large = ARRAY_SIZE(large)};
	const struct bgp_import all = {.all = true, .max_prefixes = 10};
	const struct ip_prefix p = prefix("192.0.2.0/24");
	struct bgp_rib_in *rib = new_rib(&all);
	const struct bgp_path *path;

	(void)state;
	says_text(rib, "192.0.2.0/24", &attrs);
	path = bgp_rib_in_accepted(rib, &p);
	assert_non_null(path);
	assert_int_equal(path->n_as_path, 1);
	assert_int_equal(path->as_path[0], THEIR_ASN);
	assert_int_equal(path->n_communities, ARRAY_SIZE(communities));
	assert_memory_equal(path->communities, communities, sizeof(communities));
	assert_int_equal(path->n_large, ARRAY_SIZE(large));
	assert_memory_equal(path->large, large, sizeof(large));
	bgp_rib_in_free(rib);
}

/* RFC 6793 4.2.3: AS_TRANS in the path of an old speaker stands for what AS4_PATH says. */
static void an_old_speakers_path_is_put_together(void **state)
{
	struct octets o = octets("0000 0000 400101 00 400208 0203 fc00 5ba0 fde8"
				 " 400304 0a000002 c0110a 0202 fa56ea01 0000fde8  18 c00002");
	const struct bgp_import all = {.all = true, .max_prefixes = 10};
	struct bgp_update_session s = our_session();
	struct bgp_rib_in *rib = new_rib(&all);
	const struct ip_prefix p = prefix("192.0.2.0/24");
	const struct bgp_path *path;
	struct bgp_update u;
	struct bgp_error e;

	(void)state;
	s.as4 = false;
	o.b[3] = (uint8_t)(o.len - 4 - 4);
	assert_int_equal(bgp_update_decode(rcur_init(o.b, o.len), &s, &u, &e), BGP_UPDATE_OK);
	bgp_rib_in_learn(rib, &u, &s);
	path = bgp_rib_in_accepted(rib, &p);
	assert_non_null(path);
	assert_int_equal(path->n_as_path, 3);
	assert_int_equal(path->as_path[0], 0xfc00);
	assert_int_equal(path->as_path[1], 0xfa56ea01);
	assert_int_equal(path->as_path[2], 0xfde8);
	s.local_asn = 0xfa56ea01; /* which shows a loop, too */
	bgp_rib_in_learn(rib, &u, &s);
	assert_int_equal(verdict(rib, "192.0.2.0/24"), BGP_OWN_ASN);
	bgp_rib_in_free(rib);
}

static void stale_routes_stay_until_they_are_swept(void **state)
{
	const struct bgp_import all = {.all = true, .max_prefixes = 10};
	struct bgp_rib_in *rib = new_rib(&all);

	(void)state;
	says_text(rib, "192.0.2.0/24", &plain);
	says_text(rib, "198.51.100.0/24", &plain);
	says_text(rib, "2001:db8::/32", &plain);
	take_all(rib);
	bgp_rib_in_stale(rib, BGP_IPV4_UNICAST);
	assert_int_equal(bgp_rib_in_counts(rib).n_stale, 2);
	assert_int_equal(take_all(rib), 0);
	says_text(rib, "192.0.2.0/24", &plain); /* refreshed */
	bgp_rib_in_sweep(rib, BGP_IPV6_UNICAST);
	assert_true(has(rib, "198.51.100.0/24") && has(rib, "2001:db8::/32"));
	bgp_rib_in_sweep(rib, BGP_IPV4_UNICAST);
	assert_true(has(rib, "192.0.2.0/24") && !has(rib, "198.51.100.0/24"));
	assert_int_equal(take_all(rib), 1);
	bgp_rib_in_stale(rib, BGP_IPV4_UNICAST);
	bgp_rib_in_stale(rib, BGP_IPV4_UNICAST); /* stale twice is gone (RFC 4724 4.2) */
	assert_false(has(rib, "192.0.2.0/24"));
	assert_true(has(rib, "2001:db8::/32"));
	bgp_rib_in_free(rib);
}

/* n prefixes of length 32 from the address on, in one array. */
static struct ip_prefix *hosts(uint32_t first, size_t n)
{
	struct ip_prefix *ret = xcalloc(n, sizeof(*ret));

	for (size_t i = 0; i < n; i++) {
		const struct ip_addr a = ip_addr_from_v4(first + (uint32_t)i);

		ret[i] = ip_prefix_of(&a, 32);
	}
	return ret;
}

static void beyond_the_limit_nothing_more_is_accepted(void **state)
{
	struct bgp_import import = {.all = true, .max_prefixes = 100};
	struct ip_prefix *many = hosts(0x0b000000, BGP_REJECTED_MAX + 200);
	struct ip_prefix *more = hosts(0x0c000000, 10);
	struct bgp_rib_in *rib = new_rib(&import);
	struct bgp_rib_in_counts c;

	(void)state;
	says(rib, many, 100, &plain);
	assert_false(bgp_rib_in_counts(rib).is_over_limit);
	says(rib, many + 100, 1, &plain);
	c = bgp_rib_in_counts(rib);
	assert_true(c.is_over_limit);
	assert_int_equal(c.n_accepted, 100);
	says(rib, many, 1, NULL); /* room: the one over the limit comes in */
	assert_int_equal(bgp_rib_in_counts(rib).n_accepted, 99);
	assert_true(bgp_rib_in_has_changed(rib));
	go_on(rib);
	c = bgp_rib_in_counts(rib);
	assert_false(c.is_over_limit);
	assert_int_equal(c.n_accepted, 100);
	says(rib, many, BGP_REJECTED_MAX + 200, &plain);
	c = bgp_rib_in_counts(rib);
	assert_int_equal(c.n_accepted, 100);
	assert_int_equal(c.n_by[BGP_OVER_LIMIT], BGP_REJECTED_MAX);
	assert_int_equal(c.n_not_kept, 100);
	says(rib, many, BGP_REJECTED_MAX + 111, NULL);
	assert_true(bgp_rib_in_has_room_again(rib)); /* for those that were not kept */
	assert_false(bgp_rib_in_has_room_again(rib));
	import.max_prefixes = 20000;
	assert_false(bgp_rib_in_set_import(rib, &import));
	says(rib, many, BGP_REJECTED_MAX + 200, &plain);
	assert_int_equal(bgp_rib_in_counts(rib).n_accepted, BGP_REJECTED_MAX + 200);
	import.max_prefixes = 50;
	assert_false(bgp_rib_in_set_import(rib, &import));
	go_on(rib);
	assert_int_equal(bgp_rib_in_counts(rib).n_accepted, 50);
	assert_int_equal(bgp_rib_in_counts(rib).n_by[BGP_OVER_LIMIT], BGP_REJECTED_MAX + 150);
	says(rib, more, 10, &plain);
	assert_int_equal(bgp_rib_in_counts(rib).n_not_kept, 10);
	import.max_prefixes = 60;
	assert_true(bgp_rib_in_set_import(rib, &import));
	assert_int_equal(bgp_rib_in_counts(rib).n_not_kept, 0); /* they are asked for again */
	go_on(rib);
	says(rib, more, 10, &plain);
	assert_int_equal(bgp_rib_in_counts(rib).n_not_kept, 10);
	bgp_rib_in_drop(rib, BGP_IPV4_UNICAST); /* the next session lacks nothing */
	c = bgp_rib_in_counts(rib);
	assert_true(!c.is_over_limit && c.n_not_kept == 0);
	import.max_prefixes = 70;
	assert_false(bgp_rib_in_set_import(rib, &import));
	free(more);
	free(many);
	bgp_rib_in_free(rib);
}

/*
 * A session ends and the next says the half of it again before the former's routes were let go:
 * whoever takes meanwhile hears of each that changed.
 */
static void what_leaves_is_gone_at_once_and_let_go_in_pieces(void **state)
{
	const struct bgp_import all = {.all = true, .max_prefixes = 1000};
	struct ip_prefix *many = hosts(0x0b000000, 100), p;
	struct bgp_rib_in *rib = new_rib(&all);
	bool told[100] = {false};

	(void)state;
	says(rib, many, 100, &plain);
	assert_int_equal(take_all(rib), 100);
	bgp_rib_in_drop(rib, BGP_IPV4_UNICAST);
	assert_int_equal(bgp_rib_in_counts(rib).n_accepted, 0);
	assert_null(bgp_rib_in_accepted(rib, &many[0]));
	assert_true(bgp_rib_in_has_changed(rib));
	assert_int_equal(bgp_rib_in_go_on(rib, 10), 10);
	says(rib, many, 50, &plain);
	assert_int_equal(bgp_rib_in_counts(rib).n_accepted, 50);
	do {
		while (bgp_rib_in_take(rib, &p))
			told[ip_addr_v4(&p.addr) - 0x0b000000] = true;
	} while (bgp_rib_in_go_on(rib, 10) > 0);
	for (size_t i = 0; i < 100; i++) {
		assert_true(told[i]);
		assert_int_equal(bgp_rib_in_accepted(rib, &many[i]) != NULL, i < 50);
	}
	assert_false(bgp_rib_in_has_changed(rib));
	assert_int_equal(bgp_rib_in_counts(rib).n_paths, 1);
	free(many);
	bgp_rib_in_free(rib);
}

/* A peer that sends ever other attributes makes us keep no more than bounded ones. */
static void attribute_sets_are_shared_and_freed(void **state)
{
	const struct bgp_import all = {.all = true, .max_prefixes = 10};
	struct bgp_rib_in *rib = new_rib(&all);
	const struct ip_prefix p = prefix("192.0.2.0/24"), q = prefix("192.0.3.0/24");

	(void)state;
	for (uint32_t i = 0; i < 1000; i++) {
		const struct bgp_attrs a = {.has_med = true, .med = i};

		says(rib, &p, 1, &a);
		says(rib, &q, 1, &a);
		says(rib, &q, 1, &a); /* the same again */
		assert_ptr_equal(bgp_rib_in_accepted(rib, &p), bgp_rib_in_accepted(rib, &q));
		assert_int_equal(bgp_rib_in_accepted(rib, &p)->med, i);
		assert_int_equal(bgp_rib_in_counts(rib).n_paths, 1);
	}
	says(rib, &p, 1, NULL);
	assert_int_equal(bgp_rib_in_counts(rib).n_paths, 1);
	bgp_rib_in_drop(rib, BGP_IPV4_UNICAST);
	go_on(rib);
	assert_int_equal(bgp_rib_in_counts(rib).n_paths, 0);
	bgp_rib_in_free(rib); /* the sanitizer looks for what is left */
}

/* --- beside a model -------------------------------------------------------------------------- */

#define N_PREFIXES 30
#define N_V4       20 /* of these */
#define NONE       (-1)

struct model {
	struct bgp_import import;
	struct bgp_import_rule rule;
	struct bgp_reserved reserved;
	int said[N_PREFIXES]; /* MED of the last announcement, or NONE */
	bool stale[N_PREFIXES];
	int told[N_PREFIXES]; /* MED of the accepted one as it was last taken, or NONE */
};

static struct ip_prefix model_prefix(size_t i)
{
	struct ip_addr a = ip_addr_from_v4(0x0b000000 + (uint32_t)(i << 8));
	const struct ip_addr b = {.b = {0x20, 1, [2] = (uint8_t)i}};

	return i < N_V4 ? ip_prefix_of(&a, 24) : ip_prefix_of(&b, 32);
}

static enum bgp_family model_family(size_t i)
{
	return i < N_V4 ? BGP_IPV4_UNICAST : BGP_IPV6_UNICAST;
}

static bool model_is_eligible(const struct model *m, size_t i)
{
	const struct ip_prefix p = model_prefix(i);
	const char *what;

	return m->said[i] != NONE && bgp_import_judge(&m->import, &p, &what) == BGP_ACCEPTED;
}

static void model_policy(struct model *m, struct rng *rng)
{
	const uint64_t what = rng_below(rng, 10);

	m->rule = (struct bgp_import_rule){model_prefix(rng_below(rng, N_V4)), 8, 32};
	m->rule.prefix = ip_prefix_of(&m->rule.prefix.addr, 20);
	m->reserved = (struct bgp_reserved){
		{model_prefix(3).addr, model_prefix(3 + rng_below(rng, 10)).addr}, "x"};
	m->import = (struct bgp_import){.all = what > 3,
					.rules = &m->rule,
					.n_rules = what > 0,
					.reserved = &m->reserved,
					.n_reserved = what % 2,
					.max_prefixes = 5 + rng_below(rng, 40)};
}

static void model_forget(struct model *m, enum bgp_family f, bool only_stale)
{
	for (size_t i = 0; i < N_PREFIXES; i++)
		if (model_family(i) == f && (!only_stale || m->stale[i]))
			m->said[i] = NONE, m->stale[i] = false;
}

static void model_set_import(struct model *m, struct bgp_rib_in *rib, struct rng *rng)
{
	const bool was_open = bgp_rib_in_is_open(rib);
	bool ask;

	model_policy(m, rng);
	ask = bgp_rib_in_set_import(rib, &m->import);
	assert_int_equal(ask, !was_open && bgp_rib_in_is_open(rib));
	if (bgp_rib_in_is_open(rib))
		return;
	for (enum bgp_family f = 0; f < BGP_N_FAMILIES; f++)
		model_forget(m, f, false);
}

static void model_say(struct model *m, struct bgp_rib_in *rib, struct rng *rng)
{
	const size_t i = rng_below(rng, N_PREFIXES);
	const struct bgp_attrs a = {.has_med = true, .med = (uint32_t)rng_below(rng, 3)};
	const struct ip_prefix p = model_prefix(i);

	if (rng_below(rng, 3) == 0) {
		says(rib, &p, 1, NULL);
		m->said[i] = NONE;
	} else {
		says(rib, &p, 1, &a);
		m->said[i] = bgp_rib_in_is_open(rib) ? (int)a.med : NONE;
	}
	m->stale[i] = false;
}

static void model_sweeps(struct model *m, struct bgp_rib_in *rib, struct rng *rng)
{
	const enum bgp_family f = (enum bgp_family)rng_below(rng, BGP_N_FAMILIES);

	switch (rng_below(rng, 3)) {
	case 0:
		bgp_rib_in_stale(rib, f);
		model_forget(m, f, true);
		for (size_t i = 0; i < N_PREFIXES; i++)
			m->stale[i] |= model_family(i) == f && m->said[i] != NONE;
		break;
	case 1:
		bgp_rib_in_sweep(rib, f);
		model_forget(m, f, true);
		break;
	default:
		bgp_rib_in_drop(rib, f);
		model_forget(m, f, false);
		break;
	}
}

static int accepted_med(const struct bgp_rib_in *rib, size_t i)
{
	const struct ip_prefix p = model_prefix(i);
	const struct bgp_path *path = bgp_rib_in_accepted(rib, &p);

	return path ? (int)path->med : NONE;
}

/* What was taken follows what is accepted, prefix by prefix. */
static void model_take(struct model *m, struct bgp_rib_in *rib, size_t n)
{
	struct ip_prefix p;

	for (; n > 0 && bgp_rib_in_take(rib, &p); n--) {
		size_t i = 0;

		for (struct ip_prefix at = model_prefix(0); ip_prefix_cmp(&at, &p) != 0;
		     at = model_prefix(++i))
			assert_true(i < N_PREFIXES);
		m->told[i] = accepted_med(rib, i);
	}
}

/* Through: nothing is left to go on with. */
static void model_check(const struct model *m, const struct bgp_rib_in *rib, bool is_through)
{
	const struct bgp_rib_in_counts c = bgp_rib_in_counts(rib);
	size_t n_eligible = 0, n_stale = 0, n_in = 0, n_kept = 0, pos = 0;
	struct bgp_rib_in_route r;

	for (size_t i = 0; i < N_PREFIXES; i++) {
		const int med = accepted_med(rib, i);

		n_eligible += model_is_eligible(m, i);
		n_stale += m->stale[i];
		n_in += med != NONE;
		assert_true(med == NONE || med == m->said[i]);
		assert_true(med == NONE || !is_through || model_is_eligible(m, i));
		if (m->said[i] == NONE)
			continue;
		const struct ip_prefix p = model_prefix(i);

		assert_true(bgp_rib_in_next(rib, &pos, &r));
		assert_int_equal(ip_prefix_cmp(&r.prefix, &p), 0);
		assert_int_equal(r.is_stale, m->stale[i]);
		assert_int_equal(r.path->med, m->said[i]);
		n_kept++;
	}
	assert_false(bgp_rib_in_next(rib, &pos, &r));
	assert_int_equal(c.n_stale, n_stale);
	assert_int_equal(c.n_accepted, n_in);
	assert_true(n_in <= n_kept);
	if (!is_through)
		return;
	/* The limit is used up before anything is left out. */
	assert_int_equal(n_in,
			 n_eligible < m->import.max_prefixes ? n_eligible : m->import.max_prefixes);
	assert_int_equal(c.is_over_limit, n_eligible > n_in);
}

static void random_runs_agree_with_the_model(void **state)
{
	struct rng rng = octets_rng(__func__);

	(void)state;
	for (unsigned run = 0; run < 100; run++) {
		struct model m;
		struct bgp_rib_in *rib;

		for (size_t i = 0; i < N_PREFIXES; i++)
			m.said[i] = m.told[i] = NONE, m.stale[i] = false;
		model_policy(&m, &rng);
		rib = new_rib(&m.import);
		for (unsigned step = 0; step < 400; step++) {
			const uint64_t what = rng_below(&rng, 100);

			if (what < 80)
				model_say(&m, rib, &rng);
			else if (what < 88)
				model_sweeps(&m, rib, &rng);
			else if (what < 92)
				model_set_import(&m, rib, &rng);
			else
				model_take(&m, rib, rng_below(&rng, 20));
			if (rng_below(&rng, 2))
				(void)bgp_rib_in_go_on(rib, rng_below(&rng, 10));
			model_check(&m, rib, false);
			if (rng_below(&rng, 4))
				continue;
			go_on(rib);
			model_check(&m, rib, true);
		}
		go_on(rib);
		model_take(&m, rib, SIZE_MAX);
		for (size_t i = 0; i < N_PREFIXES; i++)
			assert_int_equal(m.told[i], accepted_med(rib, i));
		bgp_rib_in_retake(rib);
		assert_int_equal(take_all(rib), bgp_rib_in_counts(rib).n_accepted);
		bgp_rib_in_free(rib);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_policy_nothing_is_kept),
		cmocka_unit_test(a_change_is_told_once),
		cmocka_unit_test(routes_that_must_not_be_followed_are_rejected),
		cmocka_unit_test(a_reflected_route_of_our_own_is_rejected),
		cmocka_unit_test(all_communities_of_a_route_are_kept),
		cmocka_unit_test(an_old_speakers_path_is_put_together),
		cmocka_unit_test(stale_routes_stay_until_they_are_swept),
		cmocka_unit_test(beyond_the_limit_nothing_more_is_accepted),
		cmocka_unit_test(what_leaves_is_gone_at_once_and_let_go_in_pieces),
		cmocka_unit_test(attribute_sets_are_shared_and_freed),
		cmocka_unit_test(random_runs_agree_with_the_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
