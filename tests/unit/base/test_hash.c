// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * base/hash: it depends on every bit, on the division into parts and on what came before.
 */
#include "base/hash.h"
#include "base/mem.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

static void every_bit_of_every_length_counts(void **state)
{
	uint8_t data[40] = {0};

	(void)state;
	for (size_t len = 1; len <= sizeof(data); len++) {
		uint64_t plain = hash_bytes(HASH_INIT, data, len);

		for (size_t bit = 0; bit < len * 8; bit++) {
			data[bit / 8] ^= (uint8_t)(1u << bit % 8);
			assert_true(hash_bytes(HASH_INIT, data, len) != plain);
			data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		assert_true(hash_bytes(HASH_INIT, data, len) == plain);
		assert_true(hash_bytes(HASH_INIT, data, len - 1) != plain);
	}
}

static void one_bit_of_input_flips_about_half_of_the_output(void **state)
{
	unsigned flipped = 0;

	(void)state;
	for (unsigned bit = 0; bit < 64; bit++)
		flipped += (unsigned)__builtin_popcountll(
			hash_u64(hash_u64(HASH_INIT, 1), 2) ^
			hash_u64(hash_u64(HASH_INIT, 1 ^ UINT64_C(1) << bit), 2));
	assert_in_range(flipped / 64, 28, 36);
}

static void parts_do_not_run_together(void **state)
{
	uint64_t ab_c = hash_str(hash_str(HASH_INIT, "ab"), "c");
	uint64_t a_bc = hash_str(hash_str(HASH_INIT, "a"), "bc");

	(void)state;
	assert_true(ab_c != a_bc);
	assert_true(hash_str(HASH_INIT, NULL) != hash_str(HASH_INIT, ""));
	assert_true(hash_str(HASH_INIT, "") != HASH_INIT);
	assert_true(hash_str(1, "a") != hash_str(2, "a"));
}

static void sequences_of_small_numbers_do_not_collide(void **state)
{
	_cleanup_(freep) uint64_t *seen = xcalloc(1 << 20, sizeof(*seen));

	(void)state;
	for (uint64_t i = 0; i < 300; i++) {
		for (uint64_t k = 0; k < 300; k++) {
			uint64_t h = hash_u64(hash_u64(HASH_INIT, i), k);
			size_t slot = h & ((1 << 20) - 1);

			for (; seen[slot]; slot = (slot + 1) & ((1 << 20) - 1))
				assert_true(seen[slot] != h);
			seen[slot] = h;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_bit_of_every_length_counts),
		cmocka_unit_test(one_bit_of_input_flips_about_half_of_the_output),
		cmocka_unit_test(parts_do_not_run_together),
		cmocka_unit_test(sequences_of_small_numbers_do_not_collide),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
