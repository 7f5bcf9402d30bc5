// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Nothing in the images leads a packet to a far program before these are there. The images are read
 * as the programs do, service by service and backend by backend.
 */
#include "fixture.h"

#define VIP_OF   0xc0000201u
#define SERVICES 8u

static struct lb_target target(uint32_t i, enum lb_way way, bool is_here)
{
	struct lb_target ret = target_of_v4(0x0a000001 + i, 8080, true);

	ret.way = way;
	if (!is_here)
		ret.node = way == LB_BY_TUNNEL ? ip_addr_from_v4(0x0a090001 + i % 3) : ret.addr;
	return ret;
}

static struct lb_frontend end_of_tunnels(void)
{
	struct lb_frontend f = {.key = key_of(0x0a090099, LB_GUE_PORT), .flags = LB_F_TUNNEL};

	f.key.proto = 17;
	return f;
}

/* What packets meet: services that are not served here alone, ends of tunnels, answers to nat. */
static unsigned leads_far(const struct fixture *x)
{
	unsigned n = x->tunnel.nat != 0;

	for (uint32_t i = 0; i < LB_SERVICE_SLOTS; i++) {
		const struct lb_service *svc = &x->services[i];
		const uint64_t live = svc->live;
		const uint32_t base = (uint32_t)(live & 0xfffff) * LB_BACKEND_UNIT;

		if (!(live & LB_LIVE_IN_USE))
			continue;
		n += (live >> LB_LIVE_FLAGS_SHIFT & (LB_SVC_REMOTE | LB_SVC_TUNNEL)) != 0;
		for (uint32_t k = 0; k < svc->n_backends; k++) {
			const struct lb_backend *be = &x->backends[(base + k) / LB_BACKEND_CHUNK]
								  [(base + k) % LB_BACKEND_CHUNK];
			const uint64_t flags = be->state >> LB_BE_FLAGS_SHIFT;

			n += flags & LB_BE_IN_USE && !(flags & LB_BE_LOCAL);
		}
	}
	return n;
}

/* As fixture_put(), but nobody loads programs. */
static int put(struct fixture *x, const struct lb_frontend *f)
{
	int outcome;

	while ((outcome = lb_tables_put(x->t, &x->c, f)) > 0 && outcome != LB_NEED_FAR)
		fixture_add_chunk(x, outcome);
	return outcome;
}

static void what_is_here_needs_none(void **state)
{
	const struct lb_target targets[] = {target(0, LB_BY_TUNNEL, true),
					    target(1, LB_BY_TUNNEL, true)};
	struct lb_frontend f = frontend_of(key_of(VIP_OF, 80), targets, 2);
	struct fixture x;

	(void)state;
	assert_false(lb_frontend_is_far(&f));
	fixture_init(&x);
	assert_int_equal(put(&x, &f), 0);
	f = frontend_of(key_of(VIP_OF, 80), NULL, 0);
	assert_false(lb_frontend_is_far(&f));
	assert_int_equal(put(&x, &f), 0);
	assert_int_equal(lb_nodes_set_nat(lb_tables_nodes(x.t), 0), 0);
	assert_false(lb_tables_are_far(x.t));
	fixture_done(&x);
}

static void each_kind_of_target_that_is_not_here_waits(void **state)
{
	(void)state;
	for (enum lb_way way = LB_BY_TUNNEL; way <= LB_BY_NAT; way++) {
		const struct lb_target targets[] = {target(0, LB_BY_TUNNEL, true),
						    target(1, way, false)};
		const struct lb_frontend before = frontend_of(key_of(VIP_OF, 80), targets, 1);
		const struct lb_frontend f = frontend_of(key_of(VIP_OF, 80), targets, 2);
		struct lb_actual actual;
		struct arena *arena = arena_new();
		struct fixture x;

		assert_true(lb_frontend_is_far(&f));
		fixture_init(&x);
		assert_int_equal(put(&x, &before), 0);
		assert_int_equal(put(&x, &f), LB_NEED_FAR);
		assert_int_equal(leads_far(&x), 0);
		assert_true(lb_tables_get(x.t, &f.key, arena, &actual));
		assert_true(lb_actual_is(&actual, &before)); /* goes on as it was */
		lb_tables_add_far(x.t);
		assert_int_equal(put(&x, &f), 0);
		assert_int_equal(leads_far(&x), 2);
		assert_true(lb_tables_are_far(x.t));
		fixture_done(&x);
		arena_free(arena);
	}
}

static void an_end_of_tunnels_waits_and_so_do_ports_of_nat(void **state)
{
	const struct lb_frontend f = end_of_tunnels();
	struct fixture x;

	(void)state;
	fixture_init(&x);
	assert_int_equal(put(&x, &f), LB_NEED_FAR);
	assert_int_equal(lb_nodes_set_nat(lb_tables_nodes(x.t), 20000), LB_NEED_FAR);
	assert_int_equal(leads_far(&x), 0);
	lb_tables_add_far(x.t);
	assert_int_equal(lb_nodes_set_nat(lb_tables_nodes(x.t), 20000), 0);
	assert_true(lb_tables_are_far(x.t));
	assert_int_equal(put(&x, &f), 0);
	assert_int_equal(leads_far(&x), 2);
	fixture_done(&x);
}

/* Who takes tables over loads what they lead to, before anything of his is attached. */
static void tables_of_a_former_run_say_what_they_lead_to(void **state)
{
	const struct lb_target far = target(1, LB_BY_GUE, false),
			       here = target(0, LB_BY_TUNNEL, true);
	const struct lb_frontend service = frontend_of(key_of(VIP_OF, 80), &far, 1);
	const struct lb_frontend local = frontend_of(key_of(VIP_OF, 80), &here, 1);
	const struct lb_frontend end = end_of_tunnels();
	struct fixture x;

	(void)state;
	fixture_init(&x);
	assert_int_equal(fixture_put(&x, &service), 0);
	assert_int_equal(fixture_restart(&x), 0);
	assert_true(lb_tables_are_far(x.t));
	assert_int_equal(put(&x, &local), 0); /* nothing of it is left */
	assert_int_equal(fixture_restart(&x), 0);
	assert_false(lb_tables_are_far(x.t));
	assert_int_equal(fixture_put(&x, &end), 0);
	assert_int_equal(fixture_restart(&x), 0);
	assert_true(lb_tables_are_far(x.t));
	lb_tables_del(x.t, &x.c, &end.key);
	fixture_set_nat(&x, 20000);
	assert_int_equal(fixture_restart(&x), 0);
	assert_true(lb_tables_are_far(x.t));
	fixture_set_nat(&x, 0);
	assert_false(lb_tables_are_far(x.t));
	fixture_done(&x);
}

/* Whatever is put, taken away and taken over, in whatever order. */
static void nothing_leads_there_before_they_are_there(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 40; seed++) {
		unsigned n_waited = 0;
		struct fixture x;
		struct rng rng;

		fixture_init(&x);
		rng_seed(&rng, seed);
		for (unsigned i = 0; i < 60; i++) {
			const struct lb_key key =
				key_of(VIP_OF, (uint16_t)(80 + rng_below(&rng, SERVICES)));
			struct lb_target targets[4];
			const uint32_t n = (uint32_t)rng_below(&rng, 5);
			struct lb_frontend f;

			for (uint32_t k = 0; k < n; k++)
				targets[k] = target(k, (enum lb_way)rng_below(&rng, LB_BY_NAT + 1),
						    rng_below(&rng, 4) != 0);
			for (uint32_t k = 0; k < n; k++)
				if (ip_addr_is_none(&targets[k].node))
					targets[k].way = LB_BY_TUNNEL;
			f = rng_below(&rng, 8) ? frontend_of(key, targets, n) : end_of_tunnels();
			if (rng_below(&rng, 6) == 0)
				lb_tables_del(x.t, &x.c, &f.key);
			else
				n_waited += put(&x, &f) == LB_NEED_FAR;
			n_waited += lb_nodes_set_nat(lb_tables_nodes(x.t),
						     rng_below(&rng, 4) ? 0 : 20000) != 0;
			if (rng_below(&rng, 10) == 0)
				assert_int_equal(fixture_restart(&x), 0);
			fixture_at(&x, x.c.now + LB_REST_NS);
			(void)lb_tables_tick(x.t, &x.c);
			assert_int_equal(leads_far(&x), 0);
			assert_false(lb_tables_are_far(x.t));
		}
		assert_true(n_waited > 0);
		fixture_done(&x);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_here_needs_none),
		cmocka_unit_test(each_kind_of_target_that_is_not_here_waits),
		cmocka_unit_test(an_end_of_tunnels_waits_and_so_do_ports_of_nat),
		cmocka_unit_test(tables_of_a_former_run_say_what_they_lead_to),
		cmocka_unit_test(nothing_leads_there_before_they_are_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
