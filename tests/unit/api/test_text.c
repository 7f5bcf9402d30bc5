// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * api/text: encodings told and recoded, line ends, and what a document says it is.
 */
#include "api/text.h"

#include "unit/api/api_test.h"

/* UTF-8 to units of `width` bytes; the caller frees. */
static char *encode(const char *utf8, size_t width, bool is_big, size_t *ret_len)
{
	char *out = xmalloc(strlen(utf8) * 4 + 1);
	size_t len = 0;

	for (const unsigned char *at = (const unsigned char *)utf8; *at;) {
		uint32_t code = *at++;
		uint32_t units[2] = {0};
		size_t n = 1;

		if (code >= 0xf0)
			code = (code & 7) << 18 | (at[0] & 0x3fu) << 12 | (at[1] & 0x3fu) << 6 |
			       (at[2] & 0x3fu);
		else if (code >= 0xe0)
			code = (code & 15) << 12 | (at[0] & 0x3fu) << 6 | (at[1] & 0x3fu);
		else if (code >= 0xc0)
			code = (code & 31) << 6 | (at[0] & 0x3fu);
		at += (code >= 0x80) + (code >= 0x800) + (code >= 0x10000);
		units[0] = code;
		if (width == 2 && code >= 0x10000) {
			units[0] = 0xd800 + ((code - 0x10000) >> 10);
			units[1] = 0xdc00 + ((code - 0x10000) & 0x3ff);
			n = 2;
		}
		for (size_t u = 0; u < n; u++)
			for (size_t i = 0; i < width; i++)
				out[len++] = (char)(units[u] >> 8 * (is_big ? width - 1 - i : i));
	}
	*ret_len = len;
	return out;
}

static void expect_utf8(const char *in, size_t len, const char *want, size_t want_len)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	_cleanup_(freep) char *exact = xmalloc(len + 1);
	struct api_text got;

	memcpy(exact, in, len); /* so that a byte read too far is seen */
	got = api_text_utf8(arena, exact, len);
	assert_int_equal(got.len, want_len);
	assert_memory_equal(got.text, want, want_len);
}

static void utf16_and_utf32_are_recoded_with_and_without_a_mark(void **state)
{
	static const char *const texts[] = {
		API_TEXT_BOM "a: 1\n", "a: 1\r\nb: 2\n",
		"a: \xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80\xef\xbf\xbd\xf4\x8f\xbf\xbf\n",
		API_TEXT_BOM "\xc3\xbc: \x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xf0\x90\x80\x80"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		for (size_t width = 2; width <= 4; width += 2)
			for (int is_big = 0; is_big < 2; is_big++) {
				size_t len;
				_cleanup_(freep) char *in = encode(texts[i], width, is_big, &len);

				expect_utf8(in, len, texts[i], strlen(texts[i]));
			}
}

static void anything_else_is_left_as_it_is(void **state)
{
	static const char *const texts[] = {
		"", "a", "ab", "a: 1\n", API_TEXT_BOM "a", "\xff", "\xc3\xbc: 1", "\xfe\xfe"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		expect_utf8(texts[i], strlen(texts[i]), texts[i], strlen(texts[i]));
}

#define EXPECT(in, want) expect_utf8(in, sizeof(in) - 1, want, sizeof(want) - 1)

static void what_is_no_character_is_no_utf8_either(void **state)
{
	(void)state;
	EXPECT("a\0\x00\xd8"
	       "b\0",
	       "a\xed\xa0\x80"
	       "b");
	EXPECT("a\0\x00\xdc", "a\xed\xb0\x80");
	EXPECT("a\0\x00\xd8", "a\xed\xa0\x80");
	EXPECT("a\0\x00\xd8\x00\xd8\x00\xdc", "a\xed\xa0\x80\xf0\x90\x80\x80");
	EXPECT("a\0b", "a\xff");
	EXPECT("a\0\0\0\xff\xff\x11\0", "a\xff");
	EXPECT("a\0\0\0bc", "a\xff");
	EXPECT("\xff\xfe", API_TEXT_BOM);
	EXPECT("\xff\xfe\0", API_TEXT_BOM "\xff");
}

static void a_line_ends_with_lf_crlf_or_cr(void **state)
{
	static const struct {
		const char *text;
		size_t len;
	} cases[] = {{"a\nb", 2}, {"a\r\nb", 3}, {"a\rb", 2}, {"\n\n", 1}, {"\r\r", 1},
		     {"\r", 1},   {"ab", 2},     {"", 0},     {"a\r", 2}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *text = cases[i].text;

		assert_int_equal(api_text_line_end(text, text + strlen(text)) - text, cases[i].len);
	}
}

static void a_text_says_what_it_is_in_the_first_column(void **state)
{
	static const struct {
		const char *text, *version, *kind; /* kind NULL: it does not say */
	} cases[] = {
		{"apiVersion: apps/v1\nkind: Pod\n", "apps/v1", "Pod"},
		{"# c\r\nkind: \"Pod\"\r\napiVersion: 'v1' # x\r\n", "v1", "Pod"},
		{"kind:\tPod\rapiVersion:v1\r", "v1", "Pod"},
		{"apiVersion: v1\nkind: Pod", "v1", "Pod"},
		{"apiVersion: v1\n kind: Pod\n", NULL, NULL},
		{"kind: Pod\n", NULL, NULL},
		{"apiVersion: v1\nkind: Pod\nkind: Service\n", NULL, NULL},
		{"apiVersion: v1\nkind: Pod\n\napiVersion: v1\n", NULL, NULL},
		{"apiVersion: v1\nkind: &x Pod\n", NULL, NULL},
		{"apiVersion: v1\nkind: Pod#x\n", NULL, NULL},
		{"apiVersion: {{ .x }}\nkind: Pod\n", NULL, NULL},
		{"apiVersion: v1\nkind:\n", NULL, NULL},
		{"apiVersion: v1\nkinds: Pod\n", NULL, NULL},
		{"apiVersion: v1\nkind", NULL, NULL},
		{"", NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(arena_freep) struct arena *arena = arena_new();
		const struct api_text in = {cases[i].text, strlen(cases[i].text)};
		const char *version = NULL, *kind = NULL;

		if (api_text_names(arena, &in, &version, &kind) != !!cases[i].kind)
			fail_msg("%s", cases[i].text);
		if (cases[i].kind) {
			assert_string_equal(version, cases[i].version);
			assert_string_equal(kind, cases[i].kind);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(utf16_and_utf32_are_recoded_with_and_without_a_mark),
		cmocka_unit_test(anything_else_is_left_as_it_is),
		cmocka_unit_test(what_is_no_character_is_no_utf8_either),
		cmocka_unit_test(a_line_ends_with_lf_crlf_or_cr),
		cmocka_unit_test(a_text_says_what_it_is_in_the_first_column),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
