// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Text that stands for other text is named as what it is, wherever it was left. */
#include "api/placeholder.h"
#include "unit/api/api_test.h"

#define POOL   "apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\nmetadata: {name: a}\n"
#define PEER   "apiVersion: metallb.io/v1beta2\nkind: BGPPeer\nmetadata: {name: a}\n"
#define SECRET "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n"

static void what_stands_for_something_is_known(void **state)
{
	static const struct {
		const char *text, *reason;
	} cases[] = {
		{"{{ .Values.router }}", "NotRendered"},
		{"10.0.{{ .Values.rack }}.1", "NotRendered"},
		{"{{- if .x -}}", "NotRendered"},
		{"${ROUTER}", "NotRendered"},
		{"$(ROUTER)", "NotRendered"},
		{"<no value>", "NotRendered"},
		{"ENC[AES256_GCM,data:p673,iv:x,tag:y,type:str]", "Encrypted"},
		{"$ANSIBLE_VAULT;1.1;AES256", "Encrypted"},
		{"", NULL},
		{"10.0.0.1", NULL},
		{"{{", NULL},
		{"}}{{", NULL},
		{"{x}", NULL},
		{"${", NULL},
		{"$ROUTER", NULL},
		{"x${ROUTER}", NULL},
		{"ENC[", NULL},
		{"no value", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct api_placeholder *p = api_placeholder_find(cases[i].text);

		if (!!p != !!cases[i].reason)
			fail_msg("\"%s\"", cases[i].text);
		if (p)
			assert_string_equal(p->reason, cases[i].reason);
	}
}

static void value_that_cannot_be_taken_is_named(void **state)
{
	static const struct api_case cases[] = {
		{POOL "spec:\n  addresses: ['{{ .Values.range }}']\n",
		 "error NotRendered spec.addresses[0]:5"},
		{POOL "spec:\n  addresses: [{{ .Values.range }}]\n",
		 "error BadYAML spec.addresses[0]:5"},
		{POOL "spec:\n  addresses: [10.0.0.0/24]\n  autoAssign: ${AUTO}\n",
		 "error NotRendered spec.autoAssign:6"},
		{PEER "spec:\n  myASN: ENC[AES256_GCM,data:x,type:int]\n  peerASN: <no value>\n"
		      "  peerAddress: $(ROUTER)\n",
		 "error Encrypted spec.myASN:5\nerror NotRendered spec.peerASN:6\n"
		 "error NotRendered spec.peerAddress:7"},
		{SECRET "data: {password: 'ENC[AES256_GCM,data:x,type:str]'}\n",
		 "error Encrypted data[password]:4"},
		{SECRET "stringData: {password: '{{ pw }}'}\n",
		 "error NotRendered stringData[password]:4"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check_case("", &cases[i]);
}

/* It may be what is meant, so it costs nothing. */
static void text_is_taken_with_a_warning(void **state)
{
	static const struct api_case with_password = {
		PEER "spec:\n  myASN: 1\n  peerASN: 2\n  peerAddress: 10.0.0.1\n  password: "
		     "'ENC[x]'\n",
		"warning Encrypted spec.password:8"};
	static const struct api_case in_a_list = {
		"apiVersion: metallb.io/v1beta1\nkind: BGPAdvertisement\nmetadata: {name: a}\n"
		"spec: {peers: ['{{ peer }}']}\n",
		"warning NotRendered spec.peers[0]:4"};

	(void)state;
	check_case("", &with_password);
	check_case("", &in_a_list);
}

static void remedy_names_the_step_that_was_left_out(void **state)
{
	struct api_batch b = decode_text(POOL "spec: {addresses: [{{ .Values.range }}]}\n");

	(void)state;
	assert_int_equal(b.problems.n, 1);
	assert_string_equal(b.problems.items[0].message, api_placeholder_braces.message);
	assert_string_equal(b.problems.items[0].remedy, api_placeholder_braces.remedy);
	api_batch_done(&b);
}

/* Its syntax is nobody's mistake: one problem, at the line where reading ended. */
static void template_that_is_no_yaml_is_one_problem(void **state)
{
	static const struct api_outcome cases[] = {
		{"{{- if .Values.x }}\napiVersion: v1\nkind: Service\n{{- end }}\n",
		 "error NotRendered line 1:1", 0, true, 0},
		{"apiVersion: v1\nkind: Service\nmetadata: {name: {{ x }}-y}\n",
		 "error NotRendered line 3:3", 0, true, 0},
	};

	(void)state;
	check_outcomes(cases, ARRAY_SIZE(cases));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_stands_for_something_is_known),
		cmocka_unit_test(value_that_cannot_be_taken_is_named),
		cmocka_unit_test(text_is_taken_with_a_warning),
		cmocka_unit_test(remedy_names_the_step_that_was_left_out),
		cmocka_unit_test(template_that_is_no_yaml_is_one_problem),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
