// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * api/yaml_json: what is taken is what libyaml makes of it, whatever is done to the text; what the
 * feeder tells is taken; and what JSON and YAML could read differently is not.
 */
#include "unit/api/json_oracle.h"

#include "base/limits.h"
#include "base/rng.h"
#include "unit/api/api_test.h"

#define TEXT_BYTES 65536
#define N_TEXTS    4000

static bool is_taken(struct arena *arena, const char *text, size_t len)
{
	struct api_value *root = NULL;
	const struct api_yaml_text in = {.text = text, .len = len, .first_line = 1};
	const bool ret = api_yaml_json(arena, &in, &root);

	assert_true(ret == (root != NULL));
	return ret;
}

static void what_is_taken_is_the_tree_of_libyaml(void **state)
{
	static const char *const texts[] = {
		"{}",
		" \n {} \n",
		"{\"a\":{}}",
		"{\"a\":[]}",
		"{\"a\":[{},[],\"\",0]}",
		"{\"a\": 1, \"b\": [true, false, null], \"c\": \"true\"}",
		"{\"a\":-1,\"b\":1.5e+3,\"c\":08,\"d\":1.2.3}",
		"{\"a\":\"b \\\"c\\\" \\\\ \\/ \\b\\f\\n\\r\\t\"}",
		"{\"\":\"\"}",
		"{\"a\":1,\"a\":2,\"b\":3}",
		"{\"<<\":{\"a\":1}}",
		"{\"a\":\"---\",\"b\":\"# no comment\",\"c\":\"  x  \",\"d\":\"{{ x }}\"}",
		"{\n  \"a\": [\n    1,\n    {\"b\": 2}\n  ],\n  \"c\": {\n    \"d\": \"e\"\n  }\n}\n",
		"{\"a0\":0,\"a1\":1,\"a2\":2,\"a3\":3,\"a4\":4,\"a5\":5,\"a6\":6,\"a7\":7,\"a8\":8,\"a3\":9}",
	};
	_cleanup_(arena_freep) struct arena *arena = arena_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		if (!is_taken(arena, texts[i], strlen(texts[i])))
			fail_msg("not taken: %s", texts[i]);
		if (!json_is_as_libyaml(arena, texts[i], strlen(texts[i])))
			fail_msg("another tree: %s", texts[i]);
	}
}

static void what_could_be_read_differently_is_left(void **state)
{
	static const char *const texts[] = {
		"",
		"x",
		"[]",
		"\"a\"",
		"1",
		"# {}",
		"---\n{}",
		"{} x",
		"{}{}",
		"{}\n---\n{}",
		"{\"a\":1,}",
		"{,}",
		"{\"a\":[1,]}",
		"{\"a\":[,1]}",
		"{\"a\" :1}",
		"{\"a\":}",
		"{\"a\"}",
		"{a:1}",
		"{'a':1}",
		"{\"a\":b}",
		"{\"a\":'b'}",
		"{\"a\":tru}",
		"{\"a\":truex}",
		"{\"a\":-}",
		"{\"a\":-x}",
		"{\"a\":.5}",
		"{\"a\":+1}",
		"{\"a\":1 2}",
		"{\"a\":0x1F}",
		"{\"a\":1_0}",
		"{\"a\":1",
		"{\"a\":\"b}",
		"{\"a\":[1}",
		"{\"a\":1]",
		"{\"a\":{\"b\":1]}",
		"{\"a\":\"\\u0041\"}",
		"{\"a\":\"\\x41\"}",
		"{\"a\":\"\\",
		"{\"a\":\"b\tc\"}",
		"{\"a\":\"b\nc\"}",
		"{\"a\":\"\x7f\"}",
		"{\"a\":\"\xc3\xa4\"}",
		"{\"\xc3\xa4\":1}",
		"{\t\"a\":1}",
		"{\r\n\"a\":1}",
		"\xef\xbb\xbf{}",
		"{\"a\":*b}",
		"{\"a\":&b 1}",
		"{\"a\":!!str 1}",
		"{{ x }}",
		"{\"a\":{{ x }}}",
		"{? \"a\" : 1}",
		"{[1]:2}",
		"{\"a\":1 # c\n}",
	};
	_cleanup_(arena_freep) struct arena *arena = arena_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (is_taken(arena, texts[i], strlen(texts[i])))
			fail_msg("taken: %s", texts[i]);
	assert_false(is_taken(arena, "{\"a\":\"\0\"}", 9));
	assert_false(is_taken(arena, "{}\0", 3));
}

/* A word of the text that is cut off at each of its bytes is never taken, and nothing behind it is
 * looked at. */
static void what_is_cut_short_is_left(void **state)
{
	static const char text[] = "{\"a\":[1,-2,true,\"b\\n\",{\"c\":null}],\"d\":false}";
	_cleanup_(arena_freep) struct arena *arena = arena_new();

	(void)state;
	for (size_t len = 0; len < strlen(text); len++) {
		char *piece = xmalloc(len + 1);

		memcpy(piece, text, len);
		assert_false(is_taken(arena, piece, len));
		free(piece);
	}
	assert_true(is_taken(arena, text, strlen(text)));
}

/* `depth` maps in each other, the innermost with a key of so many characters. */
static bool is_nested_taken(struct arena *arena, unsigned depth, size_t key_len)
{
	struct strbuf s;
	bool ret;

	strbuf_init(&s, TEXT_BYTES);
	for (unsigned i = 1; i < depth; i++)
		strbuf_add(&s, "{\"a\":");
	strbuf_add(&s, "{\"");
	for (size_t i = 0; i < key_len; i++)
		strbuf_add(&s, "k");
	strbuf_add(&s, "\":1");
	for (unsigned i = 0; i < depth; i++)
		strbuf_add(&s, "}");
	ret = is_taken(arena, s.data, s.len);
	assert_true(json_is_as_libyaml(arena, s.data, s.len));
	strbuf_done(&s);
	return ret;
}

static void depth_and_keys_are_bounded_as_in_yaml(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();

	(void)state;
	assert_true(is_nested_taken(arena, LIMIT_YAML_DEPTH, 1));
	assert_false(is_nested_taken(arena, LIMIT_YAML_DEPTH + 1, 1));
	assert_true(is_nested_taken(arena, 2, 512));
	assert_false(is_nested_taken(arena, 2, 513));
}

static void space(struct rng *rng, struct strbuf *s)
{
	static const char *const spaces[] = {"", "", "", " ", "\n", " \n  "};

	strbuf_add(s, spaces[rng_below(rng, ARRAY_SIZE(spaces))]);
}

static void string(struct rng *rng, struct strbuf *s)
{
	static const char *const parts[] = {"a",    "kubernetes.io/",
					    "b c",  "\\\"",
					    "\\\\", "\\/",
					    "\\n",  ": ",
					    "- ",   "#",
					    ",",    "{",
					    "]",    "<<",
					    "*a",   "&a",
					    "!",    "|",
					    "\\t ", "10.0.0.1",
					    "%"};

	strbuf_add(s, "\"");
	for (uint64_t n = rng_below(rng, 4); n > 0; n--)
		strbuf_add(s, parts[rng_below(rng, ARRAY_SIZE(parts))]);
	strbuf_add(s, "\"");
}

static void value(struct rng *rng, struct strbuf *s, unsigned depth)
{
	static const char *const plain[] = {"0", "-7", "8080", "1e9", "2.50", "true", "null"};
	const uint64_t what = rng_below(rng, depth > 0 ? 6 : 4);

	if (what < 2) {
		string(rng, s);
	} else if (what < 4) {
		strbuf_add(s, plain[rng_below(rng, ARRAY_SIZE(plain))]);
	} else {
		const uint64_t n = rng_below(rng, 12);

		strbuf_add(s, what == 4 ? "{" : "[");
		for (uint64_t i = 0; i < n; i++) {
			strbuf_add(s, i > 0 ? "," : "");
			space(rng, s);
			if (what == 4) {
				string(rng, s);
				strbuf_add(s, ":");
			}
			space(rng, s);
			value(rng, s, depth - 1);
			space(rng, s);
		}
		strbuf_add(s, what == 4 ? "}" : "]");
	}
}

/* Bytes that mean something are put in the place of others, between them, or taken out. */
static void spoil(struct rng *rng, struct strbuf *s)
{
	static const char bytes[] = "{}[]:,\"\\ \n\t#-'*&!%@`|>?~ax0.e\x7f\xc3";
	const size_t at = rng_below(rng, s->len);
	const char byte = bytes[rng_below(rng, sizeof(bytes))]; /* also a NUL */

	switch (rng_below(rng, 3)) {
	case 0:
		s->data[at] = byte;
		break;
	case 1:
		memmove(s->data + at, s->data + at + 1, s->len - at - 1);
		s->len--;
		break;
	default:
		strbuf_add(s, " ");
		memmove(s->data + at + 1, s->data + at, s->len - at - 1);
		s->data[at] = byte;
	}
}

static void any_json_is_taken_and_any_text_is_read_as_yaml_does(void **state)
{
	size_t n_spoilt = 0;
	struct rng rng;

	(void)state;
	rng_seed(&rng, 105);
	for (unsigned i = 0; i < N_TEXTS; i++) {
		_cleanup_(arena_freep) struct arena *arena = arena_new();
		struct strbuf s;

		strbuf_init(&s, TEXT_BYTES);
		strbuf_add(&s, "{\"k\":");
		value(&rng, &s, 4);
		strbuf_add(&s, "}");
		if (!s.truncated && !is_taken(arena, s.data, s.len))
			fail_msg("not taken: %s", s.data);
		if (!json_is_as_libyaml(arena, s.data, s.len))
			fail_msg("another tree: %s", s.data);
		for (unsigned k = 0; k < 3; k++) {
			spoil(&rng, &s);
			n_spoilt += is_taken(arena, s.data, s.len);
			if (!json_is_as_libyaml(arena, s.data, s.len))
				fail_msg("another tree: %.*s", (int)s.len, s.data);
		}
		strbuf_done(&s);
	}
	assert_true(n_spoilt > N_TEXTS / 4); /* or they were spoilt too much to say anything */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_taken_is_the_tree_of_libyaml),
		cmocka_unit_test(what_could_be_read_differently_is_left),
		cmocka_unit_test(what_is_cut_short_is_left),
		cmocka_unit_test(depth_and_keys_are_bounded_as_in_yaml),
		cmocka_unit_test(any_json_is_taken_and_any_text_is_read_as_yaml_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
