// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * kube/kube_split: whatever the chunks, the pieces are the same; what exceeds a bound is refused.
 */
#include "base/rng.h"
#include "kube/kube_split.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

static const char events[] = "{\"a\":\"}\\\"]{\\n\"}\n{\"b\":[{\"c\":{}}]}\r\n \t{}\n";
static const char *const event_pieces[] = {"{\"a\":\"}\\\"]{\\n\"}", "{\"b\":[{\"c\":{}}]}", "{}"};

static const char list[] =
	"{\"kind\":\"items\",\"x\":[{\"y\":1}],\"items\":[ {\"items\":[{}]} , {\"metadata\":{\"n\":1}}],"
	"\"metadata\":{\"resourceVersion\":\"7\",\"z\":[1]},\"after\":{\"items\":[{}]}}\n";
static const char *const list_pieces[] = {"{\"items\":[{}]}", "{\"metadata\":{\"n\":1}}",
					  "{\"resourceVersion\":\"7\",\"z\":[1]}"};

/* Cuts `text` at random and compares what comes of it. */
static void check(enum kube_split_form form, const char *text, const char *const *pieces, size_t n,
		  struct rng *rng)
{
	size_t left = strlen(text), at = 0;
	struct kube_split s;

	kube_split_init(&s, form);
	while (left > 0) {
		size_t chunk = 1 + rng_below(rng, left), len = chunk;
		const char *data = text + strlen(text) - left;

		for (;;) {
			const enum kube_piece piece = kube_split_next(&s, &data, &len);

			assert_int_not_equal(piece, KUBE_PIECE_BAD);
			if (piece == KUBE_PIECE_NONE)
				break;
			assert_true(at < n);
			assert_string_equal(s.piece.data, pieces[at]);
			assert_int_equal(piece, form == KUBE_SPLIT_LIST && at == 2
							? KUBE_PIECE_META
							: KUBE_PIECE_ITEM);
			at++;
		}
		assert_int_equal(len, 0);
		left -= chunk;
	}
	assert_int_equal(at, n);
	assert_true(kube_split_is_whole(&s));
	kube_split_done(&s);
}

static void pieces_do_not_depend_on_the_chunks(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed(&rng, 1);
	for (int i = 0; i < 500; i++) {
		check(KUBE_SPLIT_EVENTS, events, event_pieces, ARRAY_SIZE(event_pieces), &rng);
		check(KUBE_SPLIT_LIST, list, list_pieces, ARRAY_SIZE(list_pieces), &rng);
	}
}

static enum kube_piece first_piece(enum kube_split_form form, const char *text, size_t len)
{
	struct kube_split s;
	enum kube_piece piece;

	kube_split_init(&s, form);
	piece = kube_split_next(&s, &text, &len);
	kube_split_done(&s);
	return piece;
}

static void what_is_no_such_text_is_bad(void **state)
{
	static const char *const bad[] = {"<html>", "]", "x{}", "[{}]", "\"a\"", "5", "}"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(first_piece(KUBE_SPLIT_EVENTS, bad[i], strlen(bad[i])),
				 KUBE_PIECE_BAD);
	assert_int_equal(first_piece(KUBE_SPLIT_LIST, "{}{", 3), KUBE_PIECE_BAD);
	assert_int_equal(first_piece(KUBE_SPLIT_EVENTS, "{\0}", 3), KUBE_PIECE_BAD);
}

static void a_piece_is_as_deep_as_allowed_and_no_deeper(void **state)
{
	char text[2 * KUBE_PIECE_DEPTH + 3];

	(void)state;
	for (size_t depth = KUBE_PIECE_DEPTH; depth <= KUBE_PIECE_DEPTH + 1; depth++) {
		memset(text, '[', depth);
		text[0] = '{';
		memset(text + depth, ']', depth);
		text[2 * depth - 1] = '}';
		assert_int_equal(first_piece(KUBE_SPLIT_EVENTS, text, 2 * depth),
				 depth > KUBE_PIECE_DEPTH ? KUBE_PIECE_BAD : KUBE_PIECE_ITEM);
	}
}

static void a_piece_is_as_long_as_allowed_and_no_longer(void **state)
{
	char *text = xmalloc(KUBE_PIECE_BYTES + 1);

	(void)state;
	for (size_t len = KUBE_PIECE_BYTES; len <= KUBE_PIECE_BYTES + 1; len++) {
		memset(text, 'x', len);
		memcpy(text, "{\"", 2);
		memcpy(text + len - 2, "\"}", 2);
		assert_int_equal(first_piece(KUBE_SPLIT_EVENTS, text, len),
				 len > KUBE_PIECE_BYTES ? KUBE_PIECE_BAD : KUBE_PIECE_ITEM);
	}
	free(text);
}

static void a_body_that_is_cut_is_not_whole(void **state)
{
	(void)state;
	for (size_t len = 1; len < sizeof(list); len++) {
		const char *data = list;
		size_t left = len;
		struct kube_split s;

		kube_split_init(&s, KUBE_SPLIT_LIST);
		while (kube_split_next(&s, &data, &left) != KUBE_PIECE_NONE)
			;
		assert_int_equal(kube_split_is_whole(&s), len >= sizeof(list) - 2);
		kube_split_done(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_do_not_depend_on_the_chunks),
		cmocka_unit_test(what_is_no_such_text_is_bad),
		cmocka_unit_test(a_piece_is_as_deep_as_allowed_and_no_deeper),
		cmocka_unit_test(a_piece_is_as_long_as_allowed_and_no_longer),
		cmocka_unit_test(a_body_that_is_cut_is_not_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
