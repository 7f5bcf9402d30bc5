// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* base/graph: a golden graph and a golden picture, and that there is an end to both. */
#include "base/graph.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

typedef void writer(const cJSON *status, const cJSON *peers, const cJSON *services,
		    struct strbuf *out);

static const char status[] = "{\"node\":\"n\\\"1<\",\"dataplane\":{\"mode\":\"xdp\"}}";
static const char peers[] =
	"[{\"name\":\"tor-1\",\"address\":\"10.0.0.1\",\"asn\":64512,\"vrf\":null,"
	"\"state\":\"Established\",\"bfd\":\"Up\"},"
	"{\"name\":\"tor-2\",\"address\":null,\"interface\":\"eth1\",\"asn\":64513,\"vrf\":\"red\","
	"\"state\":\"Established\",\"bfd\":\"Down\"},"
	"{\"name\":\"tor-3\",\"address\":\"10.0.0.3\",\"asn\":64512,\"vrf\":null,"
	"\"state\":\"Connect\",\"bfd\":\"None\"}]";
static const char services[] =
	"[{\"namespace\":\"a\",\"name\":\"web\",\"vip\":\"192.0.2.1\",\"port\":80,\"protocol\":\"TCP\","
	"\"announced\":true,\"backends\":[{\"address\":\"10.1.0.1\",\"port\":8080,\"node\":\"n1\","
	"\"state\":\"ready\"},{\"address\":\"10.1.0.2\",\"port\":8080,\"node\":\"n1\","
	"\"state\":\"draining\"}]},"
	"{\"namespace\":\"a\",\"name\":\"dns\",\"vip\":null,\"port\":53,\"protocol\":\"UDP\","
	"\"announced\":false,\"reason\":\"noIPAllocated\",\"backends\":[]}]";

static void expect(writer *write, const char *golden)
{
	cJSON *s = cJSON_Parse(status), *p = cJSON_Parse(peers), *v = cJSON_Parse(services);
	struct strbuf out;

	assert_true(s && p && v);
	strbuf_init(&out, 1u << 20);
	write(s, p, v, &out);
	assert_string_equal(out.data, golden);
	strbuf_done(&out);
	cJSON_Delete(s);
	cJSON_Delete(p);
	cJSON_Delete(v);
}

static void in_the_language_of_dot(void **state)
{
	(void)state;
	expect(graph_dot, "graph lodestone {\n"
			  "  rankdir=LR;\n"
			  "  node [shape=box];\n"
			  "  n0_0 [label=\"tor-1\\n10.0.0.1 AS 64512\"];\n"
			  "  n0_1 [label=\"tor-2\\neth1 AS 64513 VRF red\"];\n"
			  "  n0_2 [label=\"tor-3\\n10.0.0.3 AS 64512\"];\n"
			  "  n1_0 [label=\"n\\\"1<\\nxdp\"];\n"
			  "  n2_0 [label=\"192.0.2.1:80/TCP\\na/web\"];\n"
			  "  n2_1 [label=\"no address:53/UDP\\na/dns\"];\n"
			  "  n3_0 [label=\"10.1.0.1 port 8080\\nn1\"];\n"
			  "  n3_1 [label=\"10.1.0.2 port 8080\\nn1\"];\n"
			  "  n3_2 [label=\"no pod\\n\"];\n"
			  "  n0_0 -- n1_0 [color=forestgreen,label=\"Established, BFD Up\"];\n"
			  "  n0_1 -- n1_0 [color=red,label=\"Established, BFD Down\"];\n"
			  "  n0_2 -- n1_0 [color=red,label=\"Connect\"];\n"
			  "  n1_0 -- n2_0 [color=forestgreen,label=\"\"];\n"
			  "  n2_0 -- n3_0 [color=forestgreen,label=\"ready\"];\n"
			  "  n2_0 -- n3_1 [color=orange,label=\"draining\"];\n"
			  "  n1_0 -- n2_1 [color=red,label=\"noIPAllocated\"];\n"
			  "  n2_1 -- n3_2 [color=red,label=\"\"];\n"
			  "}\n");
}

static void as_svg(void **state)
{
	static const char *const lines[] = {
		/* The edge of a router whose BFD is down begins at its box and is red. */
		"<line class=\"bad\" x1=\"236\" y1=\"90\" x2=\"386\" y2=\"90\"/>\n"
		"<text class=\"bad\" x=\"240\" y=\"86\" text-anchor=\"start\">Established, BFD Down</text>\n",
		"<line class=\"good\" x1=\"606\" y1=\"90\" x2=\"756\" y2=\"63\"/>\n",
		"text-anchor=\"end\">noIPAllocated</text>\n",
		"<rect x=\"386\" y=\"70\" width=\"220\" height=\"40\" rx=\"4\"/>\n"
		"<text x=\"394\" y=\"87\">n&quot;1&lt;</text>\n"
		"<text class=\"more\" x=\"394\" y=\"103\">xdp</text>\n",
	};
	cJSON *s = cJSON_Parse(status), *p = cJSON_Parse(peers), *v = cJSON_Parse(services);
	struct strbuf out, again;

	(void)state;
	strbuf_init(&out, 1u << 20);
	strbuf_init(&again, 1u << 20);
	graph_svg(s, p, v, &out);
	graph_svg(s, p, v, &again);
	assert_string_equal(out.data, again.data);
	assert_int_equal(
		strncmp(out.data,
			"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1362 180\"", 62),
		0);
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		if (!strstr(out.data, lines[i]))
			fail_msg("no %s", lines[i]);
	assert_string_equal(out.data + out.len - 7, "</svg>\n");
	strbuf_done(&out);
	strbuf_done(&again);
	cJSON_Delete(s);
	cJSON_Delete(p);
	cJSON_Delete(v);
}

static size_t count(const char *text, const char *word)
{
	size_t n = 0;

	for (; (text = strstr(text, word)); text++)
		n++;
	return n;
}

/* Of a thousand VIPs with a hundred pods each there is a picture of some. */
static void a_large_node_has_a_picture_of_some(void **state)
{
	cJSON *s = cJSON_Parse(status), *all = cJSON_CreateArray();
	struct strbuf out;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		cJSON *o = cJSON_CreateObject(), *pods = cJSON_AddArrayToObject(o, "backends");

		for (int k = 0; k < 100; k++)
			cJSON_AddItemToArray(pods, cJSON_CreateObject());
		cJSON_AddItemToArray(all, o);
	}
	strbuf_init(&out, 1u << 24);
	graph_svg(s, NULL, all, &out);
	assert_int_equal(count(out.data, "<rect"), 1 + GRAPH_VIPS * (1 + GRAPH_PODS + 1) + 1);
	assert_non_null(strstr(out.data, ">and 936 more<"));
	assert_int_equal(count(out.data, ">and 84 more<"), GRAPH_VIPS);
	assert_false(out.truncated);
	strbuf_done(&out);
	cJSON_Delete(all);
	cJSON_Delete(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_the_language_of_dot),
		cmocka_unit_test(as_svg),
		cmocka_unit_test(a_large_node_has_a_picture_of_some),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
