// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* The cuckoo table: full, crowded, while keys move, and after an agent died in between. */
#include "fixture.h"

#include "base/limits.h"

#include <errno.h>

static struct lb_frontend vip_at(uint32_t i)
{
	return frontend_of(key_of(0x0a000000 + i * 7919, 0), NULL, 0);
}

static void places_of(const struct lb_key *key, uint32_t place[2])
{
	struct lb_service_key wire = wire_key(key);

	place[0] = lb_service_hash(&wire, 0);
	place[1] = lb_service_hash(&wire, 1);
}

static bool reader_sees(const struct fixture *x, uint32_t i)
{
	struct lb_frontend f = vip_at(i);
	uint64_t live;

	return reader_find(x, &f.key, &live) != NULL;
}

/* Two places a key hold half a table only just: near the end some keys find no way. */
static void a_table_is_filled_to_its_limit_at_once_while_nobody_reads(void **state)
{
	uint32_t limit = LB_SERVICE_SLOTS / 2, n_full = 0, n = 0;
	struct fixture x;

	(void)state;
	fixture_init(&x);
	x.c.quiet = x.c.now;
	for (uint32_t i = 0; n < limit; i++) {
		struct lb_frontend f = vip_at(i);
		int outcome = fixture_put(&x, &f);

		assert_true(outcome == 0 || (outcome == -ENOSPC && n > limit / 8 * 7));
		assert_int_equal(reader_sees(&x, i), outcome == 0);
		n += outcome == 0;
		n_full += outcome != 0;
	}
	assert_in_range(n_full, 0, limit / 100);
	assert_int_equal(lb_tables_usage(x.t).services, limit);
	for (uint32_t i = 100000; i < 100010; i++) {
		struct lb_frontend f = vip_at(i);

		assert_int_equal(fixture_put(&x, &f), -ENOSPC);
	}
	fixture_done(&x);
}

/* The first VIP behind *i whose key may stand at these places; LB_NO_SLOT: anywhere. */
static struct lb_frontend vip_with_places(uint32_t *i, uint32_t first, uint32_t second)
{
	uint32_t place[2];
	struct lb_frontend f;

	do {
		f = vip_at((*i)++);
		places_of(&f.key, place);
	} while ((first != LB_NO_SLOT && place[0] != first) ||
		 (second != LB_NO_SLOT && place[1] != second));
	return f;
}

/* The one at its first place cannot move, the one at its second can; and the other way round. */
static void room_is_made_at_either_place(void **state)
{
	(void)state;
	for (unsigned stuck = 0; stuck < 2; stuck++) {
		struct lb_frontend fixed, movable, f;
		uint32_t i = 0, place[2], at;
		struct fixture x;

		fixture_init(&x);
		do { /* a key with one place only */
			fixed = vip_at(i++);
			places_of(&fixed.key, place);
		} while (place[0] != place[1]);
		at = place[0];
		f = vip_with_places(&i, stuck == 0 ? at : LB_NO_SLOT, stuck == 1 ? at : LB_NO_SLOT);
		places_of(&f.key, place);
		movable = vip_with_places(&i, place[1 - stuck], LB_NO_SLOT);
		assert_int_equal(fixture_put(&x, &fixed), 0);
		assert_int_equal(fixture_put(&x, &movable), 0);
		assert_int_equal(fixture_put(&x, &f), -EAGAIN);
		for (unsigned rest = 0; rest < 2; rest++) {
			fixture_at(&x, x.c.now + LB_REST_NS);
			lb_tables_tick(x.t, &x.c);
		}
		assert_int_equal(fixture_put(&x, &f), 0);
		assert_int_equal(lb_tables_usage(x.t).services, 3);
		fixture_done(&x);
	}
}

/* How keys come in clusters: `ports` frontends on each of neighbouring addresses, with its VIP. */
static struct lb_service_key clustered_key(uint32_t base, uint32_t ports, uint32_t i)
{
	uint16_t port = (uint16_t)(i % (ports + 1) ? 79 + i % (ports + 1) : 0);
	struct lb_key key = key_of(base + i / (ports + 1), port);

	return wire_key(&key);
}

static void as_many_frontends_as_are_promised_find_a_slot_each_on_a_vip_of_its_own(void **state)
{
	const struct lb_clock c = {.now = SECOND, .quiet = SECOND, .age = 1};
	struct lb_service *image = xcalloc(LB_SERVICE_SLOTS, sizeof(*image));
	uint64_t *vip_bits = xcalloc(LB_VIP_WORDS, sizeof(*vip_bits));
	struct lb_new_flows *new_flows = xcalloc(LB_SERVICE_SLOTS, sizeof(*new_flows));

	(void)state;
	for (uint32_t ports = 1; ports <= 16; ports *= 2) {
		uint32_t n = LIMIT_SERVICES + LIMIT_SERVICES / ports;
		struct lb_slots s;

		memset(image, 0, LB_SERVICE_SLOTS * sizeof(*image));
		memset(vip_bits, 0, LB_VIP_WORDS * sizeof(*vip_bits));
		lb_slots_init(&s, image, vip_bits, new_flows);
		for (uint32_t i = 0; i < n; i++) {
			struct lb_service svc = {.live = LB_LIVE_IN_USE};
			uint32_t slot;

			svc.key = clustered_key(0x0a000000 * ports, ports, i);
			assert_int_equal(lb_slots_place(&s, &c, &svc.key, &slot), 0);
			lb_slots_publish(&s, slot, &svc, 0);
		}
		lb_slots_done(&s);
	}
	free(image);
	free(vip_bits);
	free(new_flows);
}

/* Puts all of 0..n-1 with readers about; every key that was put stays visible all the time. */
static void fill_with_readers(struct fixture *x, uint32_t n)
{
	bool *is_put = xcalloc(n, sizeof(*is_put));
	uint32_t n_put = 0, n_waits = 0;

	for (unsigned round = 0; n_put < n; round++) {
		assert_in_range(round, 0, 50);
		for (uint32_t i = 0; i < n; i++) {
			struct lb_frontend f = vip_at(i);
			int outcome;

			if (is_put[i])
				continue;
			outcome = lb_tables_put(x->t, &x->c, &f);
			assert_true(outcome == 0 || outcome == -EAGAIN);
			n_waits += outcome == -EAGAIN;
			n_put += is_put[i] = outcome == 0;
		}
		for (uint32_t i = 0; i < n; i++)
			assert_int_equal(reader_sees(x, i), is_put[i]);
		fixture_at(x, x->c.now + LB_REST_NS / 2);
		lb_tables_tick(x->t, &x->c);
		for (uint32_t i = 0; i < n; i++)
			assert_int_equal(reader_sees(x, i), is_put[i]);
	}
	assert_true(n_waits > 0);
	free(is_put);
}

static void crowded_keys_wait_and_no_key_is_ever_out_of_sight(void **state)
{
	struct fixture x;

	(void)state;
	fixture_init(&x);
	fill_with_readers(&x, LB_SERVICE_SLOTS / 4);
	fixture_done(&x);
}

/* A key whose two places are taken by others, found by trying. */
static struct lb_frontend crowded_vip(struct fixture *x, uint32_t first)
{
	for (uint32_t i = first;; i++) {
		struct lb_frontend f = vip_at(i);
		uint32_t place[2];

		places_of(&f.key, place);
		if (x->services[place[0]].live && x->services[place[1]].live)
			return f;
	}
}

static struct lb_frontend fixture_with_a_move_under_way(struct fixture *x)
{
	struct lb_frontend f;

	fixture_init(x);
	x->c.quiet = x->c.now; /* nobody reads yet */
	for (uint32_t i = 0; i < 3000; i++) {
		f = vip_at(i);
		assert_int_equal(lb_tables_put(x->t, &x->c, &f), 0);
	}
	fixture_at(x, x->c.now + LB_REST_NS);
	f = crowded_vip(x, 3000);
	assert_int_equal(lb_tables_put(x->t, &x->c, &f), -EAGAIN);
	return f;
}

static unsigned copies_of(const struct fixture *x, const struct lb_service_key *key)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < LB_SERVICE_SLOTS; i++)
		n += x->services[i].live && !memcmp(&x->services[i].key, key, sizeof(*key));
	return n;
}

/* The key that stands in two places. */
static struct lb_key moving_key(const struct fixture *x)
{
	for (uint32_t i = 0; i < LB_SERVICE_SLOTS; i++)
		if (x->services[i].live && copies_of(x, &x->services[i].key) == 2)
			return lb_key_of(&x->services[i].key);
	fail();
	return (struct lb_key){.port = 0};
}

static void a_move_takes_two_rests_and_moves_one_key(void **state)
{
	struct fixture x;
	struct lb_frontend f = fixture_with_a_move_under_way(&x);
	struct lb_key moving = moving_key(&x);
	struct lb_service_key wire = wire_key(&moving);

	(void)state;
	assert_int_equal(lb_tables_put(x.t, &x.c, &f), -EAGAIN); /* asking again moves no more */
	fixture_at(&x, x.c.now + LB_REST_NS);
	lb_tables_tick(x.t, &x.c);
	assert_int_equal(copies_of(&x, &wire), 1);
	assert_int_equal(lb_tables_put(x.t, &x.c, &f), -EAGAIN);
	fixture_at(&x, x.c.now + LB_REST_NS);
	lb_tables_tick(x.t, &x.c);
	assert_int_equal(lb_tables_put(x.t, &x.c, &f), 0);
	fixture_done(&x);
}

static void a_key_changed_or_deleted_while_it_moves_is_so_in_both_places(void **state)
{
	struct fixture x;
	struct lb_frontend f, moving;
	struct lb_service_key wire;

	(void)state;
	f = fixture_with_a_move_under_way(&x);
	moving = frontend_of(moving_key(&x), NULL, 0);
	wire = wire_key(&moving.key);
	moving.flags = LB_F_ECHO_ANSWER;
	assert_int_equal(lb_tables_put(x.t, &x.c, &moving), 0);
	assert_int_equal(copies_of(&x, &wire), 2);
	for (uint32_t i = 0; i < LB_SERVICE_SLOTS; i++)
		if (x.services[i].live && !memcmp(&x.services[i].key, &wire, sizeof(wire)))
			assert_int_equal(x.services[i].live >> LB_LIVE_FLAGS_SHIFT &
						 LB_LIVE_FLAGS_MASK,
					 LB_SVC_ECHO_ANSWER);
	lb_tables_del(x.t, &x.c, &moving.key);
	assert_int_equal(copies_of(&x, &wire), 0);
	fixture_at(&x, x.c.now + LB_REST_NS);
	assert_int_equal(lb_tables_put(x.t, &x.c, &f), 0);
	fixture_done(&x);
}

static void death_in_the_middle_of_a_move_leaves_one_copy_to_be_put_again(void **state)
{
	struct fixture x;
	struct lb_key moving;
	struct lb_service_key wire;
	uint64_t live;

	(void)state;
	(void)fixture_with_a_move_under_way(&x);
	moving = moving_key(&x);
	wire = wire_key(&moving);
	fixture_restart(&x);
	assert_int_equal(copies_of(&x, &wire), 1);
	assert_non_null(reader_find(&x, &moving, &live));
	fixture_done(&x);
}

/* What is deleted takes its shadow along, so the order of those that are left is any. */
static void a_tick_is_wanted_when_the_first_of_all_moves_is_over(void **state)
{
	struct lb_service *image = xcalloc(LB_SERVICE_SLOTS, sizeof(*image));
	uint64_t *vip_bits = xcalloc(LB_VIP_WORDS, sizeof(*vip_bits));
	struct lb_new_flows *new_flows = xcalloc(LB_SERVICE_SLOTS, sizeof(*new_flows));
	struct lb_clock c = {.now = 10 * SECOND, .quiet = 10 * SECOND, .age = 1};
	size_t n_seen = 0, n_most = 0;
	struct lb_slots s;
	struct rng rng;

	(void)state;
	rng_seed(&rng, 11);
	lb_slots_init(&s, image, vip_bits, new_flows);
	for (uint32_t i = 0; i < 40000; i++) {
		struct lb_service svc = {.live = LB_LIVE_IN_USE};
		nsec_t next, first = NSEC_NEVER;
		uint32_t slot;

		svc.key = clustered_key(0x0a000000, 4, i);
		if (i < 12000) /* nobody reads yet */
			c.quiet = c.now;
		else
			c.quiet = (c.now += 30 * NSEC_PER_MSEC) - LB_REST_NS;
		if (lb_slots_place(&s, &c, &svc.key, &slot) == 0)
			lb_slots_publish(&s, slot, &svc, i);
		if (s.n_shadows > 0)
			lb_slots_store_limit(&s, s.shadows[rng_below(&rng, s.n_shadows)].primary,
					     i + 100000);
		if (s.n_shadows > 1 && rng_below(&rng, 2))
			lb_slots_clear(&s, s.shadows[rng_below(&rng, s.n_shadows)].primary, c.now);
		else if (s.n > 12000)
			lb_slots_clear(&s, s.order[rng_below(&rng, s.n)], c.now);
		next = lb_slots_tick(&s, &c);
		for (size_t k = 0; k < s.n_shadows; k++) {
			assert_true(new_flows[s.shadows[k].slot].limit ==
				    new_flows[s.shadows[k].primary].limit);
			first = nsec_min(first, nsec_add(s.shadows[k].copied_at, LB_REST_NS));
		}
		assert_true(next == first);
		n_seen += s.n_shadows > 0;
		n_most = s.n_shadows > n_most ? s.n_shadows : n_most;
	}
	assert_true(n_seen > 100);
	assert_true(n_most > 2);
	lb_slots_done(&s);
	free(image);
	free(vip_bits);
	free(new_flows);
}

/* The same as the agent hears it, who sleeps until then. */
static void the_tables_want_their_tick_when_the_first_move_is_over(void **state)
{
	struct fixture x;
	nsec_t begun, next;

	(void)state;
	(void)fixture_with_a_move_under_way(&x);
	begun = x.c.now;
	next = lb_tables_tick(x.t, &x.c);
	while (next < begun + LB_REST_NS / 4) { /* the walk's slices */
		fixture_at(&x, next);
		next = lb_tables_tick(x.t, &x.c);
	}
	assert_true(next == begun + LB_REST_NS);
	fixture_at(&x, begun + LB_REST_NS);
	assert_true(lb_tables_tick(x.t, &x.c) > begun + 2 * LB_REST_NS);
	fixture_done(&x);
}

static void a_bit_of_the_bitmap_lasts_as_long_as_one_key_needs_it(void **state)
{
	struct lb_frontend vip = frontend_of(key_of(0xc0000201, 0), NULL, 0);
	struct lb_frontend web = frontend_of(key_of(0xc0000201, 80), NULL, 0);
	struct lb_service_key wire = wire_key(&vip.key);
	uint32_t bit = lb_vip_bit(wire.addr);
	struct fixture x;

	(void)state;
	fixture_init(&x);
	assert_int_equal(fixture_put(&x, &vip), 0);
	assert_int_equal(fixture_put(&x, &web), 0);
	fixture_restart(&x);
	lb_tables_del(x.t, &x.c, &web.key);
	assert_true(x.vip_bits[bit >> 6] >> (bit & 63) & 1);
	lb_tables_del(x.t, &x.c, &vip.key);
	assert_false(x.vip_bits[bit >> 6] >> (bit & 63) & 1);
	x.vip_bits[3] = 5; /* whatever is there: adoption makes it what the slots say */
	fixture_restart(&x);
	assert_true(x.vip_bits[3] == 0);
	fixture_done(&x);
}

static bool has_bit(const struct fixture *x, uint32_t addr)
{
	const struct lb_key key = key_of(addr, 0);
	const struct lb_service_key wire = wire_key(&key);
	const uint32_t bit = lb_vip_bit(wire.addr);

	return x->vip_bits[bit >> 6] >> (bit & 63) & 1;
}

/* What is dropped is looked at: all addresses under a prefix, beside VIPs among them. */
static void a_prefix_has_the_bits_of_all_its_addresses(void **state)
{
	const struct lb_frontend vip = frontend_of(key_of(0xc0000205, 0), NULL, 0);
	const struct ip_addr net = ip_addr_from_v4(0xc0000204);
	const struct ip_prefix four = ip_prefix_of(&net, 30), wide = ip_prefix_of(&net, 8);
	struct fixture x;

	(void)state;
	fixture_init(&x);
	assert_int_equal(fixture_put(&x, &vip), 0);
	lb_tables_cover(x.t, &four);
	for (uint32_t i = 0; i < 4; i++)
		assert_true(has_bit(&x, 0xc0000204 + i));
	/* More than can be counted: all bits, and then again what was. */
	lb_tables_cover(x.t, &wide);
	for (uint32_t i = 0; i < LB_VIP_WORDS; i++)
		assert_true(x.vip_bits[i] == UINT64_MAX);
	lb_tables_uncover(x.t, &four);
	assert_true(has_bit(&x, 0xc0000204));
	lb_tables_uncover(x.t, &wide);
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(has_bit(&x, 0xc0000204 + i), i == 1);
	lb_tables_del(x.t, &x.c, &vip.key);
	for (uint32_t i = 0; i < LB_VIP_WORDS; i++)
		assert_true(x.vip_bits[i] == 0);
	fixture_done(&x);
}

static void a_slot_with_a_key_that_does_not_hash_to_it_is_cleared(void **state)
{
	struct lb_frontend vip = frontend_of(key_of(0xc0000201, 0), NULL, 0);
	struct fixture x;
	uint64_t live;
	uint32_t slot, wrong;

	(void)state;
	fixture_init(&x);
	assert_int_equal(fixture_put(&x, &vip), 0);
	slot = (uint32_t)(reader_find(&x, &vip.key, &live) - x.services);
	wrong = (slot + 1) % LB_SERVICE_SLOTS;
	x.services[wrong] = x.services[slot];
	x.services[slot].live = 0;
	fixture_restart(&x);
	assert_true(x.services[wrong].live == 0);
	fixture_done(&x);
}

/* Whatever stands in the maps: a slot whose regions cannot be what was put there goes. */
static void a_slot_with_impossible_regions_is_cleared(void **state)
{
	static const uint32_t n_backends[] = {LB_BACKEND_UNIT - 1, LB_BACKEND_UNIT + 1,
					      LB_ROW_NONE + 1 + LB_BACKEND_UNIT};
	struct lb_target target = target_of_v4(0x0a000001, 8080, true);
	struct lb_frontend web = frontend_of(key_of(0xc0000201, 80), &target, 1);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(n_backends); i++) {
		struct fixture x;
		uint64_t live;
		uint32_t slot;

		fixture_init(&x);
		assert_int_equal(fixture_put(&x, &web), 0);
		slot = (uint32_t)(reader_find(&x, &web.key, &live) - x.services);
		x.services[slot].n_backends = n_backends[i];
		assert_int_equal(fixture_restart(&x), 1);
		assert_null(reader_find(&x, &web.key, &live));
		fixture_done(&x);
	}
}

/* Flows name a service by its id, so none is given twice, whatever the counter says. */
static void an_adopted_id_is_not_given_again(void **state)
{
	struct lb_target target = target_of_v4(0x0a000001, 8080, true);
	struct lb_frontend first = frontend_of(key_of(0xc0000201, 80), &target, 1);
	struct lb_frontend second = frontend_of(key_of(0xc0000202, 80), &target, 1);
	struct fixture x;
	uint64_t live;
	uint32_t id;

	(void)state;
	fixture_init(&x);
	assert_int_equal(fixture_put(&x, &first), 0);
	id = reader_find(&x, &first.key, &live)->id;
	x.config.next_service_id = id;
	assert_int_equal(fixture_restart(&x), 0);
	assert_int_equal(fixture_put(&x, &second), 0);
	assert_true(reader_find(&x, &second.key, &live)->id > id);
	fixture_done(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(room_is_made_at_either_place),
		cmocka_unit_test(
			as_many_frontends_as_are_promised_find_a_slot_each_on_a_vip_of_its_own),
		cmocka_unit_test(a_table_is_filled_to_its_limit_at_once_while_nobody_reads),
		cmocka_unit_test(crowded_keys_wait_and_no_key_is_ever_out_of_sight),
		cmocka_unit_test(a_move_takes_two_rests_and_moves_one_key),
		cmocka_unit_test(a_key_changed_or_deleted_while_it_moves_is_so_in_both_places),
		cmocka_unit_test(death_in_the_middle_of_a_move_leaves_one_copy_to_be_put_again),
		cmocka_unit_test(a_tick_is_wanted_when_the_first_of_all_moves_is_over),
		cmocka_unit_test(the_tables_want_their_tick_when_the_first_move_is_over),
		cmocka_unit_test(a_bit_of_the_bitmap_lasts_as_long_as_one_key_needs_it),
		cmocka_unit_test(a_prefix_has_the_bits_of_all_its_addresses),
		cmocka_unit_test(a_slot_with_a_key_that_does_not_hash_to_it_is_cleared),
		cmocka_unit_test(a_slot_with_impossible_regions_is_cleared),
		cmocka_unit_test(an_adopted_id_is_not_given_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
