// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * An object says all of its faults at once: those of single fields, those between fields and those
 * of its metadata; and no fault makes another one up.
 */
#include "unit/api/api_test.h"

#define METALLB "apiVersion: metallb.io/v1beta1\n"
#define PEER    "apiVersion: metallb.io/v1beta2\nkind: BGPPeer\nmetadata: {name: p}\nspec:\n"

static const struct api_case kinds[] = {
	{METALLB "kind: IPAddressPool\nmetadata: {name: A}\nspec:\n"
		 "  addresses:\n  - 192.0.2.0/33\n  - 198.51.100.0/24\n  - 198.51.100.9/32\n"
		 "  autoAssign: 1\n  serviceAllocation: {priority: 2147483648}\n",
	 "error BadName metadata.name:3\n"
	 "error BadRange spec.addresses[0]:6\n"
	 "error OverlapsWith spec.addresses[2]:8\n"
	 "error WrongType spec.autoAssign:9\n"
	 "error OutOfRange spec.serviceAllocation.priority:10"},
	{PEER "  myASN: 64512\n  peerASN: 0\n  peerAddress: nonsense\n  holdTime: 1s\n",
	 "error OutOfRange spec.holdTime:8\n"
	 "error MissingField spec.peerASN:6\n"
	 "error BadAddress spec.peerAddress:7"},
	{PEER "  myASN: 64512\n  peerASN: 64512\n  peerAddress: 192.0.2.1\n  holdTime: 9s\n"
	      "  keepaliveTime: 10s\n  ebgpMultiHop: true\n  connectTime: 1500ms\n"
	      "  routerID: 2001:db8::1\n  sourceAddress: 2001:db8::1\n  interface: eth0\n"
	      "  password: a\n  passwordSecret: {name: b}\n  vrf: a-name-longer-than-15\n",
	 "error BadDuration spec.connectTime:11\n"
	 "error Exclusive spec.ebgpMultiHop:10\n"
	 "error Exclusive spec.interface:14\n"
	 "error OutOfRange spec.keepaliveTime:9\n"
	 "error Exclusive spec.passwordSecret:16\n"
	 "error BadAddress spec.routerID:12\n"
	 "error FamilyMismatch spec.sourceAddress:13\n"
	 "error TooLong spec.vrf:17"},
	{METALLB "kind: BGPAdvertisement\nmetadata: {name: a}\nspec:\n"
		 "  aggregationLength: 24\n  aggregationLengthV6: 129\n  peers: [a, a]\n"
		 "  serviceSelectors: [{}]\n"
		 "  nodeSelectors:\n"
		 "  - matchExpressions:\n"
		 "    - {key: a, operator: In}\n"
		 "    - {key: b, operator: Is}\n"
		 "    - {operator: Exists, values: [x]}\n"
		 "    - {key: c, operator: Exists, values: [x]}\n",
	 "error OutOfRange spec.aggregationLengthV6:6\n"
	 "error BadSelector spec.nodeSelectors[0]:10\n"
	 "error BadSelector spec.nodeSelectors[0]:10\n"
	 "error BadValue spec.nodeSelectors[0].matchExpressions[1].operator:12\n"
	 "error MissingField spec.nodeSelectors[0].matchExpressions[2].key:13\n"
	 "error DuplicateItem spec.peers:7\n"
	 "error Exclusive spec.serviceSelectors:8"},
	{METALLB "kind: Community\nmetadata: {name: c}\nspec:\n  communities:\n"
		 "  - {name: a, value: \"1:2:3\"}\n  - {name: b}\n  - {name: 1, value: x}\n",
	 "error BadCommunity spec.communities[0].value:6\n"
	 "error MissingField spec.communities[1].value:7\n"
	 "error WrongType spec.communities[2].name:8\n"
	 "error BadCommunity spec.communities[2].value:8"},
	{METALLB "kind: BFDProfile\nmetadata: {name: b}\nspec:\n"
		 "  receiveInterval: 1\n  echoMode: maybe\n  detectMultiplier: [3]\n",
	 "error WrongType spec.detectMultiplier:7\n"
	 "error WrongType spec.echoMode:6\n"
	 "error OutOfRange spec.receiveInterval:5"},
	{"apiVersion: lodestone.io/v1alpha1\nkind: LodestoneConfig\nmetadata: {name: default}\n"
	 "spec:\n  dataplane: {mode: fast, flowEntries: 1}\n  strict: 1\n  drainSeconds: 1s\n",
	 "error OutOfRange spec.dataplane.flowEntries:5\n"
	 "error BadValue spec.dataplane.mode:5\n"
	 "error WrongType spec.drainSeconds:7\n"
	 "error WrongType spec.strict:6"},
	{"apiVersion: v1\nkind: Service\nmetadata: {name: s, labels: {a: 1}}\nspec:\n"
	 "  type: LoadBalancer\n  externalTrafficPolicy: Here\n  ports:\n  - {port: 80}\n"
	 "  - {port: 80}\n  - {port: 0}\n  - {name: x}\n  - text\n  loadBalancerIP: 0.0.0.0\n",
	 "error WrongType metadata.labels[a]:3\n"
	 "error BadValue spec.externalTrafficPolicy:6\n"
	 "error BadAddress spec.loadBalancerIP:13\n"
	 "error DuplicateItem spec.ports[1].port:9\n"
	 "error OutOfRange spec.ports[2].port:10\n"
	 "error MissingField spec.ports[3].port:11\n"
	 "error WrongType spec.ports[4]:12"},
	{"apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: e}\n"
	 "endpoints:\n- {addresses: []}\n- {addresses: [1.2.3]}\n- {addresses: [1]}\n"
	 "- {conditions: {ready: 1}}\n- {addresses: [192.0.2.1]}\nports: [{port: 65536}]\n",
	 "error MissingField addressType:1\n"
	 "error MissingField endpoints[0].addresses:5\n"
	 "error BadAddress endpoints[1].addresses[0]:6\n"
	 "error WrongType endpoints[2].addresses[0]:7\n"
	 "error MissingField endpoints[3].addresses:8\n"
	 "error WrongType endpoints[3].conditions.ready:8\n"
	 "error OutOfRange ports[0].port:10"},
	{"apiVersion: v1\nkind: Node\nmetadata: {name: n1, namespace: 1}\nstatus:\n"
	 "  addresses:\n  - {type: InternalIP, address: a}\n  - text\n  - {type: InternalIP}\n"
	 "  conditions: [text, {type: 1}]\n",
	 "error WrongType metadata.namespace:3\n"
	 "error BadAddress status.addresses[0].address:6\n"
	 "error WrongType status.addresses[1]:7\n"
	 "error BadAddress status.addresses[2].address:8\n"
	 "error WrongType status.conditions[0]:9\n"
	 "error WrongType status.conditions[1].type:9"},
	{"apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ntype: 1\n"
	 "data: {a: \"!\", b: 1, c: \"!\"}\nstringData: {d: 1}\n",
	 "error BadBase64 data[a]:5\n"
	 "error WrongType data[b]:5\n"
	 "error BadBase64 data[c]:5\n"
	 "error WrongType stringData[d]:6\n"
	 "error WrongType type:4"},
	{"apiVersion: v1\nkind: Namespace\nmetadata:\n  name: Nn\n  uid: 1\n"
	 "  creationTimestamp: now\n",
	 "error BadTime metadata.creationTimestamp:6\n"
	 "error BadName metadata.name:4\n"
	 "error WrongType metadata.uid:5"},
	{"apiVersion: v1\nkind: Endpoints\nmetadata:\n  name: Nn\n  uid: 1\n  namespace: Nn\n",
	 "error BadName metadata.name:4\n"
	 "error BadName metadata.namespace:6\n"
	 "error WrongType metadata.uid:5"},
	{"apiVersion: frrk8s.metallb.io/v1beta1\nkind: FRRConfiguration\nmetadata:\n"
	 "  name: Nn\n  labels: [a]\n  namespace: Nn\n",
	 "error WrongType metadata.labels:5\n"
	 "error BadName metadata.name:4\n"
	 "error BadName metadata.namespace:6"},
};

static void an_object_says_all_its_faults_at_once(void **state)
{
	bool seen[API_N_KINDS] = {false};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct api_batch b = decode_text(kinds[i].text);

		assert_true(b.problems.n >= 3);
		for (int k = 0; k < API_N_KINDS; k++)
			seen[k] |= strcmp(api_kind_text((enum api_kind)k),
					  b.problems.items[0].object.kind) == 0;
		api_batch_done(&b);
		check_case("", &kinds[i]);
	}
	for (int k = 0; k < API_N_KINDS; k++)
		if (!seen[k])
			fail_msg("no case of %s", api_kind_text((enum api_kind)k));
}

/* What is there but wrong is not missing, nor compared with anything. */
static void one_fault_makes_no_other_up(void **state)
{
	static const struct api_case cases[] = {
		{"  myASN: x\n  ebgpMultiHop: true\n  peerASN: y2\n  peerAddress: 192.0.2.1\n",
		 "error WrongType spec.myASN:5\nerror WrongType spec.peerASN:7"},
		{"  myASN: 1\n  dynamicASN: any\n  peerAddress: 192.0.2.1\n",
		 "error BadValue spec.dynamicASN:6"},
		{"  myASN: 1\n  peerASN: 2\n  interface: a-name-longer-than-15\n",
		 "error TooLong spec.interface:7"},
		{"  myASN: 1\n  peerASN: 2\n  peerAddress: 1.2.3\n  sourceAddress: 2001:db8::1\n",
		 "error BadAddress spec.peerAddress:7"},
		{"  myASN: 1\n  peerASN: 2\n  peerAddress: 192.0.2.1\n  holdTime: x\n"
		 "  keepaliveTime: 60000s\n",
		 "error BadDuration spec.holdTime:8"},
		{"  myASN: 1\n  peerASN: 2\n  peerAddress: 192.0.2.1\n  holdTime: 2s\n"
		 "  keepaliveTime: x\n",
		 "error OutOfRange spec.holdTime:8\nerror BadDuration spec.keepaliveTime:9"},
		{"  - text\n", "error WrongType spec:4"},
		{"", "error MissingField spec:1"},
		{"  ? [a]\n  : b\n", "error BadYAML spec:5"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check_case(PEER, &cases[i]);
	check_case("", &(struct api_case){METALLB "kind: IPAddressPool\nmetadata: {name: a}\n",
					  "error MissingField spec:1"});
	check_case("", &(struct api_case){"apiVersion: v1\nkind: Service\nmetadata: {name: a}\n"
					  "spec: {type: LoadBalancer, ports: {port: 80}}\n",
					  "error WrongType spec.ports:4"});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_object_says_all_its_faults_at_once),
		cmocka_unit_test(one_fault_makes_no_other_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
