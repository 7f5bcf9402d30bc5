// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Helpers for the tests of api/: decode a text, put its problems into one string of lines
 * "severity Reason field:line", and compare. A table of cases {text, lines} is then a test.
 */
#pragma once

#include "api/document.h"
#include "api/split.h"
#include "api/text.h"
#include "base/strbuf.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#define SAMPLES "tests/samples/"

struct api_case {
	const char *text;
	const char *problems; /* lines, sorted as problems are shown */
};

static inline char *problems_text(const struct problems *list)
{
	struct strbuf s;

	strbuf_init(&s, 1 << 20);
	strbuf_add(&s, "");
	for (size_t i = 0; i < list->n; i++) {
		const struct problem *p = &list->items[i];

		assert_non_null(p->message);
		if (!p->remedy)
			fail_msg("no remedy: %s %s: %s", p->reason, p->field, p->message);
		strbuf_printf(&s, "%s%s %s %s:%u", i ? "\n" : "", severity_text(p->severity),
			      p->reason, p->field ? p->field : "-",
			      p->line ? p->line : p->object.line);
	}
	return s.data ? s.data : xstrdup("");
}

/* Decodes "x.yaml", all its documents into one batch; its problems sorted. */
static inline struct api_batch decode_bytes(const char *text, size_t len)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const struct api_text utf8 = api_text_utf8(arena, text, len);
	struct api_split split = api_split_init(utf8.text, utf8.len);
	struct api_yaml_text document;
	struct api_batch b;

	api_batch_init(&b);
	while (api_split_next(&split, &document))
		api_decode_document(&b, "x.yaml", &document);
	problems_sort(&b.problems);
	return b;
}
static inline struct api_batch decode_text(const char *text)
{
	return decode_bytes(text, strlen(text));
}

static inline void check_case(const char *head, const struct api_case *c)
{
	struct strbuf text;
	struct api_batch b;

	strbuf_init(&text, 1 << 20);
	strbuf_add(&text, head);
	strbuf_add(&text, c->text);
	b = decode_text(text.data);
	_cleanup_(freep) char *got = problems_text(&b.problems);

	if (strcmp(got, c->problems) != 0)
		print_error("for:\n%s\n", text.data);
	assert_string_equal(got, c->problems);
	/* An error costs the object, anything else does not. */
	assert_int_equal(b.n, problems_count(&b.problems, SEVERITY_ERROR) == 0);
	api_batch_done(&b);
	strbuf_done(&text);
}

/* The one object of a text, which must be there. */
static inline const struct api_object *only_object(const struct api_batch *b)
{
	if (b->n != 1)
		for (size_t i = 0; i < b->problems.n; i++)
			print_error("%s\n", b->problems.items[i].message);
	assert_int_equal(b->n, 1);
	return b->objects[0];
}

/* What a text comes to that holds no object. */
struct api_outcome {
	const char *text, *problems;
	size_t foreign;
	bool lost;
	size_t refused;
};

static inline void check_outcomes(const struct api_outcome *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct api_batch b = decode_text(cases[i].text);
		_cleanup_(freep) char *got = problems_text(&b.problems);

		if (strcmp(got, cases[i].problems) != 0)
			print_error("for %s\n", cases[i].text);
		assert_string_equal(got, cases[i].problems);
		assert_int_equal(b.n, 0);
		assert_int_equal(b.foreign, cases[i].foreign);
		assert_int_equal(b.is_lost, cases[i].lost);
		assert_int_equal(b.n_refused, cases[i].refused);
		api_batch_done(&b);
	}
}

static inline char *read_file(const char *path, size_t *ret_len)
{
	FILE *f = fopen(path, "r");
	char *text = xmalloc(1 << 20);

	if (!f)
		fail_msg("%s cannot be opened; run this from the top of the tree", path);
	*ret_len = fread(text, 1, (1 << 20) - 1, f);
	text[*ret_len] = '\0';
	fclose(f);
	return text;
}

static inline struct ip_addr addr_of(const char *text)
{
	struct ip_addr a;

	assert_true(ip_addr_parse(text, &a));
	return a;
}
