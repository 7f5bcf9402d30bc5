// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * base/cursor: what is written is read back, and no sequence of reads or writes leaves the buffer.
 * The buffers of the property tests come from the heap at their exact size, so that the address
 * sanitizer sees any byte too far.
 */
#include "base/cursor.h"
#include "base/mem.h"
#include "base/rng.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

static void integers_are_big_endian(void **state)
{
	static const uint8_t expected[] = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x87, 0x88, 0x89};
	uint8_t buf[sizeof(expected)];
	struct wcur w = wcur_init(buf, sizeof(buf));
	struct rcur r = rcur_init(expected, sizeof(expected));

	(void)state;
	wcur_u8(&w, 0x01);
	wcur_u16(&w, 0x0203);
	wcur_u32(&w, 0x04050687);
	wcur_bytes(&w, "\x88\x89", 2);
	assert_false(w.failed);
	assert_int_equal(wcur_len(&w), sizeof(expected));
	assert_memory_equal(buf, expected, sizeof(expected));

	assert_int_equal(rcur_u8(&r), 0x01);
	assert_int_equal(rcur_u16(&r), 0x0203);
	assert_int_equal(rcur_u32(&r), 0x04050687);
	assert_memory_equal(rcur_bytes(&r, 2), "\x88\x89", 2);
	assert_int_equal(rcur_left(&r), 0);
	assert_false(r.failed);
}

static void a_failed_reader_stays_failed_and_yields_zero(void **state)
{
	static const uint8_t data[] = {1, 2, 3};
	struct rcur r = rcur_init(data, sizeof(data)), sub;

	(void)state;
	assert_int_equal(rcur_u32(&r), 0);
	assert_true(r.failed);
	assert_int_equal(rcur_u8(&r), 0);
	assert_int_equal(rcur_u16(&r), 0);
	assert_null(rcur_bytes(&r, 1));
	sub = rcur_sub(&r, 1);
	assert_true(sub.failed);
	assert_int_equal(rcur_left(&sub), 0);
}

static void a_nested_cursor_ends_at_its_own_length(void **state)
{
	static const uint8_t data[] = {1, 2, 3, 4};
	struct rcur r = rcur_init(data, sizeof(data)), sub = rcur_sub(&r, 2);

	(void)state;
	assert_int_equal(rcur_u16(&sub), 0x0102);
	assert_int_equal(rcur_u8(&sub), 0);
	assert_true(sub.failed);
	assert_false(r.failed);
	assert_int_equal(rcur_u16(&r), 0x0304);
}

static void a_nested_length_beyond_the_parent_fails_both(void **state)
{
	static const uint8_t data[] = {1, 2};
	struct rcur r = rcur_init(data, sizeof(data)), sub = rcur_sub(&r, 3);

	(void)state;
	assert_true(sub.failed);
	assert_true(r.failed);
}

static void a_failed_writer_writes_nothing_more(void **state)
{
	uint8_t buf[3] = {0};
	struct wcur w = wcur_init(buf, sizeof(buf));

	(void)state;
	wcur_u8(&w, 1);
	wcur_u32(&w, 0xffffffff);
	assert_true(w.failed);
	wcur_u8(&w, 2);
	wcur_u16(&w, 2);
	wcur_patch_u8(&w, 0, 9);
	wcur_patch_u16(&w, 0, 9);
	assert_int_equal(wcur_len(&w), 1);
	assert_memory_equal(buf, "\x01\x00\x00", 3);
}

static void lengths_are_patched_in_place(void **state)
{
	uint8_t buf[8];
	struct wcur w = wcur_init(buf, sizeof(buf));

	(void)state;
	wcur_u16(&w, 0);
	wcur_u8(&w, 0);
	wcur_u8(&w, 7);
	wcur_patch_u16(&w, 0, 0x1234);
	wcur_patch_u8(&w, 2, 0x56);
	assert_int_equal(wcur_len(&w), 4);
	assert_memory_equal(buf, "\x12\x34\x56\x07", 4);
}

static void any_sequence_of_reads_stays_inside(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed(&rng, 1);
	for (int round = 0; round < 2000; round++) {
		size_t len = rng_below(&rng, 40), used = 0;
		_cleanup_(freep) uint8_t *data = xcalloc(len, 1);
		struct rcur r = rcur_init(data, len);

		while (!r.failed) {
			size_t want = rng_below(&rng, 9), left = rcur_left(&r);
			const uint8_t *b = rcur_bytes(&r, want);

			assert_int_equal(r.failed, want > left);
			if (b) {
				assert_ptr_equal(b, data + used);
				used += want;
			}
			(void)rcur_u8(&r);
			used += !r.failed;
		}
		assert_true(used <= len);
	}
}

static void any_sequence_of_writes_stays_inside(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed(&rng, 2);
	for (int round = 0; round < 2000; round++) {
		size_t cap = rng_below(&rng, 40);
		_cleanup_(freep) uint8_t *buf = xcalloc(cap, 1);
		struct wcur w = wcur_init(buf, cap);

		while (!w.failed) {
			size_t len = rng_below(&rng, 9), room = wcur_room(&w);

			wcur_bytes(&w, "12345678", len);
			assert_int_equal(w.failed, len > room);
			wcur_u32(&w, 1);
		}
		assert_true(wcur_len(&w) <= cap);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers_are_big_endian),
		cmocka_unit_test(a_failed_reader_stays_failed_and_yields_zero),
		cmocka_unit_test(a_nested_cursor_ends_at_its_own_length),
		cmocka_unit_test(a_nested_length_beyond_the_parent_fails_both),
		cmocka_unit_test(a_failed_writer_writes_nothing_more),
		cmocka_unit_test(lengths_are_patched_in_place),
		cmocka_unit_test(any_sequence_of_reads_stays_inside),
		cmocka_unit_test(any_sequence_of_writes_stays_inside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
