// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * An agent that only looks on dials nobody and listens to nobody, and says what it would announce;
 * a label makes it announce, and look on again.
 */
#include "agent/show.h"
#include "bgp/bgp_notification.h"

#include "show_rig.h"

#define NODE(value)                                                                                \
	"apiVersion: v1\nkind: Node\nmetadata: {name: node, labels: {lodestone.io/announces: "     \
	"\"" value "\"}}\n"
#define PLANNED "{\"command\":\"show\",\"what\":\"routes\",\"planned\":true}"
#define SENT    "{\"command\":\"show\",\"what\":\"routes\"}"

static bool has_rested(const struct agent_rig *rig)
{
	return rig->turns > 3000;
}

static bool was_told(const struct agent_rig *rig)
{
	return rig->router->notification.code == BGP_ERROR_CEASE && rig->router->fd < 0;
}

static void assert_planned(struct agent_rig *rig, const char *next_hop)
{
	cJSON *body = ask(rig, PLANNED, OK), *route = cJSON_GetArrayItem(body, 0);

	assert_int_equal(cJSON_GetArraySize(body), 1);
	assert_string_equal(text_of(route, "prefix"), "192.0.2.0/32");
	assert_string_equal(text_of(route, "nextHop"), next_hop);
	assert_int_equal(cJSON_GetArrayItem(cJSON_GetObjectItem(route, "asPath"), 0)->valueint,
			 64513);
	assert_string_equal(cJSON_GetArrayItem(cJSON_GetObjectItem(route, "peers"), 0)->valuestring,
			    "r");
	cJSON_Delete(body);
}

static void assert_n_sent(struct agent_rig *rig, int n)
{
	cJSON *body = ask(rig, SENT, OK);

	assert_int_equal(cJSON_GetArraySize(body), n);
	cJSON_Delete(body);
}

/* Neither a fault nor a session, for as long as it looks on. */
static void assert_quiet(struct agent_rig *rig, unsigned connections)
{
	cJSON *status;

	rig->turns = 0;
	RIG_WAIT(rig, has_rested);
	assert_int_equal(rig->router->connections, connections);
	assert_null(rig_problem(rig, "PeerNotEstablished"));
	assert_non_null(rig_problem(rig, "NodeObserves"));
	status = show_status(&rig->agent);
	assert_string_equal(text_of(status, "state"), "ok");
	assert_true(cJSON_IsTrue(cJSON_GetObjectItem(status, "observes")));
	cJSON_Delete(status);
}

static void who_looks_on_dials_nobody_until_labelled(void **state)
{
	struct agent_rig *rig = rig_new();

	(void)state;
	rig_write(rig, "node.yaml", NODE("false"));
	rig_start(rig);
	RIG_WAIT(rig, rig_has_planned);
	assert_quiet(rig, 0);
	assert_planned(rig, "10.0.0.1");
	assert_n_sent(rig, 0);

	rig_write(rig, "node.yaml", NODE("true"));
	RIG_WAIT(rig, rig_announces);
	assert_int_equal(rig->router->connections, 1);
	assert_planned(rig, "10.0.0.1");
	assert_n_sent(rig, 1);

	rig_write(rig, "node.yaml", NODE("false"));
	RIG_WAIT(rig, was_told);
	assert_int_equal(rig->router->notification.subcode, BGP_CEASE_SHUTDOWN);
	assert_quiet(rig, 1);
	assert_planned(rig, "10.0.0.1");
	assert_n_sent(rig, 0);
	rig_free(rig);
}

/* What changes the session meanwhile begins none, and a source that is not said is the kernel's. */
static void a_changed_peer_is_not_dialled_either(void **state)
{
	struct agent_rig *rig = rig_new();
	cJSON *peers;

	(void)state;
	rig_write(rig, "node.yaml", NODE("false"));
	rig_start(rig);
	RIG_WAIT(rig, rig_has_planned);
	rig_write(rig, "peer.yaml",
		  "apiVersion: metallb.io/v1beta2\nkind: BGPPeer\n"
		  "metadata: {name: r, namespace: metallb-system}\n"
		  "spec: {myASN: 64513, peerASN: 64512, peerAddress: 10.0.0.2, peerPort: 1790,"
		  " routerID: 10.0.0.9, holdTime: 30s}\n");
	assert_quiet(rig, 0);
	peers = show_peers(&rig->agent, &(struct show_filter){.name = NULL});
	assert_string_equal(text_of(cJSON_GetArrayItem(peers, 0), "state"), "Idle");
	assert_non_null(text_of(cJSON_GetArrayItem(peers, 0), "localAddress"));
	assert_planned(rig, text_of(cJSON_GetArrayItem(peers, 0), "localAddress"));
	cJSON_Delete(peers);
	rig_free(rig);
}

static bool has_drained(const struct agent_rig *rig)
{
	return rig->agent.current->plan.drained;
}

/* A drain that ends meanwhile begins no session. */
static void both_have_to_be_over(void **state)
{
	struct agent_rig *rig = rig_new();

	(void)state;
	rig_start(rig);
	RIG_WAIT(rig, rig_announces);
	cJSON_Delete(ask(rig, "{\"command\":\"drain\"}", OK));
	RIG_WAIT(rig, was_told);
	RIG_WAIT(rig, has_drained);
	rig_write(rig, "node.yaml", NODE("false"));
	rig->turns = 0;
	RIG_WAIT(rig, has_rested);
	cJSON_Delete(ask(rig, "{\"command\":\"undrain\"}", OK));
	assert_quiet(rig, 1);
	rig->router->announced = 0;
	rig_write(rig, "node.yaml", NODE("true"));
	RIG_WAIT(rig, rig_announces);
	assert_int_equal(rig->router->connections, 2);
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_looks_on_dials_nobody_until_labelled),
		cmocka_unit_test(a_changed_peer_is_not_dialled_either),
		cmocka_unit_test(both_have_to_be_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
