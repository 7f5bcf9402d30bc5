// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * cli/render: golden tables for fixed replies, one of each thing that can be shown.
 */
#include "cli/render.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

static void check(struct cli_args args, const char *json, const char *expected)
{
	cJSON *body = cJSON_Parse(json);
	struct strbuf out;

	assert_non_null(body);
	args.command = CLI_SHOW;
	strbuf_init(&out, 1 << 20);
	render(&args, body, &out);
	assert_string_equal(out.data, expected);
	strbuf_done(&out);
	cJSON_Delete(body);
}

static const char peers[] =
	"[{\"name\":\"tor-1\",\"vrf\":null,\"interface\":null,\"address\":\"10.0.0.1\","
	"\"asn\":64512,\"state\":\"Established\",\"uptimeSeconds\":312,\"holdTime\":90,"
	"\"bfd\":\"None\",\"routesAdvertised\":3,\"routesReceived\":1,\"lastError\":null},"
	"{\"name\":\"tor-2\",\"vrf\":\"red\",\"interface\":null,\"address\":\"10.0.0.2\","
	"\"asn\":4200000001,\"state\":\"Connect\",\"uptimeSeconds\":null,\"holdTime\":90,"
	"\"bfd\":\"None\",\"routesAdvertised\":0,\"routesReceived\":0,"
	"\"lastError\":\"connection refused\"}]";

static void peers_as_a_table(void **state)
{
	(void)state;
	check((struct cli_args){.what = CLI_PEERS}, peers,
	      "NAME    ADDRESS    ASN          STATE         UPTIME   BFD    SENT   LAST ERROR\n"
	      "tor-1   10.0.0.1   64512        Established   5m12s    None   3      -\n"
	      "tor-2   10.0.0.2   4200000001   Connect       -        None   0      connection "
	      "refused\n");
}

static void wide_has_more_columns(void **state)
{
	(void)state;
	check((struct cli_args){.what = CLI_PEERS, .format = CLI_WIDE}, peers,
	      "NAME    ADDRESS    VRF   INTERFACE   ASN          STATE         UPTIME   HOLD   "
	      "BFD    SENT   RECEIVED   LAST ERROR\n"
	      "tor-1   10.0.0.1   -     -           64512        Established   5m12s    90     "
	      "None   3      1          -\n"
	      "tor-2   10.0.0.2   red   -           4200000001   Connect       -        90     "
	      "None   0      0          connection refused\n");
}

static void a_peer_by_its_name_in_detail(void **state)
{
	(void)state;
	check((struct cli_args){.what = CLI_PEERS, .name = "r"},
	      "[{\"name\":\"r\",\"address\":\"10.0.0.1\",\"asn\":64512,\"state\":\"Idle\","
	      "\"uptimeSeconds\":null,\"routesAdvertised\":0,\"lastError\":null,"
	      "\"routerID\":\"10.0.0.9\",\"holdTime\":90,\"keepaliveTime\":null,\"families\":null,"
	      "\"offered\":[\"IPv4 unicast\",\"role\"],\"offeredByPeer\":null,"
	      "\"lastNotificationSent\":null,\"lastNotificationReceived\":{\"secondsAgo\":61,"
	      "\"text\":\"Cease/Peer De-configured\",\"hex\":\"0603\"},"
	      "\"notAnnounced\":[{\"address\":\"192.0.2.1\",\"namespace\":\"shop\","
	      "\"service\":\"web\",\"reason\":\"there is no session\"}],"
	      "\"history\":[{\"secondsAgo\":3,\"event\":\"Idle to Connect\"}]}]",
	      "NAME   ADDRESS    ASN     STATE   UPTIME   BFD   SENT   LAST ERROR\n"
	      "r      10.0.0.1   64512   Idle    -        -     0      -\n"
	      "\n"
	      "Router id         10.0.0.9\n"
	      "Hold time         90 s\n"
	      "Keepalive         -\n"
	      "Families          -\n"
	      "Offered           IPv4 unicast,role\n"
	      "Offered by peer   -\n"
	      "Routes sent       0\n"
	      "... received      -\n"
	      "... accepted      -\n"
	      "Last sent         -\n"
	      "Last received     1m1s ago: Cease/Peer De-configured (0603)\n"
	      "Not announced     192.0.2.1 of shop/web: there is no session\n"
	      "History           3s ago: Idle to Connect\n");
}

static void routes_as_a_table(void **state)
{
	(void)state;
	check((struct cli_args){.what = CLI_ROUTES},
	      "[{\"prefix\":\"192.168.100.1/32\",\"nextHop\":\"10.0.0.5\",\"asPath\":[64513,64513],"
	      "\"localPref\":null,\"med\":5,\"communities\":[\"64512:100\",\"65535:65281\"],"
	      "\"largeCommunities\":[],\"peers\":[\"tor-1\",\"tor-2\"]}]",
	      "PREFIX             NEXT HOP   AS PATH       LOCAL PREF   PEERS         COMMUNITIES\n"
	      "192.168.100.1/32   10.0.0.5   64513,64513   -            tor-1,tor-2   "
	      "64512:100,65535:65281\n");
}

static void services_as_a_table(void **state)
{
	(void)state;
	check((struct cli_args){.what = CLI_SERVICES},
	      "[{\"namespace\":\"prod\",\"name\":\"web\",\"vip\":\"192.168.100.1\",\"port\":80,"
	      "\"protocol\":\"TCP\",\"backends\":[{\"address\":\"10.1.0.2\",\"port\":8080,"
	      "\"node\":\"n1\",\"state\":\"ready\"},{\"address\":\"10.1.0.3\",\"port\":8080,"
	      "\"node\":\"n1\",\"state\":\"draining\"}],\"announced\":true,\"reason\":null,"
	      "\"packets\":12,\"bytes\":3456,\"flows\":7},"
	      "{\"namespace\":\"prod\",\"name\":\"db\",\"vip\":null,\"port\":5432,"
	      "\"protocol\":\"TCP\",\"backends\":[],\"announced\":false,"
	      "\"reason\":\"no pool has room\",\"packets\":null,\"bytes\":null}]",
	      "NAMESPACE   NAME   VIP             PORT   PROTOCOL   BACKENDS   FLOWS   ANNOUNCED   "
	      "REASON\n"
	      "prod        web    192.168.100.1   80     TCP        1/2        7       yes         "
	      "-\n"
	      "prod        db     -               5432   TCP        0/0        -       no          "
	      "no pool has room\n");
}

static void backends_as_a_table(void **state)
{
	(void)state;
	check((struct cli_args){.what = CLI_BACKENDS},
	      "[{\"namespace\":\"prod\",\"name\":\"web\",\"vip\":\"192.168.100.1\",\"port\":80,"
	      "\"protocol\":\"TCP\",\"address\":\"10.1.0.2\",\"backendPort\":8080,"
	      "\"node\":\"n1\",\"state\":\"ready\",\"drainSeconds\":null,\"packets\":1,"
	      "\"bytes\":2,\"flows\":3},"
	      "{\"namespace\":null,\"name\":null,\"vip\":\"192.168.100.2\",\"port\":53,"
	      "\"protocol\":\"UDP\",\"address\":\"10.1.0.9\",\"backendPort\":53,"
	      "\"node\":\"n1\",\"state\":\"draining\",\"drainSeconds\":41,\"packets\":1,"
	      "\"bytes\":2,\"flows\":12}]",
	      "NAMESPACE   NAME   VIP             PORT   BACKEND    PORT   FLOWS   STATE\n"
	      "prod        web    192.168.100.1   80     10.1.0.2   8080   3       ready\n"
	      "-           -      192.168.100.2   53     10.1.0.9   53     12      "
	      "draining, 41s left\n");
}

static void backends_in_wide_say_how_they_are_reached(void **state)
{
	(void)state;
	check((struct cli_args){.what = CLI_BACKENDS, .format = CLI_WIDE},
	      "[{\"namespace\":\"prod\",\"name\":\"web\",\"vip\":\"192.168.100.1\",\"port\":80,"
	      "\"protocol\":\"TCP\",\"address\":\"10.1.0.2\",\"backendPort\":80,"
	      "\"node\":null,\"forwarding\":\"dsr-gue\",\"state\":\"ready\","
	      "\"drainSeconds\":null,\"packets\":1,\"bytes\":2,\"flows\":3}]",
	      "NAMESPACE   NAME   VIP             PORT   PROTOCOL   BACKEND    PORT   NODE   "
	      "FORWARDING   FLOWS   PACKETS   BYTES   STATE\n"
	      "prod        web    192.168.100.1   80     TCP        10.1.0.2   80     -      "
	      "dsr-gue      3       1         2       ready\n");
}

static void bfd_as_a_table(void **state)
{
	(void)state;
	check((struct cli_args){.what = CLI_BFD},
	      "[{\"peer\":\"tor\",\"vrf\":null,\"address\":\"10.0.0.1\",\"state\":\"Up\","
	      "\"detectMillis\":150,\"txMillis\":50,\"flaps\":2,\"diagnostic\":\"none\"}]",
	      "PEER   ADDRESS    STATE   DETECT MS   TX MS   FLAPS   DIAGNOSTIC\n"
	      "tor    10.0.0.1   Up      150         50      2       none\n");
}

static void pools_as_a_table(void **state)
{
	(void)state;
	check((struct cli_args){.what = CLI_POOLS},
	      "[{\"name\":\"production\",\"addresses\":[\"192.168.100.0-192.168.100.255\"],"
	      "\"total\":256,\"used\":3,\"autoAssign\":true}]",
	      "NAME         TOTAL   USED   AUTO-ASSIGN   ADDRESSES\n"
	      "production   256     3      yes           192.168.100.0-192.168.100.255\n");
}

static void problems_as_a_table(void **state)
{
	static const char json[] =
		"[{\"severity\":\"error\",\"kind\":\"BGPPeer\",\"namespace\":\"ns\",\"name\":\"x\","
		"\"field\":\"spec.peerASN\",\"reason\":\"OutOfRange\",\"message\":\"0 is not an ASN\","
		"\"remedy\":\"use 1 to 4294967295\",\"source\":\"p.yaml:7\",\"since\":1769860800}]";

	(void)state;
	check((struct cli_args){.what = CLI_PROBLEMS}, json,
	      "SEVERITY   OBJECT         FIELD          MESSAGE\n"
	      "error      BGPPeer/ns/x   spec.peerASN   0 is not an ASN; use 1 to 4294967295\n");
	check((struct cli_args){.what = CLI_PROBLEMS, .format = CLI_WIDE}, json,
	      "SEVERITY   SINCE                  REASON       SOURCE     OBJECT         FIELD    "
	      "      MESSAGE\n"
	      "error      2026-01-31T12:00:00Z   OutOfRange   p.yaml:7   BGPPeer/ns/x   "
	      "spec.peerASN   0 is not an ASN; use 1 to 4294967295\n");
}

static void empty_lists_say_so(void **state)
{
	(void)state;
	check((struct cli_args){.what = CLI_PROBLEMS}, "[]", "no problems\n");
	check((struct cli_args){.what = CLI_PEERS, .format = CLI_WIDE}, "[]", "no peers\n");
	check((struct cli_args){.what = CLI_PEERS}, "{\"unexpected\":1}", "no peers\n");
	check((struct cli_args){.what = CLI_BFD}, "[]", "no BFD sessions\n");
	check((struct cli_args){.what = CLI_ROUTES, .peer = "x", .prefix = "192.0.2.0/24"}, "[]",
	      "no routes for --peer x --prefix 192.0.2.0/24; without it all are listed\n");
	check((struct cli_args){.what = CLI_SERVICES, .name = "a/b"}, "[]",
	      "no services for a/b; without it all are listed\n");
	/* Reasons for which nothing was ever dropped are rows of their own. */
	check((struct cli_args){.command = CLI_DROPS, .what = CLI_DROP_REASONS},
	      "[{\"reason\":\"ttl\",\"packets\":0}]", "nothing was dropped\n");
	check((struct cli_args){.what = CLI_PEERS, .format = CLI_JSON}, "[]", "[]\n");
	check((struct cli_args){.what = CLI_PEERS, .format = CLI_YAML}, "[]", "[]\n");
}

static void a_row_of_another_version_does_no_harm(void **state)
{
	(void)state;
	check((struct cli_args){.what = CLI_POOLS},
	      "[7,{\"name\":[1],\"total\":{},\"addresses\":\"text\"}]",
	      "NAME   TOTAL   USED   AUTO-ASSIGN   ADDRESSES\n"
	      "-      -       -      -             -\n"
	      "1      -       -      -             text\n");
}

static void json_is_the_body_with_every_key(void **state)
{
	cJSON *body = cJSON_Parse(peers), *back;
	struct cli_args args = {.command = CLI_SHOW, .what = CLI_PEERS, .format = CLI_JSON};
	struct strbuf out;

	(void)state;
	strbuf_init(&out, 1 << 20);
	render(&args, body, &out);
	back = cJSON_Parse(out.data);
	assert_true(cJSON_Compare(body, back, true));
	assert_non_null(strchr(out.data, '\t'));
	strbuf_done(&out);
	cJSON_Delete(body);
	cJSON_Delete(back);
}

static void an_edit_in_a_table_and_a_sentence(void **state)
{
	static const char nothing[] =
		"{\"node\":\"a\",\"differs\":false,\"objects\":{\"added\":0,\"changed\":1,"
		"\"removed\":0},\"changes\":[]}";
	static const char one[] =
		"{\"node\":\"a\",\"differs\":true,\"objects\":{\"added\":1,\"changed\":0,"
		"\"removed\":2},\"changes\":[{\"change\":\"added\",\"kind\":\"Route\",\"name\":"
		"\"192.0.2.1/32\",\"peers\":[\"r1\",\"r2\"],\"message\":\"is announced\"}]}";
	static const char drain[] =
		"{\"node\":\"a\",\"differs\":false,\"drainSeconds\":90,\"flows\":3,\"changes\":[]}";
	static const struct {
		const char *json, *expected;
	} cases[] = {
		{drain, "a: nothing that this node does would change; 3 flows live here now, whose "
			"end is waited for, at most 1m30s\n"},
		{nothing, "a: nothing that this node does would change; objects: 0 new, 1 changed, "
			  "0 gone\n"},
		{one, "CHANGE   KIND    NAME           PEERS   WHAT\n"
		      "added    Route   192.0.2.1/32   r1,r2   is announced\n"
		      "a: 1 change; objects: 1 new, 0 changed, 2 gone\n"},
	};
	struct cli_args args = {.command = CLI_CONFIG_DIFF, .what = CLI_CHANGES};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cJSON *body = cJSON_Parse(cases[i].json);
		struct strbuf out;

		assert_non_null(body);
		strbuf_init(&out, 1 << 20);
		args.dry_run = cases[i].json == drain;
		render(&args, body, &out);
		assert_string_equal(out.data, cases[i].expected);
		strbuf_done(&out);
		cJSON_Delete(body);
	}
}

static void the_log_as_it_is(void **state)
{
	const struct cli_args args = {.command = CLI_LOG};
	cJSON *body = cJSON_Parse("{\"lines\":[\"one\",\"two\"]}");
	struct strbuf out;

	(void)state;
	strbuf_init(&out, 1 << 10);
	render(&args, body, &out);
	assert_string_equal(out.data, "one\ntwo\n");
	strbuf_done(&out);
	cJSON_Delete(body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_edit_in_a_table_and_a_sentence),
		cmocka_unit_test(the_log_as_it_is),
		cmocka_unit_test(peers_as_a_table),
		cmocka_unit_test(wide_has_more_columns),
		cmocka_unit_test(a_peer_by_its_name_in_detail),
		cmocka_unit_test(routes_as_a_table),
		cmocka_unit_test(services_as_a_table),
		cmocka_unit_test(backends_as_a_table),
		cmocka_unit_test(backends_in_wide_say_how_they_are_reached),
		cmocka_unit_test(bfd_as_a_table),
		cmocka_unit_test(pools_as_a_table),
		cmocka_unit_test(problems_as_a_table),
		cmocka_unit_test(empty_lists_say_so),
		cmocka_unit_test(a_row_of_another_version_does_no_harm),
		cmocka_unit_test(json_is_the_body_with_every_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
