// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Service: what matters to balancing, and nothing said about the rest of the schema.
 */
#include "unit/api/api_test.h"

#define HEAD                                                                                       \
	"apiVersion: v1\n"                                                                         \
	"kind: Service\n"                                                                          \
	"metadata: {name: s}\n"

static void a_service_with_everything_is_decoded(void **state)
{
	struct api_batch b = decode_text(
		HEAD "spec:\n"
		     "  type: LoadBalancer\n"
		     "  clusterIP: 10.96.0.10\n"
		     "  loadBalancerClass: example.com/x\n"
		     "  externalTrafficPolicy: Local\n"
		     "  internalTrafficPolicy: Cluster\n"
		     "  sessionAffinity: ClientIP\n"
		     "  sessionAffinityConfig: {clientIP: {timeoutSeconds: 60}}\n"
		     "  loadBalancerIP: 192.0.2.1\n"
		     "  loadBalancerSourceRanges: [10.0.0.0/8, 0.0.0.0/0]\n"
		     "  ipFamilies: [IPv4]\n"
		     "  ipFamilyPolicy: SingleStack\n"
		     "  ports:\n"
		     "  - {name: web, port: 80, targetPort: http, nodePort: 30080}\n"
		     "  - {name: dns, port: 80, protocol: UDP, targetPort: 5353, appProtocol: x}\n"
		     "  - {name: sctp, port: 80, protocol: SCTP}\n"
		     "status:\n"
		     "  loadBalancer:\n"
		     "    ingress:\n"
		     "    - {ip: 192.0.2.1, ipMode: VIP}\n"
		     "    - {hostname: name.example}\n"
		     "    - {ip: \"2001:db8::1\"}\n");
	const struct api_service *s = &only_object(&b)->service;
	struct ip_addr v4 = addr_of("192.0.2.1"), v6 = addr_of("2001:db8::1");

	(void)state;
	assert_int_equal(b.problems.n, 0);
	assert_string_equal(b.objects[0]->meta.ns, "default");
	assert_true(s->is_load_balancer);
	assert_false(s->is_headless);
	assert_string_equal(s->lb_class, "example.com/x");
	assert_true(s->policy_local);
	assert_true(s->affinity_client_ip);
	assert_int_equal(s->affinity_timeout_s, 60);
	assert_true(ip_addr_equal(&s->lb_ip, &v4));
	assert_int_equal(s->n_source_ranges, 2);
	assert_int_equal(s->source_ranges[0].len, 8);
	assert_int_equal(s->families.n, 1);
	assert_int_equal(s->families.items[0], IP_V4);
	assert_int_equal(s->n_ports, 3);
	assert_string_equal(s->ports[0].name, "web");
	assert_string_equal(s->ports[0].target_name, "http");
	assert_int_equal(s->ports[0].node_port, 30080);
	assert_int_equal(s->ports[0].protocol, API_TCP);
	assert_null(s->ports[1].target_name);
	assert_int_equal(s->ports[1].target_port, 5353);
	assert_int_equal(s->ports[1].protocol, API_UDP);
	assert_int_equal(s->ports[2].protocol, API_SCTP);
	assert_int_equal(s->ports[2].target_port, 0);
	assert_int_equal(s->n_ingress, 2);
	assert_true(ip_addr_equal(&s->ingress[0], &v4));
	assert_true(ip_addr_equal(&s->ingress[1], &v6));
	api_batch_done(&b);
}

/* KEP-563: "64" are the families in order, a "!" that both or none are wanted. */
static void families_are_as_the_api_server_would_fill_them_in(void **state)
{
	static const struct {
		const char *spec, *wanted;
	} cases[] = {
		{"type: LoadBalancer", ""},
		{"ipFamilies: [IPv6]", "6"},
		{"ipFamilies: [IPv6, IPv4]", "64!"},
		{"ipFamilies: [IPv4, IPv4]", "4"},
		{"ipFamilyPolicy: SingleStack", "4"},
		{"ipFamilyPolicy: SingleStack, ipFamilies: [IPv6]", "6"},
		{"ipFamilyPolicy: PreferDualStack", "46"},
		{"ipFamilyPolicy: PreferDualStack, ipFamilies: [IPv6]", "64"},
		{"ipFamilyPolicy: RequireDualStack, ipFamilies: [IPv6]", "64!"},
		{"ipFamilyPolicy: RequireDualStack", "46!"},
		{"clusterIPs: [10.96.0.1], ipFamilies: [IPv4, IPv6]", "4"},
		{"clusterIPs: [\"fd00::1\", 10.96.0.1]", "64!"},
		{"clusterIPs: [10.96.0.1], ipFamilyPolicy: PreferDualStack", "4"},
		{"clusterIPs: [10.96.0.1, \"fd00::1\"], ipFamilyPolicy: PreferDualStack", "46"},
		{"clusterIPs: [None], ipFamilies: [IPv6]", "6"},
		{"clusterIPs: [\"fd00::1\"], ipFamilyPolicy: RequireDualStack", "64!"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[256], wanted[4] = "";
		struct api_batch b;
		const struct api_families *f;
		size_t n = 0;

		(void)snprintf(text, sizeof(text), HEAD "spec: {ports: [{port: 80}], %s}\n",
			       cases[i].spec);
		b = decode_text(text);
		f = &only_object(&b)->service.families;
		for (size_t k = 0; k < f->n; k++)
			wanted[n++] = f->items[k] == IP_V4 ? '4' : '6';
		wanted[n] = f->all ? '!' : '\0';
		assert_string_equal(wanted, cases[i].wanted);
		assert_int_equal(b.problems.n, 0);
		api_batch_done(&b);
	}
}

static void of_two_families_with_a_single_stack_the_first_counts(void **state)
{
	static const char *const specs[] = {
		"ipFamilies: [IPv6, IPv4]",
		"clusterIPs: [\"fd00::1\", 10.96.0.1]",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(specs); i++) {
		const struct api_families *f;
		struct api_batch b;
		char text[256];

		(void)snprintf(text, sizeof(text),
			       HEAD
			       "spec: {ports: [{port: 80}], ipFamilyPolicy: SingleStack, %s}\n",
			       specs[i]);
		b = decode_text(text);
		f = &only_object(&b)->service.families;
		assert_int_equal(f->n, 1);
		assert_int_equal(f->items[0], IP_V6);
		assert_false(f->all);
		assert_int_equal(b.problems.n, 1);
		assert_string_equal(b.problems.items[0].reason, "SingleStack");
		api_batch_done(&b);
	}
}

static void a_service_without_a_spec_is_no_load_balancer(void **state)
{
	struct api_batch b = decode_text(HEAD);
	const struct api_service *s = &only_object(&b)->service;

	(void)state;
	assert_false(s->is_load_balancer);
	assert_false(s->policy_local);
	assert_false(s->affinity_client_ip);
	assert_int_equal(s->affinity_timeout_s, 10800);
	assert_null(s->lb_class);
	api_batch_done(&b);
}

static void a_headless_service_is_told_apart(void **state)
{
	struct api_batch b = decode_text(HEAD "spec: {clusterIP: None, ports: [{port: 80}]}\n");

	(void)state;
	assert_true(only_object(&b)->service.is_headless);
	assert_string_equal(only_object(&b)->service.ports[0].name, "");
	api_batch_done(&b);
}

static void a_service_of_another_proxy_is_told(void **state)
{
	static const char head[] = "apiVersion: v1\nkind: Service\n"
				   "metadata: {name: s, labels: {"
				   "service.kubernetes.io/service-proxy-name: other}}\n";
	struct api_batch b = decode_text(head);

	(void)state;
	assert_true(only_object(&b)->service.is_of_other_proxy);
	assert_int_equal(b.problems.n, 0); /* it would not have been served anyway */
	api_batch_done(&b);
	check_case(head, &(struct api_case){"spec: {type: LoadBalancer, ports: [{port: 80}]}\n",
					    "info OtherProxy metadata.labels"
					    "[service.kubernetes.io/service-proxy-name]:3"});
}

/* --- annotations that are values ------------------------------------------------------------- */

static struct api_batch annotated(const char *annotation, const char *value)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();

	return decode_text(arena_printf(arena,
					"apiVersion: v1\nkind: Service\nmetadata: {name: s, "
					"annotations: {lodestone.io/%s: \"%s\"}}\n",
					annotation, value));
}

/* What the Service says with that value, which is a fine one; without a value if NULL. */
static struct api_service service_with(const char *annotation, const char *value)
{
	struct api_batch b = value ? annotated(annotation, value) : decode_text(HEAD);
	const struct api_service ret = only_object(&b)->service;

	assert_int_equal(b.problems.n, 0);
	api_batch_done(&b);
	return ret; /* of it only numbers are looked at */
}

/* Each of these values refuses the Service. */
static void refuses(const char *annotation, const char *const *values, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		_cleanup_(arena_freep) struct arena *arena = arena_new();
		struct api_batch b = annotated(annotation, values[i]);

		if (b.n != 0)
			fail_msg("%s: \"%s\" is taken", annotation, values[i]);
		assert_int_equal(b.problems.n, 1);
		assert_int_equal(b.problems.items[0].severity, SEVERITY_ERROR);
		assert_string_equal(b.problems.items[0].reason, "BadValue");
		assert_string_equal(
			b.problems.items[0].field,
			arena_printf(arena, "metadata.annotations[lodestone.io/%s]", annotation));
		assert_non_null(b.problems.items[0].remedy);
		api_batch_done(&b);
	}
}
#define REFUSES(annotation, ...)                                                                   \
	refuses(annotation, (const char *const[]){__VA_ARGS__},                                    \
		ARRAY_SIZE(((const char *const[]){__VA_ARGS__})))

static void a_pause_is_true_or_false(void **state)
{
	(void)state;
	assert_false(service_with("pause", NULL).is_paused);
	assert_true(service_with("pause", "true").is_paused);
	assert_false(service_with("pause", "false").is_paused);
	REFUSES("pause", "yes", "");
}

static void unknown_ports_are_one_of_three_words(void **state)
{
	(void)state;
	assert_int_equal(service_with("unknown-ports", NULL).unknown_port, 0);
	assert_int_equal(service_with("unknown-ports", "drop").unknown_port, API_UNKNOWN_DROP);
	assert_int_equal(service_with("unknown-ports", "reject").unknown_port, API_UNKNOWN_REJECT);
	assert_int_equal(service_with("unknown-ports", "pass").unknown_port, API_UNKNOWN_PASS);
	REFUSES("unknown-ports", "Pass", "");
}

static void forwarding_is_one_of_the_words_that_are_known(void **state)
{
	struct api_batch b;

	(void)state;
	assert_int_equal(service_with("forwarding", NULL).forwarding, 0);
	assert_int_equal(service_with("forwarding", "auto").forwarding, API_FORWARD_AUTO);
	assert_int_equal(service_with("forwarding", "nat").forwarding, API_FORWARD_NAT);
	assert_int_equal(service_with("forwarding", "dsr-ipip").forwarding, API_FORWARD_DSR_IPIP);
	assert_int_equal(service_with("forwarding", "dsr-gue").forwarding, API_FORWARD_DSR_GUE);
	assert_int_equal(service_with("forwarding", "dsr-l2").forwarding, API_FORWARD_DSR_L2);
	REFUSES("forwarding", "dsr", "", "DSR-L2", "dsr-l2 ");
	b = decode_text(
		"apiVersion: v1\nkind: Service\nmetadata:\n  name: s\n  annotations: "
		"{lodestone.io/forwarding: ipip}\nspec: {type: LoadBalancer, ports: [{port: 80}]}\n");
	assert_int_equal(b.problems.n, 1);
	assert_string_equal(b.problems.items[0].field,
			    "metadata.annotations[lodestone.io/forwarding]");
	assert_string_equal(b.problems.items[0].remedy,
			    "write \"auto\", \"nat\", \"dsr-ipip\", \"dsr-gue\" or "
			    "\"dsr-l2\"");
	api_batch_done(&b);
}

static void new_flows_are_a_number_of_their_own(void **state)
{
	static const struct {
		const char *text;
		uint32_t want;
	} cases[] = {{"0", 0}, {"20000", 20000}, {"16000000", 16000000}};

	(void)state;
	assert_false(service_with("new-flows", NULL).has_new_flows);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct api_service s = service_with("new-flows", cases[i].text);

		assert_true(s.has_new_flows);
		assert_int_equal(s.new_flows, cases[i].want);
		assert_int_equal(s.source_check, API_CHECK_UNSAID);
	}
	REFUSES("new-flows", "", "-1", "+1", "1.5", "1k", " 1", "0x1", "16000001", "99999999999");
	assert_int_equal(service_with("source-check", NULL).source_check, API_CHECK_UNSAID);
	assert_int_equal(service_with("source-check", "true").source_check, API_CHECK_YES);
	assert_int_equal(service_with("source-check", "false").source_check, API_CHECK_NO);
	assert_false(service_with("source-check", "true").has_new_flows);
	REFUSES("source-check", "1");
}

static void a_rate_limit_is_a_number_of_packets(void **state)
{
	static const struct {
		const char *text;
		uint32_t want;
	} cases[] = {
		{"1", 1},
		{"5000", 5000},
		{"200k", 200000},
		{"1M", 1000000},
		{"100M", 100000000},
		{"100000000", 100000000},
		{"100000k", 100000000},
		{"007", 7},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(service_with("rate-limit", cases[i].text).rate_limit,
				 cases[i].want);
	REFUSES("rate-limit", "", "0", "0k", "k", "M", "-1", "+1", " 1", "1 ", "1.5k", "1K", "1m",
		"1G", "1kk", "1kM", "1k1", "1e3", "101M", "100001k", "100000001",
		"18446744073709551617", "1000000000000000000000k", "many");
}

static void rows_are_a_power_of_two(void **state)
{
	char text[16];

	(void)state;
	assert_int_equal(service_with("rows", NULL).rows_log2, 0);
	for (unsigned i = 11; i <= 16; i++) {
		snprintf(text, sizeof(text), "%u", 1u << i);
		assert_int_equal(service_with("rows", text).rows_log2, i);
	}
	REFUSES("rows", "", "0", "1024", "2047", "2049", "6144", "65535", "131072", "4k", "-4096");
}

/* The ranges of a Service with this annotation and this spec, with blanks between them. */
static void expect_ranges(const char *annotation, const char *spec, const char *want)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct api_batch b = decode_text(arena_printf(
		arena,
		"apiVersion: v1\nkind: Service\nmetadata:\n  name: s\n  annotations:\n"
		"    service.beta.kubernetes.io/load-balancer-source-ranges: \"%s\"\nspec: {%s}\n",
		annotation, spec));
	const struct api_service *s = &only_object(&b)->service;
	const char *got = "";
	char text[IP_PREFIX_TEXT];

	for (size_t i = 0; i < s->n_source_ranges; i++)
		got = arena_printf(arena, "%s%s%s", got, i ? " " : "",
				   ip_prefix_text(&s->source_ranges[i], text));
	assert_string_equal(got, want);
	assert_int_equal(b.problems.n, 0);
	api_batch_done(&b);
}

static void the_annotation_of_ranges_stands_in_for_the_field(void **state)
{
	static const char head[] =
		"apiVersion: v1\nkind: Service\nmetadata:\n  name: s\n  annotations:\n"
		"    service.beta.kubernetes.io/load-balancer-source-ranges: ";
	static const char field[] =
		"metadata.annotations[service.beta.kubernetes.io/load-balancer-source-ranges]";
	static const char *const wrong[] = {"10.0.0.1", "10.0.0.0/8,", "10.0.0.0/8 192.0.2.0/24",
					    "10.0.0.0/33"};

	(void)state;
	expect_ranges("10.0.0.0/8", "", "10.0.0.0/8");
	expect_ranges(" 10.0.0.0/8 ,\\t2001:db8::/32,192.0.2.7/32", "",
		      "10.0.0.0/8 2001:db8::/32 192.0.2.7/32");
	expect_ranges("", "", "");
	expect_ranges(" ", "", "");
	expect_ranges("10.0.0.0/8", "loadBalancerSourceRanges: [192.0.2.0/24]", "192.0.2.0/24");
	expect_ranges("10.0.0.0/8", "loadBalancerSourceRanges: []", "10.0.0.0/8");
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		_cleanup_(arena_freep) struct arena *arena = arena_new();

		check_case(head,
			   &(struct api_case){arena_printf(arena, "\"%s\"\n", wrong[i]),
					      arena_printf(arena, "error BadPrefix %s:6", field)});
	}
}

static void what_a_service_must_not_say_is_refused(void **state)
{
	static const struct api_case cases[] = {
		{"  type: LoadBalancer\n", "error MissingField spec.ports:4"},
		{"  ports: [{port: 0}]\n", "error OutOfRange spec.ports[0].port:5"},
		{"  ports: [{port: \"80\"}]\n", "error WrongType spec.ports[0].port:5"},
		{"  ports: [{name: x}]\n", "error MissingField spec.ports[0].port:5"},
		{"  ports: [80]\n", "error WrongType spec.ports[0]:5"},
		{"  ports: [{port: 80, protocol: tcp}]\n",
		 "error BadValue spec.ports[0].protocol:5"},
		{"  ports: [{port: 80, targetPort: 65536}]\n",
		 "error OutOfRange spec.ports[0].targetPort:5"},
		{"  ports: [{port: 80}, {port: 81}, {port: 80}]\n",
		 "error DuplicateItem spec.ports[2].port:5"},
		{"  ports: [{port: 80}, {port: 80, protocol: UDP}]\n", ""},
		{"  loadBalancerIP: host\n", "error BadAddress spec.loadBalancerIP:5"},
		{"  loadBalancerSourceRanges: [10.0.0.1]\n",
		 "error BadPrefix spec.loadBalancerSourceRanges[0]:5"},
		{"  externalTrafficPolicy: local\n", "error BadValue spec.externalTrafficPolicy:5"},
		{"  sessionAffinityConfig: {clientIP: {timeoutSeconds: 86401}}\n",
		 "error OutOfRange spec.sessionAffinityConfig.clientIP.timeoutSeconds:5"},
		{"  externalTrafficPolicy: Local\n  healthCheckNodePort: 30100\n", ""},
		{"  externalTrafficPolicy: Local\n  healthCheckNodePort: 65536\n",
		 "error OutOfRange spec.healthCheckNodePort:6"},
		{"  healthCheckNodePort: 30100\n", "info NoEffect spec.healthCheckNodePort:5"},
		{"  healthCheckNodePort: 0\n", ""},
		{"  ipFamilyPolicy: DualStack\n", "error BadValue spec.ipFamilyPolicy:5"},
		{"  ipFamilies: [IPv6, ipv4]\n", "error BadValue spec.ipFamilies[1]:5"},
		{"  ipFamilies: [IPv6, IPv4]\n  ipFamilyPolicy: SingleStack\n",
		 "info SingleStack spec.ipFamilies:5"},
		{"  anything: {of: kubernetes}\n", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check_case(HEAD "spec:\n", &cases[i]);
}

static void the_legacy_prefix_is_noted_once_and_works(void **state)
{
	struct api_batch b = decode_text("apiVersion: v1\n"
					 "kind: Service\n"
					 "metadata:\n"
					 "  name: s\n"
					 "  annotations:\n"
					 "    metallb.universe.tf/address-pool: p\n"
					 "    metallb.universe.tf/loadBalancerIPs: 192.0.2.1\n");
	const struct api_object *o = only_object(&b);

	(void)state;
	assert_int_equal(b.problems.n, 1);
	assert_string_equal(b.problems.items[0].reason, "DeprecatedAnnotation");
	assert_int_equal(b.problems.items[0].severity, SEVERITY_INFO);
	assert_string_equal(b.problems.items[0].remedy, "write metallb.io/address-pool");
	assert_string_equal(api_annotation(&o->meta, "address-pool"), "p");
	assert_string_equal(api_annotation(&o->meta, "loadBalancerIPs"), "192.0.2.1");
	api_batch_done(&b);
}

/* What stands for the pods of a Service; *ret_hash: the object's. */
static uint64_t pods_of(const char *spec, uint64_t *ret_hash)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct api_batch b = decode_text(arena_printf(
		arena, "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {%s}\n", spec));
	const uint64_t ret = only_object(&b)->service.pods;

	*ret_hash = only_object(&b)->hash;
	api_batch_done(&b);
	return ret;
}

static void selector_is_compared_by_what_it_says(void **state)
{
	uint64_t one, two;

	(void)state;
	assert_true(pods_of("selector: {a: b, c: 'd'}", &one) ==
		    pods_of("selector: {c: d, a: \"b\"}", &two));
	assert_true(one == two);
	assert_true(pods_of("selector: {a: b}", &one) != pods_of("selector: {a: c}", &two));
	assert_true(one != two); /* an edit of it is one of the Service */
	assert_int_equal(pods_of("", &one), 0);
	assert_int_equal(pods_of("selector: {}", &one), 0);
	assert_int_equal(pods_of("selector: ~", &one), 0);
}

static void annotations_list_communities_and_peers(void **state)
{
	struct api_batch b =
		decode_text("apiVersion: v1\nkind: Service\nmetadata: {name: s, "
			    "annotations: {lodestone.io/communities: ' 1:1 ,no-export', "
			    "lodestone.io/peers: r1}}\n");
	const struct api_wishes *wishes = only_object(&b)->service.wishes;

	(void)state;
	assert_int_equal(b.problems.n, 0);
	assert_int_equal(wishes->communities.n, 2);
	assert_string_equal(wishes->communities.items[0], "1:1");
	assert_string_equal(wishes->communities.items[1], "no-export");
	assert_int_equal(wishes->peers.n, 1);
	api_batch_done(&b);
	b = decode_text("apiVersion: v1\nkind: Service\nmetadata: {name: s}\n");
	assert_null(only_object(&b)->service.wishes);
	api_batch_done(&b);
	REFUSES("peers", "", "a,", ",a", "a,,b", "a, b,a", " , ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_service_with_everything_is_decoded),
		cmocka_unit_test(families_are_as_the_api_server_would_fill_them_in),
		cmocka_unit_test(of_two_families_with_a_single_stack_the_first_counts),
		cmocka_unit_test(a_service_without_a_spec_is_no_load_balancer),
		cmocka_unit_test(a_headless_service_is_told_apart),
		cmocka_unit_test(a_service_of_another_proxy_is_told),
		cmocka_unit_test(a_pause_is_true_or_false),
		cmocka_unit_test(a_rate_limit_is_a_number_of_packets),
		cmocka_unit_test(rows_are_a_power_of_two),
		cmocka_unit_test(unknown_ports_are_one_of_three_words),
		cmocka_unit_test(forwarding_is_one_of_the_words_that_are_known),
		cmocka_unit_test(new_flows_are_a_number_of_their_own),
		cmocka_unit_test(the_annotation_of_ranges_stands_in_for_the_field),
		cmocka_unit_test(what_a_service_must_not_say_is_refused),
		cmocka_unit_test(the_legacy_prefix_is_noted_once_and_works),
		cmocka_unit_test(selector_is_compared_by_what_it_says),
		cmocka_unit_test(annotations_list_communities_and_peers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
