// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * api/document: which object it is, whose, in which version; what is lost and what is refused.
 */
#include "unit/api/api_test.h"

static void what_is_no_object_of_ours_is_said_or_counted(void **state)
{
	static const struct {
		const char *text, *problems;
		size_t foreign;
		bool lost;
		size_t refused;
	} cases[] = {
		{"value: a\nvalue: b\n", "error NotAnObject line 1:1", 0, true, 0},
		{"# c\n- a\n", "error NotAnObject line 2:2", 0, true, 0},
		{"just text\n", "error NotAnObject line 1:1", 0, true, 0},
		{"kind: Service\n", "error NotAnObject line 1:1", 0, true, 0},
		{"apiVersion: v1\n", "error NotAnObject line 1:1", 0, true, 0},
		{"apiVersion: v1\nkind: [Service]\n", "error NotAnObject line 1:1", 0, true, 0},
		{"a: [\n", "error BadYAML line 2:2", 0, true, 0},
		{"apiVersion: apps/v1\nkind: Deployment\n", "", 1, false, 0},
		{"apiVersion: v1\nkind: ConfigMap\n", "", 1, false, 0},
		{"apiVersion: serving.knative.dev/v1\nkind: Service\n", "", 1, false, 0},
		{"apiVersion: metallb.io/v1beta1\nkind: ServiceL2Status\n", "", 1, false, 0},
		{"apiVersion: metallb.io/v1beta1\nkind: L2Advertisement\nmetadata: {name: x}\n",
		 "info NotSupported kind:2", 0, false, 0},
		{"apiVersion: metallb.io/v1beta1\nkind: BGPCommunity\nmetadata: {name: x}\n",
		 "error UnknownKind kind:2", 0, true, 0},
		{"apiVersion: metallb.io/v1beta1\nkind: IPAdressPool\n", "error UnknownKind kind:2",
		 0, true, 0},
		{"apiVersion: v1\nkind: service\n", "error UnknownKind kind:2", 0, true, 0},
		{"apiVersion: metallb.io/v1alpha1\nkind: IPAddressPool\nmetadata: {name: x}\n",
		 "error UnsupportedVersion apiVersion:1", 0, false, 1},
		{"apiVersion: metallb.io/v1beta2\nkind: IPAddressPool\nmetadata: {name: x}\n",
		 "error UnsupportedVersion apiVersion:1", 0, false, 1},
		{"apiVersion: discovery.k8s.io/v1beta1\nkind: EndpointSlice\n",
		 "error UnsupportedVersion apiVersion:1", 0, true, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct api_batch b = decode_text(cases[i].text);
		_cleanup_(freep) char *got = problems_text(&b.problems);

		if (strcmp(got, cases[i].problems) != 0)
			print_error("for %s\n", cases[i].text);
		assert_string_equal(got, cases[i].problems);
		assert_int_equal(b.n, 0);
		assert_int_equal(b.foreign, cases[i].foreign);
		assert_int_equal(b.is_lost, cases[i].lost);
		assert_int_equal(b.n_refused, cases[i].refused);
		api_batch_done(&b);
	}
}

static void the_kind_bgpcommunity_is_told_its_name(void **state)
{
	struct api_batch b = decode_text("apiVersion: metallb.io/v1beta1\nkind: BGPCommunity\n");

	(void)state;
	assert_string_equal(b.problems.items[0].remedy, "the kind is named Community");
	api_batch_done(&b);
	b = decode_text("apiVersion: metallb.io/v1beta1\nkind: BgpPeers\n");
	assert_string_equal(b.problems.items[0].remedy, "write BGPPeer");
	api_batch_done(&b);
	b = decode_text("value: a\n");
	assert_string_equal(b.problems.items[0].message,
			    "not an object: apiVersion and kind missing");
	api_batch_done(&b);
}

static void metadata_is_decoded(void **state)
{
	struct api_batch b = decode_text("# c\n"
					 "apiVersion: v1\n"
					 "kind: Namespace\n"
					 "metadata:\n"
					 "  name: web.1\n"
					 "  uid: u-1\n"
					 "  creationTimestamp: \"2024-03-01T00:00:00Z\"\n"
					 "  annotations: {x: y}\n"
					 "  managedFields: [{manager: kubectl}]\n");
	const struct api_object *o = only_object(&b);
	struct object_ref ref = api_object_ref(o);

	(void)state;
	assert_int_equal(b.problems.n, 0);
	assert_string_equal(o->meta.api_version, "v1");
	assert_string_equal(o->meta.uid, "u-1");
	assert_int_equal(o->meta.created_s, 1709251200);
	assert_string_equal(labels_get(&o->meta.annotations, "x"), "y");
	assert_string_equal(ref.kind, "Namespace");
	assert_string_equal(ref.name, "web.1");
	assert_string_equal(ref.file, "x.yaml");
	assert_int_equal(ref.line, 2);
	api_batch_done(&b);
}

static void bad_metadata_is_refused(void **state)
{
	static const char head[] = "apiVersion: metallb.io/v1beta1\nkind: BGPAdvertisement\n";
	static const struct api_case cases[] = {
		{"", "error MissingField metadata.name:1"},
		{"metadata: {}\n", "error MissingField metadata.name:3"},
		{"metadata:\n", "error WrongType metadata:3"},
		{"metadata: {name: \"\"}\n", "error MissingField metadata.name:3"},
		{"metadata: {name: Upper}\n", "error BadName metadata.name:3"},
		{"metadata: {name: -a}\n", "error BadName metadata.name:3"},
		{"metadata: {name: a_b}\n", "error BadName metadata.name:3"},
		{"metadata: {name: a, namespace: a.b}\n", "error BadName metadata.namespace:3"},
		{"metadata: {name: a, creationTimestamp: now}\n",
		 "error BadTime metadata.creationTimestamp:3"},
		{"metadata: {name: a, creationTimestamp: ~}\n", ""},
		{"metadata: {name: a, label: {x: y}}\n", "warning UnknownField metadata.label:3"},
		{"metadata: {name: a}\nmetadata: {name: b}\n", "error DuplicateKey metadata:4"},
		{"metadata: {name: a}\nSpec: {}\n", "warning UnknownField Spec:4"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check_case(head, &cases[i]);
}

static void the_namespace_has_a_default_by_kind(void **state)
{
	static const struct {
		const char *text, *ns;
	} cases[] = {
		{"apiVersion: v1\nkind: Service\nmetadata: {name: a}\n", "default"},
		{"apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n", "default"},
		{"apiVersion: v1\nkind: Service\nmetadata: {name: a, namespace: b}\n", "b"},
		{"apiVersion: v1\nkind: Node\nmetadata: {name: a, namespace: b}\n", ""},
		{"apiVersion: metallb.io/v1beta1\nkind: BGPAdvertisement\nmetadata: {name: a}\n",
		 ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct api_batch b = decode_text(cases[i].text);

		assert_string_equal(only_object(&b)->meta.ns, cases[i].ns);
		api_batch_done(&b);
	}
}

static void a_list_is_taken_apart_with_the_lines_of_its_items(void **state)
{
	struct api_batch b = decode_text("apiVersion: v1\n"
					 "kind: List\n"
					 "items:\n"
					 "- apiVersion: v1\n"
					 "  kind: Namespace\n"
					 "  metadata: {name: a}\n"
					 "- apiVersion: v1\n"
					 "  kind: Namespace\n"
					 "  metadata: {name: B}\n"
					 "- apiVersion: v1\n"
					 "  kind: Pod\n"
					 "- apiVersion: v1\n"
					 "  kind: List\n"
					 "  items: [{}]\n"
					 "- text\n");
	_cleanup_(freep) char *got = problems_text(&b.problems);

	(void)state;
	assert_int_equal(b.n, 1);
	assert_int_equal(b.objects[0]->meta.line, 4);
	assert_int_equal(b.foreign, 2);
	assert_int_equal(b.n_refused, 1);
	assert_true(b.is_lost);
	assert_string_equal(got, "error NotAnObject line 15:15\n"
				 "error BadName metadata.name:9");
	api_batch_done(&b);
}

static void one_bad_document_costs_only_itself(void **state)
{
	struct api_batch b = decode_text("apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n"
					 "---\n"
					 "\tbroken: [\n"
					 "---\n"
					 "apiVersion: v1\nkind: Namespace\nmetadata: {name: c}\n");

	(void)state;
	assert_int_equal(b.n, 2);
	assert_string_equal(b.objects[1]->meta.name, "c");
	assert_int_equal(b.objects[1]->meta.line, 7);
	assert_int_equal(b.problems.n, 1);
	assert_int_equal(b.problems.items[0].line, 5);
	assert_string_equal(b.problems.items[0].object.kind, "File");
	assert_string_equal(b.problems.items[0].object.name, "x.yaml");
	api_batch_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_no_object_of_ours_is_said_or_counted),
		cmocka_unit_test(the_kind_bgpcommunity_is_told_its_name),
		cmocka_unit_test(metadata_is_decoded),
		cmocka_unit_test(bad_metadata_is_refused),
		cmocka_unit_test(the_namespace_has_a_default_by_kind),
		cmocka_unit_test(a_list_is_taken_apart_with_the_lines_of_its_items),
		cmocka_unit_test(one_bad_document_costs_only_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
