// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * api/document: which object it is, whose, in which version; what is lost and what is refused.
 */
#include "unit/api/api_test.h"

static void what_is_no_object_of_ours_is_said_or_counted(void **state)
{
	static const struct api_outcome cases[] = {
		{"value: a\nvalue: b\n", "error NotAnObject line 1:1", 0, true, 0},
		{"# c\n- a\n", "error NotAnObject line 2:2", 0, true, 0},
		{"just text\n", "error NotAnObject line 1:1", 0, true, 0},
		{"kind: Service\n", "error NotAnObject line 1:1", 0, true, 0},
		{"apiVersion: v1\n", "error NotAnObject line 1:1", 0, true, 0},
		{"apiVersion: v1\nkind: [Service]\n", "error NotAnObject line 1:1", 0, true, 0},
		{"a: [\n", "error BadYAML line 1:1", 0, true, 0},
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
	check_outcomes(cases, ARRAY_SIZE(cases));
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
					 "  annotations: {x: z}\n"
					 "  managedFields: [{manager: kubectl}]\n");
	const struct api_object *o = only_object(&b);
	struct object_ref ref = api_object_ref(o);

	(void)state;
	assert_int_equal(b.problems.n, 0);
	assert_string_equal(o->meta.uid, "u-1");
	assert_int_equal(o->meta.created_s, 1709251200);
	assert_string_equal(labels_get(&o->meta.annotations, "x"), "z");
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
					 "- text\n"
					 "- apiVersion: v1\n"
					 "  kind: Namespace\n"
					 "  metadata: {name: c}\n");
	_cleanup_(freep) char *got = problems_text(&b.problems);

	(void)state;
	assert_int_equal(b.n, 2);
	assert_int_equal(b.objects[0]->meta.line, 4);
	assert_int_equal(b.objects[1]->meta.line, 16);
	assert_int_equal(b.foreign, 1);
	assert_int_equal(b.n_refused, 1);
	assert_true(b.is_lost);
	assert_string_equal(got, "error NestedList line 12:12\n"
				 "error NotAnObject line 15:15\n"
				 "error BadName metadata.name:9");
	api_batch_done(&b);
}

struct list_case {
	const char *text, *names, *problems;
	size_t foreign;
	bool lost;
};

#define POOL_ITEM "metadata: {name: a}, spec: {addresses: [192.0.2.0/24]}"
static const struct list_case list_cases[] = {
	{"{apiVersion: v1, kind: ServiceList, items: [{metadata: {name: a}}, "
	 "{kind: Service, metadata: {name: b}}, "
	 "{apiVersion: v1, kind: Service, metadata: {name: c}}]}",
	 "Service/a Service/b Service/c ", "", 0, false},
	{"{kind: IPAddressPoolList, items: [{" POOL_ITEM "}], "
	 "apiVersion: metallb.io/v1beta1}",
	 "IPAddressPool/a ", "", 0, false},
	{"{apiVersion: metallb.io/v1beta2, kind: BGPPeerList, items: [{metadata: {name: a}, "
	 "spec: {myASN: 1, peerASN: 2, peerAddress: 192.0.2.1}}]}",
	 "BGPPeer/a ", "", 0, false},
	{"{apiVersion: discovery.k8s.io/v1, kind: EndpointSliceList, items: "
	 "[{metadata: {name: a}, addressType: IPv4}]}",
	 "EndpointSlice/a ", "", 0, false},
	/* An item keeps what it says of itself. */
	{"{apiVersion: v1, kind: ServiceList, items: "
	 "[{apiVersion: metallb.io/v1beta1, kind: IPAddressPool, " POOL_ITEM "}]}",
	 "IPAddressPool/a ", "", 0, false},
	/* One that is wrong costs itself. */
	{"{apiVersion: v1, kind: ServiceList, items: [{metadata: {name: A}}, text, "
	 "{metadata: {name: b}}]}",
	 "Service/b ", "error NotAnObject line 1:1\nerror BadName metadata.name:1", 0, true},
	{"{apiVersion: metallb.io/v9, kind: BGPPeerList, items: [{metadata: {name: a}}]}", "",
	 "error UnsupportedVersion apiVersion:1", 0, false},
	{"{apiVersion: v1, kind: List, items: [{metadata: {name: a}}]}", "",
	 "error NotAnObject line 1:1", 0, true},
	/* Nothing in it. */
	{"{apiVersion: v1, kind: List, items: []}", "", "", 0, false},
	{"{apiVersion: v1, kind: List, items: ~}", "", "", 0, false},
	{"{apiVersion: v1, kind: List, items: {a: b}}", "", "error NotAnObject line 1:1", 0, true},
	/* Lists of others, and kinds that only end like one. */
	{"{apiVersion: v1, kind: PodList, items: [{metadata: {name: A}}, text, "
	 "{apiVersion: v1, kind: Pod}]}",
	 "", "", 3, false},
	{"{apiVersion: example.com/v1, kind: AllowList, items: {a: b}}", "", "", 1, false},
	{"{apiVersion: example.com/v1, kind: AllowList}", "", "", 1, false},
	/* A list in a list. */
	{"{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: ServiceList, "
	 "items: [{metadata: {name: a}}]}, "
	 "{apiVersion: v1, kind: Service, metadata: {name: b}}]}",
	 "Service/b ", "error NestedList line 1:1", 0, true},
};

/* What kubectl and client libraries write: the items say what they are, or the list does. */
static void lists_of_every_spelling_yield_their_items(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(list_cases); i++) {
		const struct list_case *c = &list_cases[i];
		struct api_batch b = decode_text(c->text);
		_cleanup_(freep) char *got = problems_text(&b.problems);
		_cleanup_(arena_freep) struct arena *arena = arena_new();
		const char *names = "";

		for (size_t k = 0; k < b.n; k++)
			names = arena_printf(arena, "%s%s/%s ", names,
					     api_kind_text(b.objects[k]->meta.kind),
					     b.objects[k]->meta.name);
		if (strcmp(got, c->problems) != 0 || strcmp(names, c->names) != 0)
			print_error("for %s\n", c->text);
		assert_string_equal(got, c->problems);
		assert_string_equal(names, c->names);
		assert_int_equal(b.foreign, c->foreign);
		assert_int_equal(b.is_lost, c->lost);
		api_batch_done(&b);
	}
}

#define POOL(name, first)                                                                          \
	"apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\n"                                    \
	"metadata:\n  name: " name "\n  namespace: metallb-system\n"                               \
	"spec:\n  addresses:\n  - " first "/26\n"
#define ADVERT                                                                                     \
	"apiVersion: metallb.io/v1beta1\nkind: BGPAdvertisement\n"                                 \
	"metadata:\n  name: prod\nspec:\n  ipAddressPools:\n  - prod\n"

static void objects_without_a_separator_are_one_line_each_and_refused(void **state)
{
	static const struct api_outcome cases[] = {
		{"# two\n" POOL("a", "192.0.2.0") "\n" ADVERT, "error MissingSeparator line 11:11",
		 0, false, 2},
		{POOL("a", "192.0.2.0") ADVERT POOL("b", "192.0.2.64"),
		 "error MissingSeparator line 16:16\nerror MissingSeparator line 9:9", 0, false, 3},
		{"kind: Service\napiVersion: v1\nmetadata: {name: a}\n"
		 "kind: Service\napiVersion: v1\nmetadata: {name: b}\n",
		 "error MissingSeparator line 4:4", 0, false, 2},
		/* Ours behind one that is not. */
		{"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\n" ADVERT,
		 "error MissingSeparator line 4:4", 1, false, 1},
		{"apiVersion: apps/v1\nkind: Deployment\n"
		 "apiVersion: v1\nkind: ConfigMap\n",
		 "", 2, false, 0},
		/* The second has no name: it may be any. */
		{ADVERT "apiVersion: v1\nkind: Service\n", "error MissingSeparator line 8:8", 0,
		 true, 1},
		{ADVERT "apiVersion: metallb.io/v1beta1\nkind: BGPPear\nmetadata: {name: a}\n",
		 "error MissingSeparator line 8:8", 0, true, 1},
		/* A key alone that comes twice is no second object. */
		{"apiVersion: v1\nkind: Namespace\nkind: Namespace\nmetadata: {name: a}\n",
		 "error DuplicateKey kind:3", 0, false, 1},
	};
	struct api_batch b;

	(void)state;
	check_outcomes(cases, ARRAY_SIZE(cases));
	b = decode_text(cases[0].text);
	assert_non_null(strstr(b.problems.items[0].remedy, "put --- before line"));
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
		cmocka_unit_test(lists_of_every_spelling_yield_their_items),
		cmocka_unit_test(objects_without_a_separator_are_one_line_each_and_refused),
		cmocka_unit_test(one_bad_document_costs_only_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
