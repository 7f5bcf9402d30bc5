// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* The words and their sentences. */
#include "plan/plan_reason.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Every word that an operator may meet is in the page for him. */
static void each_word_is_in_the_manual(void **state)
{
	FILE *file = fopen("docs/operations.md", "re");
	static char text[1 << 20];

	(void)state;
	assert_non_null(file);
	assert_true(fread(text, 1, sizeof(text) - 1, file) > 0);
	fclose(file);
	for (const struct plan_reason *r = plan_reasons(); r->word; r++)
		if (!strstr(text, r->word))
			fail_msg("docs/operations.md does not say what %s means", r->word);
}

static void each_word_has_two_sentences_and_one_place(void **state)
{
	(void)state;
	for (const struct plan_reason *r = plan_reasons(); r->word; r++) {
		assert_ptr_equal(plan_reason_find(r->word), r);
		assert_true(strlen(r->holds) > 10 && strlen(r->fails) > 10);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_word_is_in_the_manual),
		cmocka_unit_test(each_word_has_two_sentences_and_one_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
