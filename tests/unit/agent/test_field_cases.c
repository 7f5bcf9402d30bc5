// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Documents as they are met in the field (tests/field-cases/), each of which stands for a kind of
 * input that one is easily wrong about: what is said of each, that --check and a running agent say
 * the same, word for word, and that what is right beside it is in force.
 *
 * What becomes of them on the network has tests of its own: fragments, ports without endpoints and
 * families that a router lacks in tests/lab and tests/bpf, a pool that overlaps an older one of a
 * running agent in test_state_pools.c.
 */
#include "agent_rig.h"

#include <fcntl.h>
#include <unistd.h>

#define FOLDER "tests/field-cases/"

struct field_case {
	const char *name;
	int code;          /* of --check */
	const char *lines; /* it prints; paths without the folder */
	size_t n_pools, n_services;
};

/* clang-format off: a line is a line */
static const struct field_case cases[] = {
	{"own-address.yaml", 2,
	 "own-address.yaml:21: Service/own: spec.loadBalancerIP: 192.0.2.10 is an address of Node node-a; request another address, or none\n"
	 "own-address.yaml:12: IPAddressPool/lan: spec.addresses: addresses that no Service may have: 192.0.2.1 is the address of BGPPeer tor, 192.0.2.10 is an address of Node node-a; nothing, as they are left out; or take them out of the pool\n",
	 1, 1},
	{"fragments.yaml", 0, "", 1, 1},
	{"secret-newline.yaml", 0,
	 "secret-newline.yaml:7: Secret/tor-key: data[password]: ends with a line end, which is not part of the password here; nothing to do, or encode it without one: echo -n KEY | base64\n",
	 0, 0},
	{"anchor-foreign.yaml", 0,
	 "anchor-foreign.yaml:10: IPAddressPool/base: no advertisement selects this pool; create a BGPAdvertisement that names the pool\n",
	 1, 0},
	{"operator-object.yaml", 0,
	 "operator-object.yaml:7: IPAddressPool/base: no advertisement selects this pool; create a BGPAdvertisement that names the pool\n"
	 "operator-object.yaml:3: MetalLB/metallb: kind: ignored: it tells MetalLB's operator to install MetalLB; nothing to do, or remove it\n",
	 1, 0},
	{"old-configmap.yaml", 2,
	 "old-configmap.yaml:6: ConfigMap/config: data[config]: the configuration of MetalLB up to 0.12, which is not read; write IPAddressPool, BGPPeer, BGPAdvertisement, Community and BFDProfile objects instead, then remove it\n",
	 0, 0},
	{"list-endpoints.yaml", 0,
	 "list-endpoints.yaml:2: IPAddressPool/base: no advertisement selects this pool; create a BGPAdvertisement that names the pool\n"
	 "list-endpoints.yaml:3: Service/web: has an Endpoints object but no EndpointSlice; Endpoints are not read, so it has no endpoints here; export its EndpointSlices too: kubectl get endpointslices\n",
	 1, 1},
	{"family-not-negotiated.yaml", 0, "", 1, 1},
	{"port-without-endpoints.yaml", 0, "", 1, 1},
	{"utf16.yaml", 0,
	 "utf16.yaml:1: IPAddressPool/a: no advertisement selects this pool; create a BGPAdvertisement that names the pool\n",
	 1, 0},
	{"no-separator.yaml", 2,
	 "no-separator.yaml:11: IPAddressPool/prod: line 11: a second apiVersion and kind begin here; put --- before line 11\n",
	 0, 0},
	{"two-pools-overlap.yaml", 0,
	 "two-pools-overlap.yaml:32: IPAddressPool/overlap: no advertisement selects this pool; create a BGPAdvertisement that names the pool\n"
	 "two-pools-overlap.yaml:8: IPAddressPool/prod: spec.addresses: overlaps with the older pool overlap, which keeps what they share; give each address to one pool\n",
	 2, 1},
	{"three-faults.yaml", 2,
	 "three-faults.yaml:9: BGPPeer/bad: spec.holdTime: is 1s, must be 0 or at least 3s (RFC 4271 4.2); write 0, or 3s or more\n"
	 "three-faults.yaml:7: BGPPeer/bad: spec.peerASN: is 0, and dynamicASN is not set; set peerASN, or dynamicASN\n"
	 "three-faults.yaml:8: BGPPeer/bad: spec.peerAddress: \"nonsense\" is not an IP address; write an IPv4 or IPv6 address, not a name or a prefix\n",
	 0, 0},
	{"findings.yaml", 2,
	 "findings.yaml:50: BGPAdvertisement/of-x: spec.communities: alias x is defined with different values; the advertisement is held back; give the alias one value everywhere\n"
	 "findings.yaml:15: BGPPeer/r1: spec.passwordSecret: there is no Secret none; the session is not started; create it in namespace metallb-system, with the key password\n"
	 "findings.yaml:25: BGPPeer/r3: spec.peerAddress: BGPPeer r2 is older and owns the session; this one differs in ASN or port and is not used; keep one BGPPeer for each router and node\n"
	 "findings.yaml:40: BGPAdvertisement/adv: spec.communities: Community resource c1 adds no-export, which limits propagation of the route; name the aliases that are meant, without this one\n"
	 "findings.yaml:40: BGPAdvertisement/adv: spec.ipAddressPoolSelectors[0]: selects no IPAddressPool; correct it, or label the IPAddressPool that is meant\n"
	 "findings.yaml:40: BGPAdvertisement/adv: spec.ipAddressPools: there is no IPAddressPool zz; create the IPAddressPool, or correct the name\n"
	 "findings.yaml:40: BGPAdvertisement/adv: spec.peers: there is no BGPPeer qq; create the BGPPeer, or correct the name\n"
	 "findings.yaml:15: BGPPeer/r1: spec.bfdProfile: there is no BFDProfile none; create the BFDProfile, or correct the name\n"
	 "findings.yaml:25: BGPPeer/r3: spec.nodeSelectors[0]: selects no Node; correct it, or label the Node that is meant\n"
	 "findings.yaml:35: Community/c2: spec.communities: alias x has another value in Community c1: who uses it is held back; give the alias one value everywhere\n"
	 "findings.yaml:7: IPAddressPool/a: spec.adresses: not a field of metallb.io/v1beta1, ignored; write addresses if that is meant\n"
	 "findings.yaml:10: IPAddressPool/b: no advertisement selects this pool; create a BGPAdvertisement that names the pool\n"
	 "findings.yaml:10: IPAddressPool/b: spec.addresses: overlaps with the older pool a, which keeps what they share; give each address to one pool\n"
	 "findings.yaml:40: BGPAdvertisement/adv: spec.communities: c1 is the name of a Community resource: all its values are attached; name aliases instead, if not all values are meant\n"
	 "findings.yaml:40: BGPAdvertisement/adv: spec.localPref: localPref is not carried on eBGP, so not to BGPPeer r2; no router of this node ever sees it; set ebgpLocalPref: prepend (or med) in LodestoneConfig, or use communities or asPathPrepend\n"
	 "findings.yaml:25: BGPPeer/r3: spec.nodeSelectors[0]: makes no difference beside spec.nodeSelectors[1], which selects all that it selects: entries are alternatives; remove it; if both are to hold, write them into one entry\n"
	 "findings.yaml:25: BGPPeer/r3: spec.nodeSelectors[1]: selects each of the 2 Nodes, so the other entries make no difference: entries are alternatives; if all entries are to hold, write them into one\n"
	 "findings.yaml:2: IPAddressPool/a: spec.serviceAllocation.serviceSelectors[1]: makes no difference beside spec.serviceAllocation.serviceSelectors[0], which selects all that it selects: entries are alternatives; remove it; if both are to hold, write them into one entry\n"
	 "findings.yaml:56: L2Advertisement/l2: kind: ignored: this agent announces by BGP, not on layer 2; nothing to do, or remove it\n",
	 2, 0},
	{"not-ready-to-read.yaml", 2,
	 "not-ready-to-read.yaml:5: BGPPeer/encrypted: spec.peerAddress: is encrypted; decrypt it first, such as by: sops --decrypt\n"
	 "not-ready-to-read.yaml:15: BGPPeer/types: spec.ebgpMultiHop: is text, must be true or false; write true or false, without quotes\n"
	 "not-ready-to-read.yaml:15: BGPPeer/types: spec.myASN: is text, must be a whole number; write a number, without quotes\n"
	 "not-ready-to-read.yaml:15: BGPPeer/types: spec.routerID: is a boolean, must be text; quote it\n"
	 "not-ready-to-read.yaml:15: BGPPeer/types: spec.vrf: is a number, must be text; quote it\n"
	 "not-ready-to-read.yaml:17: Filenot-ready-to-read.yaml: line 17: holds a {{ }} of a template that was not rendered; render it first, such as by: helm template\n"
	 "not-ready-to-read.yaml:10: BGPPeer/variable: spec.password: holds a variable that was not filled in; it is taken as it stands; fill it in first, such as by: envsubst\n"
	 "not-ready-to-read.yaml:7: BGPPeer/variable: spec.password: using literal: no Secret has the name given as password; use passwordSecret, so that the object does not hold the password\n",
	 0, 0},
};
/* clang-format on */

static void copy(const struct agent_rig *rig, const char *name)
{
	char command[400];

	snprintf(command, sizeof(command), "cp " FOLDER "%s %s/", name, rig->config);
	assert_int_equal(system(command), 0);
}

/* What is printed meanwhile goes to the file. */
static int check_into(const struct agent_rig *rig, const char *path)
{
	const int out = dup(STDOUT_FILENO),
		  fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int code;

	assert_true(out >= 0 && fd >= 0);
	fflush(stdout);
	dup2(fd, STDOUT_FILENO);
	code = agent_check(&rig->options);
	fflush(stdout);
	dup2(out, STDOUT_FILENO);
	close(fd);
	close(out);
	return code;
}

static const char *read_lines(struct arena *arena, const char *path)
{
	char text[8192];
	FILE *file = fopen(path, "re");
	size_t n;

	assert_non_null(file);
	n = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	return arena_strndup(arena, text, n);
}

/* Without the folder, which is another one in each run. */
static const char *short_of(struct arena *arena, const char *text, const char *folder)
{
	const size_t len = strlen(folder) + 1;
	const char *ret = "", *at;

	while ((at = strstr(text, folder))) {
		ret = arena_printf(arena, "%s%.*s", ret, (int)(at - text), text);
		text = at + len;
	}
	return arena_printf(arena, "%s%s", ret, text);
}

/* Of the file alone, but what a session that is not up yet may add. */
static const char *told_by(const struct agent_rig *rig, struct arena *arena, const char *name)
{
	const struct problems *all = &rig->agent.current->problems;
	const char *ret = "";

	for (size_t i = 0; i < all->n; i++) {
		const char *line =
			short_of(arena, problem_line(arena, &all->items[i]), rig->config);

		if (strstr(line, name) && strcmp(all->items[i].reason, "PeerNotEstablished") != 0)
			ret = arena_printf(arena, "%s%s\n", ret, line);
	}
	return ret;
}

static void each_is_told_alike_by_the_check_and_the_agent(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct field_case *c = &cases[i];
		_cleanup_(arena_freep) struct arena *arena = arena_new();
		struct agent_rig *rig = rig_new();
		const char *path = arena_printf(arena, "%s/printed", rig->dir), *lines;
		int code;

		rig_remove(rig, "peer.yaml");
		rig_remove(rig, "pool.yaml");
		rig_remove(rig, "s1.yaml");
		rig->options.node = "node-a";
		copy(rig, c->name);
		code = check_into(rig, path);
		assert_int_equal(code, c->code);
		lines = short_of(arena, read_lines(arena, path), rig->config);
		assert_string_equal(lines, c->lines);
		rig_start(rig);
		RIG_WAIT(rig, rig_has_planned);
		assert_string_equal(told_by(rig, arena, c->name), lines);
		assert_int_equal(world_list(rig->agent.world, API_IP_ADDRESS_POOL).n, c->n_pools);
		assert_int_equal(world_list(rig->agent.world, API_SERVICE).n, c->n_services);
		rig_free(rig);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_is_told_alike_by_the_check_and_the_agent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
