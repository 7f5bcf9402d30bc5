// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#include "lb/lb_settle_page.h"

#include "base/mem.h"
#include "lb/lb_octets.h"

#include <assert.h>
#include <linux/types.h>

#include "bpf/abi.h"
#include "bpf/wire.h"

_Static_assert(LB_SETTLE_PAGE_MAX == LB_SETTLE_BYTES, "as nodes agreed");
_Static_assert(LB_SETTLE_N_WORDS == LB_SETTLE_WORDS, "as nodes agreed");

#define ECHO_AT LB_GUE_BYTES
#define HEAD_AT (ECHO_AT + sizeof(struct lb_tunnel_echo))
#define SAID_AT (HEAD_AT + sizeof(struct lb_settle_head))

static const uint8_t magic[4] = LB_ECHO_MAGIC;

void lb_settle_page_begin(struct lb_settle_page *p)
{
	p->n = SAID_AT;
}

bool lb_settle_page_add(struct lb_settle_page *p, const struct lb_settle_said *said)
{
	struct lb_settle_statement s;
	uint64_t mask = 0;
	size_t n = sizeof(s);

	assert(said->epoch != 0);
	assert(said->recipe != 0 || said->epoch == LB_SETTLE_ABSENT);
	for (unsigned i = 0; i < LB_SETTLE_WORDS; i++) {
		mask |= (uint64_t)(said->words[i] != 0) << i;
		n += said->words[i] != 0 ? sizeof(uint64_t) : 0;
	}
	if (p->n + n > sizeof(p->data))
		return false;
	lb_octets_put(s.block, sizeof(s.block), said->block);
	lb_octets_put(s.recipe, sizeof(s.recipe), said->recipe);
	lb_octets_put(s.epoch, sizeof(s.epoch), said->epoch);
	lb_octets_put(s.words, sizeof(s.words), mask);
	memcpy(p->data + p->n, &s, sizeof(s));
	p->n += sizeof(s);
	for (unsigned i = 0; i < LB_SETTLE_WORDS; i++) {
		if (said->words[i] == 0)
			continue;
		lb_octets_put(p->data + p->n, sizeof(uint64_t), said->words[i]);
		p->n += sizeof(uint64_t);
	}
	assert(p->n <= sizeof(p->data));
	return true;
}

void lb_settle_page_end(struct lb_settle_page *p)
{
	struct lb_tunnel_echo e = {.kind = LB_ECHO_SETTLING,
				   .least = LB_TUNNEL_LEAST,
				   .most = LB_TUNNEL_VERSION,
				   .recipe = LB_WIRE_VERSION};
	struct lb_settle_head h;

	assert(p->n >= SAID_AT);
	assert(p->since <= p->upto);
	memcpy(e.magic, magic, sizeof(e.magic));
	lb_octets_put(e.token, sizeof(e.token), p->to);
	lb_octets_put(e.follow, sizeof(e.follow), p->n - HEAD_AT);
	lb_octets_put(h.from, sizeof(h.from), p->from);
	lb_octets_put(h.has, sizeof(h.has), p->has);
	lb_octets_put(h.since, sizeof(h.since), p->since);
	lb_octets_put(h.upto, sizeof(h.upto), p->upto);
	lb_octets_put(h.at, sizeof(h.at), p->at);
	lb_octets_put(h.seen, sizeof(h.seen), p->seen);
	lb_octets_put(p->data, LB_GUE_BYTES, lb_gue_word(0, LB_GUE_ECHO));
	p->data[0] |= LB_GUE_CONTROL;
	memcpy(p->data + ECHO_AT, &e, sizeof(e));
	memcpy(p->data + HEAD_AT, &h, sizeof(h));
}

bool lb_settle_page_read(const uint8_t *data, size_t n, struct lb_settle_page *p, size_t *ret_at)
{
	struct lb_tunnel_echo e;
	struct lb_settle_head h;

	if (n < SAID_AT || data[0] != LB_GUE_CONTROL ||
	    lb_octets_get(data + 1, 3) != LB_GUE_ECHO << 16)
		return false;
	memcpy(&e, data + ECHO_AT, sizeof(e));
	memcpy(&h, data + HEAD_AT, sizeof(h));
	if (memcmp(e.magic, magic, sizeof(magic)) != 0 || e.kind != LB_ECHO_SETTLING ||
	    lb_octets_get(e.follow, sizeof(e.follow)) != n - HEAD_AT)
		return false;
	p->to = lb_octets_get(e.token, sizeof(e.token));
	p->from = lb_octets_get(h.from, sizeof(h.from));
	p->has = lb_octets_get(h.has, sizeof(h.has));
	p->since = lb_octets_get(h.since, sizeof(h.since));
	p->upto = lb_octets_get(h.upto, sizeof(h.upto));
	p->at = lb_octets_get(h.at, sizeof(h.at));
	p->seen = lb_octets_get(h.seen, sizeof(h.seen));
	*ret_at = SAID_AT;
	return p->from != 0 && p->since <= p->upto;
}

bool lb_settle_page_next(const uint8_t *data, size_t n, size_t *at, struct lb_settle_said *ret)
{
	struct lb_settle_statement s;
	uint64_t mask;

	if (*at > n || n - *at < sizeof(s))
		return false;
	memcpy(&s, data + *at, sizeof(s));
	mask = lb_octets_get(s.words, sizeof(s.words));
	if (n - *at - sizeof(s) < lb_settle_bits(mask) * sizeof(uint64_t))
		return false;
	*at += sizeof(s);
	ret->block = lb_octets_get(s.block, sizeof(s.block));
	ret->recipe = lb_octets_get(s.recipe, sizeof(s.recipe));
	ret->epoch = (uint32_t)lb_octets_get(s.epoch, sizeof(s.epoch));
	for (unsigned i = 0; i < LB_SETTLE_WORDS; i++) {
		const bool is_there = mask >> i & 1;

		ret->words[i] = is_there ? lb_octets_get(data + *at, sizeof(uint64_t)) : 0;
		*at += is_there ? sizeof(uint64_t) : 0;
	}
	return ret->epoch != 0;
}
