// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * cli/render_status: the table of `status`, for a healthy agent, a failing one and an empty answer.
 */
#include "cli/render.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

static void check(const char *json, const char *expected)
{
	cJSON *body = cJSON_Parse(json);
	struct strbuf out;

	assert_non_null(body);
	strbuf_init(&out, 1 << 20);
	render_status(body, &out);
	assert_string_equal(out.data, expected);
	strbuf_done(&out);
	cJSON_Delete(body);
}

static void a_healthy_agent_in_few_lines(void **state)
{
	(void)state;
	check("{\"node\":\"n1\",\"version\":\"0.1.0\",\"uptimeSeconds\":312,\"state\":\"ok\","
	      "\"peers\":{\"total\":2,\"established\":2},\"services\":{\"total\":3,\"announced\":3},"
	      "\"dataplane\":{\"mode\":\"xdp\",\"devices\":[{\"name\":\"eth0\",\"xdp\":true,"
	      "\"tc\":true,\"mode\":\"native\",\"failure\":null}],\"programsAdopted\":false,"
	      "\"flowTable\":{\"size\":262144,\"flows\":4711,\"established\":17,"
	      "\"growing\":false},\"failure\":null},\"drops\":{\"ttl\":0},"
	      "\"problems\":{\"error\":0,\"warning\":1,\"info\":2},\"foreignObjects\":0,"
	      "\"stale\":false}",
	      "Node         n1: ok, up 5m12s, version 0.1.0\n"
	      "Peers        2 of 2 established\n"
	      "Services     3 of 3 announced\n"
	      "Data plane   xdp\n"
	      "Device       eth0: XDP yes (native), tc yes\n"
	      "Flows        4711, 17 of them established, of 262144\n"
	      "Problems     0 error, 1 warning, 2 info\n");
}

static void everything_that_is_wrong_is_said(void **state)
{
	(void)state;
	check("{\"node\":\"n1\",\"version\":\"0.1.0\",\"uptimeSeconds\":5,\"state\":\"degraded\","
	      "\"peers\":{\"total\":2,\"established\":1},\"services\":{\"total\":3,\"announced\":0},"
	      "\"dataplane\":{\"mode\":\"off\",\"devices\":[{\"name\":\"eth0\",\"xdp\":false,"
	      "\"tc\":false,\"mode\":null,\"failure\":\"busy\"}],\"programsAdopted\":true,"
	      "\"flowTable\":{\"size\":524288,\"flows\":3,\"established\":1,"
	      "\"growing\":true},"
	      "\"failure\":\"no BTF\"},\"drops\":{\"ttl\":3,\"none\":0,\"tuple_taken\":1},"
	      "\"passed\":{\"reply_miss\":7,\"reply_fragment\":0,\"new\":1},"
	      "\"meanings\":{\"ttl\":\"would loop\",\"reply_miss\":\"no answer\"},"
	      "\"problems\":{\"error\":1,\"warning\":0,\"info\":0},\"foreignObjects\":4,"
	      "\"stale\":true,\"staleObjects\":7,\"staleSources\":2}",
	      "Node         n1: degraded, up 5s, version 0.1.0; 7 objects of 2 files are those of the "
	      "last run\n"
	      "Peers        1 of 2 established\n"
	      "Services     0 of 3 announced\n"
	      "Data plane   off, adopted from the run before; no BTF\n"
	      "Device       eth0: XDP no, tc no; busy\n"
	      "Flows        3, 1 of them established, of 524288; the table is growing\n"
	      "Drops        ttl 3, tuple_taken 1\n"
	      "Passed       reply_miss 7: no answer\n"
	      "Passed       new 1: ?\n"
	      "Problems     1 error, 0 warning, 0 info\n"
	      "Objects      4 of kinds that are not ours, ignored\n");
}

static void keys_that_are_missing_are_question_marks(void **state)
{
	(void)state;
	check("{}", "Node         ?: ?, up ?, version ?\n"
		    "Peers        ? of ? established\n"
		    "Services     ? of ? announced\n"
		    "Data plane   ?\n"
		    "Problems     ? error, ? warning, ? info\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_healthy_agent_in_few_lines),
		cmocka_unit_test(everything_that_is_wrong_is_said),
		cmocka_unit_test(keys_that_are_missing_are_question_marks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
