// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What the control socket answers (DESIGN 10: a contract): a whole agent with one session, one pool
 * and two Services is asked over its socket. Every key is there, also where there is nothing to
 * say.
 */
#include "agent/show.h"

#include "lb/lb_drops.h"
#include "show_rig.h"
#include "sys/log.h"

static void peers(void **state)
{
	struct agent_rig *rig = rig_announcing();
	cJSON *body = ask(rig, "{\"command\":\"show\",\"what\":\"peers\",\"name\":null}", OK);

	(void)state;
	json_blank(body, "uptimeSeconds");
	json_expect(
		body,
		"[{\"name\":\"r\",\"vrf\":null,\"interface\":null,\"address\":\"10.0.0.2\",\"localAddress\":\"10.0.0.1\","
		"\"asn\":64512,\"state\":\"Established\",\"uptimeSeconds\":\"*\",\"holdTime\":90,"
		"\"bfd\":\"None\",\"routerID\":\"10.0.0.1\",\"gracefulRestart\":true,\"routesAdvertised\":1,"
		"\"routesReceived\":0,\"routesAccepted\":0,\"routesLeaked\":0,\"updatesMalformed\":0,\"flaps\":0,\"lastError\":null,\"keepaliveTime\":30,"
		"\"families\":\"IPv4 unicast\",\"offered\":[\"IPv4 unicast\",\"route refresh\","
		"\"extended messages\",\"graceful restart\",\"4-octet AS number\","
		"\"enhanced route refresh\"],\"offeredByPeer\":[\"IPv4 unicast\",\"route refresh\","
		"\"graceful restart\",\"4-octet AS number\"],\"lastNotificationSent\":null,"
		"\"lastNotificationReceived\":null,\"history\":null,\"notAnnounced\":null}]");
	json_expect(ask(rig, "{\"command\":\"show\",\"what\":\"peers\",\"name\":\"x\"}", OK), "[]");
	rig_free(rig);
}

static void peer_without_a_session(void **state)
{
	struct agent_rig *rig = rig_new();
	cJSON *body;

	(void)state;
	rig_write(rig, "peer.yaml",
		  "apiVersion: metallb.io/v1beta2\nkind: BGPPeer\n"
		  "metadata: {name: r, namespace: metallb-system}\n"
		  "spec: {myASN: 64513, dynamicASN: external, peerAddress: 10.0.0.2,"
		  " peerPort: 1791, routerID: 10.0.0.1}\n");
	rig_start(rig);
	RIG_WAIT(rig, rig_has_planned);
	body = ask(rig, "{\"command\":\"show\",\"what\":\"peers\"}", OK);
	json_blank(body, "state");
	json_blank(body, "lastError");
	json_expect(
		body,
		"[{\"name\":\"r\",\"vrf\":null,\"interface\":null,\"address\":\"10.0.0.2\",\"localAddress\":\"10.0.0.2\","
		"\"asn\":null,\"state\":\"*\",\"uptimeSeconds\":null,\"holdTime\":90,"
		"\"bfd\":\"None\",\"routerID\":\"10.0.0.1\",\"gracefulRestart\":false,\"routesAdvertised\":0,"
		"\"routesReceived\":0,\"routesAccepted\":0,\"routesLeaked\":0,\"updatesMalformed\":0,\"flaps\":0,\"lastError\":\"*\",\"keepaliveTime\":null,"
		"\"families\":null,\"offered\":null,\"offeredByPeer\":null,"
		"\"lastNotificationSent\":null,\"lastNotificationReceived\":null,"
		"\"history\":null,\"notAnnounced\":null}]");
	rig_free(rig);
}

static const cJSON *nth(const cJSON *list, const char *key, int i)
{
	return cJSON_GetArrayItem(cJSON_GetObjectItem(list, key), i);
}

static bool has_cease(const struct agent_rig *rig)
{
	return rig->agent.peers.items[0]->history.heard.at > 0 &&
	       bgp_peer_info(rig->agent.peers.items[0]->bgp).state == BGP_ESTABLISHED;
}

/* By its name a peer is told in detail: what it said last, what happened, what it is not told. */
static void a_peer_in_detail(void **state)
{
	static const uint8_t bye[] = {3, 'b', 'y', 'e'};
	const struct bgp_error cease = bgp_error_with(6, 2, bye, sizeof(bye));
	struct agent_rig *rig = rig_announcing();
	uint8_t buf[BGP_MESSAGE_MAX];
	const cJSON *peer, *said;
	cJSON *body;

	(void)state;
	rig_write(rig, "s3.yaml",
		  "apiVersion: v1\nkind: Service\nmetadata: {name: s3, namespace: other}\n"
		  "spec: {type: LoadBalancer, ports: [{port: 53, protocol: UDP}]}\n");
	router_say(rig->router, buf, bgp_notification_encode(buf, sizeof(buf), &cease));
	RIG_WAIT(rig, has_cease);
	RIG_WAIT(rig, is_announced);
	body = ask(rig, "{\"command\":\"show\",\"what\":\"peers\",\"name\":\"r\"}", OK);
	assert_int_equal(cJSON_GetArraySize(body), 1);
	peer = cJSON_GetArrayItem(body, 0);
	said = cJSON_GetObjectItem(peer, "lastNotificationReceived");
	assert_string_equal(text_of(said, "text"), "Cease/Administrative Shutdown: bye");
	assert_string_equal(text_of(said, "hex"), "060203627965");
	assert_true(cJSON_IsNull(cJSON_GetObjectItem(peer, "lastNotificationSent")));
	assert_string_equal(text_of(nth(peer, "history", 0), "event"), "Idle to Connect");
	assert_string_equal(text_of(nth(peer, "history", 1), "event"), "Connect to OpenSent");
	assert_string_equal(text_of(nth(peer, "history", 2), "event"), "OpenSent to OpenConfirm");
	assert_string_equal(text_of(nth(peer, "history", 3), "event"),
			    "OpenConfirm to Established");
	assert_string_equal(text_of(nth(peer, "history", 4), "event"),
			    "Established to Idle: received NOTIFICATION Cease/Administrative "
			    "Shutdown: bye");
	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(peer, "notAnnounced")), 1);
	assert_string_equal(text_of(nth(peer, "notAnnounced", 0), "service"), "s3");
	assert_string_equal(text_of(nth(peer, "notAnnounced", 0), "reason"), "noEndpoints");
	cJSON_Delete(body);
	rig_free(rig);
}

static void routes(void **state)
{
	struct agent_rig *rig = rig_announcing();

	(void)state;
	json_expect(ask(rig, "{\"command\":\"show\",\"what\":\"routes\"}", OK),
		    "[{\"prefix\":\"192.0.2.0/32\",\"nextHop\":\"10.0.0.1\",\"asPath\":[64513],"
		    "\"localPref\":null,\"med\":null,\"communities\":[],\"largeCommunities\":[],"
		    "\"extendedCommunities\":[],\"linkBandwidth\":null,"
		    "\"peers\":[\"r\"]}]");
	json_expect(ask(rig, "{\"command\":\"show\",\"what\":\"routes\",\"peer\":\"x\"}", OK),
		    "[]");
	json_expect(ask(rig, "{\"command\":\"show\",\"what\":\"routes\",\"received\":true}", OK),
		    "[]");
	rig_free(rig);
}

static void services(void **state)
{
	struct agent_rig *rig = rig_announcing();
	cJSON *body = ask(rig, "{\"command\":\"show\",\"what\":\"services\"}", OK);

	(void)state;
	json_expect(
		body,
		"[{\"namespace\":\"default\",\"name\":\"s1\",\"vip\":\"192.0.2.0\",\"port\":80,"
		"\"protocol\":\"TCP\",\"healthCheckNodePort\":null,\"paused\":false,\"rateLimit\":null,\"announced\":true,"
		"\"reason\":\"announced\",\"packets\":null,\"bytes\":null,\"flows\":null,\"newFlows\":null,"
		"\"backends\":[{\"address\":\"10.244.0.1\",\"port\":80,"
		"\"node\":\"node\",\"forwarding\":null,\"state\":\"ready\",\"drainSeconds\":null,"
		"\"packets\":null,\"bytes\":null,"
		"\"flows\":null}]},"
		"{\"namespace\":\"other\",\"name\":\"s2\",\"vip\":null,\"port\":53,"
		"\"protocol\":\"UDP\",\"healthCheckNodePort\":null,\"paused\":false,\"rateLimit\":null,\"announced\":false,"
		"\"reason\":\"noIPAllocated\",\"packets\":null,\"bytes\":null,\"flows\":null,\"newFlows\":null,"
		"\"backends\":[]}]");
	json_expect(
		ask(rig, "{\"command\":\"show\",\"what\":\"services\",\"namespace\":\"none\"}", OK),
		"[]");
	rig_free(rig);
}

/* One row for each backend of each frontend; a Service without any has none. */
static void backends(void **state)
{
	struct agent_rig *rig = rig_announcing();

	(void)state;
	json_expect(
		ask(rig, "{\"command\":\"show\",\"what\":\"backends\"}", OK),
		"[{\"namespace\":\"default\",\"name\":\"s1\",\"vip\":\"192.0.2.0\",\"port\":80,"
		"\"protocol\":\"TCP\",\"address\":\"10.244.0.1\",\"backendPort\":80,"
		"\"node\":\"node\",\"forwarding\":null,\"state\":\"ready\",\"drainSeconds\":null,\"packets\":null,"
		"\"bytes\":null,\"flows\":null}]");
	json_expect(ask(rig, "{\"command\":\"show\",\"what\":\"backends\",\"name\":\"s2\"}", OK),
		    "[]");
	rig_free(rig);
}

/* Without a turn of the loop, in which another plan may follow. */
static cJSON *backends_now(const struct agent_rig *rig, const char *name)
{
	const struct show_filter filter = {.name = name};
	struct show_cursor cursor = {0};

	return show_backends(&rig->agent, &filter, &cursor);
}

/* What a Service that is gone has left: it has no name, and so no filter finds it. */
static void backends_of_nobody(void **state)
{
	const struct lb_target targets[] = {
		{.addr = ip_addr_from_v4(0x0af40007), .port = 8080, .weight = 1},
		{.addr = ip_addr_from_v4(0x0af40008), .port = 8080, .weight = 1}};
	const struct lb_key key = {
		.addr = ip_addr_from_v4(0xc0000207), .port = 53, .proto = API_UDP};
	const struct plan_frontend frontends[] = {
		{.lb = {.key = {.addr = key.addr}}, .leaving = true},
		{.lb = {.key = key, .targets = targets, .n_targets = 2}, .leaving = true},
		{.lb = {.key = {.addr = key.addr, .port = 54},
			.targets = targets,
			.n_targets = 2}}};
	struct plan_leaving leaving = {.frontend = key, .unheld_since = NSEC_NEVER};
	struct agent_rig *rig = rig_announcing();
	struct plan *plan = &rig->agent.current->plan;
	cJSON *body, *left;

	(void)state;
	plan->frontends = frontends;
	plan->n_frontends = 3;
	rig->agent.ledger.leaving = &leaving;
	rig->agent.ledger.n_leaving = 1;
	body = backends_now(rig, NULL);
	assert_int_equal(cJSON_GetArraySize(body), 3);
	cJSON_DeleteItemFromArray(body, 0);
	cJSON_DeleteItemFromArray(body, 0);
	json_expect(
		body,
		"[{\"namespace\":null,\"name\":null,\"vip\":\"192.0.2.7\",\"port\":53,"
		"\"protocol\":\"UDP\",\"address\":\"10.244.0.8\",\"backendPort\":8080,"
		"\"node\":\"node\",\"forwarding\":null,\"state\":\"draining\",\"drainSeconds\":null,"
		"\"packets\":null,\"bytes\":null,\"flows\":null}]");
	leaving.unheld_since = clock_now();
	body = backends_now(rig, NULL);
	left = cJSON_GetObjectItem(cJSON_GetArrayItem(body, 1), "drainSeconds");
	assert_in_range(left->valueint, 55, 62);
	cJSON_Delete(body);
	json_expect(backends_now(rig, "s2"), "[]");
	plan->n_frontends = rig->agent.ledger.n_leaving = 0;
	rig_free(rig);
}

/* What a filter leaves out is no row; a prefix that is none is refused. */
static void filters(void **state)
{
	static const struct {
		const char *what, *filter;
		int n;
	} rows[] = {
		{"peers", "\"vrf\":\"default\"", 1},
		{"peers", "\"vrf\":\"red\"", 0},
		{"routes", "\"vrf\":\"default\"", 1},
		{"routes", "\"vrf\":\"red\"", 0},
		{"routes", "\"vrf\":\"red\",\"received\":true", 0},
		{"routes", "\"prefix\":\"192.0.2.0/24\"", 1},
		{"routes", "\"prefix\":\"192.0.2.0\"", 1},
		{"routes", "\"prefix\":\"192.0.2.1\"", 0},
		{"routes", "\"prefix\":\"::/0\"", 0},
		{"routes", "\"service\":\"s1\"", 1},
		{"routes", "\"service\":\"s1\",\"namespace\":\"default\"", 1},
		{"routes", "\"service\":\"s1\",\"namespace\":\"other\"", 0},
		{"routes", "\"service\":\"s2\"", 0}, /* it has no address */
		{"services", "\"prefix\":\"192.0.2.0/31\"", 1},
		{"services", "\"prefix\":\"192.0.2.2/31\"", 0},
		{"services", "\"prefix\":\"::/0\"", 0},
		{"backends", "\"prefix\":\"192.0.2.0/31\"", 1},
		{"backends", "\"prefix\":\"192.0.2.2/31\"", 0},
	};
	struct agent_rig *rig = rig_announcing();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char line[160];
		cJSON *body;

		(void)snprintf(line, sizeof(line), "{\"command\":\"show\",\"what\":\"%s\",%s}",
			       rows[i].what, rows[i].filter);
		body = ask(rig, line, OK);
		if (cJSON_GetArraySize(body) != rows[i].n)
			fail_msg("%s: %d rows", line, cJSON_GetArraySize(body));
		cJSON_Delete(body);
	}
	assert_null(
		ask(rig, "{\"command\":\"show\",\"what\":\"routes\",\"prefix\":\"x/1\"}",
		    "{\"protocol\":\"lodestone/1\",\"ok\":false,\"error\":\"this is no prefix: "));
	rig_free(rig);
}

static void pools_and_bfd(void **state)
{
	struct agent_rig *rig = rig_announcing();

	(void)state;
	json_expect(
		ask(rig, "{\"command\":\"show\",\"what\":\"pools\"}", OK),
		"[{\"name\":\"p\",\"addresses\":[\"192.0.2.0-192.0.2.15\"],\"total\":16,\"used\":1,"
		"\"totalIPv4\":16,\"usedIPv4\":1,\"totalIPv6\":0,\"usedIPv6\":0,"
		"\"autoAssign\":true}]");
	json_expect(ask(rig, "{\"command\":\"show\",\"what\":\"pools\",\"name\":\"q\"}", OK), "[]");
	json_expect(ask(rig, "{\"command\":\"show\",\"what\":\"bfd\"}", OK), "[]");
	rig_free(rig);
}

static void problems(void **state)
{
	static const struct {
		const char *line;
		int n;
	} filtered[] = {
		{"{\"command\":\"show\",\"what\":\"problems\",\"name\":\"s2\"}", 1},
		{"{\"command\":\"show\",\"what\":\"problems\",\"name\":\"s1\"}", 0},
		{"{\"command\":\"show\",\"what\":\"problems\",\"name\":\"s2\",\"namespace\":\"other\"}",
		 1},
		{"{\"command\":\"show\",\"what\":\"problems\",\"name\":\"s2\",\"namespace\":\"x\"}",
		 0},
		{"{\"command\":\"show\",\"what\":\"problems\",\"name\":\"x\",\"namespace\":\"other\"}",
		 0},
	};
	struct agent_rig *rig = rig_announcing();
	cJSON *body = ask(rig, "{\"command\":\"show\",\"what\":\"problems\"}", OK);

	(void)state;
	json_blank(body, "since");
	json_blank(body, "source");
	json_expect(body,
		    "[{\"severity\":\"error\",\"kind\":\"Service\",\"namespace\":\"other\","
		    "\"name\":\"s2\",\"field\":\"metadata.annotations[metallb.io/address-pool]\","
		    "\"reason\":\"UnknownPool\","
		    "\"message\":\"there is no pool none\",\"remedy\":\"correct the annotation, "
		    "or the pool's serviceAllocation\",\"source\":\"*\",\"since\":\"*\"}]");
	for (size_t i = 0; i < ARRAY_SIZE(filtered); i++) {
		body = ask(rig, filtered[i].line, OK);
		assert_int_equal(cJSON_GetArraySize(body), filtered[i].n);
		cJSON_Delete(body);
	}
	rig_free(rig);
}

static bool has_lost_its_peer(const struct agent_rig *rig)
{
	return bgp_peer_info(rig->agent.peers.items[0]->bgp).state != BGP_ESTABLISHED;
}

/* Nothing is wrong, and everybody is there; then the peer goes. */
static void status_of_an_agent_that_does_well(void **state)
{
	struct agent_rig *rig = rig_new();
	cJSON *body;

	(void)state;
	rig_start(rig);
	RIG_WAIT(rig, is_announced);
	body = ask(rig, "{\"command\":\"status\"}", OK);
	assert_string_equal(text_of(body, "state"), "ok");
	cJSON_Delete(body);
	router_hang_up(rig->router);
	RIG_WAIT(rig, has_lost_its_peer);
	body = ask(rig, "{\"command\":\"status\"}", OK);
	assert_string_equal(text_of(body, "state"), "degraded");
	cJSON_Delete(body);
	rig_free(rig);
}

static void status(void **state)
{
	struct agent_rig *rig = rig_announcing();
	cJSON *body = ask(rig, "{\"command\":\"status\"}", OK);

	(void)state;
	json_blank(body, "paths");
	json_blank(body, "objects");
	json_blank(body, "monotonicMillis");
	json_blank(body, "longestTurnMillis");
	json_blank(body, "longestTurn");
	json_blank(body, "unwell"); /* test_show_peer */
	json_blank(body, "uptimeSeconds");
	json_blank(body, "version");
	json_expect(
		body,
		"{\"node\":\"node\",\"paths\":\"*\",\"namespace\":\"metallb-system\",\"lbClass\":null,\"version\":\"*\",\"uptimeSeconds\":\"*\",\"monotonicMillis\":\"*\",\"longestTurnMillis\":\"*\",\"longestTurn\":\"*\",\"state\":\"degraded\",\"observes\":false,"
		"\"peers\":{\"total\":1,\"established\":1},"
		"\"otherNodes\":{\"total\":0,\"answering\":0},"
		"\"routes\":{\"advertised\":1,\"received\":0},\"bfdSessions\":{\"total\":0,\"up\":0},"
		"\"services\":{\"total\":2,\"announced\":1},"
		"\"dataplane\":{\"mode\":\"off\",\"devices\":[],\"programsAdopted\":false,"
		"\"farPrograms\":false,\"flowTable\":null,\"denied\":null,\"failure\":null},\"maps\":null,\"bfd\":null,\"drain\":null,\"drops\":{},\"passed\":{},\"meanings\":{},"
		"\"kernelRoutes\":{\"received\":{\"total\":0,\"installed\":0,\"failed\":0,\"inTheWay\":0,\"repaired\":0},"
		"\"blackholes\":{\"repaired\":0}},"
		"\"problems\":{\"error\":1,\"warning\":0,\"info\":0},\"unwell\":\"*\",\"objects\":\"*\",\"foreignObjects\":0,"
		"\"stale\":false,\"staleObjects\":0,\"staleSources\":0,"
		"\"sources\":[{\"name\":\"config\",\"complete\":true},"
		"{\"name\":\"node\",\"complete\":true}],\"feed\":null}");
	rig_free(rig);
}

static char *fingerprint(struct agent_rig *rig)
{
	cJSON *body = ask(rig, "{\"command\":\"status\"}", OK);
	char *ret = xstrdup(cJSON_GetStringValue(
		cJSON_GetObjectItem(cJSON_GetObjectItem(body, "objects"), "fingerprint")));

	cJSON_Delete(body);
	return ret;
}

static bool has_two_pools(const struct agent_rig *rig)
{
	return world_list(rig->agent.world, API_IP_ADDRESS_POOL).n == 2;
}

static bool has_one_pool(const struct agent_rig *rig)
{
	return world_list(rig->agent.world, API_IP_ADDRESS_POOL).n == 1;
}

/* What is configured, and nothing else, makes the fingerprint. */
static void the_fingerprint_is_of_what_is_configured(void **state)
{
	static const char pool[] = "apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\n"
				   "metadata: {name: more, namespace: metallb-system}\n"
				   "spec: {addresses: [198.51.100.0/28]}\n";
	struct agent_rig *rig = rig_announcing();
	char *before = fingerprint(rig), *with, *after;

	(void)state;
	rig_write(rig, "more.yaml", pool);
	RIG_WAIT(rig, has_two_pools);
	with = fingerprint(rig);
	assert_string_not_equal(before, with);
	rig_remove(rig, "more.yaml");
	RIG_WAIT(rig, has_one_pool);
	after = fingerprint(rig);
	assert_string_equal(before, after);
	free(before);
	free(with);
	free(after);
	rig_free(rig);
}

static bool is_drained(const struct agent_rig *rig)
{
	return rig->agent.current->plan.drained;
}

static void a_drain_is_asked_for_and_taken_back(void **state)
{
	struct agent_rig *rig = rig_announcing();
	cJSON *body;

	(void)state;
	json_expect(ask(rig, "{\"command\":\"drain\"}", OK),
		    "{\"byCommand\":true,\"byNode\":false}");
	/* First the routers hear of it. */
	body = ask(rig, "{\"command\":\"status\"}", OK);
	json_expect(
		cJSON_DetachItemFromObject(body, "drain"),
		"{\"state\":\"draining\",\"byCommand\":true,\"byNode\":false,\"drainSeconds\":null}");
	cJSON_Delete(body);
	RIG_WAIT(rig, is_drained);
	body = ask(rig, "{\"command\":\"status\"}", OK);
	json_expect(
		cJSON_DetachItemFromObject(body, "drain"),
		"{\"state\":\"drained\",\"byCommand\":true,\"byNode\":false,\"drainSeconds\":null}");
	cJSON_Delete(body);
	json_expect(ask(rig, "{\"command\":\"undrain\"}", OK),
		    "{\"byCommand\":false,\"byNode\":false}");
	rig_free(rig);
}

static void the_log_level_is_told_and_changed(void **state)
{
	struct agent_rig *rig = rig_announcing();
	const enum log_level before = log_level();

	(void)state;
	log_set_level(LOG_LEVEL_INFO);
	json_expect(ask(rig, "{\"command\":\"log-level\"}", OK),
		    "{\"level\":\"info\",\"before\":\"info\"}");
	json_expect(ask(rig, "{\"command\":\"log-level\",\"level\":\"error\"}", OK),
		    "{\"level\":\"err\",\"before\":\"info\"}");
	assert_false(log_enabled(LOG_LEVEL_WARN));
	json_expect(ask(rig, "{\"command\":\"log-level\",\"level\":\"debug\"}", OK),
		    "{\"level\":\"debug\",\"before\":\"err\"}");
	assert_true(log_enabled(LOG_LEVEL_DEBUG));
	assert_null(
		ask(rig, "{\"command\":\"log-level\",\"level\":\"loud\"}",
		    "{\"protocol\":\"lodestone/1\",\"ok\":false,\"error\":\"there are the levels"));
	assert_true(log_enabled(LOG_LEVEL_DEBUG));
	log_set_level(before);
	rig_free(rig);
}

/* Without a data plane there is no row, and what is no flow is refused. */
static void a_trace_ends_at_what_does_not_hold(void **state)
{
	static const char *const refused[] = {
		"\"client\":\"x\",\"vip\":\"192.0.2.0\",\"port\":80,\"protocol\":\"TCP\"",
		"\"client\":\"1.2.3.4\",\"vip\":\"192.0.2.0\",\"protocol\":\"TCP\"",
		"\"client\":\"1.2.3.4\",\"vip\":\"192.0.2.0\",\"port\":65536,\"protocol\":\"TCP\"",
		"\"client\":\"1.2.3.4\",\"vip\":\"192.0.2.0\",\"port\":80,\"protocol\":\"ICMP\"",
		"\"client\":\"::1\",\"vip\":\"192.0.2.0\",\"port\":80,\"protocol\":\"TCP\"",
	};
	struct agent_rig *rig = rig_announcing();

	(void)state;
	json_expect(ask(rig,
			"{\"command\":\"trace\",\"client\":\"1.2.3.4\",\"clientPort\":5,"
			"\"vip\":\"192.0.2.0\",\"port\":80,\"protocol\":\"TCP\"}",
			OK),
		    "{\"node\":\"node\",\"namespace\":\"default\",\"name\":\"s1\",\"steps\":["
		    "{\"check\":\"dataplane\",\"holds\":false,"
		    "\"message\":\"XDP does not serve on this node: see status\"}],"
		    "\"row\":null,\"rows\":null,\"settled\":null,\"candidates\":[],"
		    "\"chosen\":null,\"reason\":null}");
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		char line[200];

		(void)snprintf(line, sizeof(line), "{\"command\":\"trace\",%s}", refused[i]);
		assert_null(ask(rig, line, "{\"protocol\":\"lodestone/1\",\"ok\":false"));
	}
	rig_free(rig);
}

static double count_of(const cJSON *body, const char *where, const char *reason)
{
	return cJSON_GetNumberValue(cJSON_GetObjectItem(cJSON_GetObjectItem(body, where), reason));
}

static void only_packets_that_were_lost_are_drops(void **state)
{
	uint64_t counts[64];
	const cJSON *meanings;
	cJSON *body = cJSON_CreateObject();

	(void)state;
	assert_in_range(lb_drop_count(), 3, ARRAY_SIZE(counts));
	for (size_t i = 0; i < lb_drop_count(); i++)
		counts[i] = 100 + i;
	show_add_counts(body, counts, lb_drop_count());
	meanings = cJSON_GetObjectItem(body, "meanings");
	assert_int_equal(cJSON_GetArraySize(meanings), lb_drop_count() - 1);
	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(body, "passed")), 7);
	for (size_t i = 1; i < lb_drop_count(); i++) {
		const char *name = lb_drop_name(i);
		const bool passed = strcmp(name, "reply_miss") == 0 ||
				    strcmp(name, "reply_fragment") == 0 ||
				    strcmp(name, "flow_evicted") == 0 ||
				    strcmp(name, "no_answer") == 0 || strcmp(name, "hops") == 0 ||
				    strcmp(name, "unrecorded") == 0 || strcmp(name, "proven") == 0;

		assert_true(count_of(body, passed ? "passed" : "drops", name) == 100.0 + (double)i);
		assert_null(cJSON_GetObjectItem(
			cJSON_GetObjectItem(body, passed ? "drops" : "passed"), name));
		assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(meanings, name)),
				    lb_drop_text(i));
	}
	cJSON_Delete(body);
}

static void what_is_not_understood_is_refused_with_a_sentence(void **state)
{
	static const char *const lines[] = {"",
					    "x",
					    "[]",
					    "{}",
					    "{\"command\":1}",
					    "{\"command\":\"fly\"}",
					    "{\"command\":\"show\"}",
					    "{\"command\":\"show\",\"what\":\"moons\"}"};
	struct agent_rig *rig = rig_announcing();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		assert_null(ask(rig, lines[i],
				"{\"protocol\":\"lodestone/1\",\"ok\":false,\"error\":\""));
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(peers),
		cmocka_unit_test(peer_without_a_session),
		cmocka_unit_test(a_peer_in_detail),
		cmocka_unit_test(routes),
		cmocka_unit_test(services),
		cmocka_unit_test(backends),
		cmocka_unit_test(backends_of_nobody),
		cmocka_unit_test(filters),
		cmocka_unit_test(the_log_level_is_told_and_changed),
		cmocka_unit_test(a_trace_ends_at_what_does_not_hold),
		cmocka_unit_test(pools_and_bfd),
		cmocka_unit_test(problems),
		cmocka_unit_test(the_fingerprint_is_of_what_is_configured),
		cmocka_unit_test(status),
		cmocka_unit_test(status_of_an_agent_that_does_well),
		cmocka_unit_test(a_drain_is_asked_for_and_taken_back),
		cmocka_unit_test(only_packets_that_were_lost_are_drops),
		cmocka_unit_test(what_is_not_understood_is_refused_with_a_sentence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
