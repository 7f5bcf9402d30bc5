// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * BGPPeer in both versions: values, derived timers, and every refusal with its field and line.
 */
#include "unit/api/api_test.h"

#define HEAD(version)                                                                              \
	"apiVersion: metallb.io/" version "\n"                                                     \
	"kind: BGPPeer\n"                                                                          \
	"metadata: {name: p}\n"                                                                    \
	"spec:\n"
#define ASNS "  myASN: 64512\n  peerASN: 64513\n"
#define ADDR "  peerAddress: 10.0.0.1\n"

static const struct api_peer *peer_of(struct api_batch *b, const char *text)
{
	*b = decode_text(text);
	return &only_object(b)->peer;
}

static void a_peer_with_everything_is_decoded(void **state)
{
	struct api_batch b;
	const struct api_peer *p = peer_of(
		&b,
		HEAD("v1beta2") "  myASN: 4200000000\n"
				"  dynamicASN: external\n"
				"  peerAddress: 2001:db8::1\n"
				"  sourceAddress: 2001:db8::2\n"
				"  peerPort: 1179\n"
				"  holdTime: 1m30s\n"
				"  keepaliveTime: 20s\n"
				"  connectTime: 10s\n"
				"  routerID: 10.0.0.9\n"
				"  password: x\n"
				"  enableGracefulRestart: true\n"
				"  ebgpMultiHop: true\n"
				"  nodeSelectors:\n"
				"  - matchLabels: {rack: a}\n"
				"    matchExpressions:\n"
				"    - {key: speed, operator: NotIn, values: [slow, slower]}\n"
				"  - matchExpressions: [{key: gone, operator: DoesNotExist}]\n");
	const struct ip_addr address = addr_of("2001:db8::1"), source = addr_of("2001:db8::2");

	(void)state;
	assert_int_equal(b.problems.n, 0);
	assert_int_equal(p->my_asn, 4200000000u);
	assert_int_equal(p->peer_asn, 0);
	assert_int_equal(p->dynamic_asn, API_ASN_EXTERNAL);
	assert_true(ip_addr_equal(&p->address, &address));
	assert_true(ip_addr_equal(&p->source_address, &source));
	assert_int_equal(p->port, 1179);
	assert_int_equal(p->hold_s, 90);
	assert_int_equal(p->keepalive_s, 20);
	assert_int_equal(p->connect_s, 10);
	assert_int_equal(p->router_id, 0x0a000009);
	assert_string_equal(p->password, "x");
	assert_null(p->password_secret);
	assert_true(p->graceful_restart);
	assert_true(p->ebgp_multihop);
	assert_int_equal(p->node_selectors.n, 2);
	assert_int_equal(p->node_selectors.items[0].n, 2);
	assert_string_equal(p->node_selectors.items[0].terms[0].key, "rack");
	assert_string_equal(p->node_selectors.items[0].terms[0].values[0], "a");
	assert_int_equal(p->node_selectors.items[0].terms[1].op, SELECTOR_NOT_IN);
	assert_int_equal(p->node_selectors.items[0].terms[1].n_values, 2);
	assert_int_equal(p->node_selectors.items[1].terms[0].op, SELECTOR_DOES_NOT_EXIST);
	assert_string_equal(b.objects[0]->meta.ns, "");
	api_batch_done(&b);
}

static void an_empty_peer_gets_the_defaults(void **state)
{
	static const char *const heads[] = {HEAD("v1beta1"), HEAD("v1beta2")};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
		_cleanup_(arena_freep) struct arena *arena = arena_new();
		struct api_batch b;
		const struct api_peer *p =
			peer_of(&b, arena_printf(arena, "%s%s%s", heads[i], ASNS, ADDR));

		assert_int_equal(p->port, 179);
		assert_int_equal(p->hold_s, 90);
		assert_int_equal(p->keepalive_s, 30);
		assert_int_equal(p->connect_s, 0);
		assert_int_equal(p->router_id, 0);
		assert_int_equal(p->dynamic_asn, API_ASN_FIXED);
		assert_null(p->password);
		assert_null(p->interface);
		assert_null(p->vrf);
		assert_true(ip_addr_is_none(&p->source_address));
		assert_int_equal(p->node_selectors.n, 0);
		api_batch_done(&b);
	}
}

static void one_timer_is_derived_from_the_other(void **state)
{
	static const struct {
		const char *head, *timers;
		unsigned hold, keepalive;
	} cases[] = {
		{HEAD("v1beta2"), "  holdTime: 30s\n", 30, 10},
		{HEAD("v1beta2"), "  keepaliveTime: 5s\n", 15, 5},
		{HEAD("v1beta2"), "  holdTime: 0s\n", 0, 0},
		{HEAD("v1beta2"), "  holdTime: 3s\n  keepaliveTime: 3s\n", 3, 3},
		{HEAD("v1beta2"), "  holdTime: 180\n  keepaliveTime: 60\n", 180, 60},
		{HEAD("v1beta2"), "  holdTime: \"90s\"\n", 90, 30},
		{HEAD("v1beta2"), "  holdTime: 3900ms\n", 3, 1},
		{HEAD("v1beta2"), "  holdTime: 65535s\n", 65535, 21845},
		{HEAD("v1beta1"), "  holdTime: 0s\n  keepaliveTime: 0s\n", 90, 30},
		{HEAD("v1beta1"), "  holdTime: 30s\n  keepaliveTime: 0s\n", 30, 10},
		{HEAD("v1beta1"), "  peerPort: 0\n", 90, 30},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(arena_freep) struct arena *arena = arena_new();
		struct api_batch b;
		const struct api_peer *p =
			peer_of(&b, arena_printf(arena, "%s%s%s%s", cases[i].head, ASNS, ADDR,
						 cases[i].timers));

		assert_int_equal(p->hold_s, cases[i].hold);
		assert_int_equal(p->keepalive_s, cases[i].keepalive);
		assert_int_equal(p->port, 179);
		api_batch_done(&b);
	}
}

static void an_asn_of_zero_is_told_from_none(void **state)
{
	static const char *const texts[][2] = {
		{"  peerASN: 0\n", "is 0, and dynamicASN is not set"},
		{"", "is missing, and dynamicASN is not set"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_(arena_freep) struct arena *arena = arena_new();
		struct api_batch b = decode_text(arena_printf(
			arena,
			"apiVersion: metallb.io/v1beta2\nkind: BGPPeer\nmetadata: {name: p}\n"
			"spec:\n  myASN: 1\n  peerAddress: 192.0.2.1\n%s",
			texts[i][0]));

		assert_int_equal(b.problems.n, 1);
		assert_string_equal(b.problems.items[0].message, texts[i][1]);
		api_batch_done(&b);
	}
}

static void what_a_peer_must_not_say_is_refused(void **state)
{
	static const struct api_case cases[] = {
		{"  peerASN: 1\n" ADDR, "error MissingField spec.myASN:4"},
		{"  myASN: 0\n  peerASN: 1\n" ADDR, "error OutOfRange spec.myASN:5"},
		{"  myASN: 4294967296\n  peerASN: 1\n" ADDR, "error OutOfRange spec.myASN:5"},
		{"  myASN: \"1\"\n  peerASN: 2\n" ADDR, "error WrongType spec.myASN:5"},
		{"  myASN: 1.5\n  peerASN: 2\n" ADDR, "error WrongType spec.myASN:5"},
		{"  myASN: 1\n" ADDR, "error MissingField spec.peerASN:4"},
		{"  myASN: 1\n  peerASN: 0\n" ADDR, "error MissingField spec.peerASN:6"},
		{ASNS "  dynamicASN: external\n" ADDR, "error Exclusive spec.dynamicASN:7"},
		{"  myASN: 1\n  dynamicASN: any\n" ADDR, "error BadValue spec.dynamicASN:6"},
		{"  myASN: 1\n  peerASN: 1\n  ebgpMultiHop: true\n" ADDR,
		 "error Exclusive spec.ebgpMultiHop:7"},
		{"  myASN: 1\n  dynamicASN: internal\n  ebgpMultiHop: true\n" ADDR,
		 "error Exclusive spec.ebgpMultiHop:7"},
		{ASNS, "error MissingField spec.peerAddress:4"},
		{ASNS ADDR "  interface: eth0\n", "error Exclusive spec.interface:8"},
		{ASNS "  interface: \"\"\n", "error MissingField spec.peerAddress:4"},
		{ASNS "  peerAddress: router.example\n", "error BadAddress spec.peerAddress:7"},
		{ASNS "  peerAddress: 10.0.0.0/24\n", "error BadAddress spec.peerAddress:7"},
		{ASNS "  peerAddress: 0.0.0.0\n", "error BadAddress spec.peerAddress:7"},
		{ASNS "  peerAddress: \"::\"\n", "error BadAddress spec.peerAddress:7"},
		{ASNS "  peerAddress: 224.0.0.5\n", "error BadAddress spec.peerAddress:7"},
		{ASNS "  peerAddress: 239.255.255.255\n", "error BadAddress spec.peerAddress:7"},
		{ASNS "  peerAddress: ff02::1\n", "error BadAddress spec.peerAddress:7"},
		{ASNS "  peerAddress: 255.255.255.255\n", "error BadAddress spec.peerAddress:7"},
		{ASNS "  peerAddress: 0.0.0.1\n", "error BadAddress spec.peerAddress:7"},
		{ASNS ADDR "  sourceAddress: 224.0.0.5\n", "error BadAddress spec.sourceAddress:8"},
		{ASNS ADDR "  sourceAddress: 2001:db8::1\n",
		 "error FamilyMismatch spec.sourceAddress:8"},
		{ASNS ADDR "  peerPort: 0\n", "error OutOfRange spec.peerPort:8"},
		{ASNS ADDR "  peerPort: 16385\n", "error OutOfRange spec.peerPort:8"},
		{ASNS ADDR "  holdTime: 2s\n", "error OutOfRange spec.holdTime:8"},
		{ASNS ADDR "  holdTime: 2999ms\n", "error OutOfRange spec.holdTime:8"},
		{ASNS ADDR "  holdTime: -3s\n", "error OutOfRange spec.holdTime:8"},
		{ASNS ADDR "  holdTime: 65536s\n", "error OutOfRange spec.holdTime:8"},
		{ASNS ADDR "  holdTime: soon\n", "error BadDuration spec.holdTime:8"},
		{ASNS ADDR "  holdTime: \"90\"\n", "error BadDuration spec.holdTime:8"},
		{ASNS ADDR "  holdTime: 9s\n  keepaliveTime: 10s\n",
		 "error OutOfRange spec.keepaliveTime:9"},
		{ASNS ADDR "  holdTime: 0s\n  keepaliveTime: 10s\n",
		 "error OutOfRange spec.keepaliveTime:9"},
		{ASNS ADDR "  keepaliveTime: 60000s\n", "error OutOfRange spec.keepaliveTime:8"},
		{ASNS ADDR "  connectTime: 1500ms\n", "error BadDuration spec.connectTime:8"},
		{ASNS ADDR "  connectTime: 0s\n", "error OutOfRange spec.connectTime:8"},
		{ASNS ADDR "  routerID: 2001:db8::1\n", "error BadAddress spec.routerID:8"},
		{ASNS ADDR "  routerID: 0.0.0.0\n", "error BadAddress spec.routerID:8"},
		{ASNS ADDR "  routerID: 224.0.0.1\n", ""}, /* RFC 6286 2.1 */
		{ASNS "  peerAddress: 127.0.0.1\n", ""},   /* a router beside the agent */
		{ASNS ADDR "  password: 1234\n", "error WrongType spec.password:8"},
		{ASNS ADDR "  password: a\n  passwordSecret: {name: b}\n",
		 "error Exclusive spec.passwordSecret:9"},
		{ASNS ADDR "  enableGracefulRestart: \"yes\"\n",
		 "error WrongType spec.enableGracefulRestart:8"},
		{ASNS ADDR "  nodeSelectors: {a: b}\n", "error WrongType spec.nodeSelectors:8"},
		{ASNS ADDR "  vrf: a-name-longer-than-15\n", "error TooLong spec.vrf:8"},
		{"  myASN: 0\n  peerASN: x\n  peerPort: 99999\n",
		 "error OutOfRange spec.myASN:5\n"
		 "error WrongType spec.peerASN:6\n"
		 "error MissingField spec.peerAddress:4\n"
		 "error OutOfRange spec.peerPort:7"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check_case(HEAD("v1beta2"), &cases[i]);
}

static void v1beta1_has_fewer_fields_and_needs_more(void **state)
{
	static const struct api_case cases[] = {
		{"  myASN: 1\n", "error MissingField spec.peerASN:4\n"
				 "error MissingField spec.peerAddress:4"},
		{ASNS ADDR "  vrf: red\n", "warning UnknownField spec.vrf:8"},
		{ASNS ADDR "  dynamicASN: external\n", "warning UnknownField spec.dynamicASN:8"},
		{ASNS ADDR "  peerPort: 0\n  holdTime: 0s\n", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check_case(HEAD("v1beta1"), &cases[i]);
}

static void fields_not_acted_on_yet_say_so_unless_they_say_nothing(void **state)
{
	static const struct api_case cases[] = {
		{ASNS ADDR "  vrf: red\n", ""}, /* the plan says so */
		{ASNS ADDR "  localASN: 7\n", ""},
		{"  myASN: 1\n  peerASN: 1\n" ADDR "  localASN: 7\n",
		 "error Exclusive spec.localASN:8"},
		{"  myASN: 1\n  peerASN: 7\n" ADDR "  localASN: 7\n",
		 "error Exclusive spec.localASN:8"},
		{"  myASN: 1\n  dynamicASN: external\n" ADDR "  localASN: 7\n", ""},
		{ASNS ADDR "  bfdProfile: fast\n", ""},
		{ASNS ADDR "  dualStackAddressFamily: true\n", ""},
		{ASNS "  interface: eth0\n", ""},
		{ASNS ADDR "  interface: \"\"\n", ""},
		{ASNS ADDR "  disableMP: true\n", "info NoEffect spec.disableMP:8"},
		{ASNS ADDR "  disableMP: false\n  dualStackAddressFamily: false\n  vrf: \"\"\n"
			   "  bfdProfile:\n",
		 ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check_case(HEAD("v1beta2"), &cases[i]);
}

static void a_password_is_never_repeated(void **state)
{
	static const char *const texts[] = {
		HEAD("v1beta2") ASNS ADDR "  password: 20242024\n",
		HEAD("v1beta2") ASNS ADDR "  password: [20242024]\n",
		HEAD("v1beta2") ASNS ADDR "  password: 20242024\n  password: 20242024\n",
		HEAD("v1beta2") ASNS ADDR "  passwordSecret: {name: 20242024}\n",
		HEAD("v1beta2") ASNS ADDR
		"  password: 20242024aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct api_batch b = decode_text(texts[i]);

		assert_int_equal(b.n, 0);
		assert_true(b.problems.n > 0);
		for (size_t j = 0; j < b.problems.n; j++) {
			assert_null(strstr(b.problems.items[j].message, "2024"));
			assert_true(!b.problems.items[j].remedy ||
				    !strstr(b.problems.items[j].remedy, "2024"));
		}
		api_batch_done(&b);
	}
}

static void ttl_security_is_a_number_of_hops(void **state)
{
	static const struct {
		const char *value;
		unsigned want; /* 0: it is refused */
	} cases[] = {{"1", 1}, {"254", 254}, {"007", 7}, {"0", 0},    {"255", 0},
		     {"", 0},  {"-1", 0},    {"1 ", 0},  {"true", 0}, {"4294967297", 0}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(arena_freep) struct arena *arena = arena_new();
		const char *text = arena_printf(
			arena,
			"apiVersion: metallb.io/v1beta2\nkind: BGPPeer\n"
			"metadata: {name: p, annotations: {lodestone.io/ttl-security: \"%s\"}}\n"
			"spec:\n" ASNS ADDR,
			cases[i].value);
		struct api_batch b = decode_text(text);

		if (cases[i].want) {
			assert_int_equal(only_object(&b)->peer.ttl_security, cases[i].want);
		} else {
			assert_int_equal(b.n, 0);
			assert_string_equal(b.problems.items[0].field,
					    "metadata.annotations[lodestone.io/ttl-security]");
		}
		assert_int_equal(b.problems.n, cases[i].want ? 0 : 1);
		api_batch_done(&b);
	}
}

static struct api_batch annotated(const char *annotations, const char *more)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();

	return decode_text(arena_printf(arena,
					"apiVersion: metallb.io/v1beta2\nkind: BGPPeer\n"
					"metadata: {name: p, annotations: {%s}}\n"
					"spec:\n" ASNS ADDR "%s",
					annotations, more));
}

static void annotations_say_role_long_lived_restart_and_listening(void **state)
{
	static const char gr[] = "  enableGracefulRestart: true\n";
	struct api_batch b = annotated("lodestone.io/role: customer, lodestone.io/llgr: 1h,"
				       " lodestone.io/listen: \"true\","
				       " lodestone.io/bfd-strict: \"true\"",
				       gr);
	const struct api_peer *p = &only_object(&b)->peer;

	(void)state;
	assert_int_equal(b.problems.n, 0);
	assert_true(p->has_role && p->role == 3 && p->listen && p->bfd_strict);
	assert_int_equal(p->llgr_s, 3600);
	api_batch_done(&b);
	for (uint8_t i = 0; i < 5; i++) {
		static const char *const roles[] = {"provider", "rs", "rs-client", "customer",
						    "peer"};
		_cleanup_(arena_freep) struct arena *arena = arena_new();

		b = annotated(arena_printf(arena, "lodestone.io/role: %s", roles[i]), "");
		assert_true(only_object(&b)->peer.has_role && only_object(&b)->peer.role == i);
		assert_false(only_object(&b)->peer.listen);
		api_batch_done(&b);
	}
	for (size_t i = 0; i < 8; i++) {
		static const char *const bad[] = {
			"role: upstream",        "role: \"\"",        "llgr: \"0s\"",
			"llgr: 4661h",           "llgr: \"3600\"",    "listen: \"yes\"",
			"ebgp-local-pref: more", "bfd-strict: \"1\"",
		};
		_cleanup_(arena_freep) struct arena *arena = arena_new();

		b = annotated(arena_printf(arena, "lodestone.io/%s", bad[i]), gr);
		assert_int_equal(b.n, 0);
		assert_int_equal(b.problems.n, 1);
		api_batch_done(&b);
	}
}

static void annotations_with_numbers(void **state)
{
	static const char *const bad[] = {"create-vrf: \"0\"", "create-vrf: \"65535\"",
					  "create-vrf: red", "max-prefixes: \"0\""};
	struct api_batch b = annotated("lodestone.io/create-vrf: \"65534\","
				       " lodestone.io/max-prefixes: \"7\"",
				       "  vrf: red\n");

	(void)state;
	assert_int_equal(only_object(&b)->peer.create_vrf, 65534);
	assert_int_equal(only_object(&b)->peer.max_prefixes, 7);
	api_batch_done(&b);
	b = annotated("", "  vrf: red\n");
	assert_int_equal(only_object(&b)->peer.create_vrf, 0);
	api_batch_done(&b);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_(arena_freep) struct arena *arena = arena_new();

		b = annotated(arena_printf(arena, "lodestone.io/%s", bad[i]), "  vrf: red\n");
		assert_int_equal(b.n, 0);
		assert_int_equal(b.problems.n, 1);
		api_batch_done(&b);
	}
}

static void annotation_says_how_bfd_is_signed(void **state)
{
	static const char *const types[] = {"simple", "keyed-md5", "meticulous-keyed-md5",
					    "keyed-sha1", "meticulous-keyed-sha1"};
	static const struct {
		const char *value, *says;
	} bad[] = {
		{"", "begins with none"},          {"sha1:1:s", "begins with none"},
		{"keyed-md5", "begins with none"}, {"keyed-md5s:1:s", "begins with none"},
		{"simple:s", "no key id"},         {"simple::s", "no key id"},
		{"simple:256:s", "no key id"},     {"simple:4294967296:s", "no key id"},
		{"simple:-1:s", "no key id"},      {"simple: 1:s", "no key id"},
		{"simple:1", "no key id"},         {"simple:1:", "names no Secret"},
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(types); i++) {
		_cleanup_(arena_freep) struct arena *arena = arena_new();
		struct api_batch b =
			annotated(arena_printf(arena, "lodestone.io/bfd-auth: \"%s:%u:bfd-key\"",
					       types[i], i * 60),
				  "");
		const struct api_bfd_auth *auth = &only_object(&b)->peer.bfd_auth;

		assert_int_equal(b.problems.n, 0);
		assert_int_equal(auth->type, i + 1);
		assert_int_equal(auth->key_id, i * 60);
		assert_string_equal(auth->secret, "bfd-key");
		api_batch_done(&b);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_(arena_freep) struct arena *arena = arena_new();
		struct api_batch b = annotated(
			arena_printf(arena, "lodestone.io/bfd-auth: \"%s\"", bad[i].value), "");

		assert_int_equal(b.n, 0);
		assert_int_equal(b.problems.n, 1);
		assert_string_equal(b.problems.items[0].field,
				    "metadata.annotations[lodestone.io/bfd-auth]");
		assert_non_null(strstr(b.problems.items[0].message, bad[i].says));
		api_batch_done(&b);
	}
}

static void annotation_says_what_becomes_of_local_pref(void **state)
{
	static const char *const words[API_N_PREF_AS] = {
		[API_PREF_AS_NONE] = "none",
		[API_PREF_AS_MED] = "med",
		[API_PREF_AS_PREPEND] = "prepend",
	};
	struct api_batch b = annotated("", "");

	(void)state;
	assert_false(only_object(&b)->peer.has_pref_as);
	api_batch_done(&b);
	for (size_t i = 0; i < API_N_PREF_AS; i++) {
		_cleanup_(arena_freep) struct arena *arena = arena_new();

		b = annotated(arena_printf(arena, "lodestone.io/ebgp-local-pref: %s", words[i]),
			      "");
		assert_true(only_object(&b)->peer.has_pref_as);
		assert_int_equal(only_object(&b)->peer.pref_as, i);
		assert_int_equal(b.problems.n, 0);
		api_batch_done(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_peer_with_everything_is_decoded),
		cmocka_unit_test(an_empty_peer_gets_the_defaults),
		cmocka_unit_test(one_timer_is_derived_from_the_other),
		cmocka_unit_test(an_asn_of_zero_is_told_from_none),
		cmocka_unit_test(what_a_peer_must_not_say_is_refused),
		cmocka_unit_test(v1beta1_has_fewer_fields_and_needs_more),
		cmocka_unit_test(fields_not_acted_on_yet_say_so_unless_they_say_nothing),
		cmocka_unit_test(a_password_is_never_repeated),
		cmocka_unit_test(ttl_security_is_a_number_of_hops),
		cmocka_unit_test(annotations_say_role_long_lived_restart_and_listening),
		cmocka_unit_test(annotations_with_numbers),
		cmocka_unit_test(annotation_says_how_bfd_is_signed),
		cmocka_unit_test(annotation_says_what_becomes_of_local_pref),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
