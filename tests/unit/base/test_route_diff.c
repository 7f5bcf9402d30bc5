// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* base/route_diff: what two lists say of the same routes and names, side by side. */
#include "base/route_diff.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define ALL ((1u << ROUTE_N_SAYS) - 1)

static struct route_said route(const char *peer, const char *prefix)
{
	struct route_said r = {.peer = peer, .known = ALL, .path = "64513"};

	assert_true(ip_prefix_parse(prefix, &r.prefix));
	return r;
}

static struct ip_addr address(const char *text)
{
	struct ip_addr a;

	assert_true(ip_addr_parse(text, &a));
	return a;
}

static void words_are_a_set(void **state)
{
	const char *some[] = {"b", "a", "b", "a"}, *other[] = {"a", "b"}, *less[] = {"a"};
	const struct words x = words_make(some, 4), y = words_make(other, 2);
	const struct words z = words_make(less, 1), none = words_make(NULL, 0);
	const char *last[] = {"c", "a"};
	const struct words w = words_make(last, 2);

	(void)state;
	assert_int_equal(x.n, 2);
	assert_string_equal(x.items[0], "a");
	assert_true(words_equal(&x, &y));
	assert_false(words_equal(&x, &z) || words_equal(&z, &x) || words_equal(&x, &none));
	assert_false(words_equal(&x, &w));
	assert_true(words_equal(&none, &none));
}

/* "peer prefix result": of the whole result. */
static void assert_result(const struct route_difference *all, size_t n, const char *expected)
{
	char text[512] = "";

	for (size_t i = 0; i < n; i++) {
		const struct route_said *r = all[i].ours ? all[i].ours : all[i].theirs;
		char prefix[IP_PREFIX_TEXT];
		const size_t len = strlen(text);

		(void)snprintf(text + len, sizeof(text) - len, "%s %s %s;", r->peer,
			       ip_prefix_text(&r->prefix, prefix), difference_text(all[i].what));
		assert_int_equal(all[i].theirs == NULL, all[i].what == EXTRA);
		assert_int_equal(all[i].ours == NULL, all[i].what == MISSING);
	}
	assert_string_equal(text, expected);
}

static void lists_are_merged_by_peer_and_prefix(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct route_said theirs[] = {route("s", "192.0.2.1/32"), route("r", "192.0.2.2/32"),
				      route("r", "192.0.2.0/24"), route("r", "192.0.2.1/32")};
	struct route_said ours[] = {route("r", "2001:db8::/64"), route("s", "192.0.2.9/32"),
				    route("r", "192.0.2.2/32"), route("r", "192.0.2.1/32")};
	struct route_difference *all;
	size_t n;

	(void)state;
	ours[2].med = 5;
	n = route_diff(theirs, 4, ours, 4, arena, &all);
	assert_result(all, n,
		      "r 192.0.2.0/24 missing;r 192.0.2.1/32 equal;r 192.0.2.2/32 different;"
		      "r 2001:db8::/64 extra;s 192.0.2.1/32 missing;s 192.0.2.9/32 extra;");
	n = route_diff(NULL, 0, ours, 1, arena, &all);
	assert_int_equal(n, 1);
	assert_int_equal(route_diff(NULL, 0, NULL, 0, arena, &all), 0);
}

static unsigned differs(struct route_said *theirs, struct route_said *ours)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct route_difference *all;

	assert_int_equal(route_diff(theirs, 1, ours, 1, arena, &all), 1);
	assert_int_equal(all[0].what, all[0].differs ? DIFFERENT : SAME);
	return all[0].differs;
}

static void each_attribute_is_compared_if_both_know_it(void **state)
{
	const char *words[] = {"64512:100"};
	struct route_said x = route("r", "192.0.2.1/32");

	(void)state;
	for (unsigned i = 0; i < ROUTE_N_SAYS; i++) {
		const unsigned bit = 1u << i;
		struct route_said y = route("r", "192.0.2.1/32");

		if (bit == ROUTE_SAYS_NEXT_HOP)
			y.next_hop = address("10.0.0.1");
		if (bit == ROUTE_SAYS_PATH)
			y.path = "64513 64513";
		if (bit == ROUTE_SAYS_LOCAL_PREF)
			y.local_pref = 200;
		if (bit == ROUTE_SAYS_MED)
			y.med = 1;
		if (bit == ROUTE_SAYS_COMMUNITIES)
			y.communities = words_make(words, 1);
		if (bit == ROUTE_SAYS_LARGE)
			y.large = words_make(words, 1);
		if (bit == ROUTE_SAYS_EXTENDED)
			y.extended = words_make(words, 1);
		assert_int_equal(differs(&x, &y), bit);
		y.known = ALL & ~bit;
		assert_int_equal(differs(&x, &y), 0);
		assert_int_equal(differs(&y, &x), 0);
	}
	x.path = NULL;
	assert_int_equal(differs(&x, &(struct route_said){.peer = "r",
							  .prefix = x.prefix,
							  .known = ALL,
							  .path = ""}),
			 0);
}

static void what_an_attribute_is_called(void **state)
{
	(void)state;
	assert_string_equal(route_says_text(ROUTE_SAYS_NEXT_HOP), "nextHop");
	assert_string_equal(route_says_text(ROUTE_SAYS_PATH), "asPath");
	assert_string_equal(route_says_text(ROUTE_SAYS_LOCAL_PREF), "localPref");
	assert_string_equal(route_says_text(ROUTE_SAYS_MED), "med");
	assert_string_equal(route_says_text(ROUTE_SAYS_COMMUNITIES), "communities");
	assert_string_equal(route_says_text(ROUTE_SAYS_LARGE), "largeCommunities");
	assert_string_equal(route_says_text(ROUTE_SAYS_EXTENDED), "extendedCommunities");
}

static void of_one_route_twice_the_better_known_counts(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		_cleanup_(arena_freep) struct arena *arena = arena_new();
		struct route_said theirs[] = {route("r", "192.0.2.1/32"),
					      route("r", "192.0.2.1/32")};
		struct route_said ours = route("r", "192.0.2.1/32");
		struct route_difference *all;

		theirs[i].known = ROUTE_SAYS_MED;
		theirs[1 - i].path = "1 2 3";
		assert_int_equal(route_diff(theirs, 2, &ours, 1, arena, &all), 1);
		assert_int_equal(all[0].differs, ROUTE_SAYS_PATH);
	}
}

static void names_are_merged_with_their_words(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const char *one[] = {"r"}, *two[] = {"r", "s"};
	struct named_words theirs[] = {
		{"c", words_make(one, 1)}, {"a", words_make(one, 1)}, {"b", words_make(one, 1)}};
	struct named_words ours[] = {
		{"d", words_make(one, 1)}, {"b", words_make(two, 2)}, {"a", words_make(one, 1)}};
	static const enum difference expected[] = {SAME, DIFFERENT, MISSING, EXTRA};
	struct words_difference *all;

	(void)state;
	assert_int_equal(words_diff(theirs, 3, ours, 3, arena, &all), 4);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(all[i].what, expected[i]);
	assert_null(all[2].ours);
	assert_null(all[3].theirs);
	assert_string_equal(all[3].ours->name, "d");
	assert_int_equal(words_diff(NULL, 0, NULL, 0, arena, &all), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_a_set),
		cmocka_unit_test(lists_are_merged_by_peer_and_prefix),
		cmocka_unit_test(each_attribute_is_compared_if_both_know_it),
		cmocka_unit_test(what_an_attribute_is_called),
		cmocka_unit_test(of_one_route_twice_the_better_known_counts),
		cmocka_unit_test(names_are_merged_with_their_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
