// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What is known of sources beyond the rate of a service: counts held against exact ones, who has
 * proven itself, and the cookies by which that is asked; SipHash by the vectors of its authors.
 */
#include "base/mem.h"
#include "base/rng.h"

#include <linux/types.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bpf/source_table.h"

/* --- counting --------------------------------------------------------------------------------- */

static bool take(__u32 *words, uint64_t hash, uint16_t window, uint32_t most)
{
	return lb_source_take(&words[lb_source_place(hash, 0)], &words[lb_source_place(hash, 1)],
			      window, most);
}

static void a_source_has_what_it_may_in_each_window(void **state)
{
	__u32 *words = xcalloc(2 * (size_t)LB_SOURCE_WORDS, sizeof(*words));
	static const uint16_t windows[] = {0, 1, 2, 0xffff, 0};
	static const uint32_t most[] = {1, 7, 65535};

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(most); k++)
		for (size_t i = 0; i < ARRAY_SIZE(windows); i++) {
			for (uint32_t n = 0; n < most[k]; n++)
				assert_true(
					take(words, 0x123456789abcdef + k, windows[i], most[k]));
			assert_false(take(words, 0x123456789abcdef + k, windows[i], most[k]));
			assert_false(take(words, 0x123456789abcdef + k, windows[i], most[k]));
		}
	free(words);
}

/* No source ever gets more than it may, and few get less while many send. */
static void nobody_has_more_and_few_have_less(void **state)
{
	enum { N_SOURCES = 20000, MOST = 10 };
	__u32 *words = xcalloc(2 * (size_t)LB_SOURCE_WORDS, sizeof(*words));
	uint64_t *hashes = xcalloc(N_SOURCES, sizeof(*hashes));
	uint32_t *had = xcalloc(N_SOURCES, sizeof(*had)),
		 *asked = xcalloc(N_SOURCES, sizeof(*asked));
	unsigned n_less = 0;
	struct rng rng;

	(void)state;
	rng_seed(&rng, 3);
	for (size_t i = 0; i < N_SOURCES; i++)
		hashes[i] = rng_next(&rng);
	for (size_t i = 0; i < 5 * N_SOURCES; i++) { /* one in twenty sends too much */
		const size_t k = rng_below(&rng, 2) ? rng_below(&rng, N_SOURCES / 20)
						    : rng_below(&rng, N_SOURCES);

		asked[k]++;
		had[k] += take(words, hashes[k], 5, MOST);
		assert_in_range(had[k], 0, MOST);
	}
	for (size_t i = 0; i < N_SOURCES; i++)
		n_less += asked[i] <= MOST && had[i] < asked[i];
	print_message("%u of %u sources had less than they might\n", n_less, N_SOURCES);
	assert_in_range(n_less, 0, N_SOURCES / 100);
	free(words);
	free(hashes);
	free(had);
	free(asked);
}

/* --- proof ------------------------------------------------------------------------------------ */

static uint64_t source(uint64_t i)
{
	return (i + 1) << 16 | 0x1234;
}

static void a_proof_lasts_so_many_windows(void **state)
{
	static const uint16_t begins[] = {0, 1, 0xff00, 0xffff};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(begins); i++) {
		struct lb_proven_line line = {{0}};

		assert_false(lb_proven_has(&line, source(1), begins[i]));
		lb_proven_add(&line, source(1), begins[i]);
		assert_true(lb_proven_has(&line, source(1), begins[i]));
		assert_true(lb_proven_has(&line, source(1),
					  (uint16_t)(begins[i] + LB_PROVEN_WINDOWS - 1)));
		assert_false(
			lb_proven_has(&line, source(1), (uint16_t)(begins[i] + LB_PROVEN_WINDOWS)));
		assert_false(lb_proven_has(&line, source(1) + (1 << 16), begins[i]));
	}
}

static void nobody_is_not_proven(void **state)
{
	const struct lb_proven_line line = {{0}};

	(void)state;
	assert_false(lb_proven_has(&line, 0x1234, 0));
	assert_false(lb_proven_has(&line, 0, 0));
}

static void the_oldest_makes_way(void **state)
{
	struct lb_proven_line line = {{0}};

	(void)state;
	for (uint16_t i = 0; i < LB_PROVEN_WAYS; i++)
		lb_proven_add(&line, source(i), (uint16_t)(10 + i));
	lb_proven_add(&line, source(0), 20); /* again, in its own way */
	for (uint16_t i = 0; i < LB_PROVEN_WAYS; i++)
		assert_true(lb_proven_has(&line, source(i), 20));
	lb_proven_add(&line, source(9), 21);
	assert_true(lb_proven_has(&line, source(9), 21));
	assert_true(lb_proven_has(&line, source(0), 21));
	assert_false(lb_proven_has(&line, source(1), 21));
	assert_true(lb_proven_has(&line, source(2), 21));
	assert_true(lb_proven_has(&line, source(3), 21));
}

/* --- cookies ---------------------------------------------------------------------------------- */

static void siphash_has_its_values(void **state)
{
	const __u64 key[2] = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
	struct lb_sip s = lb_sip_begin(key);

	(void)state;
	assert_true(lb_sip_end(&s, 0) == 0x726fdb47dd0e0e31);
	s = lb_sip_begin(key);
	lb_sip_add(&s, 0x0706050403020100);
	assert_true(lb_sip_end(&s, 1) == 0x93f5f5799a932462);
}

static void a_cookie_is_of_all_that_it_says(void **state)
{
	const __u64 key[2] = {1, 2}, other_key[2] = {1, 3};
	__u32 client[4] = {1, 2, 3, 4};
	const uint32_t cookie = lb_source_cookie(key, client, 5, 6, 7);

	(void)state;
	assert_int_equal(lb_source_cookie(key, client, 5, 6, 7), cookie);
	assert_int_not_equal(lb_source_cookie(other_key, client, 5, 6, 7), cookie);
	assert_int_not_equal(lb_source_cookie(key, client, 4, 6, 7), cookie);
	assert_int_not_equal(lb_source_cookie(key, client, 5, 7, 7), cookie);
	assert_int_not_equal(lb_source_cookie(key, client, 5, 6, 8), cookie);
	for (size_t i = 0; i < 4; i++) {
		client[i] ^= 0x80000000;
		assert_int_not_equal(lb_source_cookie(key, client, 5, 6, 7), cookie);
		client[i] ^= 0x80000000;
	}
}

static void an_acknowledgement_is_none_that_a_client_takes(void **state)
{
	static const uint32_t seqs[] = {0, 1, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(seqs); i++)
		for (uint32_t sent = 0; sent <= 0x10001; sent += sent < 3 ? 1 : 0x3333) {
			const uint32_t ack = lb_source_ack(seqs[i] + sent, seqs[i]);

			assert_true(ack - seqs[i] > 0x10000);
			assert_true(lb_source_answers(seqs[i] + sent, ack));
		}
	assert_false(lb_source_answers(5, 4));
	assert_false(lb_source_answers(5, 5 | 1 << 30));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_source_has_what_it_may_in_each_window),
		cmocka_unit_test(nobody_has_more_and_few_have_less),
		cmocka_unit_test(a_proof_lasts_so_many_windows),
		cmocka_unit_test(nobody_is_not_proven),
		cmocka_unit_test(the_oldest_makes_way),
		cmocka_unit_test(siphash_has_its_values),
		cmocka_unit_test(a_cookie_is_of_all_that_it_says),
		cmocka_unit_test(an_acknowledgement_is_none_that_a_client_takes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
