// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * agent/world_text: what is written is read back whatever the names of files hold, --config reads
 * it, too, and a text that is not whole is refused at whatever byte it ends or differs.
 */
#include "agent/world_text.h"

#include "api/world.h"
#include "base/rng.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

static struct strbuf text_of(const struct api_object *objects, size_t n)
{
	struct world_text t;
	struct strbuf out;

	strbuf_init(&out, 1 << 20);
	world_text_begin(&out, &t);
	for (size_t i = 0; i < n; i++)
		world_text_add(&out, &t, &objects[i]);
	world_text_end(&out, &t);
	return out;
}

static const struct api_object objects[] = {
	{.meta = {.file = "/etc/lodestone/pool.yaml", .line = 3}, .text = "{a: b}", .text_len = 6},
	{.meta = {.file = "/etc/lodestone/pool.yaml", .line = 7}, .text = "{}", .text_len = 2},
};

static void the_format_is_the_one_of_the_header(void **state)
{
	struct strbuf out = text_of(objects, 1);
	const char *end;

	(void)state;
	assert_non_null(strstr(out.data, "\n# lodestone-world: 1\n"
					 "# source: \"/etc/lodestone/pool.yaml\", line 3\n"
					 "--- {a: b}\n"
					 "# end: 1 objects, checksum "));
	end = strstr(out.data, "checksum ");
	assert_int_equal(strlen(end), strlen("checksum 0123456789abcdef\n"));
	strbuf_done(&out);
}

static void what_is_written_is_read_back(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct strbuf out = text_of(objects, 2);
	struct world_text_walk walk;
	struct world_text_item item;

	(void)state;
	assert_true(world_text_open(out.data, out.len, &walk));
	for (size_t i = 0; i < 2; i++) {
		assert_true(world_text_next(&walk, arena, &item));
		assert_string_equal(item.source, objects[i].meta.file);
		assert_int_equal(item.document.line, objects[i].meta.line);
		assert_int_equal(item.document.len, objects[i].text_len);
		assert_memory_equal(item.document.text, objects[i].text, objects[i].text_len);
	}
	assert_false(world_text_next(&walk, arena, &item));
	strbuf_done(&out);
}

static void no_object_at_all_is_a_text_too(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct strbuf out = text_of(NULL, 0);
	struct world_text_walk walk;
	struct world_text_item item;

	(void)state;
	assert_true(world_text_open(out.data, out.len, &walk));
	assert_false(world_text_next(&walk, arena, &item));
	strbuf_done(&out);
}

static void names_of_files_may_hold_any_byte(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed(&rng, 9);
	for (int round = 0; round < 2000; round++) {
		_cleanup_(arena_freep) struct arena *arena = arena_new();
		char name[12] = "";
		struct api_object o = {.meta = {.file = name, .line = (unsigned)rng_next(&rng)},
				       .text = "x",
				       .text_len = 1};
		struct world_text_walk walk;
		struct world_text_item item;
		struct strbuf out;

		for (uint64_t i = rng_below(&rng, sizeof(name) - 1); i > 0; i--)
			name[i - 1] = rng_below(&rng, 2) ? "\"\\\n\r#x0"[rng_below(&rng, 7)]
							 : (char)(1 + rng_below(&rng, 255));
		out = text_of(&o, 1);
		assert_true(world_text_open(out.data, out.len, &walk));
		assert_true(world_text_next(&walk, arena, &item));
		assert_string_equal(item.source, name);
		assert_int_equal(item.document.line, o.meta.line);
		for (size_t i = 0; i < out.len; i++)
			assert_true(out.data[i] == '\n' ||
				    (out.data[i] >= ' ' && out.data[i] <= '~'));
		strbuf_done(&out);
	}
}

static void what_is_not_whole_is_refused(void **state)
{
	struct strbuf out = text_of(objects, 2);
	struct world_text_walk walk;

	(void)state;
	for (size_t len = 0; len < out.len; len++) {
		char *torn = xmalloc(len); /* so that a read past the end is seen */

		memcpy(torn, out.data, len);
		assert_false(world_text_open(torn, len, &walk));
		free(torn);
	}
	/* From the second line on every byte counts: torn pages are zeroes or old content. */
	for (size_t i = (size_t)(strchr(out.data, '\n') - out.data) + 1; i < out.len; i++) {
		char was = out.data[i];

		out.data[i] = was == '\0' ? 'x' : '\0';
		assert_false(world_text_open(out.data, out.len, &walk));
		out.data[i] = (char)(was ^ 1);
		assert_false(world_text_open(out.data, out.len, &walk));
		out.data[i] = was;
	}
	assert_true(world_text_open(out.data, out.len, &walk));
	strbuf_add(&out, "x");
	assert_false(world_text_open(out.data, out.len, &walk));
	strbuf_done(&out);
}

static void it_is_a_configuration(void **state)
{
	static const char namespace[] = "{apiVersion: v1, kind: Namespace, metadata: {name: x1}}";
	static const char other[] = "{apiVersion: v1, kind: Namespace, metadata: {name: x2}}";
	const struct api_object saved[] = {
		{.meta = {.file = "a\nb", .line = 1},
		 .text = namespace,
		 .text_len = sizeof(namespace) - 1},
		{.meta = {.file = "a\xff", .line = 1},
		 .text = other,
		 .text_len = sizeof(other) - 1},
	};
	struct strbuf out = text_of(saved, 2);
	struct world *w = world_new();

	(void)state;
	world_put_source(w, "00.yaml", out.data, out.len);
	assert_int_equal(world_list(w, API_NAMESPACE).n, 2);
	assert_int_equal(world_problems(w)->n, 0);
	world_free(w);
	strbuf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_format_is_the_one_of_the_header),
		cmocka_unit_test(what_is_written_is_read_back),
		cmocka_unit_test(no_object_at_all_is_a_text_too),
		cmocka_unit_test(names_of_files_may_hold_any_byte),
		cmocka_unit_test(what_is_not_whole_is_refused),
		cmocka_unit_test(it_is_a_configuration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
