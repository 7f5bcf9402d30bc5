// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A hash of eight bytes a step: each step is a bijection of (state xor word), so two inputs of one
 * length differ in the state from the first different word until another word happens to cancel
 * it (2^-64). Lengths go in first: ("ab", "c") and ("a", "bc") differ. The values depend on the
 * byte order of the host; they name things within one agent and are never sent or compared
 * elsewhere.
 */
#include "base/hash.h"

#include <string.h>

#define NULL_MARK UINT64_MAX /* no string has this length */

uint64_t hash_u64(uint64_t h, uint64_t v)
{
	h = (h ^ v) * UINT64_C(0xd6e8feb86659fd93);
	h = (h ^ h >> 32) * UINT64_C(0xd6e8feb86659fd93);
	return h ^ h >> 32;
}

uint64_t hash_bytes(uint64_t h, const void *data, size_t len)
{
	const uint8_t *at = data;
	uint64_t word;

	h = hash_u64(h, len);
	for (; len >= sizeof(word); at += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		h = hash_u64(h, word);
	}
	if (len) {
		word = 0;
		memcpy(&word, at, len);
		h = hash_u64(h, word);
	}
	return h;
}

uint64_t hash_str(uint64_t h, const char *s)
{
	return s ? hash_bytes(h, s, strlen(s)) : hash_u64(h, NULL_MARK);
}
