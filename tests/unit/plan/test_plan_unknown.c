// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What a VIP does with packets for ports that no Service has: who says it, which of several counts,
 * and that a change acts at once and costs no route.
 */
#include "fake/plan_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define VIP       "192.168.100.0"
#define N_SHARING 3

/* Services of ports of their own on one VIP, oldest first; NULL: no annotation. */
static const char *const names[N_SHARING] = {"a", "b", "c"};

struct shared {
	struct fixture *f;
	struct plan_address addresses[N_SHARING];
	struct plan_addresses read_back;
};

static void say_at(struct shared *s, int i, const char *said, int port)
{
	struct arena *arena = arena_new();

	fixture_object(s->f, "Service", names[i],
		       arena_printf(arena, "creationTimestamp: \"2024-01-0%dT00:00:00Z\"%s%s%s",
				    i + 1,
				    said ? ", annotations: {lodestone.io/unknown-ports: " : "",
				    said ? said : "", said ? "}" : ""),
		       arena_printf(arena,
				    "spec: {type: LoadBalancer, externalTrafficPolicy: Local, "
				    "ports: [{port: %d, targetPort: 8080}]}",
				    port));
	fixture_add_slice(s->f, names[i], "10.244.0.5@node-a");
	arena_free(arena);
}

static void say(struct shared *s, int i, const char *said)
{
	say_at(s, i, said, 80 + i);
}

static void begin(struct shared *s)
{
	*s = (struct shared){.f = fixture_new()};
	s->read_back = (struct plan_addresses){.items = s->addresses, .n = N_SHARING};
	for (int i = 0; i < N_SHARING; i++) {
		s->addresses[i] =
			(struct plan_address){.ns = "default", .name = names[i], .pool = "pool-a"};
		if (!ip_addr_parse(VIP, &s->addresses[i].addr))
			fail();
	}
	s->f->read_back = &s->read_back;
	fixture_basics(s->f);
	for (int i = 0; i < N_SHARING; i++)
		say(s, i, NULL);
	fixture_converge(s->f, 10);
}

static uint32_t flags(const struct shared *s)
{
	const struct plan_frontend *vip = fixture_frontend(s->f, VIP, 0);

	assert_non_null(vip);
	assert_int_equal(s->f->store.items[0].flags, vip->lb.flags);
	return vip->lb.flags & (LB_F_UNKNOWN_PASS | LB_F_REJECT);
}

static uint32_t flags_of(const char *said)
{
	if (said && strcmp(said, "pass") == 0)
		return LB_F_UNKNOWN_PASS;
	return said && strcmp(said, "reject") == 0 ? LB_F_REJECT : 0;
}

static int strictness(const char *said)
{
	static const char *const order[] = {"pass", "reject", "drop"};
	int i = 0;

	while (strcmp(order[i], said) != 0)
		i++;
	return i;
}

static void each_combination_means_the_strictest(void **state)
{
	static const char *const words[] = {NULL, "pass", "reject", "drop"};
	struct shared s;

	(void)state;
	begin(&s);
	for (int i = 0; i < 64; i++) {
		const char *said[N_SHARING] = {words[i % 4], words[i / 4 % 4], words[i / 16]};
		const char *strictest = NULL;
		size_t n_told = 0;

		for (int k = 0; k < N_SHARING; k++) {
			say(&s, k, said[k]);
			if (said[k] && (!strictest || strictness(said[k]) > strictness(strictest)))
				strictest = said[k];
		}
		fixture_converge(s.f, 10);
		assert_int_equal(flags(&s), flags_of(strictest));
		for (int k = 0; k < N_SHARING; k++) {
			const bool loses = said[k] && strcmp(said[k], strictest) != 0;

			assert_int_equal(!fixture_problem(s.f, "UnknownPortsConflict", names[k]),
					 !loses);
			n_told += loses;
		}
		assert_int_equal(fixture_count(s.f, "UnknownPortsConflict"), n_told);
		assert_non_null(fixture_held(s.f, "r1", VIP "/32"));
	}
	fixture_free(s.f);
}

static void what_no_service_says_the_config_does(void **state)
{
	static const char *const words[] = {"pass", "reject", "drop"};
	struct shared s;

	(void)state;
	begin(&s);
	assert_int_equal(flags(&s), 0);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		struct arena *arena = arena_new();

		fixture_object(
			s.f, "LodestoneConfig", "default", "",
			arena_printf(arena, "spec: {dataplane: {unknownPort: %s}}", words[i]));
		say(&s, 0, NULL);
		fixture_converge(s.f, 10);
		assert_int_equal(flags(&s), flags_of(words[i]));
		for (size_t k = 0; k < ARRAY_SIZE(words); k++) {
			say(&s, 0, words[k]);
			fixture_converge(s.f, 10);
			assert_int_equal(flags(&s), flags_of(words[k]));
			assert_int_equal(fixture_count(s.f, "UnknownPortsConflict"), 0);
		}
		arena_free(arena);
	}
	fixture_free(s.f);
}

/* It has no part in the VIP, and its error says so already. */
static void who_lost_its_port_has_no_say(void **state)
{
	struct shared s;

	(void)state;
	begin(&s);
	say(&s, 0, "pass");
	say_at(&s, 1, "drop", 80);
	fixture_converge(s.f, 10);
	assert_non_null(fixture_problem(s.f, "PortConflict", "b"));
	assert_int_equal(flags(&s), LB_F_UNKNOWN_PASS);
	assert_int_equal(fixture_count(s.f, "UnknownPortsConflict"), 0);
	fixture_free(s.f);
}

/* Told once of a Service with many ports. */
static void the_problem_names_who_is_stricter(void **state)
{
	const struct problem *p;
	struct shared s;

	(void)state;
	begin(&s);
	say(&s, 0, "pass");
	say(&s, 2, "reject");
	fixture_object(s.f, "Service", "b", "annotations: {lodestone.io/unknown-ports: pass}",
		       "spec: {type: LoadBalancer, externalTrafficPolicy: Local, ports: "
		       "[{port: 90, targetPort: 8080, name: http}, "
		       "{port: 91, targetPort: 8080, name: http}]}");
	fixture_converge(s.f, 10);
	p = fixture_problem(s.f, "UnknownPortsConflict", "b");
	assert_int_equal(p->severity, SEVERITY_WARNING);
	assert_non_null(strstr(p->message, "asks for pass at " VIP ", where reject holds"));
	assert_non_null(strstr(p->message, "default/c"));
	assert_int_equal(fixture_count(s.f, "UnknownPortsConflict"), 2);
	fixture_free(s.f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_combination_means_the_strictest),
		cmocka_unit_test(what_no_service_says_the_config_does),
		cmocka_unit_test(who_lost_its_port_has_no_say),
		cmocka_unit_test(the_problem_names_who_is_stricter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
