// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * SipHash-2-4 of a counter under the secret: a pseudorandom function, so that the constants are as
 * good as independent, which is what the hash's bounds ask of them. Not for the packets: in BPF,
 * which has no rotation, a key of 40 bytes would cost some 40 ns by it.
 */
#include "lb/lb_tables.h"

#include "bpf/flow_hash.h"

static uint64_t rotate(uint64_t x, unsigned by)
{
	return x << by | x >> (64 - by);
}

static void sip_rounds(uint64_t v[4], unsigned n)
{
	while (n-- > 0) {
		v[0] += v[1];
		v[1] = rotate(v[1], 13) ^ v[0];
		v[0] = rotate(v[0], 32);
		v[2] += v[3];
		v[3] = rotate(v[3], 16) ^ v[2];
		v[0] += v[3];
		v[3] = rotate(v[3], 21) ^ v[0];
		v[2] += v[1];
		v[1] = rotate(v[1], 17) ^ v[2];
		v[2] = rotate(v[2], 32);
	}
}

/* Of the one word, which is also the whole message. */
static uint64_t sip_word(const __u64 secret[2], uint64_t word)
{
	const uint64_t words[] = {word, (uint64_t)sizeof(word) << 56};
	uint64_t v[4] = {0x736f6d6570736575 ^ secret[0], 0x646f72616e646f6d ^ secret[1],
			 0x6c7967656e657261 ^ secret[0], 0x7465646279746573 ^ secret[1]};

	for (unsigned i = 0; i < 2; i++) {
		v[3] ^= words[i];
		sip_rounds(v, 2);
		v[0] ^= words[i];
	}
	v[2] ^= 0xff;
	sip_rounds(v, 4);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void lb_flow_keys(const __u64 secret[2], struct lb_flow_keys *ret)
{
	uint64_t counter = 0;

	*ret = (struct lb_flow_keys){.high_begin = sip_word(secret, counter++)};
	ret->low_begin = sip_word(secret, counter++);
	for (size_t i = 0; i < LB_FLOW_WORDS; i++) {
		ret->high[i] = sip_word(secret, counter++);
		ret->low[i] = sip_word(secret, counter++);
	}
	for (size_t i = 0; i < 3; i++)
		ret->mix[i] = sip_word(secret, counter++);
	lb_flow_keys_finish(ret);
}
