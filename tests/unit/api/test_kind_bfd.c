// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * BFDProfile: every field, its default and its range.
 */
#include "unit/api/api_test.h"

#define HEAD                                                                                       \
	"apiVersion: metallb.io/v1beta1\n"                                                         \
	"kind: BFDProfile\n"                                                                       \
	"metadata: {name: b}\n"

static void a_profile_is_decoded(void **state)
{
	struct api_batch b = decode_text(
		HEAD "spec: {receiveInterval: 10, transmitInterval: 60000, detectMultiplier: 255,\n"
		     "  echoMode: true, echoInterval: 50, passiveMode: true, minimumTtl: 1}\n");
	const struct api_bfd_profile *p = &only_object(&b)->bfd;

	(void)state;
	assert_int_equal(b.problems.n, 0);
	assert_int_equal(p->receive_ms, 10);
	assert_int_equal(p->transmit_ms, 60000);
	assert_int_equal(p->detect_multiplier, 255);
	assert_int_equal(p->minimum_ttl, 1);
	assert_true(p->echo_mode && p->passive_mode);
	api_batch_done(&b);
}

static void an_empty_profile_gets_the_defaults(void **state)
{
	struct api_batch b = decode_text(HEAD "spec: {}\n");
	const struct api_bfd_profile *p = &only_object(&b)->bfd;

	(void)state;
	assert_int_equal(p->receive_ms, 300);
	assert_int_equal(p->transmit_ms, 300);
	assert_int_equal(p->echo_ms, 50);
	assert_int_equal(p->detect_multiplier, 3);
	assert_int_equal(p->minimum_ttl, 254);
	api_batch_done(&b);
}

static void ranges_are_checked(void **state)
{
	static const struct api_case cases[] = {
		{"  receiveInterval: 9\n", "error OutOfRange spec.receiveInterval:5"},
		{"  transmitInterval: 60001\n", "error OutOfRange spec.transmitInterval:5"},
		{"  echoInterval: 9\n", "error OutOfRange spec.echoInterval:5"},
		{"  detectMultiplier: 1\n", "error OutOfRange spec.detectMultiplier:5"},
		{"  minimumTtl: 255\n", "error OutOfRange spec.minimumTtl:5"},
		{"  echoMode: 1\n", "error WrongType spec.echoMode:5"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check_case(HEAD "spec:\n", &cases[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_profile_is_decoded),
		cmocka_unit_test(an_empty_profile_gets_the_defaults),
		cmocka_unit_test(ranges_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
