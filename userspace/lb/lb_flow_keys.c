// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * SipHash-2-4 of a counter under the secret: a pseudorandom function, so that the constants are as
 * good as independent, which is what the hash's bounds ask of them. Not for the packets: in BPF,
 * which has no rotation, a key of 40 bytes would cost some 40 ns by it.
 */
#include "lb/lb_tables.h"

#include "bpf/flow_hash.h"
#include "bpf/siphash.h"

static uint64_t sip_word(const __u64 secret[2], uint64_t word)
{
	struct lb_sip s = lb_sip_begin(secret);

	lb_sip_add(&s, word);
	return lb_sip_end(&s, 1);
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
	for (size_t i = 0; i < 2; i++)
		ret->cookie[i] = sip_word(secret, counter++);
	lb_flow_keys_finish(ret);
}
