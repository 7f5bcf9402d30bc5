// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Octets for the tests of the BGP codec: hex text that may carry spaces, line breaks and names of
 * fields in (parentheses), so that a message reads like the figure in its RFC; and a random source
 * whose seed is printed, so that a failing run can be repeated.
 */
#pragma once

#include "base/cursor.h"
#include "base/mem.h"
#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct octets {
	uint8_t b[8192];
	size_t len;
};

#define MARKER "ffffffffffffffffffffffffffffffff"

static inline int octets_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static inline struct octets octets(const char *hex)
{
	struct octets o = {.len = 0};

	while (*hex) {
		if (*hex == '(') {
			hex = strchr(hex, ')');
			assert_non_null(hex);
			hex++;
		} else if (*hex == ' ' || *hex == '\n') {
			hex++;
		} else {
			assert_true(octets_digit(hex[0]) >= 0 && octets_digit(hex[1]) >= 0);
			assert_true(o.len < sizeof(o.b));
			o.b[o.len++] = (uint8_t)(octets_digit(hex[0]) << 4 | octets_digit(hex[1]));
			hex += 2;
		}
	}
	return o;
}

/* The octets alone in a heap block of exactly their size, so that the sanitizer sees each overread.
 */
static inline uint8_t *octets_alone(const void *data, size_t len)
{
	uint8_t *copy = xmalloc(len > 0 ? len : 1);

	if (len > 0)
		memcpy(copy, data, len);
	return copy;
}

/* From the environment's SEED, or fixed; printed with the name of the test. */
static inline struct rng octets_rng(const char *test)
{
	const char *text = getenv("SEED");
	uint64_t seed = text ? strtoull(text, NULL, 0) : 20240607;
	struct rng rng;

	print_message("%s: SEED=%llu\n", test, (unsigned long long)seed);
	rng_seed(&rng, seed);
	return rng;
}
