// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * cli/migrate and cli/dump: FRR's texts and kubectl's objects beside the agent's answers. The texts
 * are as FRR 8.4 and kubectl write them, cut to what is read.
 */
#include "cli/migrate.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define STATUS "{\"node\":\"node-a\",\"observes\":true}"
#define PEER(name, local)                                                                          \
	"{\"name\":\"" name "\",\"address\":\"192.168.1.1\",\"localAddress\":" local "}"
#define ONE_PEER    "[" PEER("r", "\"192.168.1.10\"") "]"
#define TWO_PEERS   "[" PEER("r", "\"192.168.1.10\"") "," PEER("s", "\"192.168.2.10\"") "]"
#define SAME_SOURCE "[" PEER("r", "\"192.168.1.10\"") "," PEER("s", "\"192.168.1.10\"") "]"
#define OURS(prefix, more)                                                                         \
	"{\"prefix\":\"" prefix "\",\"nextHop\":\"192.168.1.10\",\"asPath\":[64513],"              \
	"\"localPref\":null,\"med\":null,\"communities\":[\"64512:100\",\"65535:65281\"],"         \
	"\"largeCommunities\":[\"1:2:3\"]," more "}"
#define TO_R           "\"peers\":[\"r\"]"
#define TO_BOTH        "\"peers\":[\"r\",\"s\"]"
#define ONE_ROUTE      "[" OURS("192.0.2.1/32", TO_R) "]"
#define ROW(name, vip) "{\"namespace\":\"shop\",\"name\":\"" name "\",\"vip\":" vip ",\"port\":80}"
#define SERVICES                                                                                   \
	"[" ROW("web", "\"192.0.2.1\"") "," ROW("web", "\"192.0.2.1\"") "," ROW("none", "null") "]"

#define FROM(peer)       "\"peerId\":\"" peer "\",\"nexthops\":[{\"ip\":\"" peer "\",\"afi\":\"ipv4\"}]"
#define PATH(peer, more) "{\"valid\":true,\"path\":\"64513\"," FROM(peer) more "}"
#define TABLE(routes)    "{\"vrfId\":0,\"localAS\":64512,\"routes\":{" routes "}}\n"
#define DETAIL(peer, communities)                                                                  \
	"{\"aspath\":{\"string\":\"64513\"},\"community\":{\"string\":\"" communities              \
	"\"},\"largeCommunity\":{\"string\":\"1:2:3\"},\"peer\":{\"peerId\":\"" peer               \
	"\"},\"nexthops\":[{\"ip\":\"" peer "\"}]}"

struct given {
	const char *peers, *routes, *text, *peer;
};

/* The body, or NULL and the error's text. */
static cJSON *diff(struct arena *arena, const struct given *g, const char **ret_error)
{
	cJSON *status = cJSON_Parse(STATUS), *peers = cJSON_Parse(g->peers ? g->peers : ONE_PEER);
	cJSON *routes = cJSON_Parse(g->routes ? g->routes : ONE_ROUTE);
	cJSON *services = cJSON_Parse(SERVICES);
	cJSON *ret;

	assert_true(status && peers && routes && services);
	ret = migrate_diff(arena, &(struct migrate_ours){status, peers, routes, services}, g->text,
			   g->peer, ret_error);
	cJSON_Delete(status);
	cJSON_Delete(peers);
	cJSON_Delete(routes);
	cJSON_Delete(services);
	return ret;
}

static const char *item_text(const cJSON *o, const char *key)
{
	return cJSON_GetStringValue(cJSON_GetObjectItem(o, key));
}

static void add(char *text, size_t size, const char *what)
{
	const size_t len = strlen(text);

	(void)snprintf(text + len, size - len, "%s", what);
}

/* "PEER PREFIX RESULT DIFFERS,...;" of each route, "KIND NAME RESULT;" of each Service. */
static void check(const struct given *g, const char *expected)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const char *error = "";
	cJSON *body = diff(arena, g, &error);
	const cJSON *row, *what;
	char text[1024] = "";
	bool equal = true;

	if (!body)
		fail_msg("%s", error);
	cJSON_ArrayForEach(row, cJSON_GetObjectItem(body, "routes"))
	{
		add(text, sizeof(text), item_text(row, "peer"));
		add(text, sizeof(text), " ");
		add(text, sizeof(text), item_text(row, "prefix"));
		add(text, sizeof(text), " ");
		add(text, sizeof(text), item_text(row, "result"));
		cJSON_ArrayForEach(what, cJSON_GetObjectItem(row, "differs"))
		{
			add(text, sizeof(text), " ");
			add(text, sizeof(text), what->valuestring);
		}
		add(text, sizeof(text), ";");
		equal &= strcmp(item_text(row, "result"), "equal") == 0;
	}
	cJSON_ArrayForEach(row, cJSON_GetObjectItem(body, "services"))
	{
		add(text, sizeof(text), item_text(row, "kind"));
		add(text, sizeof(text), " ");
		add(text, sizeof(text), item_text(row, "service"));
		add(text, sizeof(text), " ");
		add(text, sizeof(text), item_text(row, "result"));
		add(text, sizeof(text), ";");
		equal &= strcmp(item_text(row, "result"), "equal") == 0;
	}
	assert_string_equal(text, expected);
	assert_int_equal(migrate_is_equal(body), equal);
	cJSON_Delete(body);
}

static void refuse(const struct given *g, const char *expected)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const char *error = "";

	assert_null(diff(arena, g, &error));
	assert_string_equal(error, expected);
}

/* A router's table has the routes of all nodes; communities are in its detail only. */
static void a_routers_table(void **state)
{
	(void)state;
	check(&(struct given){.text = TABLE("\"192.0.2.1/32\":[" PATH("192.168.1.10", "") "," PATH(
				      "192.168.1.11", "") "]")},
	      "r 192.0.2.1/32 equal;");
	check(&(struct
		given){.text = TABLE(
			       "\"192.0.2.1/32\":[" PATH("192.168.1.10", ",\"metric\":5") "],\"192.0.2.7/32\":[" PATH(
				       "192.168.1.10",
				       "") "],\"192.0.2.8/32\":[" PATH("192.168.1.11", "") "]")},
	      "r 192.0.2.1/32 different med;r 192.0.2.7/32 missing;");
	check(&(struct given){.text = TABLE("")}, "r 192.0.2.1/32 extra;");
	check(&(struct given){.text = "{}"}, "r 192.0.2.1/32 extra;");
}

static void details_of_prefixes(void **state)
{
	(void)state;
	check(&(struct given){.text = "{\"prefix\":\"192.0.2.1/32\",\"paths\":[" DETAIL(
				      "192.168.1.10", "64512:100 no-export") "]}"},
	      "r 192.0.2.1/32 equal;");
	check(&(struct given){.text = "{\"prefix\":\"192.0.2.1/32\",\"paths\":[" DETAIL(
				      "192.168.1.10", "64512:100 64512:9") "]}"},
	      "r 192.0.2.1/32 different communities;");
	/* As later versions of FRR tell a table in detail; and several texts in a row. */
	check(&(struct given){.text = TABLE("\"192.0.2.1/32\":{\"paths\":[" DETAIL(
				      "192.168.1.10", "no-export 64512:100") "]}")
				      TABLE("\"192.0.2.1/32\":[" PATH("192.168"
								      ".1.10",
								      "") "]")},
	      "r 192.0.2.1/32 equal;");
}

static void extended_communities(void **state)
{
	static const char ours[] =
		"[{\"prefix\":\"192.0.2.1/32\",\"nextHop\":\"192.168.1.10\",\"asPath\":[64513],"
		"\"extendedCommunities\":[\"0x4004fc004b3ebc20\",\"0x0002fc0000000064\","
		"\"0x0103c00002010007\"]," TO_R "}]";
	static const struct {
		const char *theirs, *expected;
	} cases[] = {
		{"RT:64512:100 SoO:192.0.2.1:7 LB:64512:12500000 (100.000 Mbps)", "equal"},
		{"LB:64512:12500000 (100.000 Mbps) RT:64512:100 SoO:192.0.2.1:7", "equal"},
		{"RT:64512:100 SoO:192.0.2.1:7", "different extendedCommunities"},
		{"RT:64512:100 SoO:192.0.2.1:7 LB:64512:12500000 (100.000 Mbps) UNK:9",
		 "different extendedCommunities"},
		{"RT:64512:100 SoO:192.0.2.1:7 LB:64512:1250000 (10.000 Mbps)",
		 "different extendedCommunities"},
		{"RT:64512:100 SoO:192.0.2.1:7 LB:x (100.000", "different extendedCommunities"},
		{"", "different extendedCommunities"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[512], expected[128];

		(void)snprintf(text, sizeof(text),
			       "{\"prefix\":\"192.0.2.1/32\",\"paths\":[{\"aspath\":{\"string\":"
			       "\"64513\"},\"extendedCommunity\":{\"string\":\"%s\"},"
			       "\"peer\":{\"peerId\":\"192.168.1.10\"}}]}",
			       cases[i].theirs);
		(void)snprintf(expected, sizeof(expected), "r 192.0.2.1/32 %s;", cases[i].expected);
		check(&(struct given){.routes = ours, .text = text}, expected);
	}
}

/* Of iBGP: LOCAL_PREF is there, and no AS in the path. */
static void attributes_of_a_session_within_an_as(void **state)
{
	static const char ours[] =
		"[{\"prefix\":\"192.0.2.1/32\",\"nextHop\":\"192.168.1.10\",\"asPath\":[],"
		"\"localPref\":100,\"med\":0,\"communities\":[],\"largeCommunities\":[]," TO_R "}]";

	(void)state;
	check(&(struct given){.routes = ours,
			      .text = "{\"prefix\":\"192.0.2.1/32\",\"paths\":[{\"aspath\":{"
				      "\"string\":\"Local\"},\"locPrf\":100,\"peer\":{"
				      "\"peerId\":\"192.168.1.10\"}}]}"},
	      "r 192.0.2.1/32 equal;");
	check(&(struct given){.routes = ours,
			      .text = TABLE("\"192.0.2.1/32\":[{\"path\":\"\",\"locPrf\":300,"
					    "\"peerId\":\"192.168.1.10\",\"nexthops\":[{\"ip\":"
					    "\"192.168.1.10\"}]}]")},
	      "r 192.0.2.1/32 different localPref;");
}

/* The table of MetalLB's own FRR says to nobody in particular, and nothing but prefixes. */
static void the_speakers_own_table(void **state)
{
	static const char own[] =
		TABLE("\"192.0.2.1/32\":[{\"path\":\"\",\"metric\":0,\"peerId\":\"(unspec)\","
		      "\"nexthops\":[{\"ip\":\"0.0.0.0\"}]}]");

	(void)state;
	check(&(struct given){.text = own}, "r 192.0.2.1/32 equal;");
	check(&(struct given){.text = own, .peers = TWO_PEERS, .peer = "s"},
	      "s 192.0.2.1/32 missing;");
	check(
		&(struct given){
			.text = "{\"advertisedRoutes\":{\"192.0.2.1/32\":{\"nextHop\":"
				"\"0.0.0.0\"},\"192.0.2.2/32\":{}},\"totalPrefixCounter\":2}"},
		"r 192.0.2.1/32 equal;r 192.0.2.2/32 missing;");
}

static void of_whom_a_text_is(void **state)
{
	static const char table[] = TABLE("\"192.0.2.1/32\":[" PATH("192.168.1.10", "") "]");
	static const char both[] = "[" OURS("192.0.2.1/32", TO_BOTH) "]";

	(void)state;
	/* The router is that of r: nothing is said of s. */
	check(&(struct given){.text = table, .peers = TWO_PEERS, .routes = both},
	      "r 192.0.2.1/32 equal;");
	check(&(struct given){.text = table, .peers = SAME_SOURCE, .routes = both, .peer = "s"},
	      "s 192.0.2.1/32 equal;");
	refuse(&(struct given){.text = table, .peers = SAME_SOURCE},
	       "several BGPPeers have sessions from the same address here; say --peer NAME, of the "
	       "router that the table is of");
	refuse(&(struct given){.text = TABLE(""), .peers = TWO_PEERS},
	       "none of the routes came from an address of this node's sessions; say --peer NAME, "
	       "of the BGPPeer that they are of");
	refuse(&(struct given){.text = table, .peer = "x"}, "this node has no BGPPeer \"x\"");
	refuse(&(struct given){.text = table, .peers = "[]"}, "this node has no BGPPeer");
}

/* A text is of one family, and says nothing of the other. */
static void families_are_compared_apart(void **state)
{
	static const char ours[] =
		"[" OURS("192.0.2.1/32", TO_R) "," OURS("2001:db8::1/128", TO_R) "]";

	(void)state;
	check(&(struct given){.routes = ours,
			      .text = TABLE("\"192.0.2.1/32\":[" PATH("192.168.1.10", "") "]")},
	      "r 192.0.2.1/32 equal;");
	check(&(struct given){.routes = ours, .text = TABLE("")},
	      "r 192.0.2.1/32 extra;r 2001:db8::1/128 extra;");
}

#define BGP_STATUS(node, name, peers)                                                                   \
	"{\"kind\":\"ServiceBGPStatus\",\"metadata\":{\"name\":\"bgp-x\"},\"status\":{\"node\":\"" node \
	"\",\"serviceName\":\"" name "\",\"serviceNamespace\":\"shop\",\"peers\":" peers "}}"
#define LIST(items) "{\"kind\":\"List\",\"items\":[" items "]}"

static void what_metallb_wrote_of_services(void **state)
{
	(void)state;
	check(&(struct given){.text = LIST(BGP_STATUS("node-a", "web", "[\"r\"]") "," BGP_STATUS(
				      "node-b", "web", "[\"r\",\"t\"]"))},
	      "peers shop/web equal;");
	check(&(struct given){.text = LIST(BGP_STATUS("node-a", "web", "[\"s\",\"r\"]"))},
	      "peers shop/web different;");
	check(&(struct given){.text = LIST(BGP_STATUS("node-a", "old", "[\"r\"]"))},
	      "peers shop/old missing;peers shop/web extra;");
	check(&(struct given){.text = "{\"kind\":\"ServiceBGPStatusList\",\"items\":[]}"},
	      "peers shop/web extra;");
	/* An aggregate counts for all that is under it. */
	check(&(struct given){.routes = "[" OURS("192.0.2.0/24", TO_BOTH) "]",
			      .text = BGP_STATUS("node-a", "web", "[\"r\",\"s\"]")},
	      "peers shop/web equal;");
}

#define SERVICE(name, by, ip)                                                                      \
	"{\"kind\":\"Service\",\"metadata\":{\"name\":\"" name                                     \
	"\",\"namespace\":\"shop\",\"annotations\":{\"" by                                         \
	"\":\"p\"}},\"status\":{\"loadBalancer\":{\"ingress\":[{\"ip\":\"" ip "\"}]}}}"
#define BY_METALLB "metallb.io/ip-allocated-from-pool"

static void what_addresses_services_have(void **state)
{
	(void)state;
	check(&(struct given){.text = LIST(SERVICE("web", BY_METALLB, "192.0.2.1") "," SERVICE(
				      "other", "example.com/x", "192.0.2.5"))},
	      "addresses shop/web equal;");
	check(&(struct given){.text = SERVICE("web", "metallb.universe.tf/ip-allocated-from-pool",
					      "192.0.2.2")},
	      "addresses shop/web different;");
	check(&(struct given){.text = SERVICE("old", BY_METALLB, "192.0.2.2")
				      TABLE("\"192.0.2.1/32\":[" PATH("192.168.1.10", "") "]")},
	      "r 192.0.2.1/32 equal;addresses shop/old missing;addresses shop/web extra;");
}

static void what_cannot_be_read(void **state)
{
	static const char *const texts[] = {"x",
					    "[]",
					    "{\"routes\":{\"x\":[]}}",
					    "{\"routes\":{\"192.0.2.1/32\":7}}",
					    "{\"kind\":\"Pod\"}",
					    "{\"advertisedRoutes\":{\"x\":{}}}",
					    "{\"a\":1}",
					    LIST("{\"kind\":\"Pod\"}")};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		refuse(&(struct given){.text = texts[i]},
		       "text 1 is neither FRR's JSON of routes nor kubectl's of ServiceBGPStatus or "
		       "Service");
	refuse(&(struct given){.text = TABLE("") "{"},
	       "text 2 is neither FRR's JSON of routes nor kubectl's of ServiceBGPStatus or "
	       "Service");
	refuse(&(struct given){.text = " \n"}, "nothing was given to compare with");
	refuse(&(struct given){.text = LIST("")},
	       "the list has no items, and does not say of what it is");
}

static void what_is_told_of_a_route(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const struct given g = {
		.text = TABLE("\"192.0.2.1/32\":[" PATH("192.168.1.10", ",\"metric\":5") "]")};
	const char *error;
	cJSON *body = diff(arena, &g, &error);
	char *text = cJSON_PrintUnformatted(body);

	(void)state;
	assert_string_equal(
		text,
		"{\"node\":\"node-a\",\"observes\":true,\"compared\":[\"r\"],"
		"\"notCompared\":[\"communities\",\"largeCommunities\",\"extendedCommunities\"],\"equal\":0,\"missing\":0,"
		"\"extra\":0,\"different\":1,\"routes\":[{\"peer\":\"r\","
		"\"prefix\":\"192.0.2.1/32\",\"result\":\"different\",\"differs\":[\"med\"],"
		"\"theirs\":{\"nextHop\":\"192.168.1.10\",\"asPath\":\"64513\","
		"\"localPref\":null,\"med\":5,\"communities\":null,\"largeCommunities\":null,"
		"\"extendedCommunities\":null},"
		"\"ours\":{\"nextHop\":\"192.168.1.10\",\"asPath\":\"64513\",\"localPref\":null,"
		"\"med\":0,\"communities\":[\"64512:100\",\"65535:65281\"],"
		"\"largeCommunities\":[\"1:2:3\"],\"extendedCommunities\":[]}}],\"services\":[]}");
	free(text);
	cJSON_Delete(body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_routers_table),
		cmocka_unit_test(details_of_prefixes),
		cmocka_unit_test(extended_communities),
		cmocka_unit_test(attributes_of_a_session_within_an_as),
		cmocka_unit_test(the_speakers_own_table),
		cmocka_unit_test(of_whom_a_text_is),
		cmocka_unit_test(families_are_compared_apart),
		cmocka_unit_test(what_metallb_wrote_of_services),
		cmocka_unit_test(what_addresses_services_have),
		cmocka_unit_test(what_cannot_be_read),
		cmocka_unit_test(what_is_told_of_a_route),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
