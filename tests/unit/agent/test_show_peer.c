// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * agent/show_peer.c: why an address is not announced to a router, each reason once.
 */
#include "agent/show.h"

#include "show_rig.h"

/* r is up and lists IPv4 alone, q cannot be reached and carries IPv4 alone. */
#define PEERS                                                                                      \
	"apiVersion: metallb.io/v1beta2\nkind: BGPPeer\n"                                          \
	"metadata: {name: r, namespace: metallb-system}\n"                                         \
	"spec: {myASN: 64513, peerASN: 64512, peerAddress: 10.0.0.2, peerPort: 1790,"              \
	" sourceAddress: 10.0.0.1, routerID: 10.0.0.1, dualStackAddressFamily: true}\n"            \
	"---\napiVersion: metallb.io/v1beta2\nkind: BGPPeer\n"                                     \
	"metadata: {name: q, namespace: metallb-system}\n"                                         \
	"spec: {myASN: 64513, peerASN: 64512, peerAddress: 10.0.0.3, routerID: 10.0.0.1, connectTime: 60s}\n"
#define POOLS                                                                                      \
	"apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\n"                                    \
	"metadata: {name: all, namespace: metallb-system}\n"                                       \
	"spec: {addresses: [192.0.2.0/28, \"2001:db8:1::/64\"]}\n"                                 \
	"---\napiVersion: metallb.io/v1beta1\nkind: IPAddressPool\n"                               \
	"metadata: {name: few, namespace: metallb-system}\nspec: {addresses: [192.0.2.16/28]}\n"   \
	"---\napiVersion: metallb.io/v1beta1\nkind: BGPAdvertisement\n"                            \
	"metadata: {name: all, namespace: metallb-system}\nspec: {ipAddressPools: [all]}\n"        \
	"---\napiVersion: metallb.io/v1beta1\nkind: BGPAdvertisement\n"                            \
	"metadata: {name: few, namespace: metallb-system}\n"                                       \
	"spec: {ipAddressPools: [few], peers: [q]}\n"
#define SERVICE(name, address, family, pod)                                                        \
	"apiVersion: v1\nkind: Service\nmetadata: {name: " name ", namespace: default,"            \
	" annotations: {metallb.io/loadBalancerIPs: \"" address "\"}}\n"                           \
	"spec: {type: LoadBalancer, ipFamilies: [" family "], ports: [{port: 80}]}\n"              \
	"---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n"                              \
	"metadata: {name: " name "-1, namespace: default,"                                         \
	" labels: {kubernetes.io/service-name: " name "}}\naddressType: " family "\n"              \
	"ports: [{name: \"\", port: 80}]\nendpoints: [{addresses: [\"" pod                         \
	"\"], nodeName: node}]\n"

static void expect(struct agent_rig *rig, const char *peer, const char *wanted)
{
	char line[80];
	cJSON *body, *list;
	char *text;

	snprintf(line, sizeof(line), "{\"command\":\"show\",\"what\":\"peers\",\"name\":\"%s\"}",
		 peer);
	body = ask(rig, line, OK);
	list = cJSON_GetObjectItem(cJSON_GetArrayItem(body, 0), "notAnnounced");
	for (cJSON *c = list->child; c; c = c->next) {
		cJSON_DeleteItemFromObject(c, "address");
		cJSON_DeleteItemFromObject(c, "namespace");
	}
	text = cJSON_PrintUnformatted(list);
	assert_string_equal(text, wanted);
	free(text);
	cJSON_Delete(body);
}

static bool is_there(const struct agent_rig *rig)
{
	return rig->router->announced == 1 && rig->agent.current->plan.n_services == 3 &&
	       rig->agent.current->plan.services[0].announced;
}

/* Of the others one has no session, and one a session that does not carry its family. */
static void one_of_three_is_announced(struct agent_rig *rig)
{
	assert_int_equal(system("ip addr add 2001:db8::1/128 dev lo nodad"), 0);
	rig->router->families.bits = BGP_FAMILY_BIT(BGP_IPV4_UNICAST);
	rig_write(rig, "peer.yaml", PEERS);
	rig_write(rig, "pool.yaml", POOLS);
	rig_write(rig, "s1.yaml", SERVICE("s1", "192.0.2.1", "IPv4", "10.244.0.1"));
	rig_write(rig, "s4.yaml", SERVICE("s4", "192.0.2.17", "IPv4", "10.244.0.1"));
	rig_write(rig, "s6.yaml", SERVICE("s6", "2001:db8:1::1", "IPv6", "fd00::1"));
	rig_start(rig);
	RIG_WAIT(rig, is_there);
}

/* Names of the peer that is down and of the first Service of each reason, and the problem. */
static void status_names_what_is_not_well(void **state)
{
	struct agent_rig *rig = rig_new();
	cJSON *body, *unwell, *problem;
	char *text;

	(void)state;
	one_of_three_is_announced(rig);
	body = ask(rig, "{\"command\":\"status\"}", OK);
	unwell = cJSON_GetObjectItem(body, "unwell");
	cJSON_DeleteItemFromObject(cJSON_GetArrayItem(cJSON_GetObjectItem(unwell, "peers"), 0),
				   "lastError");
	cJSON_DeleteItemFromObject(cJSON_GetArrayItem(cJSON_GetObjectItem(unwell, "peers"), 0),
				   "state");
	problem = cJSON_GetArrayItem(cJSON_GetObjectItem(unwell, "problems"), 0);
	assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(problem, "reason")),
			    "FamilyNotAgreed");
	cJSON_DeleteItemFromObject(unwell, "problems");
	text = cJSON_PrintUnformatted(unwell);
	assert_string_equal(
		text,
		"{\"peers\":[{\"name\":\"q\",\"vrf\":null}],\"morePeers\":0,\"services\":["
		"{\"reason\":\"familyNotCarried\",\"meaning\":\"the session carries no routes of the "
		"address's family\",\"ports\":1,\"namespace\":\"default\",\"name\":\"s6\"},"
		"{\"reason\":\"noSession\",\"meaning\":\"there is no session\",\"ports\":1,"
		"\"namespace\":\"default\",\"name\":\"s4\"}],\"moreReasons\":0}");
	free(text);
	cJSON_Delete(body);
	rig_free(rig);
}

static void each_reason_why_it_is_not_announced(void **state)
{
	struct agent_rig *rig = rig_new();
	struct plan_service services[4];
	struct plan *plan;

	(void)state;
	one_of_three_is_announced(rig);
	expect(rig, "r",
	       "[{\"service\":\"s4\",\"reason\":\"noSession\"},"
	       "{\"service\":\"s6\",\"reason\":\"familyNotCarried\"}]");
	/* As if others had them. */
	plan = &rig->agent.current->plan;
	memcpy(services, plan->services, 3 * sizeof(*services));
	services[1].announced = services[2].announced = true;
	services[3] = services[2]; /* another port, of which nothing is said */
	services[3].port++;
	plan->services = services;
	plan->n_services = ARRAY_SIZE(services);
	expect(rig, "r",
	       "[{\"service\":\"s4\",\"reason\":\"no BGPAdvertisement sends it to this peer\"},"
	       "{\"service\":\"s6\",\"reason\":\"the router does not list its family in its "
	       "OPEN\"}]");
	expect(rig, "q",
	       "[{\"service\":\"s1\",\"reason\":\"there is no session\"},"
	       "{\"service\":\"s4\",\"reason\":\"there is no session\"},"
	       "{\"service\":\"s6\",\"reason\":\"the session does not carry its family\"}]");
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(status_names_what_is_not_well),
		cmocka_unit_test(each_reason_why_it_is_not_announced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
