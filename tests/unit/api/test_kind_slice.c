// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * EndpointSlice: conditions with their defaults, the first address, ports.
 */
#include "base/rng.h"
#include "unit/api/api_test.h"

#define HEAD                                                                                       \
	"apiVersion: discovery.k8s.io/v1\n"                                                        \
	"kind: EndpointSlice\n"                                                                    \
	"metadata: {name: s-1, namespace: web, labels: {kubernetes.io/service-name: s}}\n"

static void absent_conditions_have_the_meaning_of_the_api(void **state)
{
	static const struct {
		const char *conditions;
		bool ready, serving, terminating;
	} cases[] = {
		{"{}", true, true, false},
		{"{ready: true}", true, true, false},
		{"{ready: false}", false, true, false},
		{"{ready: false, terminating: true}", false, true, true},
		{"{ready: false, serving: false, terminating: true}", false, false, true},
		{"{ready: ~, serving: ~, terminating: ~}", true, true, false},
		{"{ready: false, serving: true, terminating: true}", false, true, true},
		{"{ready: true, serving: false}", true, false, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(arena_freep) struct arena *arena = arena_new();
		struct api_batch b = decode_text(
			arena_printf(arena,
				     HEAD "addressType: IPv4\n"
					  "endpoints: [{addresses: [10.1.0.1], conditions: %s}]\n",
				     cases[i].conditions));
		const struct api_endpoint e = api_slice_endpoint(&only_object(&b)->slice, 0);

		assert_int_equal(e.ready, cases[i].ready);
		assert_int_equal(e.serving, cases[i].serving);
		assert_int_equal(e.terminating, cases[i].terminating);
		api_batch_done(&b);
	}
}

static void a_slice_is_decoded(void **state)
{
	struct api_batch b = decode_text(
		HEAD "addressType: IPv6\n"
		     "endpoints:\n"
		     "- {addresses: [\"2001:db8::1\", \"2001:db8::2\"], nodeName: n1, zone: z}\n"
		     "- {addresses: [\"2001:db8::3\"]}\n"
		     "ports:\n"
		     "- {name: web, port: 8080, protocol: UDP}\n"
		     "- {port: ~}\n");
	const struct api_slice *s = &only_object(&b)->slice;
	const struct ip_addr first = addr_of("2001:db8::1");
	struct api_endpoint e;

	(void)state;
	assert_int_equal(b.problems.n, 0);
	assert_string_equal(s->service, "s");
	assert_false(s->is_fqdn);
	assert_int_equal(s->n_endpoints, 2);
	e = api_slice_endpoint(s, 0);
	assert_true(ip_addr_equal(&e.address, &first));
	assert_string_equal(e.node_name, "n1");
	e = api_slice_endpoint(s, 1);
	assert_null(e.node_name);
	assert_int_equal(s->n_ports, 2);
	assert_string_equal(s->ports[0].name, "web");
	assert_int_equal(s->ports[0].port, 8080);
	assert_int_equal(s->ports[0].protocol, API_UDP);
	assert_string_equal(s->ports[1].name, "");
	assert_int_equal(s->ports[1].port, 0);
	assert_int_equal(s->ports[1].protocol, API_TCP);
	api_batch_done(&b);
}

static void hints_are_names_of_zones_and_nodes(void **state)
{
	struct api_batch b = decode_text(
		HEAD "addressType: IPv4\n"
		     "endpoints:\n"
		     "- {addresses: [10.0.0.1], hints: {forZones: [{name: a}, {name: b}]}}\n"
		     "- {addresses: [10.0.0.2], hints: {forNodes: [{name: n1}]}}\n"
		     "- {addresses: [10.0.0.3], hints: {forZones: []}}\n"
		     "- {addresses: [10.0.0.4]}\n");
	struct api_endpoint e[4];

	(void)state;
	assert_int_equal(b.problems.n, 0);
	for (size_t i = 0; i < ARRAY_SIZE(e); i++)
		e[i] = api_slice_endpoint(&only_object(&b)->slice, i);
	assert_int_equal(e[0].hints->zones.n, 2);
	assert_string_equal(e[0].hints->zones.items[1], "b");
	assert_int_equal(e[0].hints->nodes.n, 0);
	assert_int_equal(e[1].hints->zones.n, 0);
	assert_string_equal(e[1].hints->nodes.items[0], "n1");
	assert_null(e[2].hints);
	assert_null(e[3].hints);
	api_batch_done(&b);
}

static void a_weight_is_a_number_from_1_to_16(void **state)
{
	static const struct {
		const char *value;
		unsigned weight, n_problems;
	} cases[] = {{"1", 1, 0}, {"16", 16, 0}, {"0", 0, 1}, {"17", 0, 1}, {"heavy", 0, 1}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(arena_freep) struct arena *arena = arena_new();
		struct api_batch b = decode_text(arena_printf(
			arena,
			"apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n"
			"metadata: {name: s-1, annotations: {lodestone.io/weight: \"%s\"}}\n"
			"addressType: IPv4\n",
			cases[i].value));

		assert_int_equal(b.problems.n, cases[i].n_problems);
		if (!cases[i].n_problems)
			assert_int_equal(only_object(&b)->slice.weight, cases[i].weight);
		api_batch_done(&b);
	}
}

static void a_slice_of_host_names_is_kept_without_endpoints(void **state)
{
	struct api_batch b = decode_text(HEAD "addressType: FQDN\n"
					      "endpoints: [{addresses: [name.example]}]\n");

	(void)state;
	assert_int_equal(b.problems.n, 0);
	assert_true(only_object(&b)->slice.is_fqdn);
	assert_int_equal(only_object(&b)->slice.n_endpoints, 0);
	api_batch_done(&b);
}

static void what_a_slice_must_not_say_is_refused(void **state)
{
	static const struct api_case cases[] = {
		{"endpoints: []\n", "error MissingField addressType:1"},
		{"addressType: IPv4\nendpoints: [{addresses: []}]\n",
		 "error MissingField endpoints[0].addresses:5"},
		{"addressType: IPv4\nendpoints: [{}]\n",
		 "error MissingField endpoints[0].addresses:5"},
		{"addressType: IPv4\nendpoints:\n- {addresses: [1.1.1.1]}\n- {addresses: [x]}\n",
		 "error BadAddress endpoints[1].addresses[0]:7"},
		{"addressType: IPv4\nports: [{port: 65536}]\n", "error OutOfRange ports[0].port:5"},
		{"addressType: IPv4\nendpoints: [{addresses: [1.1.1.1], conditions: {ready: 1}}]\n",
		 "error WrongType endpoints[0].conditions.ready:5"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check_case(HEAD, &cases[i]);
}

/* What is kept of an endpoint of IPv4: eight octets, its part of the text, and a node's name once.
 */
static void thousands_of_endpoints_are_kept_small(void **state)
{
	enum { N = 1000, NODES = 3 };
	struct strbuf text;
	struct api_batch b;
	const struct api_object *o;

	(void)state;
	strbuf_init(&text, 1 << 20);
	strbuf_printf(&text, HEAD "addressType: IPv4\nendpoints:\n- {addresses: [10.9.9.9]}\n");
	for (unsigned i = 0; i < N; i++)
		strbuf_printf(&text, "- {addresses: [10.1.%u.%u], nodeName: a-long-name-of-%u}\n",
			      i >> 8, i & 255, i / 2 % NODES);
	b = decode_text(text.data);
	o = only_object(&b);
	assert_null(api_slice_endpoint(&o->slice, 0).node_name);
	for (unsigned i = 0; i < N; i++) {
		const struct api_endpoint e = api_slice_endpoint(&o->slice, i + 1);
		char want[32];

		snprintf(want, sizeof(want), "a-long-name-of-%u", i / 2 % NODES);
		assert_string_equal(e.node_name, want);
		if (i >= 2 * NODES)
			assert_ptr_equal(
				e.node_name,
				api_slice_endpoint(&o->slice, i + 1 - 2 * NODES).node_name);
		assert_int_equal(ip_addr_v4(&e.address), 10 << 24 | 1 << 16 | i);
	}
	assert_true(arena_used(o->arena) < N * 8 + o->text_len + 1024);
	api_batch_done(&b);
	strbuf_done(&text);
}

static void random_endpoint(struct rng *rng, struct strbuf *out, struct api_endpoint *ret)
{
	static const char *const nodes[] = {NULL, "a", "b", "node-c", "d"};
	static const char *const bools[] = {"false", "true"};
	char text[IP_ADDR_TEXT];

	*ret = (struct api_endpoint){
		.address = ip_addr_from_v4((uint32_t)rng_next(rng)),
		.node_name = nodes[rng_below(rng, ARRAY_SIZE(nodes))],
		.ready = rng_below(rng, 2),
		.serving = rng_below(rng, 2),
		.terminating = rng_below(rng, 2),
	};
	if (rng_below(rng, 40) == 0)
		ret->address.b[rng_below(rng, 10)] = 0x20;
	strbuf_printf(out, "- {addresses: [\"%s\"]", ip_addr_text(&ret->address, text));
	strbuf_printf(out, ", conditions: {ready: %s, serving: %s, terminating: %s}",
		      bools[ret->ready], bools[ret->serving], bools[ret->terminating]);
	if (ret->node_name)
		strbuf_printf(out, ", nodeName: %s", ret->node_name);
	strbuf_add(out, "}\n");
}

/* However many there are, of one family or of both. */
static void what_is_packed_is_read_as_it_was_written(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed(&rng, 1);
	for (unsigned round = 0; round < 200; round++) {
		const size_t n = rng_below(&rng, 60);
		struct api_endpoint want[60];
		struct strbuf text;
		struct api_batch b;
		const struct api_slice *s;

		strbuf_init(&text, 1 << 20);
		strbuf_add(&text, n ? HEAD "addressType: IPv4\nendpoints:\n"
				    : HEAD "addressType: IPv4\nendpoints: []\n");
		for (size_t i = 0; i < n; i++)
			random_endpoint(&rng, &text, &want[i]);
		b = decode_text(text.data);
		s = &only_object(&b)->slice;
		assert_int_equal(s->n_endpoints, n);
		for (size_t i = 0; i < n; i++) {
			const struct api_endpoint e = api_slice_endpoint(s, i);

			assert_memory_equal(&e.address, &want[i].address, sizeof(e.address));
			assert_int_equal(!e.node_name, !want[i].node_name);
			if (e.node_name)
				assert_string_equal(e.node_name, want[i].node_name);
			assert_int_equal(e.ready, want[i].ready);
			assert_int_equal(e.serving, want[i].serving);
			assert_int_equal(e.terminating, want[i].terminating);
			assert_null(e.hints);
		}
		api_batch_done(&b);
		strbuf_done(&text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(absent_conditions_have_the_meaning_of_the_api),
		cmocka_unit_test(a_slice_is_decoded),
		cmocka_unit_test(hints_are_names_of_zones_and_nodes),
		cmocka_unit_test(a_weight_is_a_number_from_1_to_16),
		cmocka_unit_test(a_slice_of_host_names_is_kept_without_endpoints),
		cmocka_unit_test(what_a_slice_must_not_say_is_refused),
		cmocka_unit_test(thousands_of_endpoints_are_kept_small),
		cmocka_unit_test(what_is_packed_is_read_as_it_was_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
