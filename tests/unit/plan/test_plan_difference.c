// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * plan/plan_difference.h: two plans made alike are the same although nothing lies at the same
 * place, and each field that differs is noticed, by name. A field of a peer is one of the table in
 * plan_peer_change.c.
 */
#include "made_plan.h"
#include "plan/plan_backends.h"
#include "plan/plan_difference.h"
#include "plan/plan_peer_change.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* A made plan with what its contract does not ask for. */
struct whole {
	struct made m;
	struct plan_service_backend backends[2];
	struct plan_backends list;
	struct plan_good good[2];
	uint32_t communities[1];
	struct large_community large[1];
	uint64_t extended[1];
	const char *names[2], *pools[2], *pools_6[2];
	uint8_t password[3];
	struct problem problems[1];
	const char *uplinks[1];
	struct ip_prefix prefixes[1];
	struct plan_vrf_blackhole in_vrfs[1];
	struct plan_vrf vrfs[1];
	struct plan_vrf_pod pods[1];
	struct plan_made_vrf made_vrfs[1];
	struct plan_discard discards[1];
	struct plan_result result;
};

static void make_vrfs_and_discards(struct whole *w)
{
	w->uplinks[0] = "eth0";
	w->vrfs[0] = (struct plan_vrf){.name = "blue", .domain = 7, .is_member = true};
	w->made_vrfs[0] = (struct plan_made_vrf){"blue", 7, "n", "r"};
	w->discards[0] = (struct plan_discard){.ns = "n", .name = "s", .peers = 1};
	w->m.plan.blackholes = (struct plan_blackholes){.prefixes = w->prefixes,
							.n = 1,
							.uplinks = w->uplinks,
							.n_uplinks = 1,
							.in_vrfs = w->in_vrfs,
							.n_in_vrfs = 1,
							.vrfs = w->vrfs,
							.n_vrfs = 1,
							.pods = w->pods,
							.n_pods = 1};
	w->m.plan.made_vrfs = w->made_vrfs;
	w->m.plan.discards = w->discards;
	w->m.plan.n_made_vrfs = w->m.plan.n_discards = 1;
}

static void make_whole(struct whole *w)
{
	struct made *m = &w->m;

	memset(w, 0, sizeof(*w));
	make(m);
	w->communities[0] = 5;
	w->large[0] = (struct large_community){1, 2, 3};
	w->extended[0] = 6;
	memcpy(w->password, "pw", 3);
	w->names[0] = w->pools[0] = w->pools_6[0] = "p";
	w->names[1] = w->pools[1] = w->pools_6[1] = "q";
	for (size_t i = 0; i < 2; i++)
		w->backends[i] =
			(struct plan_service_backend){.port = 80, .node = "node", .state = "ready"};
	m->attrs[1].large = w->large;
	m->attrs[1].extended = w->extended;
	m->attrs[1].n_large = m->attrs[1].n_extended = 1;
	w->list = (struct plan_backends){.others = w->backends, .n_others = 2};
	m->services[1].backends = &w->list;
	m->services[1].n_backends = 2;
	m->services[1].protocol = "TCP";
	for (size_t i = 0; i < 2; i++)
		w->good[i] = (struct plan_good){.ns = "n",
						.name = "g",
						.text = "t",
						.communities = w->communities,
						.n_communities = 1,
						.large = w->large,
						.n_large = 1,
						.pools = {{w->pools, 2}, {w->pools_6, 2}},
						.password = w->password,
						.password_len = 3};
	m->ledger.good = w->good;
	m->ledger.n_good = 2;
	m->ledger.pools = (struct api_strings){w->names, 2};
	w->problems[0] = (struct problem){.object = {"Service", "n", "s", "u", "f", 3},
					  .field = "spec",
					  .reason = "Reason",
					  .message = "message",
					  .remedy = "remedy"};
	m->plan.problems = (struct problems){.items = w->problems, .n = 1};
	make_vrfs_and_discards(w);
	w->result = (struct plan_result){&m->plan, &m->ledger, 7};
}

/* --- one field each -------------------------------------------------------------------------- */

/*
 * Tables of fields: of number i one is spoilt, and what it is part of returned; NULL: there are
 * fewer.
 */
#define SPOIL(in, change)                                                                          \
	do {                                                                                       \
		if (i-- == 0) {                                                                    \
			change;                                                                    \
			return in;                                                                 \
		}                                                                                  \
	} while (0)

static const char *spoil_routes_and_peers(struct whole *w, size_t i)
{
	SPOIL("peers", w->m.plan.n_peers--);
	SPOIL("attrs", w->m.plan.n_attrs--);
	SPOIL("attrs", w->m.attrs[0].has_med = true);
	SPOIL("attrs", w->m.communities[1]++);
	SPOIL("attrs", w->m.attrs[1].n_large--);
	SPOIL("attrs", w->extended[0]++);
	SPOIL("routes", w->m.plan.n_routes--);
	SPOIL("routes", w->m.routes[1].prefix.len--);
	SPOIL("routes", w->m.routes[1].attrs--);
	SPOIL("routes", w->m.routes[1].peers++);
	SPOIL("routes", w->m.routes[1].hold = true);
	return NULL;
}

static const char *spoil_frontends(struct whole *w, size_t i)
{
	SPOIL("frontends", w->m.plan.n_frontends--);
	SPOIL("frontends", w->m.frontends[1].lb.key.addr.b[0]++);
	SPOIL("frontends", w->m.frontends[1].lb.key.domain++);
	SPOIL("frontends", w->m.frontends[1].lb.key.port++);
	SPOIL("frontends", w->m.frontends[1].lb.key.proto++);
	SPOIL("frontends", w->m.frontends[1].lb.seed++);
	SPOIL("frontends", w->m.frontends[1].lb.rows_log2++);
	SPOIL("frontends", w->m.frontends[1].lb.flags++);
	SPOIL("frontends", w->m.frontends[1].lb.ranges_name++);
	SPOIL("frontends", w->m.frontends[1].lb.affinity_s++);
	SPOIL("frontends", w->m.frontends[1].lb.limit++);
	SPOIL("frontends", w->m.frontends[1].lb.table++);
	SPOIL("frontends", w->m.frontends[1].hold = true);
	SPOIL("frontends", w->m.frontends[1].leaving = true);
	SPOIL("frontends", w->m.frontends[1].lb.n_targets--);
	SPOIL("frontends", w->m.targets[1].addr.b[0]++);
	SPOIL("frontends", w->m.targets[1].node.b[0]++);
	SPOIL("frontends", w->m.targets[1].way = LB_BY_L2);
	SPOIL("frontends", w->m.targets[1].owner++);
	SPOIL("frontends", w->m.targets[1].port++);
	SPOIL("frontends", w->m.targets[1].weight++);
	SPOIL("frontends", w->m.targets[1].state = LB_BACKEND_DRAINING);
	return NULL;
}

static const char *spoil_ways(struct whole *w, size_t i)
{
	SPOIL("next_hops", w->m.plan.n_next_hops--);
	SPOIL("next_hops", w->m.next_hops[1].uplink++);
	SPOIL("next_hops", w->m.next_hops[1].node.b[0]++);
	SPOIL("next_hops", w->m.next_hops[1].source.b[0]++);
	SPOIL("next_hops", w->m.next_hops[1].mac[5]++);
	SPOIL("next_hops", w->m.next_hops[1].own_mac[0]++);
	SPOIL("next_hops", w->m.next_hops[1].ifindex++);
	SPOIL("next_hops", w->m.next_hops[1].mtu++);
	SPOIL("next_hops", w->m.next_hops[1].on_link = true);
	SPOIL("way_ends", w->m.plan.n_way_ends--);
	SPOIL("way_ends", w->m.way_ends[1].addr.b[15]++);
	SPOIL("way_ends", w->m.way_ends[1].source.b[15]++);
	SPOIL("remotes", w->m.plan.n_remotes--);
	SPOIL("remotes", w->m.remotes[1].addr.b[15]++);
	SPOIL("remotes", w->m.remotes[1].node = "m");
	SPOIL("remotes", w->m.remotes[1].state = REMOTE_SILENT);
	SPOIL("remotes", w->m.plan.tunnel_ends[IP_V4].b[15]++);
	SPOIL("denied", w->m.plan.n_denied--);
	SPOIL("denied", w->m.denied[1].name++);
	SPOIL("denied", w->m.denied[1].n--);
	SPOIL("denied", w->m.plan.keeps_denied = true);
	SPOIL("rates", w->m.plan.n_rates--);
	SPOIL("rates", w->m.rates[1].vip.domain++);
	SPOIL("rates", w->m.rates[1].packets++);
	SPOIL("begins", w->m.plan.n_begins--);
	SPOIL("begins", w->m.begins[1].vip.domain++);
	SPOIL("begins", w->m.begins[1].takes = false);
	SPOIL("begins", w->m.begins[1].programmed = true);
	SPOIL("devices", w->m.plan.n_devices--);
	SPOIL("devices", w->m.devices[1].ifindex++);
	SPOIL("devices", w->m.devices[1].name = "z");
	SPOIL("devices", w->m.devices[1].xdp = true);
	SPOIL("devices", w->m.devices[1].tc = false);
	SPOIL("devices", w->m.devices[1].allow_generic = true);
	SPOIL("devices", w->m.devices[1].domain++);
	SPOIL("devices", w->m.devices[1].tunnels = true);
	return NULL;
}

static const char *spoil_vrfs_and_discards(struct whole *w, size_t i)
{
	SPOIL("blackholes", w->m.plan.blackholes.n--);
	SPOIL("blackholes", w->prefixes[0].len++);
	SPOIL("blackholes", w->uplinks[0] = "eth1");
	SPOIL("blackholes", w->m.plan.blackholes.receives = true);
	SPOIL("blackholes", w->in_vrfs[0].domain++);
	SPOIL("blackholes", w->vrfs[0].name = "red");
	SPOIL("blackholes", w->vrfs[0].domain++);
	SPOIL("blackholes", w->vrfs[0].is_member = false);
	SPOIL("blackholes", w->pods[0].port++);
	SPOIL("blackholes", w->pods[0].is_own = true);
	SPOIL("made_vrfs", w->m.plan.n_made_vrfs--);
	SPOIL("made_vrfs", w->made_vrfs[0].name = "red");
	SPOIL("made_vrfs", w->made_vrfs[0].table++);
	SPOIL("made_vrfs", w->made_vrfs[0].ns = "m");
	SPOIL("made_vrfs", w->made_vrfs[0].peer = "q");
	SPOIL("discards", w->m.plan.n_discards--);
	SPOIL("discards", w->discards[0].is_wanted = true);
	SPOIL("discards", w->discards[0].by_command = true);
	SPOIL("discards", w->discards[0].name = "t");
	SPOIL("discards", w->discards[0].peers++);
	return NULL;
}

static const char *spoil_services(struct whole *w, size_t i)
{
	SPOIL("services", w->m.plan.n_services--);
	SPOIL("services", w->m.services[1].ns = "m");
	SPOIL("services", w->m.services[1].name = "z");
	SPOIL("services", w->m.services[1].vip.domain++);
	SPOIL("services", w->m.services[1].port++);
	SPOIL("services", w->m.services[1].protocol = NULL);
	SPOIL("services", w->m.services[1].announced = true);
	SPOIL("services", w->m.services[1].reason = "other");
	SPOIL("services", w->m.services[1].n_backends = w->list.n_others = 1);
	SPOIL("services", w->backends[1].addr.b[0]++);
	SPOIL("services", w->backends[1].port++);
	SPOIL("services", w->backends[1].node = "");
	SPOIL("services", w->backends[1].state = "remote");
	SPOIL("services", w->backends[1].way = "tunnel");
	SPOIL("services", w->m.services[1].health_port++);
	SPOIL("services", w->m.services[1].paused = true);
	SPOIL("services", w->m.services[1].rate_limit++);
	SPOIL("services", w->m.services[1].n_local_ready++);
	SPOIL("health", w->m.plan.n_health--);
	SPOIL("health", w->m.health[1].port++);
	SPOIL("health", w->m.health[1].ns = "m");
	SPOIL("health", w->m.health[1].name = "z");
	SPOIL("health", w->m.health[1].endpoints++);
	SPOIL("health", w->m.health[1].is_serving = true);
	SPOIL("end_of_rib", w->m.plan.end_of_rib = true);
	SPOIL("dataplane", w->m.plan.dataplane = false);
	SPOIL("leaving", w->m.plan.leaving = true);
	SPOIL("strange", w->m.plan.strange = true);
	SPOIL("strange", w->m.plan.strange_may_go = true);
	SPOIL("flow_entries", w->m.plan.flow_entries++);
	SPOIL("drain_ns", w->m.plan.drain_ns++);
	SPOIL("drained", w->m.plan.drained = !w->m.plan.drained);
	SPOIL("drained", w->m.plan.drained_by_node = !w->m.plan.drained_by_node);
	return NULL;
}

static const char *spoil_problems(struct whole *w, size_t i)
{
	SPOIL("problems", w->m.plan.problems.n--);
	SPOIL("problems", w->problems[0].severity++);
	SPOIL("problems", w->problems[0].object.kind = "x");
	SPOIL("problems", w->problems[0].object.ns = "x");
	SPOIL("problems", w->problems[0].object.name = "x");
	SPOIL("problems", w->problems[0].object.uid = NULL);
	SPOIL("problems", w->problems[0].object.file = "x");
	SPOIL("problems", w->problems[0].object.line++);
	SPOIL("problems", w->problems[0].field = NULL);
	SPOIL("problems", w->problems[0].reason = "x");
	SPOIL("problems", w->problems[0].message = "x");
	SPOIL("problems", w->problems[0].remedy = NULL);
	SPOIL("problems", w->problems[0].line++);
	return NULL;
}

static const char *spoil_ledger(struct whole *w, size_t i)
{
	SPOIL("ledger.drains", w->m.ledger.n_drains--);
	SPOIL("ledger.drains", w->m.drains[1].frontend.port++);
	SPOIL("ledger.drains", w->m.drains[1].target.port++);
	SPOIL("ledger.drains", w->m.drains[1].until++);
	SPOIL("ledger.leaving", w->m.ledger.n_leaving--);
	SPOIL("ledger.leaving", w->m.leaving[1].frontend.port++);
	SPOIL("ledger.leaving", w->m.leaving[1].unheld_since++);
	SPOIL("ledger.waiting", w->m.ledger.n_waiting--);
	SPOIL("ledger.waiting", w->m.waiting[1].prefix.len--);
	SPOIL("ledger.waiting", w->m.waiting[1].since++);
	SPOIL("ledger.router_id", w->m.ledger.router_id++);
	SPOIL("ledger.pools", w->m.ledger.pools.n--);
	SPOIL("ledger.pools", w->names[1] = "x");
	SPOIL("ledger.good", w->m.ledger.n_good--);
	SPOIL("ledger.good", w->good[1].kind++);
	SPOIL("ledger.good", w->good[1].ns = "x");
	SPOIL("ledger.good", w->good[1].name = "x");
	SPOIL("ledger.good", w->good[1].hash++);
	SPOIL("ledger.good", w->good[1].text = NULL);
	SPOIL("ledger.good", w->communities[0]++);
	SPOIL("ledger.good", w->good[1].n_large--);
	SPOIL("ledger.good", w->pools[1] = "x");
	SPOIL("ledger.good", w->pools_6[1] = "x");
	SPOIL("ledger.good", w->password[1]++);
	SPOIL("deadline", w->result.deadline++);
	return NULL;
}

static void each_field_that_differs_is_noticed(void **state)
{
	static const char *(*const tables[])(struct whole * w, size_t i) = {
		spoil_routes_and_peers, spoil_frontends, spoil_ways,
		spoil_services,         spoil_problems,  spoil_ledger,
		spoil_vrfs_and_discards};

	(void)state;
	for (size_t t = 0; t < ARRAY_SIZE(tables); t++) {
		for (size_t i = 0;; i++) {
			struct whole a, b;
			const char *in, *difference;

			make_whole(&a);
			make_whole(&b);
			assert_null(plan_difference(&a.result, &b.result));
			in = tables[t](&b, i);
			if (!in)
				break;
			difference = plan_difference(&a.result, &b.result);
			if (!difference || strcmp(difference, in) != 0)
				fail_msg("%s, number %zu: %s", in, i,
					 difference ? difference : "not noticed");
		}
	}
}

static void each_field_of_a_peer_is_noticed(void **state)
{
	size_t n;
	const struct peer_field *fields = plan_peer_fields(&n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		struct whole a, b;
		char *field = (char *)&b.m.peers[1] + fields[i].offset;

		make_whole(&a);
		make_whole(&b);
		if (strcmp(fields[i].name, "key") == 0)
			b.m.peers[1].key.vrf = "x";
		else if (strcmp(fields[i].name, "password") == 0)
			continue; /* with its length */
		else
			field[0]++;
		if (strcmp(fields[i].name, "password_len") == 0) {
			a.m.peers[1].password_len = 1;
			a.m.peers[1].password = (const uint8_t *)"a";
			b.m.peers[1].password = (const uint8_t *)"b";
		}
		assert_string_equal(plan_difference(&a.result, &b.result), "peers");
	}
}

static void addresses_are_compared_by_what_they_say(void **state)
{
	const char *pools[] = {"p"};
	const struct plan_address item = {.ns = "n", .name = "s", .pool = "p"};
	struct plan_address other = item;
	const struct plan_addresses a = {&item, 1, {pools, 1}, 1}, b = {&other, 1, {pools, 1}, 2};
	struct plan_addresses less = b;

	(void)state;
	assert_null(plan_addresses_difference(&a, &b));
	other.addr.b[3] = 1;
	assert_string_equal(plan_addresses_difference(&a, &b), "addresses");
	other = item;
	other.pool = "q";
	assert_string_equal(plan_addresses_difference(&a, &b), "addresses");
	other = item;
	other.ns = "m";
	assert_string_equal(plan_addresses_difference(&a, &b), "addresses");
	other = item;
	other.name = "t";
	assert_string_equal(plan_addresses_difference(&a, &b), "addresses");
	other = item;
	less.pools.n = 0;
	assert_string_equal(plan_addresses_difference(&a, &less), "pools");
	less = b;
	less.n = 0;
	assert_string_equal(plan_addresses_difference(&a, &less), "addresses");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_field_that_differs_is_noticed),
		cmocka_unit_test(each_field_of_a_peer_is_noticed),
		cmocka_unit_test(addresses_are_compared_by_what_they_say),
	};

	return cmocka_run_group_tests_name("plan_difference", tests, NULL, NULL);
}
