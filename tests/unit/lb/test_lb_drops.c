// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#include "fixture.h"

#include "lb/lb_drops.h"

static void every_reason_has_a_name_of_its_own_and_a_sentence(void **state)
{
	(void)state;
	assert_int_equal(lb_drop_count(), LB_N_DROPS);
	for (size_t i = 0; i < lb_drop_count(); i++) {
		assert_non_null(lb_drop_text(i));
		assert_true(strlen(lb_drop_text(i)) > 10);
		assert_int_equal(strspn(lb_drop_name(i), "abcdefghijklmnopqrstuvwxyz_"),
				 strlen(lb_drop_name(i)));
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(lb_drop_name(i), lb_drop_name(j));
	}
	assert_string_equal(lb_drop_name(LB_DROP_TUPLE_TAKEN), "tuple_taken");
}

static void what_is_only_counted_is_not_lost(void **state)
{
	(void)state;
	for (size_t i = 0; i < lb_drop_count(); i++)
		assert_int_equal(lb_drop_is_lost(i),
				 i != LB_DROP_NONE && i != LB_DROP_REPLY_MISS &&
					 i != LB_DROP_REPLY_FRAGMENT && i != LB_DROP_FLOW_EVICTED &&
					 i != LB_DROP_NO_ANSWER && i != LB_DROP_UNRECORDED &&
					 i != LB_DROP_PROVEN && i != LB_DROP_HOPS);
}

static void unknown_reasons_have_no_words(void **state)
{
	(void)state;
	assert_null(lb_drop_name(LB_N_DROPS));
	assert_null(lb_drop_text(SIZE_MAX));
	assert_false(lb_drop_is_lost(LB_N_DROPS));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_reason_has_a_name_of_its_own_and_a_sentence),
		cmocka_unit_test(what_is_only_counted_is_not_lost),
		cmocka_unit_test(unknown_reasons_have_no_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
