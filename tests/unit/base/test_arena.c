// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * base/arena: pieces are zeroed, aligned and stay where they are; the arena grows and is reset.
 */
#include "base/arena.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

static void pieces_are_zeroed_aligned_and_do_not_overlap(void **state)
{
	_cleanup_(arena_freep) struct arena *a = arena_new();
	unsigned char *pieces[500];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
		size_t size = i * 7 % 300;

		pieces[i] = arena_alloc(a, size, 1);
		assert_int_equal((uintptr_t)pieces[i] % 8, 0);
		for (size_t k = 0; k < size; k++)
			assert_int_equal(pieces[i][k], 0);
		memset(pieces[i], (int)(i % 255) + 1, size);
	}
	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++)
		for (size_t k = 0; k < i * 7 % 300; k++)
			assert_int_equal(pieces[i][k], i % 255 + 1);
}

static void empty_pieces_are_unique(void **state)
{
	_cleanup_(arena_freep) struct arena *a = arena_new();

	(void)state;
	assert_ptr_not_equal(arena_alloc(a, 0, 8), arena_alloc(a, 8, 0));
}

static void use_a_million(struct arena *a)
{
	for (int i = 0; i < 100; i++)
		memset(arena_alloc(a, 1, 10000), 0xff, 10000);
}

static void reset_keeps_what_was_used_and_hands_out_zeroes_again(void **state)
{
	_cleanup_(arena_freep) struct arena *a = arena_new();

	(void)state;
	use_a_million(a);
	arena_reset(a);
	assert_in_range(arena_bytes(a), 100 * 10000, 2 * 100 * 10000);

	size_t kept = arena_bytes(a);
	const unsigned char *p = arena_alloc(a, 1, 10000);

	for (size_t i = 0; i < 10000; i++)
		assert_int_equal(p[i], 0);
	use_a_million(a);
	assert_int_equal(arena_bytes(a), kept);
}

/* After one large use little is held, soon, but not at once. */
static void reset_after_less_gives_back_by_and_by(void **state)
{
	_cleanup_(arena_freep) struct arena *a = arena_new();
	size_t before;

	(void)state;
	use_a_million(a);
	arena_reset(a);
	before = arena_bytes(a);
	(void)arena_alloc(a, 1, 100);
	arena_reset(a);
	assert_in_range(arena_bytes(a), before / 3, before * 2 / 3);
	for (int i = 0; i < 10; i++) {
		(void)arena_alloc(a, 1, 100);
		arena_reset(a);
	}
	assert_true(arena_bytes(a) < before / 5);
}

static void reset_of_an_empty_arena_is_harmless(void **state)
{
	_cleanup_(arena_freep) struct arena *a = arena_new();

	(void)state;
	arena_reset(a);
	assert_non_null(arena_alloc(a, 1, 1));
	assert_null(arena_free(NULL));
}

static void a_huge_piece_does_not_end_the_use_of_the_current_block(void **state)
{
	_cleanup_(arena_freep) struct arena *a = arena_new();
	const char *first = arena_alloc(a, 1, 16);
	const char *huge = arena_alloc(a, 1, 1 << 20), *next = arena_alloc(a, 1, 16);

	(void)state;
	assert_non_null(huge);
	assert_in_range(next - first, 16, 32); /* 16, and what the sanitizer adds */
}

/* The sanitizer's own word on whether reading there would end the program. */
static void what_is_not_handed_out_cannot_be_read(void **state)
{
#ifdef __SANITIZE_ADDRESS__
	_cleanup_(arena_freep) struct arena *a = arena_new();
	const char *piece = arena_alloc(a, 3, 7), *next = arena_alloc(a, 1, 1);

	(void)state;
	assert_false(__asan_address_is_poisoned(piece + 20));
	assert_true(__asan_address_is_poisoned(piece + 21));
	assert_true(__asan_address_is_poisoned(next - 1));
	assert_true(__asan_address_is_poisoned(next + 1));
	arena_reset(a);
	assert_true(__asan_address_is_poisoned(piece));
	piece = arena_alloc(a, 0, 1);
	assert_true(__asan_address_is_poisoned(piece));
#else
	(void)state;
	skip();
#endif
}

static void strings_are_copied(void **state)
{
	_cleanup_(arena_freep) struct arena *a = arena_new();
	char text[] = "lodestone";
	const char *copy = arena_strdup(a, text), *part = arena_strndup(a, text, 4);
	const char *whole = arena_strndup(a, text, 100);

	(void)state;
	memset(text, 'X', sizeof(text) - 1);
	assert_string_equal(copy, "lodestone");
	assert_string_equal(part, "lode");
	assert_string_equal(whole, "lodestone");
	assert_null(arena_strdup(a, NULL));
	assert_string_equal(arena_printf(a, "%s=%d", "x", 7), "x=7");
	assert_memory_equal(arena_memdup(a, "ab", 3), "ab", 3);
}

static void fill(struct arena *a, unsigned seed)
{
	for (unsigned i = 0; i < seed; i++) {
		(void)arena_alloc(a, 1, 1 + i * seed % 40);
		(void)arena_printf(a, "%*u", (int)(i % 11), i);
		(void)arena_strdup(a, "x");
	}
}

/* What was used is what one block takes, whatever blocks there were. */
static void an_arena_of_the_used_size_needs_one_block(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed < 200; seed++) {
		_cleanup_(arena_freep) struct arena *many = arena_new(), *one = NULL;
		size_t before;

		fill(many, seed);
		one = arena_new_of_size(arena_used(many));
		(void)arena_alloc(one, 1, 1); /* makes the block; the rest begins anew */
		arena_reset(one);
		before = arena_bytes(one);
		fill(one, seed);
		assert_int_equal(arena_bytes(one), before);
		assert_int_equal(arena_used(one), arena_used(many));
		(void)arena_alloc(one, 1, 1);
		assert_true(arena_bytes(one) > before);
		arena_reset(many);
		assert_int_equal(arena_used(many), 0);
	}
}

static void push_doubles_and_keeps_the_elements(void **state)
{
	_cleanup_(arena_freep) struct arena *a = arena_new();
	uint64_t *items = NULL;
	size_t n = 0, cap = 0;

	(void)state;
	for (uint64_t i = 0; i < 1000; i++) {
		uint64_t *slot = arena_push(a, &items, &n, &cap, sizeof(*items));

		assert_int_equal(*slot, 0);
		*slot = i;
	}
	assert_int_equal(n, 1000);
	assert_true(cap >= n && cap < 2 * n);
	for (uint64_t i = 0; i < 1000; i++)
		assert_int_equal(items[i], i);
}

/* Behind all pieces, in the block of the next one, which may find anything there. */
static void what_is_spare_holds_no_piece(void **state)
{
	_cleanup_(arena_freep) struct arena *a = arena_new();
	unsigned char *piece, *spare;
	size_t len;

	(void)state;
	assert_null(arena_spare(a, &len));
	assert_int_equal(len, 0);
	piece = arena_alloc(a, 1, 100);
	memset(piece, 1, 100);
	spare = arena_spare(a, &len);
	assert_true(spare >= piece + 100 && len > 0 && len < arena_bytes(a));
	spare = arena_alloc(a, 1, 200);
	for (size_t i = 0; i < 200; i++)
		assert_int_equal(spare[i], 0);
	arena_reset(a);
	assert_ptr_equal(arena_spare(a, &len), piece);
	assert_true(len >= 300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_are_zeroed_aligned_and_do_not_overlap),
		cmocka_unit_test(empty_pieces_are_unique),
		cmocka_unit_test(reset_keeps_what_was_used_and_hands_out_zeroes_again),
		cmocka_unit_test(reset_after_less_gives_back_by_and_by),
		cmocka_unit_test(reset_of_an_empty_arena_is_harmless),
		cmocka_unit_test(a_huge_piece_does_not_end_the_use_of_the_current_block),
		cmocka_unit_test(what_is_not_handed_out_cannot_be_read),
		cmocka_unit_test(strings_are_copied),
		cmocka_unit_test(an_arena_of_the_used_size_needs_one_block),
		cmocka_unit_test(what_is_spare_holds_no_piece),
		cmocka_unit_test(push_doubles_and_keeps_the_elements),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
