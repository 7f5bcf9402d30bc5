// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* cli/render_explain: what a person reads of an explanation. */
#include "cli/render.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

static void check(const struct cli_args *args, const char *json, const char *expected)
{
	cJSON *body = cJSON_Parse(json);
	struct strbuf out;

	assert_non_null(body);
	strbuf_init(&out, 1 << 20);
	render(args, body, &out);
	assert_string_equal(out.data, expected);
	strbuf_done(&out);
	cJSON_Delete(body);
}

static const struct cli_args web = {
	.command = CLI_EXPLAIN, .explained = "service", .name = "default/web"};

static void each_part_is_a_table(void **state)
{
	(void)state;
	check(&web,
	      "{\"node\":\"node-a\",\"found\":true,\"steps\":[{\"holds\":true,\"message\":\"it is "
	      "ours\"}],\"addresses\":[{\"namespace\":\"default\",\"name\":\"web\",\"vip\":"
	      "\"192.0.2.1\",\"pool\":\"p\",\"announced\":false,\"reason\":\"noEndpoints\","
	      "\"checks\":[{\"holds\":true,\"reason\":null,\"message\":\"a pool holds it\"},"
	      "{\"holds\":false,\"reason\":\"noEndpoints\",\"message\":\"nobody is ready\"}],"
	      "\"advertisements\":[{\"holds\":true,\"kind\":\"BGPAdvertisement\",\"name\":\"a\","
	      "\"reason\":null,\"message\":\"announces /32 of it\"}],"
	      "\"peers\":[{\"peer\":\"r\",\"advertisement\":\"a\",\"prefix\":\"192.0.2.1/32\","
	      "\"planned\":true,\"announced\":true,\"reason\":\"announced\",\"message\":\"it is "
	      "announced\"},{\"peer\":\"s\",\"advertisement\":null,\"prefix\":null,"
	      "\"planned\":false,\"announced\":false,\"reason\":\"noEndpoints\","
	      "\"message\":\"nobody is ready\"}],\"policy\":\"policy Cluster\",\"forwarding\":["
	      "{\"port\":80,\"protocol\":\"TCP\",\"way\":\"tunnel\",\"endpoints\":2,"
	      "\"takeNewFlows\":1,\"reason\":null,\"message\":\"in UDP\"},"
	      "{\"port\":80,\"protocol\":\"TCP\",\"way\":null,\"endpoints\":1,"
	      "\"takeNewFlows\":0,\"reason\":\"remoteEndpoints\",\"message\":\"no way\"}]}],"
	      "\"addressesLeftOut\":2,"
	      "\"otherNodes\":[{\"node\":\"node-b\",\"announces\":true,\"reason\":\"announced\","
	      "\"peers\":[\"r\",\"s\"]}],\"otherNodesLeftOut\":0,"
	      "\"problems\":[{\"severity\":\"warning\",\"kind\":\"Service\",\"namespace\":"
	      "\"default\",\"name\":\"web\",\"field\":null,\"reason\":\"X\",\"message\":\"odd\","
	      "\"remedy\":\"mend it\"}]}",
	      "service default/web, on node node-a\n"
	      "\n"
	      "HOLDS   OBJECT   CHECK\n"
	      "yes     -        it is ours\n"
	      "\n"
	      "192.0.2.1 of Service default/web, pool p: noEndpoints\n"
	      "\n"
	      "HOLDS   CHECK\n"
	      "yes     a pool holds it\n"
	      "no      noEndpoints: nobody is ready\n"
	      "\n"
	      "ADVERTISEMENT   APPLIES   WHY\n"
	      "a               yes       announces /32 of it\n"
	      "\n"
	      "PEER   PREFIX         BY   ANNOUNCED   WHY\n"
	      "r      192.0.2.1/32   a    yes         it is announced\n"
	      "s      -              -    no          noEndpoints: nobody is ready\n"
	      "\n"
	      "Packets go on by policy Cluster\n"
	      "\n"
	      "PORT     WAY      ENDPOINTS   TAKE NEW   HOW\n"
	      "80/TCP   tunnel   2           1          in UDP\n"
	      "80/TCP   -        1           0          remoteEndpoints: no way\n"
	      "\n"
	      "2 more addresses are not told here\n"
	      "\n"
	      "OTHER NODE   ANNOUNCES   REASON      PEERS\n"
	      "node-b       yes         announced   r,s\n"
	      "\n"
	      "SEVERITY   OBJECT                FIELD   MESSAGE\n"
	      "warning    Service/default/web   -       odd; mend it\n");
}

static void what_nobody_knows_is_said(void **state)
{
	(void)state;
	check(&web, "{\"node\":\"node-a\",\"found\":false}",
	      "no service default/web is known on node node-a; \"lodectl show services\" lists those there are\n");
	check(&web, "[]",
	      "no service default/web is known on node -; \"lodectl show services\" lists those there are\n");
}

static void a_service_without_an_address(void **state)
{
	(void)state;
	check(&web,
	      "{\"node\":\"n\",\"found\":true,\"addresses\":[{\"namespace\":\"default\","
	      "\"name\":\"we\\u001bb\",\"vip\":null,\"pool\":null,\"reason\":\"noIPAllocated\"}]}",
	      "service default/web, on node n\n\nno address of Service default/we?b, pool none: "
	      "noIPAllocated\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_part_is_a_table),
		cmocka_unit_test(what_nobody_knows_is_said),
		cmocka_unit_test(a_service_without_an_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
