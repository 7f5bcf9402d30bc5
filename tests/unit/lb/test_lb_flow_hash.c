// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The hash of the flow table: its constants, its two forms, and that nobody can choose keys that
 * meet, neither by their pattern, nor under another secret, nor from keys that were seen to meet.
 */
#include "lb/lb_tables.h"

#include "base/mem.h"
#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bpf/flow_hash.h"

#define LINES 16384u

static struct lb_flow_keys keys_of(uint64_t secret)
{
	const __u64 words[2] = {secret, ~secret};
	struct lb_flow_keys keys;

	lb_flow_keys(words, &keys);
	return keys;
}

/* A key in one piece. */
struct key {
	__u32 backend[4], client[4];
	__be16 backend_port, client_port;
	__u32 proto;
};

static uint64_t hash(const struct lb_flow_keys *keys, const struct key *key)
{
	return lb_flow_hash(keys, key->backend, key->client,
			    lb_flow_ports(key->backend_port, key->client_port), key->proto);
}

static struct key v4_key(uint32_t client, uint16_t port)
{
	return (struct key){.backend = {0, 0, LB_V4_PREFIX, 0x0101010a},
			    .client = {0, 0, LB_V4_PREFIX, __builtin_bswap32(client)},
			    .backend_port = 0x901f,
			    .client_port = __builtin_bswap16(port),
			    .proto = 6};
}

static uint32_t line_of(const struct lb_flow_keys *keys, uint32_t client, uint16_t port)
{
	const struct key key = v4_key(client, port);

	return (uint32_t)hash(keys, &key) % LINES;
}

/* SipHash-2-4 of a counter, computed elsewhere. */
static void the_constants_are_those_of_the_secret(void **state)
{
	const __u64 secret[2] = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
	struct lb_flow_keys keys;

	(void)state;
	lb_flow_keys(secret, &keys);
	assert_true(keys.high_begin == 0x39d3851ca07681a7);
	assert_true(keys.low_begin == 0x2b91b2b085e6d1f6);
	assert_true(keys.high[0] == 0x2cf030f1fa30eb6d);
	assert_true(keys.low[0] == 0x3e08f73a0bdc3586);
	assert_true(keys.mix[2] == 0xb6d0876d3dce5f75);
}

/* Of the same secret, computed elsewhere, too. */
static void the_hash_is_what_it_was(void **state)
{
	const __u64 secret[2] = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
	struct key v4 = {.backend = {0, 0, LB_V4_PREFIX, 0x0100010a}, /* 10.1.0.1 */
			 .client = {0, 0, LB_V4_PREFIX, 0x077100cb},  /* 203.0.113.7 */
			 .backend_port = __builtin_bswap16(8080),
			 .client_port = __builtin_bswap16(40000),
			 .proto = 6};
	struct key v6 = {.backend = {0xb80d0120, 0, 0, 0x01000000},         /* 2001:db8::1 */
			 .client = {0xb80d0120, 0x00000100, 0, 0x07000000}, /* 2001:db8:1::7 */
			 .backend_port = __builtin_bswap16(8080),
			 .client_port = __builtin_bswap16(40000),
			 .proto = 17};
	struct lb_flow_keys keys;

	(void)state;
	lb_flow_keys(secret, &keys);
	assert_true(hash(&keys, &v4) == 0x4d406bc98efeda94);
	assert_true(hash(&keys, &v6) == 0x040568eea41b9986);
}

static void both_forms_are_one_function(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed(&rng, 1);
	for (uint32_t i = 0; i < 10000; i++) {
		struct lb_flow_keys keys = keys_of(rng_next(&rng));
		struct key key = v4_key((uint32_t)rng_next(&rng), (uint16_t)rng_next(&rng));

		key.backend[3] = (uint32_t)rng_next(&rng);
		key.backend_port = (__be16)rng_next(&rng);
		key.proto = i % 2 ? 6 : 17;
		assert_true(hash(&keys, &key) ==
			    lb_flow_hash_v4(&keys, key.backend[3], key.client[3],
					    lb_flow_ports(key.backend_port, key.client_port),
					    key.proto));
	}
}

/* With constants that hand the words through. */
static void no_hash_is_one_of_the_words_that_mean_something_else(void **state)
{
	const struct lb_flow_keys keys = {.low = {0, 0, 0, 1ull << 32}};

	(void)state;
	for (uint32_t i = 0; i < 8; i++) {
		const struct key key = {.backend = {0, 0, 0, i}};

		assert_true(hash(&keys, &key) == (i > LB_FLOW_FREE ? i : i + 3));
	}
}

static void every_part_of_a_key_counts(void **state)
{
	const struct lb_flow_keys keys = keys_of(5);
	const struct key key = v4_key(1, 2);

	(void)state;
	for (size_t bit = 0; bit < 8 * sizeof(key); bit++) {
		struct key other = key;
		uint64_t differing;

		((uint8_t *)&other)[bit / 8] ^= (uint8_t)(1 << bit % 8);
		differing = hash(&keys, &key) ^ hash(&keys, &other);
		assert_in_range(__builtin_popcountll(differing), 14, 50);
	}
}

/* Sum of squares over the lines of 65,536 keys, less what it is in the mean, in its deviations. */
static double unevenness(const struct lb_flow_keys *keys, uint32_t step, uint16_t port_step)
{
	static uint16_t count[LINES];
	const double n = 65536, mean = n / LINES;
	double sum = 0;

	memset(count, 0, sizeof(count));
	for (uint32_t i = 0; i < 65536; i++)
		count[line_of(keys, 0x0a000000 + i * step, (uint16_t)(1 + i * port_step))]++;
	for (uint32_t i = 0; i < LINES; i++)
		sum += (count[i] - mean) * (count[i] - mean) / mean;
	return (sum - LINES) / __builtin_sqrt(2.0 * LINES);
}

/* Ports of one client, neighbours, networks, and both at once. */
static void patterns_spread_as_chance_would(void **state)
{
	static const struct {
		uint32_t step;
		uint16_t port_step;
	} patterns[] = {{0, 1}, {1, 0}, {256, 0}, {65536, 0}, {1, 1}, {256, 257}, {0x10001, 3}};

	(void)state;
	for (uint64_t secret = 1; secret <= 8; secret++) {
		struct lb_flow_keys keys = keys_of(secret);

		for (size_t i = 0; i < ARRAY_SIZE(patterns); i++) {
			double off = unevenness(&keys, patterns[i].step, patterns[i].port_step);

			if (off < -6 || off > 6)
				fail_msg("secret %d, pattern %zu: %f deviations", (int)secret, i,
					 off);
		}
	}
}

/* Clients that meet client 0 in its line, by trying. */
static uint32_t next_that_meets(const struct lb_flow_keys *keys, uint32_t client)
{
	do
		client++;
	while (line_of(keys, client, 80) != line_of(keys, 0, 80));
	return client;
}

/* What an attacker has learned is worth nothing elsewhere, nor in multiples. */
static void keys_that_meet_say_nothing_of_others(void **state)
{
	const struct lb_flow_keys keys = keys_of(11), others = keys_of(12);
	uint32_t client = 0, n_elsewhere = 0, n_multiples = 0;

	(void)state;
	for (uint32_t i = 0; i < 200; i++) {
		client = next_that_meets(&keys, client);
		n_elsewhere += line_of(&others, client, 80) == line_of(&others, 0, 80);
		for (uint32_t k = 2; k < 32; k++)
			n_multiples += line_of(&keys, k * client, 80) == line_of(&keys, 0, 80);
	}
	assert_in_range(n_elsewhere, 0, 3); /* of 200, by 1 in 16,384 */
	assert_in_range(n_multiples, 0, 8); /* of 6,000 */
}

/* --- collisions that are chosen --------------------------------------------------------------- */

/*
 * The attacker knows everything but the secret, and as many others as he likes: he looks for keys
 * under one of them, by trying.
 */
#define TRIES     (1u << 20)
#define AIMED_AT  128u                       /* lines that he wants to fill, of LINES */
#define N_AIMED   (TRIES / LINES * AIMED_AT) /* keys that he so gets, in the mean */
#define N_SECRETS 8u

/* Flow i of an attacker: a client and its port are his to choose, all of an IPv6 client's /32. */
static struct key tried(uint32_t i, bool v6)
{
	struct key key = v4_key(0x0b000000 + i / 16, (uint16_t)(1024 + i % 16 * 4093));

	if (!v6)
		return key;
	key.backend[0] = key.client[0] = 0xb80d0120;
	key.backend[2] = 0;
	key.client[1] = i * 0x9e3779b1;
	key.client[2] = i >> 3;
	return key;
}

static uint32_t first_line(const struct lb_flow_keys *keys, const struct key *key)
{
	return (uint32_t)hash(keys, key) % LINES;
}

/* Both lines of a key, which it meets another one in that is never to find a place. */
static uint64_t both_lines(const struct lb_flow_keys *keys, const struct key *key)
{
	const uint64_t h = hash(keys, key);

	return h % LINES | (h >> 32) % LINES << 32;
}

/* Numbers of keys that lie in the lines aimed at; how many. */
static uint32_t choose_full_lines(const struct lb_flow_keys *keys, bool v6, uint32_t *ret)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < TRIES && n < 2 * N_AIMED; i++) {
		const struct key key = tried(i, v6);

		if (first_line(keys, &key) < AIMED_AT)
			ret[n++] = i;
	}
	return n;
}

/* Those keys under another secret: their lines are as uneven as those of any keys. */
static double unevenness_of(const struct lb_flow_keys *keys, bool v6, const uint32_t *chosen,
			    uint32_t n)
{
	static uint16_t count[LINES];
	const double mean = (double)n / LINES;
	double sum = 0;

	memset(count, 0, sizeof(count));
	for (uint32_t i = 0; i < n; i++) {
		const struct key key = tried(chosen[i], v6);

		count[first_line(keys, &key)]++;
	}
	for (uint32_t i = 0; i < LINES; i++)
		sum += (count[i] - mean) * (count[i] - mean) / mean;
	return (sum - LINES) / __builtin_sqrt(2.0 * LINES);
}

/* The attacker's secrets: one that is nothing like the node's, and one a bit of which differs. */
static void chosen_collisions_fill_no_line_under_another_secret(void **state)
{
	static uint32_t chosen[2 * N_AIMED];

	(void)state;
	for (unsigned v6 = 0; v6 < 2; v6++) {
		const struct lb_flow_keys his = keys_of(21);
		const uint32_t n = choose_full_lines(&his, v6, chosen);

		assert_in_range(n, N_AIMED * 9 / 10, N_AIMED * 11 / 10);
		assert_true(unevenness_of(&his, v6, chosen, n) > 1000); /* under his it works */
		for (unsigned i = 0; i < N_SECRETS; i++) {
			const struct lb_flow_keys ours =
				keys_of(i % 2 ? 21 ^ 1ull << i * 8 : 100 + i);
			double off = unevenness_of(&ours, v6, chosen, n);

			if (off < -6 || off > 6)
				fail_msg("IPv%d, secret %u: %f deviations", v6 ? 6 : 4, i, off);
		}
	}
}

struct met {
	uint64_t lines;
	uint32_t number;
};

static int by_lines(const void *a, const void *b)
{
	const struct met *x = a, *y = b;

	return (x->lines > y->lines) - (x->lines < y->lines);
}

/* Pairs that meet in both their lines, 28 bits of the hash: as many as chance has among so many. */
static void chosen_collisions_of_both_lines_are_none_under_another_secret(void **state)
{
	struct met *met = calloc(TRIES, sizeof(*met));
	uint32_t n_pairs = 0, n_first = 0, n_both = 0;
	const struct lb_flow_keys his = keys_of(21);

	(void)state;
	assert_non_null(met);
	for (uint32_t i = 0; i < TRIES; i++) {
		const struct key key = tried(i, i % 2);

		met[i] = (struct met){both_lines(&his, &key), i};
	}
	qsort(met, TRIES, sizeof(*met), by_lines);
	for (uint32_t i = 1; i < TRIES; i++) {
		const struct key a = tried(met[i - 1].number, met[i - 1].number % 2);
		const struct key b = tried(met[i].number, met[i].number % 2);

		if (met[i].lines != met[i - 1].lines)
			continue;
		n_pairs++;
		for (uint64_t secret = 0; secret < N_SECRETS; secret++) {
			const struct lb_flow_keys ours = keys_of(100 + secret);

			n_first += first_line(&ours, &a) == first_line(&ours, &b);
			n_both += both_lines(&ours, &a) == both_lines(&ours, &b);
		}
	}
	free(met);
	assert_in_range(n_pairs, 1800, 2300); /* 2^39 pairs by 2^28 */
	assert_in_range(n_first, 0, 6);       /* of 16,000, by 1 in 16,384 */
	assert_int_equal(n_both, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_constants_are_those_of_the_secret),
		cmocka_unit_test(the_hash_is_what_it_was),
		cmocka_unit_test(both_forms_are_one_function),
		cmocka_unit_test(no_hash_is_one_of_the_words_that_mean_something_else),
		cmocka_unit_test(every_part_of_a_key_counts),
		cmocka_unit_test(patterns_spread_as_chance_would),
		cmocka_unit_test(keys_that_meet_say_nothing_of_others),
		cmocka_unit_test(chosen_collisions_fill_no_line_under_another_secret),
		cmocka_unit_test(chosen_collisions_of_both_lines_are_none_under_another_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
