// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Node, Namespace and Secret.
 */
#include "unit/api/api_test.h"

static void a_node_has_its_internal_addresses(void **state)
{
	struct api_batch b = decode_text("apiVersion: v1\n"
					 "kind: Node\n"
					 "metadata: {name: n1, namespace: x, labels: {rack: a}}\n"
					 "status:\n"
					 "  addresses:\n"
					 "  - {type: Hostname, address: n1}\n"
					 "  - {type: InternalIP, address: 10.0.0.1}\n"
					 "  - {type: ExternalIP, address: 192.0.2.1}\n"
					 "  - {type: InternalIP, address: \"2001:db8::1\"}\n"
					 "  conditions:\n"
					 "  - {type: Ready, status: \"True\"}\n"
					 "  - {type: NetworkUnavailable, status: \"True\"}\n");
	const struct api_object *o = only_object(&b);
	struct ip_addr v4 = addr_of("10.0.0.1"), v6 = addr_of("2001:db8::1");
	struct ip_addr external = addr_of("192.0.2.1");

	(void)state;
	assert_int_equal(b.problems.n, 0);
	assert_string_equal(o->meta.ns, "");
	assert_string_equal(labels_get(&o->meta.labels, "rack"), "a");
	assert_int_equal(o->node.n_internal, 2);
	assert_true(ip_addr_equal(&o->node.internal[0], &v4));
	assert_true(ip_addr_equal(&o->node.internal[1], &v6));
	assert_int_equal(o->node.n_external, 1);
	assert_true(ip_addr_equal(&o->node.external[0], &external));
	assert_true(o->node.network_unavailable);
	api_batch_done(&b);
}

static void a_node_is_drained_by_its_annotation(void **state)
{
	static const struct {
		const char *annotations;
		bool drained;
		size_t n_problems;
	} cases[] = {{"{}", false, 0},
		     {"{lodestone.io/drain: \"true\"}", true, 0},
		     {"{lodestone.io/drain: \"false\"}", false, 0},
		     {"{lodestone.io/drain: \"yes\"}", false, 1}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(arena_freep) struct arena *arena = arena_new();
		struct api_batch b =
			decode_text(arena_printf(arena,
						 "apiVersion: v1\nkind: Node\n"
						 "metadata: {name: n1, annotations: %s}\n",
						 cases[i].annotations));

		assert_int_equal(b.problems.n, cases[i].n_problems);
		if (cases[i].n_problems > 0)
			assert_string_equal(b.problems.items[0].field,
					    "metadata.annotations[lodestone.io/drain]");
		else
			assert_int_equal(only_object(&b)->node.is_drained, cases[i].drained);
		api_batch_done(&b);
	}
}

static void a_node_is_removed_by_who_taints_it_so(void **state)
{
	static const struct {
		const char *taints, *key;
	} cases[] = {
		{"[]", NULL},
		{"[{key: ToBeDeletedByClusterAutoscaler, value: \"1\", effect: NoSchedule}]",
		 "ToBeDeletedByClusterAutoscaler"},
		{"[{key: node.kubernetes.io/unschedulable, effect: NoSchedule},"
		 " {key: karpenter.sh/disrupted, effect: NoSchedule}]",
		 "karpenter.sh/disrupted"},
		{"[{key: karpenter.sh/disruption, value: disrupting}]", "karpenter.sh/disruption"},
		{"[{key: node.kubernetes.io/unschedulable}]", NULL},
		{"[{key: DeletionCandidateOfClusterAutoscaler}]", NULL},
		{"[{key: node.kubernetes.io/not-ready, effect: NoExecute}, {}]", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(arena_freep) struct arena *arena = arena_new();
		struct api_batch b = decode_text(arena_printf(
			arena,
			"apiVersion: v1\nkind: Node\nmetadata: {name: n1}\nspec: {taints: %s}\n",
			cases[i].taints));
		const char *key = only_object(&b)->node.removed_by;

		assert_int_equal(b.problems.n, 0);
		assert_int_equal(key != NULL, cases[i].key != NULL);
		if (key)
			assert_string_equal(key, cases[i].key);
		assert_false(only_object(&b)->node.is_drained);
		api_batch_done(&b);
	}
}

static uint64_t node_hash(const char *ready, const char *heartbeat)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct api_batch b = decode_text(arena_printf(
		arena,
		"apiVersion: v1\n"
		"kind: Node\n"
		"metadata: {name: n1, resourceVersion: \"%s\"}\n"
		"status: {conditions: [{type: Ready, status: \"%s\", lastHeartbeatTime: \"%s\"}]}\n",
		heartbeat, ready, heartbeat));
	uint64_t hash = only_object(&b)->hash;

	api_batch_done(&b);
	return hash;
}

static void a_heartbeat_is_not_a_new_node(void **state)
{
	(void)state;
	assert_true(node_hash("True", "1") == node_hash("True", "2"));
	assert_false(node_hash("True", "1") == node_hash("False", "1"));
}

static void a_namespace_has_its_labels(void **state)
{
	struct api_batch b = decode_text("apiVersion: v1\n"
					 "kind: Namespace\n"
					 "metadata: {name: web, labels: {team: a}}\n"
					 "spec: {finalizers: [kubernetes]}\n");
	const struct api_object *o = only_object(&b);

	(void)state;
	assert_int_equal(b.problems.n, 0);
	assert_int_equal(o->meta.kind, API_NAMESPACE);
	assert_string_equal(labels_get(&o->meta.labels, "team"), "a");
	api_batch_done(&b);
}

static const struct api_secret_item *item(const struct api_secret *s, const char *key)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->items[i].key, key) == 0)
			return &s->items[i];
	return NULL;
}

static void a_secret_is_decoded_and_string_data_wins(void **state)
{
	struct api_batch b = decode_text("apiVersion: v1\n"
					 "kind: Secret\n"
					 "metadata: {name: s}\n"
					 "type: kubernetes.io/basic-auth\n"
					 "data: {password: Zm9v, other: AAEC}\n"
					 "stringData: {password: bar}\n");
	const struct api_secret *s = &only_object(&b)->secret;

	(void)state;
	assert_int_equal(b.problems.n, 0);
	assert_string_equal(s->type, "kubernetes.io/basic-auth");
	assert_int_equal(s->n, 2);
	assert_int_equal(item(s, "password")->len, 3);
	assert_memory_equal(item(s, "password")->data, "bar", 3);
	assert_memory_equal(item(s, "other")->data, "\0\1\2", 3);
	api_batch_done(&b);
}

static void a_bad_secret_is_refused_without_its_value(void **state)
{
	static const char head[] = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n";
	static const struct api_case cases[] = {
		{"data: {password: hunter2!}\n", "error BadBase64 data[password]:4"},
		{"data: {password: 20242024}\n", "error WrongType data[password]:4"},
		{"stringData: {password: 20242024}\n", "error WrongType stringData[password]:4"},
		{"data: [hunter2]\n", "error WrongType data:4"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(arena_freep) struct arena *arena = arena_new();
		struct api_batch b = decode_text(arena_printf(arena, "%s%s", head, cases[i].text));

		check_case(head, &cases[i]);
		assert_null(strstr(b.problems.items[0].message, "hunter2"));
		assert_null(strstr(b.problems.items[0].message, "2024"));
		api_batch_done(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_node_has_its_internal_addresses),
		cmocka_unit_test(a_node_is_drained_by_its_annotation),
		cmocka_unit_test(a_node_is_removed_by_who_taints_it_so),
		cmocka_unit_test(a_heartbeat_is_not_a_new_node),
		cmocka_unit_test(a_namespace_has_its_labels),
		cmocka_unit_test(a_secret_is_decoded_and_string_data_wins),
		cmocka_unit_test(a_bad_secret_is_refused_without_its_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
