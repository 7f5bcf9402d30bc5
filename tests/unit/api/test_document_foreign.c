// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * api/document: what other people's documents may hold without being judged, what the same things
 * do in an object of ours, and texts in other encodings.
 */
#include "api/text.h"
#include "unit/api/api_test.h"

#define POOL "apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\nmetadata: {name: a}\n"
#define POD  "apiVersion: v1\nkind: Pod\nmetadata: {name: A_b}\n"

static void what_a_foreign_document_holds_is_not_judged(void **state)
{
	static const char *const texts[] = {
		POD "spec: {a: &x b, c: *x, d: {<<: *y}}\n",
		POD "spec: !Sub {a: !Ref b}\n",
		POD "spec: {a: b, a: c}\n",
		POD "? [a, {b: c}]\n: d\n",
		POD "spec: &x [*x]\n",
		POD "spec: {<<: text}\n",
		POD "spec: \"\\0\"\n",
		POD
		"spec: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[x"
		"]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]\n", /* What
												  no
												  parser
												  takes.
												*/
		POD "spec:\n\ta: b\n",
		POD "spec: {{ .Values.spec }\n",
		"{{- if .Values.enabled }}\n" POD "spec: @x\n{{- end }}\n",
		POD "# Gr\xf6\xdf"
		    "e\n",
		POD "spec: \x01\n",
		POD "kind: Pod\n",
		"apiVersion: v1\nkind: PodList\nitems: [{spec: !x [*y]}]\n",
		"{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: Pod, ? [a] : *x}]}\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct api_batch b = decode_text(texts[i]);

		if (b.problems.n != 0 || b.foreign != 1 || b.is_lost)
			fail_msg("%zu problems: %s", b.problems.n, texts[i]);
		api_batch_done(&b);
	}
}

/* A document that cannot be parsed and does not say that it is foreign could have been ours. */
static void what_may_be_ours_is_an_error_if_it_cannot_be_parsed(void **state)
{
	static const char *const texts[] = {
		POOL "spec: @x\n",
		"spec: @x\n",
		"apiVersion: v1\nkind: Pot\nkind: Pod\nspec: @x\n",
		"apiVersion: metallb.io/v1beta1\nkind: IPAdressPool\nspec: @x\n",
		"apiVersion: v1\nkind: List\nitems: @x\n",
		"apiVersion: v1\nkind: ServiceList\nitems: @x\n",
		POD "spec: @x\n" POOL "spec: {addresses: [192.0.2.0/24]}\n",
		"  apiVersion: v1\n  kind: Pod\n  spec: @x\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct api_batch b = decode_text(texts[i]);

		if (b.problems.n != 1 || b.foreign != 0 || !b.is_lost || b.n != 0)
			fail_msg("%zu problems: %s", b.problems.n, texts[i]);
		assert_string_equal(b.problems.items[0].reason, "BadYAML");
		api_batch_done(&b);
	}
}

/* Of an object of ours it costs the object, at the field, if anybody looks at the field. */
static void odd_values_in_our_objects_are_told_where_they_stand(void **state)
{
	static const struct api_case cases[] = {
		{"spec: {addresses: [192.0.2.0/24, !x 198.51.100.0/24]}\n",
		 "error BadYAML spec.addresses[1]:4"},
		{"spec: {addresses: [192.0.2.0/24, *x]}\n", "error BadYAML spec.addresses[1]:4"},
		{"spec: {addresses: *x}\n", "error BadYAML spec.addresses:4"},
		{"spec: {addresses: [192.0.2.0/24], autoAssign: *x, avoidBuggyIPs: !y true}\n",
		 "error BadYAML spec.autoAssign:4\nerror BadYAML spec.avoidBuggyIPs:4"},
		{"spec: !x {addresses: [192.0.2.0/24]}\n", "error BadYAML spec:4"},
		{"spec: {addresses: [192.0.2.0/24], ? [a] : b}\n", "error BadYAML spec:4"},
		{"spec: {addresses: [192.0.2.0/24]}\n? [a]\n: b\n", "error BadYAML -:5"},
		{"spec: {addresses: [192.0.2.0/24], serviceAllocation: {serviceSelectors: "
		 "[{matchLabels: {a: *x}}]}}\n",
		 "error BadYAML spec.serviceAllocation.serviceSelectors[0].matchLabels[a]:4"},
		/* Nobody looks. */
		{"spec: {addresses: [192.0.2.0/24]}\nstatus: {a: !x [*y], ? [a] : b}\n", ""},
		{"spec: {addresses: [192.0.2.0/24], extra: *x}\n",
		 "warning UnknownField spec.extra:4"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check_case(POOL, &cases[i]);
}

static void anchors_work_in_our_objects(void **state)
{
	struct api_batch b = decode_text("apiVersion: metallb.io/v1beta2\n"
					 "kind: BGPPeer\n"
					 "metadata:\n"
					 "  name: &name tor\n"
					 "  labels: &labels {router: *name}\n"
					 "spec:\n"
					 "  myASN: &asn 64512\n"
					 "  peerASN: *asn\n"
					 "  peerAddress: 192.0.2.1\n"
					 "  nodeSelectors:\n"
					 "  - matchLabels: {<<: *labels, rack: r1}\n");
	const struct api_object *o = only_object(&b);

	(void)state;
	assert_int_equal(b.problems.n, 0);
	assert_int_equal(o->peer.peer_asn, 64512);
	assert_string_equal(labels_get(&o->meta.labels, "router"), "tor");
	assert_int_equal(o->peer.node_selectors.items[0].n, 2);
	api_batch_done(&b);
}

static void anchors_end_with_their_document(void **state)
{
	struct api_batch b = decode_text("apiVersion: v1\nkind: Pod\na: &x b\n---\n" POOL
					 "spec: {addresses: [*x]}\n");
	_cleanup_(freep) char *got = problems_text(&b.problems);

	(void)state;
	assert_string_equal(got, "error BadYAML spec.addresses[0]:8");
	assert_int_equal(b.n_refused, 1);
	assert_false(b.is_lost);
	api_batch_done(&b);
}

static void a_text_in_utf16_is_read_with_its_lines(void **state)
{
	static const char text[] =
		API_TEXT_BOM POOL "spec:\n  addresses: [192.0.2.0/33]\n---\n" POOL
				  "spec: {addresses: [198.51.100.0/24]}\n";
	char wide[2 * sizeof(text)];
	size_t len = 0;
	struct api_batch b;

	(void)state;
	wide[len++] = (char)0xff;
	wide[len++] = (char)0xfe;
	for (const char *at = text + strlen(API_TEXT_BOM); *at; at++) {
		wide[len++] = *at;
		wide[len++] = 0;
	}
	b = decode_bytes(wide, len);
	assert_int_equal(b.n, 1);
	assert_int_equal(b.objects[0]->meta.line, 7);
	assert_int_equal(b.problems.n, 1);
	assert_int_equal(b.problems.items[0].line, 5);
	api_batch_done(&b);

	/* Half a character at the end costs the document at the end. */
	b = decode_bytes(wide, len - 1);
	problems_sort(&b.problems);
	assert_int_equal(b.n, 0);
	assert_true(b.is_lost);
	assert_int_equal(b.problems.n, 2);
	assert_int_equal(b.problems.items[0].line, 10);
	assert_string_equal(b.problems.items[0].remedy, "save the file as UTF-8");
	assert_string_equal(b.problems.items[1].reason, "BadRange");
	api_batch_done(&b);
}

static void line_ends_of_other_systems_change_no_line(void **state)
{
	static const char *const ends[] = {"\n", "\r\n", "\r"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		_cleanup_(arena_freep) struct arena *arena = arena_new();
		const char *e = ends[i];
		struct api_batch b = decode_text(arena_printf(
			arena,
			"# a%s%sapiVersion: v1%skind: Namespace%smetadata: {name: a}%s---%s"
			"apiVersion: v1%skind: Namespace%smetadata: {name: B}%s",
			e, e, e, e, e, e, e, e, e));

		assert_int_equal(b.n, 1);
		assert_int_equal(b.objects[0]->meta.line, 3);
		assert_int_equal(b.problems.n, 1);
		assert_int_equal(b.problems.items[0].line, 9);
		api_batch_done(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_foreign_document_holds_is_not_judged),
		cmocka_unit_test(what_may_be_ours_is_an_error_if_it_cannot_be_parsed),
		cmocka_unit_test(odd_values_in_our_objects_are_told_where_they_stand),
		cmocka_unit_test(anchors_work_in_our_objects),
		cmocka_unit_test(anchors_end_with_their_document),
		cmocka_unit_test(a_text_in_utf16_is_read_with_its_lines),
		cmocka_unit_test(line_ends_of_other_systems_change_no_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
