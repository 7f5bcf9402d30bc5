// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * plan/service_events: each thing is told once, when it becomes so, by who knows of it, and in
 * MetalLB's words.
 */
#include "plan/service_events.h"

#include "base/rng.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

struct bed {
	struct arena *arena;
	struct api_object object;
	struct ip_addr addrs[2];
	struct service_now now;
	struct service_told told;
	struct service_event events[SERVICE_EVENTS_MAX];
	size_t n;
};

static struct bed bed;

static void look(void)
{
	bed.n = service_events(&bed.now, &bed.told, bed.arena, bed.events);
}

static void assert_told(const char *type, const char *reason, const char *message)
{
	look();
	assert_int_equal(bed.n, 1);
	assert_string_equal(bed.events[0].type, type);
	assert_string_equal(bed.events[0].reason, reason);
	assert_string_equal(bed.events[0].message, message);
	look();
	assert_int_equal(bed.n, 0);
}

static void assert_nothing(void)
{
	look();
	assert_int_equal(bed.n, 0);
}

static void has(size_t n)
{
	bed.object.service.ingress = bed.addrs;
	bed.object.service.n_ingress = n;
}

static void addresses_are_told_once_they_are_written(void **state)
{
	const struct ip_addr other_way_round[] = {bed.addrs[1], bed.addrs[0]};

	(void)state;
	assert_nothing();
	bed.told.asked = service_addresses(other_way_round, 2);
	assert_nothing();
	has(1);
	assert_nothing();
	has(2);
	assert_told("Normal", "IPAllocated", "Assigned IP [\"192.0.2.1\" \"2001:db8::1\"]");
	bed.told.asked = service_addresses(NULL, 0);
	assert_nothing();
	has(0);
	look();
	assert_int_equal(bed.n, 1);
	assert_string_equal(bed.events[0].reason, "ClearAssignment");
	assert_nothing();
}

static void what_another_allocator_wrote_is_his_to_tell(void **state)
{
	(void)state;
	has(1);
	assert_nothing();
	bed.told.asked = service_addresses(bed.addrs, 1);
	bed.now.is_holder = false; /* lost, before it was seen */
	assert_nothing();
	bed.now.is_holder = true;
	assert_nothing();
}

static void a_failure_is_told_again_when_it_is_another_one(void **state)
{
	(void)state;
	bed.now.failure = "no free IPv4 address in pool p";
	assert_told("Warning", "AllocationFailed",
		    "Failed to allocate IP for \"shop/web\": no free IPv4 address in pool p");
	bed.now.failure = "there is no pool q";
	look();
	assert_int_equal(bed.n, 1);
	bed.now.failure = NULL;
	assert_nothing();
	bed.now.failure = "there is no pool q";
	look();
	assert_int_equal(bed.n, 1);
	bed.now.is_holder = false;
	bed.now.failure = "another";
	assert_nothing();
}

static void the_node_is_told_when_it_begins_to_announce(void **state)
{
	(void)state;
	bed.now.is_announced = true;
	assert_told("Normal", "nodeAssigned",
		    "announcing from node \"node-a\" with protocol \"bgp\"");
	bed.now.is_announced = false;
	assert_nothing();
	bed.now.is_announced = true;
	look();
	assert_int_equal(bed.n, 1);
	/* A process that comes after another one. */
	bed.told = (struct service_told){.asked = 0};
	bed.now.was_served = true;
	bed.now.is_announced = false;
	assert_nothing();
	bed.now.is_announced = true;
	assert_nothing();
	/* ... and which then withdraws it, and announces it again. */
	bed.now.is_announced = false;
	assert_nothing();
	bed.now.is_announced = true;
	look();
	assert_int_equal(bed.n, 1);
}

/* Whatever happens: no more is told than has changed. */
static void nothing_is_told_without_a_change(void **state)
{
	static const char *const failures[] = {NULL, "one", "two"};
	struct rng rng;
	size_t n_changes = 0, n_told = 0;

	(void)state;
	rng_seed(&rng, 1);
	for (int i = 0; i < 20000; i++) {
		const struct service_now before = bed.now;

		bed.now.is_announced = rng_below(&rng, 2);
		bed.now.failure = failures[rng_below(&rng, 3)];
		n_changes += bed.now.is_announced && !before.is_announced;
		n_changes += bed.now.failure && bed.now.failure != before.failure;
		look();
		n_told += bed.n;
		assert_nothing();
	}
	assert_int_equal(n_told, n_changes);
	assert_true(n_told > 1000);
}

static int set_up(void **state)
{
	(void)state;
	bed = (struct bed){.arena = arena_new()};
	bed.object.meta.ns = "shop";
	bed.object.meta.name = "web";
	assert_true(ip_addr_parse("192.0.2.1", &bed.addrs[0]));
	assert_true(ip_addr_parse("2001:db8::1", &bed.addrs[1]));
	bed.now = (struct service_now){.object = &bed.object, .node = "node-a", .is_holder = true};
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(bed.arena);
	return 0;
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(addresses_are_told_once_they_are_written),
		TEST(what_another_allocator_wrote_is_his_to_tell),
		TEST(a_failure_is_told_again_when_it_is_another_one),
		TEST(the_node_is_told_when_it_begins_to_announce),
		TEST(nothing_is_told_without_a_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
