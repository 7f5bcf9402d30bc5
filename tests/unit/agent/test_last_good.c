// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * An edit with an error takes nothing away, whatever kind of object it is of (DESIGN 1, isolation
 * of errors): a running Service stays announced with the same attributes, to the same peer, with
 * the same password. So it does over a restart, which finds the broken text, the saved world and
 * the saved ledger. Errors that only the planner sees are in test_plan_good.c.
 */
#include "agent/ledger_json.h"
#include "api/text_pack.h"
#include "base/limits.h"
#include "base/strbuf.h"
#include "fake/plan_fixture.h"
#include "plan/plan_ledger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define VIP         "192.168.100.0"
#define METALLB     "apiVersion: metallb.io/v1beta1\n"
#define IN_NS(name) "metadata: {name: " name ", namespace: metallb-system}\n"
#define SERVICE(port)                                                                              \
	"apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop}\n"                  \
	"spec: {type: LoadBalancer, externalTrafficPolicy: Local, ports: [{port: " port            \
	", protocol: TCP}]}\n"
#define SLICE(address)                                                                             \
	"apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n"                                   \
	"metadata: {name: web-1, namespace: shop, labels: {kubernetes.io/service-name: web}}\n"    \
	"addressType: IPv4\nports: [{name: \"\", port: 8080, protocol: TCP}]\n"                    \
	"endpoints: [{addresses: [" address "], nodeName: node-a}]\n"

/* Each is needed for what is asserted below. */
static const struct source {
	const char *name, *good, *typo;
} sources[] = {
	{"pool",
	 METALLB "kind: IPAddressPool\n" IN_NS(
		 "pool-a") "spec: {addresses: [192.168.100.0/24], serviceAllocation: {priority: 1, "
			   "namespaceSelectors: [{matchLabels: {team: a}}]}}\n",
	 METALLB "kind: IPAddressPool\n" IN_NS("pool-a") "spec: {addresses: [192.168.100.0/33]}\n"},
	{"advertisement",
	 METALLB
	 "kind: BGPAdvertisement\n" IN_NS("adv") "spec: {communities: [gold], asPathPrepend: 2, "
						 "nodeSelectors: [{matchLabels: {rack: r1}}]}\n",
	 METALLB "kind: BGPAdvertisement\n" IN_NS(
		 "adv") "spec: {communities: [gold], asPathPrepend: 20}\n"},
	{"peer",
	 "apiVersion: metallb.io/v1beta2\nkind: BGPPeer\n" IN_NS(
		 "r1") "spec: {myASN: 64512, peerASN: 64513, peerAddress: 10.0.0.1, "
		       "passwordSecret: {name: auth}}\n",
	 "apiVersion: metallb.io/v1beta2\nkind: BGPPeer\n" IN_NS(
		 "r1") "spec: {myASN: 64512, peerASN: 64513, peerAddress: 10.0.0, "
		       "passwordSecret: {name: auth}}\n"},
	{"community",
	 METALLB "kind: Community\n" IN_NS(
		 "aliases") "spec: {communities: [{name: gold, value: \"1:1\"}]}\n",
	 METALLB "kind: Community\n" IN_NS(
		 "aliases") "spec: {communities: [{name: gold, value: \"1:x\"}]}\n"},
	{"service", SERVICE("80"), SERVICE("99999")},
	{"slice", SLICE("10.244.0.5"), SLICE("10.244.0")},
	{"node", "apiVersion: v1\nkind: Node\nmetadata: {name: node-a, labels: {rack: r1}}\n",
	 "apiVersion: v1\nkind: Node\nmetadata: {name: node-a, labels: [rack]}\n"},
	{"secret",
	 "apiVersion: v1\nkind: Secret\n" IN_NS(
		 "auth") "type: kubernetes.io/basic-auth\nstringData: {password: s3cr3t}\n",
	 "apiVersion: v1\nkind: Secret\n" IN_NS(
		 "auth") "type: kubernetes.io/basic-auth\ndata: {password: \"%\"}\n"},
	{"config",
	 "apiVersion: lodestone.io/v1alpha1\nkind: LodestoneConfig\nmetadata: {name: default}\n"
	 "spec: {dataplane: {unknownPort: pass}}\n",
	 "apiVersion: lodestone.io/v1alpha1\nkind: LodestoneConfig\nmetadata: {name: default}\n"
	 "spec: {dataplane: {unknownPort: pas, mode: of}}\n"},
	{"namespace",
	 "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {team: a}}\n",
	 "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: team}\n"},
};

/* The ways in which a text can be wrong. */
enum damage { TYPO, UNREADABLE, KIND_IN_LOWER_CASE, CUT_SHORT, N_DAMAGES };

static const char *damaged(const struct source *s, enum damage how, struct arena *arena)
{
	const char *kind = strstr(s->good, "kind: ") + strlen("kind: ");
	const int n = (int)(kind - s->good);

	switch (how) {
	case TYPO:
		return s->typo;
	case UNREADABLE:
		return arena_printf(arena, "%s\t{", s->good);
	case KIND_IN_LOWER_CASE:
		return arena_printf(arena, "%.*s%c%s", n, s->good, kind[0] | 32, kind + 1);
	case CUT_SHORT: /* an editor that writes in place */
		return arena_printf(arena, "%.*s", n, s->good);
	case N_DAMAGES:
		break;
	}
	return NULL;
}

static struct fixture *with_sources(void)
{
	struct fixture *f = fixture_new();

	for (size_t i = 0; i < ARRAY_SIZE(sources); i++)
		fixture_put(f, sources[i].name, sources[i].good);
	fixture_converge(f, 10);
	return f;
}

static void assert_as_before(struct fixture *f)
{
	const struct bgp_attrs *held = fixture_held(f, "r1", VIP "/32");
	const struct plan_peer *peer = fixture_plan_peer(f, "r1");

	assert_non_null(held);
	assert_int_equal(held->n_communities, 1);
	assert_int_equal(held->communities[0], 0x00010001);
	assert_int_equal(held->prepend, 2);
	assert_non_null(peer);
	assert_int_equal(peer->password_len, 6);
	assert_memory_equal(peer->password, "s3cr3t", 6);
	assert_string_equal(fixture_service(f, "web")->reason, "announced");
	assert_int_equal(fixture_service(f, "web")->n_backends, 1);
	assert_int_equal(fixture_frontend(f, VIP, 0)->lb.flags,
			 LB_F_UNKNOWN_PASS | LB_F_ECHO_ANSWER);
}

static void no_damage_of_any_kind_of_object_changes_what_runs(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sources) * N_DAMAGES; i++) {
		const struct source *s = &sources[i / N_DAMAGES];
		_cleanup_(fixture_freep) struct fixture *f = with_sources();

		assert_as_before(f);
		fixture_put(f, s->name, damaged(s, (enum damage)(i % N_DAMAGES), arena));
		if (problems_count(world_problems(f->world), SEVERITY_ERROR) == 0)
			fail_msg("%s: damage %zu is not noticed", s->name, i % N_DAMAGES);
		for (int k = 0; k < 3; k++) {
			fixture_plan(f);
			(void)fixture_apply(f);
			assert_as_before(f);
		}
	}
}

/* Each object is needed: without it something is lost. */
static void each_object_is_needed(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
		_cleanup_(fixture_freep) struct fixture *f = with_sources();
		const char *const name = sources[i].name;
		bool lost;

		f->ledger = (struct plan_ledger){0};
		world_drop_source(f->world, name);
		fixture_converge(f, 10);
		lost = !fixture_held(f, "r1", VIP "/32") ||
		       fixture_held(f, "r1", VIP "/32")->n_communities != 1 ||
		       fixture_frontend(f, VIP, 0)->lb.flags !=
			       (LB_F_UNKNOWN_PASS | LB_F_ECHO_ANSWER);
		if (!lost)
			fail_msg("%s is not needed", name);
	}
}

/* --- over a restart ------------------------------------------------------------------------- */

static void carry_world(const struct world *from, struct world *to)
{
	for (unsigned shard = 0; shard < WORLD_SHARDS; shard++) {
		struct world_place at = {0};
		const struct api_object *o;

		while ((o = world_shard_next(from, shard, &at))) {
			struct strbuf text;

			strbuf_init(&text, LIMIT_DOCUMENT_BYTES);
			api_text_unpack(&text, o->text, o->text_len);
			assert_true(world_restore(
				to, o->meta.file,
				&(struct world_document){text.data, text.len, o->meta.line}));
			strbuf_done(&text);
		}
	}
}

static void carry_ledger(const struct fixture *from, struct fixture *to)
{
	const struct ledger_clock clock = {.boot = 1, .now = from->now};
	_cleanup_(freep) char *text = ledger_to_json(&from->ledger, clock.boot);
	const struct ledger_reading r = ledger_from_json(text, strlen(text), &clock, to->arena);

	assert_true(r.is_ledger);
	assert_int_equal(r.n_bad, 0);
	assert_int_equal(plan_ledger_hash(&r.ledger), plan_ledger_hash(&from->ledger));
	to->ledger = r.ledger;
}

/* The saved ledger and world; what the sources say now comes after. */
static struct fixture *restarted(const struct fixture *f)
{
	struct fixture *ret = fixture_new();

	carry_world(f->world, ret->world);
	carry_ledger(f, ret);
	ret->synced = false;
	fixture_converge(ret, 10);
	return ret;
}

static void restart_over_a_damage_changes_nothing(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sources) * N_DAMAGES; i++) {
		const struct source *s = &sources[i / N_DAMAGES];
		_cleanup_(fixture_freep) struct fixture *f = with_sources();
		_cleanup_(fixture_freep) struct fixture *after = restarted(f);

		for (size_t k = 0; k < ARRAY_SIZE(sources); k++)
			fixture_put(after, sources[k].name,
				    &sources[k] != s
					    ? sources[k].good
					    : damaged(s, (enum damage)(i % N_DAMAGES), arena));
		after->synced = true;
		fixture_converge(after, 10);
		assert_as_before(after);
	}
}

/* What only the ledger knows: the world is as saved, but does not resolve. */
static void restart_over_an_edit_that_does_not_resolve_changes_nothing(void **state)
{
	static const char *const gone[] = {"community", "secret"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(gone); i++) {
		_cleanup_(fixture_freep) struct fixture *f = with_sources();
		_cleanup_(fixture_freep) struct fixture *after = NULL, *again = NULL;

		world_drop_source(f->world, gone[i]);
		fixture_converge(f, 10);
		assert_as_before(f);
		after = restarted(f);
		after->synced = true;
		fixture_converge(after, 10);
		assert_as_before(after);
		again = restarted(after);
		again->synced = true;
		fixture_converge(again, 10);
		assert_as_before(again);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_damage_of_any_kind_of_object_changes_what_runs),
		cmocka_unit_test(each_object_is_needed),
		cmocka_unit_test(restart_over_a_damage_changes_nothing),
		cmocka_unit_test(restart_over_an_edit_that_does_not_resolve_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
