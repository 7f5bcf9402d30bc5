// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* What `show nodes` and the status say of other nodes (DESIGN 10: a contract). */
#include "plan/tunnel_prober.h"
#include "show_rig.h"

#define NODES 3

static struct plan_remote remotes[NODES];
static struct plan_next_hop hops[2];

/* As if the plan had other nodes: of these n0 answers, n1 speaks another version, n2 does not. */
static void give_nodes(struct agent_rig *rig)
{
	static const enum plan_remote_state states[NODES] = {REMOTE_ANSWERS, REMOTE_STRANGE,
							     REMOTE_SILENT};
	static const char *const names[NODES] = {"n0", "n1", "n2"};
	struct plan *plan = &rig->agent.current->plan;
	struct prober_request requests[NODES];
	const nsec_t now = loop_now(rig->agent.loop) - 84 * NSEC_PER_USEC;

	for (uint32_t i = 0; i < NODES; i++) {
		remotes[i] =
			(struct plan_remote){ip_addr_from_v4(0x0a000101 + i), names[i], states[i]};
		if (i < 2)
			hops[i] = (struct plan_next_hop){.uplink = (int)i + 1,
							 .node = remotes[0].addr,
							 .mtu = (uint16_t)(1500 - i)};
	}
	plan->tunnel_ends[IP_V4] = ip_addr_from_v4(0x0a000100);
	plan->remotes = remotes;
	plan->n_remotes = NODES;
	plan->next_hops = hops;
	plan->n_next_hops = 2;
	prober_set(rig->agent.tunnels.prober, remotes, NODES, now);
	assert_int_equal(prober_poll(rig->agent.tunnels.prober, now, requests, NODES), NODES);
	for (size_t i = 0; i < 2; i++) {
		requests[i].data[8] = 2;           /* an answer, */
		requests[i].data[9] += (uint8_t)i; /* ... that reads only what is not sent here, */
		requests[i].data[10] += (uint8_t)i;
		prober_receive(rig->agent.tunnels.prober, now + 84 * NSEC_PER_USEC, &requests[i].to,
			       requests[i].data, LB_ECHO_BYTES);
	}
}

static void nodes_are_shown_whole(void **state)
{
	struct agent_rig *rig = rig_announcing();
	const struct show_filter all = {.name = NULL}, one = {.name = "n1"};
	cJSON *body;

	(void)state;
	give_nodes(rig);
	body = show_nodes(&rig->agent, &all);
	assert_int_equal(cJSON_GetArraySize(body), 1 + NODES);
	json_blank(cJSON_GetArrayItem(body, 1), "uplinks"); /* of whatever machine this is */
	cJSON_DeleteItemFromArray(body, 3);
	json_blank(cJSON_GetArrayItem(body, 0), "recipeVersion");
	json_blank(cJSON_GetArrayItem(body, 1), "recipeVersion");
	json_blank(cJSON_GetArrayItem(body, 2), "recipeVersion");
	json_expect(
		body,
		"[{\"name\":\"node\",\"address\":\"10.0.1.0\",\"self\":true,\"echo\":null,"
		"\"sinceSeconds\":null,\"roundTripMicros\":null,\"asked\":null,"
		"\"answered\":null,\"tunnelVersion\":1,\"leastTunnelVersion\":1,"
		"\"recipeVersion\":\"*\",\"uplinks\":[],\"mtu\":null,\"versionUsed\":1,\"agentHeard\":null,"
		"\"unsettledRows\":null,\"packets\":null,\"bytes\":null},"
		"{\"name\":\"n0\",\"address\":\"10.0.1.1\",\"self\":false,\"echo\":\"Answers\","
		"\"sinceSeconds\":0,\"roundTripMicros\":84,\"asked\":1,\"answered\":1,"
		"\"tunnelVersion\":1,\"leastTunnelVersion\":1,\"recipeVersion\":\"*\","
		"\"uplinks\":\"*\",\"mtu\":1499,\"versionUsed\":null,\"agentHeard\":null,\"unsettledRows\":null,\"packets\":null,\"bytes\":null},"
		"{\"name\":\"n1\",\"address\":\"10.0.1.2\",\"self\":false,"
		"\"echo\":\"OtherVersion\",\"sinceSeconds\":0,\"roundTripMicros\":84,"
		"\"asked\":1,\"answered\":1,\"tunnelVersion\":2,\"leastTunnelVersion\":2,"
		"\"recipeVersion\":\"*\",\"uplinks\":[],\"mtu\":null,\"versionUsed\":null,\"agentHeard\":null,"
		"\"unsettledRows\":null,\"packets\":null,\"bytes\":null}]");
	body = show_nodes(&rig->agent, &one);
	assert_int_equal(cJSON_GetArraySize(body), 1);
	assert_string_equal(text_of(cJSON_GetArrayItem(body, 0), "name"), "n1");
	cJSON_Delete(body);

	body = cJSON_CreateObject();
	show_other_nodes(&rig->agent, body);
	json_expect(body, "{\"otherNodes\":{\"total\":3,\"answering\":1}}");
	rig->agent.current->plan.n_remotes = rig->agent.current->plan.n_next_hops = 0;
	rig_free(rig);
}

static void without_others_it_is_alone(void **state)
{
	struct agent_rig *rig = rig_announcing();
	cJSON *body = ask(rig, "{\"command\":\"show\",\"what\":\"nodes\"}", OK);

	(void)state;
	assert_int_equal(cJSON_GetArraySize(body), 1);
	assert_true(cJSON_IsTrue(cJSON_GetObjectItem(cJSON_GetArrayItem(body, 0), "self")));
	assert_true(cJSON_IsNull(cJSON_GetObjectItem(cJSON_GetArrayItem(body, 0), "address")));
	cJSON_Delete(body);
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nodes_are_shown_whole),
		cmocka_unit_test(without_others_it_is_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
