// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The stream of a capture: whatever pieces it comes in, the file's octets and the last line are the
 * same; and what is no such stream is told.
 */
#include "cli/capture_stream.h"

#include "base/rng.h"
#include "base/strbuf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define SEEDS 200
#define FIRST "{\"protocol\":\"lodestone/1\",\"ok\":true}\n"
#define LAST  "{\"packets\":2,\"ended\":\"seconds\"}"

struct file {
	struct strbuf text;
	size_t refuses_at; /* 0: never */
};

static bool put(void *ctx, const char *data, size_t len)
{
	struct file *f = ctx;

	strbuf_add_len(&f->text, data, len);
	return f->refuses_at == 0 || f->text.len < f->refuses_at;
}

static void begin(struct file *f, struct capture_stream *s)
{
	*f = (struct file){.refuses_at = 0};
	strbuf_init(&f->text, 1u << 20);
	*s = (struct capture_stream){.put = put, .ctx = f};
}

static bool take(struct capture_stream *s, const char *text)
{
	return capture_stream_take(s, text, strlen(text));
}

static void a_stream_in_any_pieces_is_the_same_file(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct rng rng;
		struct capture_stream s;
		struct strbuf whole, want;
		struct file f;
		size_t at = 0;

		rng_seed(&rng, seed);
		begin(&f, &s);
		strbuf_init(&whole, 1u << 20);
		strbuf_init(&want, 1u << 20);
		strbuf_add(&whole, FIRST);
		for (uint64_t n = rng_below(&rng, 6); n > 0; n--) {
			const size_t len = 1 + rng_below(&rng, 3000);

			strbuf_printf(&whole, "{\"bytes\":%zu}\n", len);
			for (size_t i = 0; i < len; i++) {
				const char octet = (char)rng_next(&rng); /* newlines among them */

				strbuf_add_len(&whole, &octet, 1);
				strbuf_add_len(&want, &octet, 1);
			}
		}
		strbuf_add(&whole, LAST "\n");
		while (at < whole.len) {
			size_t n = 1 + rng_below(&rng, 500);

			n = n < whole.len - at ? n : whole.len - at;
			assert_int_equal(capture_stream_take(&s, whole.data + at, n),
					 at + n < whole.len);
			at += n;
		}
		assert_true(s.has_first && s.is_over && !s.is_bad);
		assert_string_equal(s.line, LAST);
		assert_int_equal(f.text.len, want.len);
		if (want.len > 0)
			assert_memory_equal(f.text.data, want.data, want.len);
		strbuf_done(&whole);
		strbuf_done(&want);
		strbuf_done(&f.text);
	}
}

static void a_refusal_is_the_first_line(void **state)
{
	struct capture_stream s;
	struct file f;

	(void)state;
	begin(&f, &s);
	assert_false(take(&s, "{\"protocol\":\"lodestone/1\",\"ok\":false,\"error\":\"no\"}\n"));
	assert_true(s.is_over && !s.has_first && !s.is_bad);
	assert_int_equal(f.text.len, 0);
}

static void what_is_no_stream_is_told(void **state)
{
	static const char *const bad[] = {"nonsense\n",
					  FIRST "nonsense\n",
					  FIRST "{\"bytes\":0}\n",
					  FIRST "{\"bytes\":-1}\n",
					  FIRST "{\"bytes\":1e9}\n",
					  FIRST "{\"bytes\":\"x\"}\n"};
	static char endless[2 * CAPTURE_LINE_BYTES];
	struct capture_stream s;
	struct file f;

	(void)state;
	memset(endless, ' ', sizeof(endless) - 1);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		begin(&f, &s);
		assert_false(take(&s, bad[i]));
		assert_true(s.is_bad && !s.is_over);
	}
	begin(&f, &s);
	assert_false(take(&s, endless));
	assert_true(s.is_bad);
}

static void a_file_that_takes_no_more_ends_it(void **state)
{
	struct capture_stream s;
	struct file f;

	(void)state;
	begin(&f, &s);
	f.refuses_at = 3;
	assert_true(take(&s, FIRST "{\"bytes\":5}\nab"));
	assert_false(take(&s, "cde"));
	assert_false(s.is_over || s.is_bad);
	strbuf_done(&f.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stream_in_any_pieces_is_the_same_file),
		cmocka_unit_test(a_refusal_is_the_first_line),
		cmocka_unit_test(what_is_no_stream_is_told),
		cmocka_unit_test(a_file_that_takes_no_more_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
