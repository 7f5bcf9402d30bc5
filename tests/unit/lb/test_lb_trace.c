// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * lb/lb_trace: the row and the candidates are those that the programs' own way of looking finds,
 * and in a row that is not settled the flow's entry decides.
 */
#include "lb/lb_trace.h"

#include "walk_fixture.h"

#include "bpf/flow_hash.h"
#include "bpf/nat_ports.h"

_Static_assert(LB_TRACE_CANDIDATES == LB_CANDIDATES, "as many as a row has");

#define CLIENT 0xcb007101

static struct lb_nat_line nat[LB_NAT_LINES];

static struct lb_trace traced(const struct fixture *x, uint16_t port)
{
	struct lb_trace ret;

	lb_trace(x->t,
		 &(struct lb_trace_flow){
			 .key = key(), .client = ip_addr_from_v4(CLIENT), .client_port = port},
		 nat, &ret);
	return ret;
}

/* Row of a client's port, by bpf/wire.h. */
static uint32_t row_of(const struct fixture *x, uint16_t port, bool sticky)
{
	const struct ip_addr client = ip_addr_from_v4(CLIENT);
	uint32_t words[4];

	memcpy(words, client.b, sizeof(words));
	return lb_wire_row(lb_wire_flow_hash(words, sticky ? 0 : __builtin_bswap16(port),
					     sticky ? 0 : __builtin_bswap16(80),
					     service(x, key())->seed),
			   8);
}

/* Lays the entry that the programs would make of the flow with candidate k of its row. */
static void lay_entry(struct fixture *x, uint16_t port, unsigned k, uint32_t state)
{
	const struct ip_addr client = ip_addr_from_v4(CLIENT);
	const uint32_t row = row_of(x, port, false);
	const uint16_t index = lb_row_candidate(*row_at(x, row), k);
	const struct lb_backend *be =
		reader_backend(x, reader_index(service(x, key())->live, index, 0));
	struct lb_flow_keys keys;
	uint32_t words[4];
	uint64_t hash;

	memcpy(words, client.b, sizeof(words));
	lb_flow_keys(x->config.flow_secret, &keys);
	hash = lb_flow_hash(&keys, be->addr, words,
			    lb_flow_ports(be->port, __builtin_bswap16(port)), key().proto);
	x->flows[lb_flow_first(hash, LB_FLOW_CHUNK)].way[0] = (struct lb_flow){
		.hash = hash,
		.slot = (uint16_t)slot_of(x, key()),
		.row = (uint16_t)row,
		.backend = index,
		.state = lb_flow_state(state, false, (uint8_t)(be->state >> LB_BE_GEN_SHIFT)),
		.age = x->c.age};
}

static void the_row_and_its_candidates_are_those_of_the_programs(void **state)
{
	struct fixture x;

	(void)state;
	begin(&x);
	put(&x, 0, 9);
	for (uint16_t port = 1000; port < 1200; port++) {
		const struct lb_trace t = traced(&x, port);
		const uint32_t row = row_of(&x, port, false);

		assert_true(t.has_port);
		assert_int_equal(t.n_rows, ROWS);
		assert_int_equal(t.row, row);
		assert_int_equal(t.n, LB_CANDIDATES);
		assert_int_equal(t.chosen, 0);
		assert_false(t.by_entry);
		for (unsigned k = 0; k < t.n; k++) {
			const uint32_t at = lb_row_candidate(*row_at(&x, row), k);
			const struct lb_backend *be =
				reader_backend(&x, reader_index(service(&x, key())->live, at, 0));

			assert_memory_equal(t.candidates[k].target.addr.b, be->addr, 16);
			assert_int_equal(t.candidates[k].target.port, 8080);
			assert_int_equal(t.candidates[k].target.state, LB_BACKEND_READY);
			assert_int_equal(t.candidates[k].entry, LB_TRACE_NO_ENTRY);
			assert_false(t.candidates[k].is_gone);
		}
	}
	fixture_done(&x);
}

static void in_a_row_that_is_not_settled_the_entry_decides(void **state)
{
	struct fixture x;
	struct lb_trace t;

	(void)state;
	begin(&x);
	put(&x, 0, 9);
	lay_entry(&x, 1000, 2, LB_FLOW_ESTABLISHED);
	*row_at(&x, row_of(&x, 1000, false)) |= LB_ROW_UNSETTLED;
	t = traced(&x, 1000);
	assert_false(t.is_settled);
	assert_int_equal(t.chosen, 2);
	assert_true(t.by_entry);
	assert_int_equal(t.candidates[2].entry, LB_TRACE_ESTABLISHED);
	lay_entry(&x, 1000, 1, LB_FLOW_CLOSING); /* what has ended comes after what lives */
	assert_int_equal(traced(&x, 1000).chosen, 2);
	lay_entry(&x, 1000, 2, LB_FLOW_CLOSING);
	t = traced(&x, 1000);
	assert_int_equal(t.chosen, 1);
	assert_int_equal(t.candidates[2].entry, LB_TRACE_CLOSING);
	lay_entry(&x, 1000, 0, LB_FLOW_NEW);
	t = traced(&x, 1000);
	assert_int_equal(t.chosen, 0);
	assert_int_equal(t.candidates[0].entry, LB_TRACE_NEW);
	/* A settled row is the first one's, whatever entries say. */
	*row_at(&x, row_of(&x, 1000, false)) &= ~LB_ROW_UNSETTLED;
	lay_entry(&x, 1000, 0, LB_FLOW_CLOSING);
	t = traced(&x, 1000);
	assert_true(t.is_settled && !t.by_entry);
	assert_int_equal(t.chosen, 0);
	fixture_done(&x);
}

static void an_entry_of_a_backend_that_had_the_place_before_is_none(void **state)
{
	struct fixture x;
	uint32_t row;

	(void)state;
	begin(&x);
	put(&x, 0, 9);
	row = row_of(&x, 1000, false);
	lay_entry(&x, 1000, 1, LB_FLOW_ESTABLISHED);
	*row_at(&x, row) |= LB_ROW_UNSETTLED;
	assert_int_equal(traced(&x, 1000).chosen, 1);
	x.backends[0][reader_index(service(&x, key())->live, *row_at(&x, row), 1)].state ^=
		1ull << LB_BE_GEN_SHIFT;
	assert_int_equal(traced(&x, 1000).chosen, 0);
	assert_false(traced(&x, 1000).by_entry);
	fixture_done(&x);
}

static void who_is_away_is_told(void **state)
{
	struct lb_trace t;
	struct fixture x;

	(void)state;
	begin(&x);
	t = traced(&x, 1000);
	assert_true(!t.has_vip && !t.has_port && t.chosen == -1);
	put_at(&x, key_of(WEB, 0), 0, 0, 0);
	t = traced(&x, 1000);
	assert_true(t.has_vip && !t.has_port);
	put(&x, 0, 0);
	t = traced(&x, 1000);
	assert_true(t.has_port && t.n_rows == 0 && t.chosen == -1);
	put_draining(&x, 0, 2, 2);
	t = traced(&x, 1000);
	assert_int_equal(t.n, 2);
	assert_int_equal(t.candidates[0].target.state, LB_BACKEND_DRAINING);
	fixture_done(&x);
}

static void with_affinity_ports_do_not_matter(void **state)
{
	struct lb_frontend f;
	struct lb_target targets[2] = {target_of_v4(TARGETS, 8080, true),
				       target_of_v4(TARGETS + 1, 8080, true)};
	struct fixture x;

	(void)state;
	begin(&x);
	f = frontend_of(key(), targets, 2);
	f.affinity_s = 60;
	frontend_set_flags(&f, LB_F_AFFINITY);
	assert_int_equal(fixture_put(&x, &f), 0);
	assert_true(traced(&x, 1).flags & LB_F_AFFINITY);
	for (uint16_t port = 1; port < 50; port++)
		assert_int_equal(traced(&x, port).row, row_of(&x, port, true));
	fixture_done(&x);
}

/* --- backends that answer this node ----------------------------------------------------------- */

#define FIRST 20000

/* Lays what the programs would make of a flow, in the i-th of its lines; its port. */
static uint16_t lay_nat(const struct fixture *x, uint16_t port, uint32_t i, uint32_t state)
{
	const struct lb_backend *be =
		reader_backend(x, reader_index(service(x, key())->live, 0, 0));
	const struct ip_addr client = ip_addr_from_v4(CLIENT), own = ip_addr_from_v4(0x0a00000a);
	struct lb_nat n = {.client_port = __builtin_bswap16(port),
			   .vip_port = __builtin_bswap16(80)};
	struct lb_flow_keys keys;
	struct lb_nat_line *line;
	uint64_t hash;
	uint32_t at;

	memcpy(n.client, client.b, sizeof(n.client));
	memcpy(n.vip, key().addr.b, sizeof(n.vip));
	memcpy(n.own, own.b, sizeof(n.own));
	lb_flow_keys(x->config.flow_secret, &keys);
	hash = lb_flow_hash_v4(&keys, n.vip[3], n.client[3],
			       lb_flow_ports(n.vip_port, n.client_port),
			       lb_remote_proto(key().proto, 0));
	at = lb_nat_line(hash, i, LB_NAT_LINES);
	line = &nat[at];
	hash = lb_flow_hash_v4(&keys, be->addr[3], 0,
			       lb_flow_ports(be->port, __builtin_bswap16((uint16_t)(FIRST + at))),
			       lb_nat_proto(key().proto));
	n.sum = lb_nat_sum(&n, hash);
	line->of[1] = n;
	line->way[1] = (struct lb_flow){.hash = hash, .state = lb_flow_state(state, false, 0)};
	return (uint16_t)(FIRST + at);
}

/* The port that a flow leaves by is found as the programs find it, in whichever of its lines. */
static void as_what_a_flow_comes_to_who_answers_this_node_is_told(void **state)
{
	struct lb_target target = target_of_v4(TARGETS, 8080, true);
	struct lb_frontend f;
	struct fixture x;
	struct lb_trace t;

	(void)state;
	begin(&x);
	target.way = LB_BY_NAT;
	target.node = target.addr;
	f = frontend_of(key(), &target, 1);
	assert_int_equal(fixture_put(&x, &f), 0);
	fixture_set_nat(&x, FIRST);
	assert_int_equal(traced(&x, 1000).candidates[0].nat.port, 0);
	for (uint32_t i = 0; i < LB_NAT_TRIES; i++) {
		const uint16_t client_port = (uint16_t)(1000 + i);
		const uint16_t port =
			lay_nat(&x, client_port, i, i & 1 ? LB_FLOW_ESTABLISHED : LB_FLOW_CLOSING);

		t = traced(&x, client_port);
		assert_int_equal(t.n, 1);
		assert_int_equal(t.candidates[0].nat.port, port);
		assert_int_equal(t.candidates[0].nat.entry,
				 i & 1 ? LB_TRACE_ESTABLISHED : LB_TRACE_CLOSING);
		assert_int_equal(ip_addr_v4(&t.candidates[0].nat.own), 0x0a00000a);
		assert_int_equal(traced(&x, (uint16_t)(2000 + i)).candidates[0].nat.port, 0);
		nat[port - FIRST].of[1].client[3] ^= 1; /* as between two writers */
		assert_int_equal(traced(&x, client_port).candidates[0].nat.port, 0);
	}
	fixture_set_nat(&x, 0);
	(void)lay_nat(&x, 1000, 0, LB_FLOW_NEW);
	assert_int_equal(traced(&x, 1000).candidates[0].nat.port, 0);
	fixture_done(&x);
}

/* A flow whose backend is elsewhere has its entry under client and VIP. */
static void the_entry_of_a_flow_to_another_node_is_found(void **state)
{
	struct lb_target targets[2] = {target_of_v4(TARGETS, 8080, true),
				       target_of_v4(TARGETS + 1, 8080, true)};
	struct lb_flow_keys keys;
	struct lb_frontend f;
	struct fixture x;
	struct lb_trace t;
	uint16_t second;
	uint64_t hash;

	(void)state;
	begin(&x);
	for (size_t i = 0; i < 2; i++) {
		targets[i].way = LB_BY_IPIP;
		targets[i].node = targets[i].addr;
	}
	f = frontend_of(key(), targets, 2);
	assert_int_equal(fixture_put(&x, &f), 0);
	second = lb_row_candidate(*row_at(&x, row_of(&x, 1000, false)), 1);
	lb_flow_keys(x.config.flow_secret, &keys);
	hash = lb_flow_hash_v4(&keys, __builtin_bswap32(WEB), __builtin_bswap32(CLIENT),
			       lb_flow_ports(__builtin_bswap16(80), __builtin_bswap16(1000)),
			       lb_remote_proto(key().proto, 0));
	x.flows[lb_flow_first(hash, LB_FLOW_CHUNK)].way[0] = (struct lb_flow){
		.hash = hash,
		.slot = (uint16_t)slot_of(&x, key()),
		.backend = second,
		.state = lb_flow_state(
			LB_FLOW_ANSWERED, false,
			(uint8_t)(reader_backend(&x,
						 reader_index(service(&x, key())->live, second, 0))
					  ->state >>
				  LB_BE_GEN_SHIFT)),
		.age = x.c.age};
	*row_at(&x, row_of(&x, 1000, false)) |= LB_ROW_UNSETTLED;
	t = traced(&x, 1000);
	assert_true(t.by_entry);
	assert_int_equal(t.chosen, 1);
	fixture_done(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_what_a_flow_comes_to_who_answers_this_node_is_told),
		cmocka_unit_test(the_entry_of_a_flow_to_another_node_is_found),
		cmocka_unit_test(the_row_and_its_candidates_are_those_of_the_programs),
		cmocka_unit_test(in_a_row_that_is_not_settled_the_entry_decides),
		cmocka_unit_test(an_entry_of_a_backend_that_had_the_place_before_is_none),
		cmocka_unit_test(who_is_away_is_told),
		cmocka_unit_test(with_affinity_ports_do_not_matter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
