// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Numbers as octets in network order, whatever the processor's: of formats between nodes. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* The lowest n octets of the value; n is 8 at most. */
static inline void lb_octets_put(uint8_t *to, size_t n, uint64_t value)
{
	for (size_t i = 0; i < n; i++)
		to[i] = (uint8_t)(value >> 8 * (n - 1 - i));
}

static inline uint64_t lb_octets_get(const uint8_t *from, size_t n)
{
	uint64_t ret = 0;

	for (size_t i = 0; i < n; i++)
		ret = ret << 8 | from[i];
	return ret;
}
