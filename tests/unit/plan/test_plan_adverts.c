// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * An edit with an error takes no route away (DESIGN 1, isolation of errors): of an advertisement
 * the last good version stays in force as it was resolved then, over a restart too; what was never
 * good is held back, what is deleted is gone. Every error the planner knows of the kind is a row of
 * a table here.
 */
#include "mishap.h"

#define C(high, low) ((uint32_t)(high) << 16 | (low))

/* --- advertisements ------------------------------------------------------------------------- */

#define ADV_GOOD                                                                                   \
	"spec: {ipAddressPools: [pool-a], peers: [r1], communities: [gold, \"large:1:2:3\"], "     \
	"asPathPrepend: 2}"

static struct fixture *with_advert(void)
{
	struct fixture *f = fixture_announced();

	fixture_object(f, "Community", "aliases", "",
		       "spec: {communities: [{name: gold, value: \"1:1\"}]}");
	fixture_object(f, "BGPAdvertisement", "adv", "", ADV_GOOD);
	fixture_converge(f, 10);
	return f;
}

static void assert_as_before(struct fixture *f)
{
	const struct bgp_attrs *held = fixture_held(f, "r1", VIP "/32");

	assert_non_null(held);
	assert_int_equal(held->n_communities, 1);
	assert_int_equal(held->communities[0], C(1, 1));
	assert_int_equal(held->n_large, 1);
	assert_int_equal(held->large[0].local2, 3);
	assert_int_equal(held->prepend, 2);
	assert_string_equal(fixture_service(f, "web")->reason, "announced");
}

static const char *many_communities(struct arena *arena, int n)
{
	char *list = arena_printf(arena, "\"9:0\"");

	for (int i = 1; i < n; i++)
		list = arena_printf(arena, "%s, \"9:%d\"", list, i);
	return arena_printf(arena, "spec: {communities: [%s]}", list);
}

static void typo(struct fixture *f)
{
	fixture_object(f, "BGPAdvertisement", "adv", "",
		       "spec: {ipAddressPools: [pool-a], peers: [r1], communities: [goldd]}");
}
static void too_large(struct fixture *f)
{
	fixture_object(f, "BGPAdvertisement", "adv", "",
		       "spec: {communities: [gold, \"70000:1\"]}");
}
static void without_prefix(struct fixture *f)
{
	fixture_object(f, "BGPAdvertisement", "adv", "", "spec: {communities: [\"1:2:3\"]}");
}
static void the_64th(struct fixture *f)
{
	struct arena *arena = arena_new();

	fixture_object(f, "BGPAdvertisement", "adv", "", many_communities(arena, 64));
	arena_free(arena);
}
static void alias_gone(struct fixture *f)
{
	fixture_drop(f, "Community", "aliases");
}
static void alias_renamed(struct fixture *f)
{
	fixture_object(f, "Community", "aliases", "",
		       "spec: {communities: [{name: silver, value: \"1:1\"}]}");
}
static void alias_ambiguous(struct fixture *f)
{
	fixture_object(f, "Community", "others", "",
		       "spec: {communities: [{name: gold, value: \"1:2\"}]}");
}
static void pool_unknown(struct fixture *f)
{
	fixture_object(f, "BGPAdvertisement", "adv", "", "spec: {ipAddressPools: [pol-a]}");
}
static void peer_unknown(struct fixture *f)
{
	fixture_object(f, "BGPAdvertisement", "adv", "", "spec: {peers: [r11]}");
}
static void length_too_short(struct fixture *f)
{
	fixture_object(f, "BGPAdvertisement", "adv", "",
		       "spec: {aggregationLength: 23, communities: [\"5:5\"]}");
}
/* Whatever else the edit asks for is not taken by halves. */
static void elsewhere_and_typo(struct fixture *f)
{
	fixture_object(f, "BGPAdvertisement", "adv", "",
		       "spec: {nodeSelectors: [{matchLabels: {a: b}}], communities: [goldd]}");
}

static const struct mishap advert_mishaps[] = {
	{typo, "UnknownCommunity", "adv", IN_FORCE},
	{too_large, "InvalidCommunity", "adv", IN_FORCE},
	{without_prefix, "InvalidCommunity", "adv", IN_FORCE},
	{the_64th, "TooManyCommunities", "adv", IN_FORCE},
	{alias_gone, "UnknownCommunity", "adv", IN_FORCE},
	{alias_renamed, "UnknownCommunity", "adv", IN_FORCE},
	{alias_ambiguous, "AmbiguousAlias", "adv", IN_FORCE},
	{pool_unknown, "UnknownPool", "adv", IN_FORCE},
	{peer_unknown, "UnknownPeer", "adv", IN_FORCE},
	{length_too_short, "AggregationTooShort", "adv", IN_FORCE},
	{elsewhere_and_typo, "UnknownCommunity", "adv", IN_FORCE},
};

static void no_mishap_of_an_advertisement_takes_a_route(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(advert_mishaps); i++) {
		_cleanup_(fixture_freep) struct fixture *f = with_advert();

		assert_as_before(f);
		advert_mishaps[i].happens(f);
		for (int k = 0; k < 3; k++) {
			fixture_plan(f);
			(void)fixture_apply(f);
			assert_as_before(f);
		}
		assert_said(f, &advert_mishaps[i]);
		restart(f);
		assert_as_before(f);
		assert_said(f, &advert_mishaps[i]);
	}
}

static void advertisement_that_is_right_again_is_taken(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(advert_mishaps); i++) {
		_cleanup_(fixture_freep) struct fixture *f = with_advert();
		const struct bgp_attrs *held;

		advert_mishaps[i].happens(f);
		fixture_converge(f, 10);
		fixture_object(f, "BGPAdvertisement", "adv", "", "spec: {communities: [\"7:7\"]}");
		fixture_converge(f, 10);
		held = fixture_held(f, "r1", VIP "/32");
		assert_int_equal(held->n_communities, 1);
		assert_int_equal(held->communities[0], C(7, 7));
		assert_int_equal(held->prepend, 0);
		assert_null(fixture_problem(f, advert_mishaps[i].reason, "adv"));
	}
}

static void alias_with_a_new_value_is_taken(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = with_advert();

	(void)state;
	fixture_object(f, "Community", "aliases", "",
		       "spec: {communities: [{name: gold, value: \"1:9\"}]}");
	fixture_converge(f, 10);
	assert_int_equal(fixture_held(f, "r1", VIP "/32")->communities[0], C(1, 9));
	fixture_drop(f, "Community", "aliases");
	fixture_converge(f, 10);
	assert_int_equal(fixture_held(f, "r1", VIP "/32")->communities[0], C(1, 9));
}

static void sixty_three_communities_are_not_too_many(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = with_advert();
	struct arena *arena = arena_new();

	(void)state;
	fixture_object(f, "BGPAdvertisement", "adv", "", many_communities(arena, 63));
	arena_free(arena);
	fixture_converge(f, 10);
	assert_int_equal(fixture_held(f, "r1", VIP "/32")->n_communities, 63);
}

static void advertisement_that_was_never_good_is_held_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(advert_mishaps); i++) {
		_cleanup_(fixture_freep) struct fixture *f = with_advert();

		if (advert_mishaps[i].happens == pool_unknown ||
		    advert_mishaps[i].happens == peer_unknown)
			continue; /* a warning: there may be nothing wrong with it */
		fixture_drop(f, "BGPAdvertisement", "adv");
		fixture_converge(f, 10);
		assert_null(fixture_held(f, "r1", VIP "/32"));
		fixture_object(f, "BGPAdvertisement", "adv", "", ADV_GOOD);
		advert_mishaps[i].happens(f);
		fixture_converge(f, 10);
		assert_null(fixture_held(f, "r1", VIP "/32"));
		assert_null(fixture_held(f, "r1", "192.168.100.0/23"));
		assert_null(strstr(fixture_problem(f, advert_mishaps[i].reason, "adv")->message,
				   IN_FORCE));
	}
}

static void deleted_object_takes_its_last_good_version_with_it(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = with_advert();

	(void)state;
	fixture_object(f, "BGPAdvertisement", "b", "", "spec: {}");
	fixture_object(f, "BGPPeer", "r2", "",
		       "spec: {myASN: 64512, peerASN: 64513, peerAddress: 10.0.0.2}");
	fixture_converge(f, 10);
	assert_int_equal(n_good(f, API_BGP_ADVERTISEMENT), 2);
	assert_int_equal(n_good(f, API_BGP_PEER), 2);
	typo(f);
	fixture_converge(f, 10);
	assert_int_equal(n_good(f, API_BGP_ADVERTISEMENT), 2);
	fixture_drop(f, "BGPAdvertisement", "adv");
	fixture_drop(f, "BGPPeer", "r2");
	fixture_converge(f, 10);
	assert_int_equal(n_good(f, API_BGP_ADVERTISEMENT), 1);
	assert_int_equal(n_good(f, API_BGP_PEER), 1);
	assert_int_equal(fixture_held(f, "r1", VIP "/32")->n_communities, 0);
}

static void nothing_is_learnt_or_forgotten_before_all_was_read(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = with_advert();

	(void)state;
	f->synced = false;
	fixture_drop(f, "BGPAdvertisement", "adv");
	fixture_object(f, "BGPAdvertisement", "b", "", "spec: {}");
	fixture_converge(f, 10);
	assert_int_equal(n_good(f, API_BGP_ADVERTISEMENT), 1);
	assert_string_equal(f->ledger.good[0].name, "adv");
	f->synced = true;
	fixture_converge(f, 10);
	assert_int_equal(n_good(f, API_BGP_ADVERTISEMENT), 1);
	assert_string_equal(f->ledger.good[0].name, "b");
}

/* A restart finds its file unreadable; what it may hold is not taken for deleted. */
static void version_of_an_object_that_cannot_be_seen_is_kept(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = with_advert();

	(void)state;
	fixture_drop(f, "BGPAdvertisement", "adv");
	fixture_put(f, "unreadable", "kind: [unclosed\n");
	fixture_converge(f, 10);
	assert_int_equal(n_good(f, API_BGP_ADVERTISEMENT), 1);
	fixture_put(f, "unreadable", "");
	typo(f);
	fixture_converge(f, 10);
	assert_as_before(f);
}

static void same_world_gives_the_same_plan_and_ledger(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(advert_mishaps); i++) {
		_cleanup_(fixture_freep) struct fixture *f = with_advert();
		uint64_t hash;

		advert_mishaps[i].happens(f);
		fixture_plan(f);
		hash = plan_ledger_hash(&f->ledger);
		(void)fixture_apply(f);
		fixture_plan(f);
		assert_int_equal(plan_ledger_hash(&f->ledger), hash);
		assert_int_equal(fixture_apply(f), 0);
	}
}

/* --- advertisements and pools --------------------------------------------------------------- */

static void aggregate(struct fixture *f, const char *more)
{
	struct arena *arena = arena_new();

	fixture_object(f, "BGPAdvertisement", "adv", "",
		       arena_printf(arena, "spec: {aggregationLength: 24%s}", more));
	arena_free(arena);
	fixture_converge(f, 10);
}

static void pool_edit_that_makes_the_aggregate_too_short_changes_no_route(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();
	const struct problem *p;

	(void)state;
	aggregate(f, "");
	assert_non_null(fixture_held(f, "r1", "192.168.100.0/24"));
	fixture_object(f, "IPAddressPool", "pool-a", "",
		       "spec: {addresses: [192.168.100.0-192.168.100.5]}");
	fixture_converge(f, 10);
	assert_non_null(fixture_held(f, "r1", "192.168.100.0/24"));
	p = fixture_problem(f, "AggregationTooShort", "adv");
	assert_int_equal(p->severity, SEVERITY_ERROR);
	assert_non_null(strstr(p->message, "stay as they were"));
	restart(f);
	assert_non_null(fixture_held(f, "r1", "192.168.100.0/24"));

	/* An edit that is right is taken all the same. */
	aggregate(f, ", communities: [\"1:1\"]");
	assert_int_equal(fixture_held(f, "r1", "192.168.100.0/24")->n_communities, 1);
	aggregate(f, ", communities: [nonsense]");
	assert_int_equal(fixture_held(f, "r1", "192.168.100.0/24")->n_communities, 1);
}

static void length_that_fits_one_pool_no_more_is_not_taken_for_the_others(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	fixture_object(f, "IPAddressPool", "small", "",
		       "spec: {addresses: [172.16.0.240-172.16.0.250]}");
	fixture_converge(f, 10);
	aggregate(f, "");
	assert_non_null(
		strstr(fixture_problem(f, "AggregationTooShort", "adv")->message, IN_FORCE));
	assert_non_null(fixture_held(f, "r1", VIP "/32"));
	assert_null(fixture_held(f, "r1", "192.168.100.0/24"));
	aggregate(f, ", ipAddressPools: [pool-a]");
	assert_non_null(fixture_held(f, "r1", "192.168.100.0/24"));
}

static void aggregate_by(struct fixture *f, unsigned length)
{
	char spec[64];

	snprintf(spec, sizeof(spec), "spec: {aggregationLength: %u}", length);
	fixture_object(f, "BGPAdvertisement", "adv", "", spec);
	fixture_converge(f, 10);
}

/* Whatever the pool's width: the least length it allows did fit, and so did that of one address. */
static void length_that_just_fitted_stays_in_force(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2 * 9; i++) {
		_cleanup_(fixture_freep) struct fixture *f = fixture_new();
		const unsigned width = 24 + i / 2, length = i % 2 ? width : 32;
		char pool[64], prefix[32];

		fixture_basics(f);
		snprintf(pool, sizeof(pool), "spec: {addresses: [" VIP "/%u]}", width);
		snprintf(prefix, sizeof(prefix), VIP "/%u", length);
		fixture_object(f, "IPAddressPool", "pool-a", "", pool);
		fixture_add_service(f, "web", "Local", "");
		fixture_add_slice(f, "web", "10.244.0.5@node-a");
		aggregate_by(f, length);
		assert_non_null(fixture_held(f, "r1", prefix));
		aggregate_by(f, width - 1);
		assert_non_null(fixture_held(f, "r1", prefix));
		assert_non_null(strstr(fixture_problem(f, "AggregationTooShort", "adv")->message,
				       IN_FORCE));
	}
}

static void pool_that_never_fitted_holds_nothing_else_back(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	aggregate(f, "");
	fixture_object(f, "IPAddressPool", "small", "",
		       "spec: {addresses: [172.16.0.240-172.16.0.250]}");
	fixture_converge(f, 10);
	aggregate(f, ", communities: [\"1:1\"]");
	assert_non_null(strstr(fixture_problem(f, "AggregationTooShort", "adv")->message,
			       "held back for that pool's IPv4 addresses"));
	assert_int_equal(fixture_held(f, "r1", "192.168.100.0/24")->n_communities, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_mishap_of_an_advertisement_takes_a_route),
		cmocka_unit_test(advertisement_that_is_right_again_is_taken),
		cmocka_unit_test(alias_with_a_new_value_is_taken),
		cmocka_unit_test(sixty_three_communities_are_not_too_many),
		cmocka_unit_test(advertisement_that_was_never_good_is_held_back),
		cmocka_unit_test(deleted_object_takes_its_last_good_version_with_it),
		cmocka_unit_test(nothing_is_learnt_or_forgotten_before_all_was_read),
		cmocka_unit_test(version_of_an_object_that_cannot_be_seen_is_kept),
		cmocka_unit_test(same_world_gives_the_same_plan_and_ledger),
		cmocka_unit_test(pool_edit_that_makes_the_aggregate_too_short_changes_no_route),
		cmocka_unit_test(length_that_fits_one_pool_no_more_is_not_taken_for_the_others),
		cmocka_unit_test(length_that_just_fitted_stays_in_force),
		cmocka_unit_test(pool_that_never_fitted_holds_nothing_else_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
