// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * api/schema: every table holds to the rules that the decoder relies on. The tables are walked from
 * their roots, so that a new one is checked without being named here.
 */
#include "api/fields.h"

#include "unit/api/api_test.h"

static void check_row(const struct api_table *t, const struct api_field *f)
{
	assert_non_null(f->name);
	if (f->flags & (API_FIELD_IGNORED | API_FIELD_ELSEWHERE))
		return;
	if (f->type == API_TYPE_INT || f->type == API_TYPE_DURATION ||
	    f->type == API_TYPE_INT_OR_TEXT)
		assert_true(f->min <= f->max && f->max > 0);
	assert_int_equal(f->type == API_TYPE_ENUM, f->words != NULL);
	assert_int_equal(f->type == API_TYPE_STRUCT, f->table != NULL);
	if (f->is_list)
		assert_true(f->size > 0);
	else
		assert_true(f->offset + f->size <= t->size);
	if (f->is_list && f->table)
		assert_int_equal(f->size, f->table->size);
	if (f->bit)
		assert_true(t->set_at + sizeof(int) <= t->size);
}

static void check_table(const struct api_table *t)
{
	assert_true(t->n > 0 && t->n <= 64);
	for (size_t i = 0; i < t->n; i++) {
		check_row(t, &t->fields[i]);
		for (size_t j = 0; j < i; j++)
			if (strcmp(t->fields[i].name, t->fields[j].name) == 0)
				/* One name twice: never both in one version. */
				assert_true(t->fields[i].versions && t->fields[j].versions &&
					    !(t->fields[i].versions & t->fields[j].versions));
		if (t->fields[i].table)
			check_table(t->fields[i].table);
	}
}

static void every_table_holds_to_the_rules(void **state)
{
	(void)state;
	check_table(&api_table_meta);
	for (int kind = 0; kind < API_N_KINDS; kind++) {
		const struct api_schema *s = api_schemas[kind];

		assert_non_null(s);
		assert_int_equal(s->kind, kind);
		assert_non_null(s->group);
		assert_non_null(s->versions[0]);
		assert_non_null(s->default_ns);
		/* Fields that we do not know are the business of those whose kind it is. */
		assert_int_equal(s->is_lenient, !strstr(s->group, "metallb.io") &&
							strcmp(s->group, "lodestone.io") != 0);
		check_table(s->table);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_table_holds_to_the_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
