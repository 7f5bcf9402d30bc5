// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * plan/plan_cache.h: what is used again and what is not. That a plan made with the cache is the
 * plan from nothing the fixture checks after every plan of every test; here are the edits that
 * could be overlooked.
 */
#include "base/strbuf.h"
#include "fake/plan_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define ADVERT "spec: {communities: [\"65000:1\"]}"

static struct fixture *with_services(void)
{
	struct fixture *f = fixture_new();

	fixture_basics(f);
	for (int i = 0; i < 4; i++) {
		const char name[] = {(char)('a' + i), '\0'};

		fixture_add_service(f, name, "Local", "");
		fixture_add_slice(f, name, "10.244.0.5@node-a 10.244.0.6@node-a");
	}
	fixture_converge(f, 10);
	fixture_plan(f);
	return f;
}

/* A fragment's own list: the same one if the fragment is. */
static const void *backends(const struct fixture *f, const char *name)
{
	return fixture_service(f, name)->backends;
}

static void only_what_is_edited_is_made_anew(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = with_services();
	const void *a = backends(f, "a"), *b = backends(f, "b"), *d = backends(f, "d");

	(void)state;
	fixture_add_slice(f, "b", "10.244.0.5@node-a 10.244.0.7@node-a");
	fixture_drop(f, "Service", "c");
	fixture_add_service(f, "aa", "Local", "");
	fixture_plan(f);
	assert_ptr_equal(backends(f, "a"), a);
	assert_ptr_equal(backends(f, "d"), d);
	assert_true(backends(f, "b") != b);
	assert_null(fixture_service(f, "c"));
	assert_non_null(fixture_service(f, "aa"));
}

/* What did not change is passed over by many at once; behind them each counts again. */
static void the_last_of_many_is_made_anew_alone(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();
	const void *first, *last;
	char name[8];

	(void)state;
	fixture_basics(f);
	for (int i = 0; i < 70; i++) {
		snprintf(name, sizeof(name), "s%02d", i);
		fixture_add_service(f, name, "Local", "");
		fixture_add_slice(f, name, "10.244.0.5@node-a");
	}
	fixture_converge(f, 10);
	fixture_plan(f);
	first = backends(f, "s00");
	last = backends(f, "s69");
	fixture_add_slice(f, "s69", "10.244.0.5@node-a 10.244.0.7@node-a");
	fixture_plan(f);
	assert_ptr_equal(backends(f, "s00"), first);
	assert_true(backends(f, "s69") != last);
	assert_int_equal(fixture_service(f, "s69")->n_backends, 2);
}

/* Once, whether slices alone changed or Services came and went. */
static void what_is_made_anew_is_used_again(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = with_services();
	char slice[128] = "10.244.0.5@node-a 10.244.0.6@node-a";
	const void *before = backends(f, "b"), *b;

	(void)state;
	for (size_t i = 0; i < 4; i++) { /* one backend more each time, so that none drains */
		size_t len = strlen(slice);

		snprintf(slice + len, sizeof(slice) - len, " 10.244.0.%zu@node-a", 7 + i);
		fixture_add_slice(f, "b", slice);
		if (i >= 2)
			fixture_add_service(f, i == 2 ? "aa" : "cc", "Local", "");
		fixture_plan(f);
		b = backends(f, "b");
		assert_true(b != before);
		fixture_plan(f);
		assert_ptr_equal(backends(f, "b"), b);
		before = b;
	}
}

/* Which state they are of nobody says, so they may be others each time. */
static void addresses_without_a_generation_are_looked_at_each_time(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();
	struct plan_address one = {.ns = "default", .name = "web", .pool = "pool-a"};
	const struct plan_addresses read_back = {.items = &one, .n = 1};

	(void)state;
	f->read_back = &read_back;
	fixture_basics(f);
	fixture_add_service(f, "web", "Local", "");
	fixture_add_slice(f, "web", "10.244.0.5@node-a");
	for (uint32_t i = 1; i < 4; i++) {
		char text[IP_ADDR_TEXT];

		one.addr = ip_addr_from_v4(0xc0a86400 + i);
		fixture_plan(f);
		assert_non_null(fixture_frontend(f, ip_addr_text(&one.addr, text), 80));
	}
}

static void whatever_the_environment_has_makes_all_anew(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = with_services();
	const void *a = backends(f, "a");

	(void)state;
	fixture_object(f, "BGPAdvertisement", "other", "", ADVERT);
	fixture_plan(f);
	assert_true(backends(f, "a") != a);
	fixture_plan(f); /* learns it as a good one */
	a = backends(f, "a");
	fixture_plan(f);
	assert_ptr_equal(backends(f, "a"), a);
	plan_cache_drop(f->cache);
	fixture_plan(f);
	assert_true(backends(f, "a") != a);
}

/* No object changes when something becomes unreadable, or readable. */
static void what_may_be_hidden_is_part_of_it(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = with_services();

	(void)state;
	fixture_object(f, "BGPAdvertisement", "other", "", ADVERT);
	fixture_converge(f, 10);
	fixture_put(f, "unreadable", "kind: [unclosed\n");
	fixture_drop(f, "BGPAdvertisement", "other");
	fixture_converge(f, 10);
	assert_int_equal(f->ledger.n_good, 3);
	fixture_put(f, "unreadable", "");
	fixture_converge(f, 10);
	assert_int_equal(f->ledger.n_good, 2);
}

#define FIRST "apiVersion: v1\nkind: Service\nmetadata: {name: first, namespace: default}\n---\n"
#define SECOND                                                                                     \
	"{apiVersion: v1, kind: Service, metadata: {name: second, namespace: default, "            \
	"annotations: {lodestone.io/pause: 'true'}}, spec: "
#define TOLD "{type: LoadBalancer, ports: [{port: 80}]}}\n"

/* The object is the same, and so is what was made of it; but a problem says where it stands. */
static void a_line_more_moves_the_problems_behind_it(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = with_services();
	const void *a = backends(f, "a");
	const struct problem *p;

	(void)state;
	fixture_put(f, "many.yaml", FIRST SECOND TOLD);
	fixture_plan(f);
	p = fixture_problem(f, "Paused", "second");
	assert_non_null(p);
	assert_int_equal(p->object.line, 5);
	fixture_put(f, "many.yaml", "# one more\n" FIRST SECOND TOLD);
	fixture_plan(f);
	p = fixture_problem(f, "Paused", "second");
	assert_non_null(p);
	assert_int_equal(p->object.line, 6);
	assert_ptr_equal(backends(f, "a"), a);
}

/* Fragments that were replaced do not pile up. */
static void what_is_replaced_goes_at_some_time(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = with_services();
	const void *a = backends(f, "a");
	size_t anew = 0;

	(void)state;
	for (int i = 0; i < 400; i++) {
		fixture_add_slice(f, "b", i % 2 ? "10.244.0.5@node-a" : "10.244.0.6@node-a");
		fixture_plan(f);
		anew += backends(f, "a") != a;
		a = backends(f, "a");
	}
	assert_in_range(anew, 3, 7);
}

static struct plan_inputs inputs_of(const struct fixture *f)
{
	static const struct plan_actual nothing;

	return (struct plan_inputs){.world = f->world,
				    .addresses = &f->addresses,
				    .node = &f->node,
				    .actual = &nothing,
				    .settings = &f->settings,
				    .synced = true,
				    .cache = f->cache};
}

/* So many Services in each of so many portions, whatever came before; then a plan makes none. */
static void what_is_prepared_is_not_made_again(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = with_services();
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const struct plan_inputs in = inputs_of(f);
	const void *backends_before[4];
	struct plan_ledger ledger;
	struct plan plan;
	nsec_t deadline;

	(void)state;
	fixture_add_slice(f, "b", "10.244.0.9@node-a");
	assert_false(plan_prepare(&in, &f->ledger, 0));
	assert_true(plan_prepare(&in, &f->ledger, 1));
	fixture_object(f, "BGPAdvertisement", "other", "", ADVERT);
	for (int i = 0; i < 3; i++)
		assert_false(plan_prepare(&in, &f->ledger, 1));
	fixture_drop(f, "EndpointSlice", "c"); /* one of those that were made */
	assert_false(plan_prepare(&in, &f->ledger, 1));
	assert_true(plan_prepare(&in, &f->ledger, 1));
	assert_true(plan_prepare(&in, &f->ledger, 0));
	for (int i = 0; i < 2; i++) {
		plan_compute(&in, &f->ledger, f->now, arena, &plan, &ledger, &deadline);
		assert_int_equal(plan.n_services, 4);
		for (size_t k = 0; k < 4; k++) {
			if (i)
				assert_ptr_equal(plan.services[k].backends, backends_before[k]);
			backends_before[k] = plan.services[k].backends;
		}
	}
}

static void add_many_endpoints(struct fixture *f, const char *service, int n)
{
	struct strbuf s;

	strbuf_init(&s, 1 << 16);
	for (int i = 0; i < n; i++)
		strbuf_printf(&s, "%s10.244.1.%d@node-a", i ? " " : "", i);
	fixture_add_slice(f, service, s.data);
	strbuf_done(&s);
}

/* A Service of 120 endpoints takes a portion of four, all of whose others are left for the next. */
static void a_service_of_many_endpoints_is_more_of_a_portion(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = with_services();
	const struct plan_inputs in = inputs_of(f);

	(void)state;
	add_many_endpoints(f, "a", 120);
	fixture_object(f, "BGPAdvertisement", "other", "", ADVERT);
	assert_false(plan_prepare(&in, &f->ledger, 4));
	assert_true(plan_prepare(&in, &f->ledger, 3));
	fixture_object(f, "BGPAdvertisement", "other", "", "spec: {}");
	assert_false(plan_prepare(&in, &f->ledger, 6));
	assert_true(plan_prepare(&in, &f->ledger, 1));
	fixture_converge(f, 10);
	add_many_endpoints(f, "a", 119); /* of few that changed, the same */
	fixture_add_slice(f, "b", "10.244.0.9@node-a");
	assert_false(plan_prepare(&in, &f->ledger, 3));
	assert_true(plan_prepare(&in, &f->ledger, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_is_edited_is_made_anew),
		cmocka_unit_test(the_last_of_many_is_made_anew_alone),
		cmocka_unit_test(what_is_made_anew_is_used_again),
		cmocka_unit_test(addresses_without_a_generation_are_looked_at_each_time),
		cmocka_unit_test(whatever_the_environment_has_makes_all_anew),
		cmocka_unit_test(what_may_be_hidden_is_part_of_it),
		cmocka_unit_test(a_line_more_moves_the_problems_behind_it),
		cmocka_unit_test(what_is_replaced_goes_at_some_time),
		cmocka_unit_test(what_is_prepared_is_not_made_again),
		cmocka_unit_test(a_service_of_many_endpoints_is_more_of_a_portion),
	};

	return cmocka_run_group_tests_name("plan_cache", tests, NULL, NULL);
}
