// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Slots, and a binary heap of those in use by deadline. A discriminator is the slot's number in its
 * low bits and random above, so that a packet finds its session without a search and nobody guesses
 * the discriminator of one. A packet without Your Discriminator, one of the first of a session, is
 * looked for among all.
 */
#include "bfd/bfd_set.h"

#include "base/cursor.h"
#include "bfd/bfd_carry.h"

#include <assert.h>

#define SLOT_BITS 10
_Static_assert(BFD_SET_MAX == 1 << SLOT_BITS, "a slot's number fits its bits");

struct slot {
	struct bfd_session session;
	nsec_t deadline;
	size_t place; /* in the heap */
	bool is_used, is_reserved;
};

struct bfd_set {
	struct rng rng;
	size_t capacity, n;
	struct slot *slots; /* owned, capacity */
	struct slot **heap; /* owned, the first n: those in use */
	uint64_t rejected[BFD_N_REJECTS];
};

struct bfd_set *bfd_set_new(size_t capacity, const struct rng *rng)
{
	struct bfd_set *set = xcalloc(1, sizeof(*set));

	assert(capacity > 0 && capacity <= BFD_SET_MAX);
	set->rng = *rng;
	set->capacity = capacity;
	set->slots = xcalloc(capacity, sizeof(*set->slots));
	set->heap = xcalloc(capacity, sizeof(struct slot *));
	return set;
}

struct bfd_set *bfd_set_free(struct bfd_set *set)
{
	if (!set)
		return NULL;
	free(set->heap);
	free(set->slots);
	free(set);
	return NULL;
}

/* ---- heap ------------------------------------------------------------------------------------ */

static void put(struct bfd_set *set, size_t place, struct slot *s)
{
	set->heap[place] = s;
	s->place = place;
}

static void sift_up(struct bfd_set *set, struct slot *s)
{
	while (s->place > 0) {
		size_t place = s->place, above = (place - 1) / 2;

		if (set->heap[above]->deadline <= s->deadline)
			return;
		put(set, place, set->heap[above]);
		put(set, above, s);
	}
}

static void sift_down(struct bfd_set *set, struct slot *s)
{
	for (;;) {
		size_t place = s->place, below = 2 * place + 1;

		if (below >= set->n)
			return;
		if (below + 1 < set->n &&
		    set->heap[below + 1]->deadline < set->heap[below]->deadline)
			below++;
		if (s->deadline <= set->heap[below]->deadline)
			return;
		put(set, place, set->heap[below]);
		put(set, below, s);
	}
}

/* ---- sessions -------------------------------------------------------------------------------- */

/* The session is the first member of its slot. */
static struct slot *slot_of(struct bfd_set *set, const struct bfd_session *s)
{
	size_t i = s->discriminator & (BFD_SET_MAX - 1);

	assert(i < set->capacity);
	assert(&set->slots[i].session == s);
	assert(set->slots[i].is_used);
	return &set->slots[i];
}

static struct slot *slot_at(struct bfd_set *set, uint32_t discriminator)
{
	size_t i = discriminator & (BFD_SET_MAX - 1);

	return i < set->capacity ? &set->slots[i] : NULL;
}

struct bfd_session *bfd_set_find(struct bfd_set *set, uint32_t discriminator)
{
	struct slot *s = slot_at(set, discriminator);

	return s && s->is_used && s->session.discriminator == discriminator ? &s->session : NULL;
}

struct bfd_session *bfd_set_named(struct bfd_set *set, const uint8_t *data, size_t len)
{
	struct rcur c = rcur_init(data, len);

	(void)rcur_u32(&c);
	(void)rcur_u32(&c);
	return bfd_set_find(set, rcur_u32(&c)); /* 0, which nobody has, if it is short */
}

static bool is_same(const struct bfd_config *a, const struct bfd_config *b)
{
	return ip_addr_equal(&a->peer, &b->peer) && ip_addr_equal(&a->local, &b->local) &&
	       a->ifindex == b->ifindex && a->vrf == b->vrf && a->is_multihop == b->is_multihop;
}

static bool has_same(const struct bfd_set *set, const struct bfd_config *config)
{
	for (size_t i = 0; i < set->n; i++)
		if (is_same(&set->heap[i]->session.config, config))
			return true;
	return false;
}

static struct slot *free_slot(struct bfd_set *set)
{
	struct slot *found = NULL;

	for (size_t i = 0; i < set->capacity; i++) {
		struct slot *s = &set->slots[i];

		if (!s->is_used && !s->is_reserved)
			return s;
		if (!s->is_used && !found)
			found = s;
	}
	return found;
}

static uint32_t new_discriminator(struct bfd_set *set, size_t slot)
{
	uint32_t d;

	do {
		d = (uint32_t)rng_next(&set->rng) << SLOT_BITS | (uint32_t)slot;
	} while (d == 0);
	return d;
}

static struct bfd_session *begin(struct bfd_set *set, struct slot *s, nsec_t now,
				 const struct bfd_config *config, uint32_t discriminator)
{
	struct rng rng;

	rng_seed(&rng, rng_next(&set->rng));
	bfd_session_init(&s->session, config, discriminator, &rng, now);
	s->is_used = true;
	s->is_reserved = false;
	s->deadline = bfd_session_deadline(&s->session);
	put(set, set->n++, s);
	sift_up(set, s);
	return &s->session;
}

struct bfd_session *bfd_set_add(struct bfd_set *set, nsec_t now, const struct bfd_config *config)
{
	struct slot *s = has_same(set, config) ? NULL : free_slot(set);

	return s ? begin(set, s, now, config, new_discriminator(set, (size_t)(s - set->slots)))
		 : NULL;
}

void bfd_set_reserve(struct bfd_set *set, uint32_t discriminator)
{
	struct slot *s = slot_at(set, discriminator);

	if (s)
		s->is_reserved = true;
}

struct bfd_session *bfd_set_resume(struct bfd_set *set, nsec_t now, const struct bfd_config *config,
				   const struct bfd_left *left)
{
	struct slot *s = slot_at(set, left->said.my_discriminator);
	struct bfd_session *ret;

	if (!s || s->is_used || has_same(set, config))
		return NULL;
	ret = begin(set, s, now, config, left->said.my_discriminator);
	bfd_session_resume(ret, now, left);
	bfd_set_touch(set, ret);
	return ret;
}

void bfd_set_remove(struct bfd_set *set, struct bfd_session *session)
{
	struct slot *s = slot_of(set, session), *last = set->heap[--set->n];

	s->is_used = false;
	bfd_session_forget_keys(session);
	if (last == s)
		return;
	put(set, s->place, last);
	sift_up(set, last);
	sift_down(set, last);
}

void bfd_set_touch(struct bfd_set *set, const struct bfd_session *session)
{
	struct slot *s = slot_of(set, session);

	s->deadline = bfd_session_deadline(session);
	sift_up(set, s);
	sift_down(set, s);
}

struct bfd_session *bfd_set_due(struct bfd_set *set, nsec_t now)
{
	return set->n > 0 && set->heap[0]->deadline <= now ? &set->heap[0]->session : NULL;
}

nsec_t bfd_set_deadline(const struct bfd_set *set)
{
	return set->n > 0 ? set->heap[0]->deadline : NSEC_NEVER;
}

size_t bfd_set_count(const struct bfd_set *set)
{
	return set->n;
}

struct bfd_session *bfd_set_at(struct bfd_set *set, size_t i)
{
	assert(i < set->n);
	return &set->heap[i]->session;
}

const uint64_t *bfd_set_rejected(const struct bfd_set *set)
{
	return set->rejected;
}

/* ---- packets --------------------------------------------------------------------------------- */

/* RFC 5881 3, RFC 5883 3: by source, destination and, on a single hop, interface. */
static bool is_first_of(const struct bfd_config *c, const struct bfd_arrival *a)
{
	return c->is_multihop == a->is_multihop && c->vrf == a->vrf &&
	       ip_addr_equal(&c->peer, &a->source) &&
	       (ip_addr_is_none(&c->local) || ip_addr_equal(&c->local, &a->destination)) &&
	       (c->ifindex == 0 || c->ifindex == a->ifindex);
}

static struct bfd_session *find_first(struct bfd_set *set, const struct bfd_arrival *a)
{
	for (size_t i = 0; i < set->n; i++)
		if (is_first_of(&set->heap[i]->session.config, a))
			return &set->heap[i]->session;
	return NULL;
}

static enum bfd_reject find(struct bfd_set *set, const struct bfd_arrival *arrival,
			    const struct bfd_packet *p, struct bfd_session **ret)
{
	if (p->your_discriminator != 0) {
		*ret = bfd_set_find(set, p->your_discriminator);
		return *ret ? BFD_ACCEPTED : BFD_REJECT_UNKNOWN;
	}
	*ret = find_first(set, arrival);
	return *ret ? BFD_ACCEPTED : BFD_REJECT_NO_SESSION;
}

enum bfd_reject bfd_set_receive(struct bfd_set *set, const struct bfd_arrival *arrival,
				const uint8_t *data, size_t len, struct bfd_session **ret)
{
	struct bfd_session *s = NULL;
	struct bfd_packet p;
	enum bfd_reject reject = bfd_packet_parse(data, len, &p);

	if (reject == BFD_ACCEPTED)
		reject = find(set, arrival, &p, &s);
	if (reject != BFD_ACCEPTED) {
		set->rejected[reject]++;
		return reject;
	}
	reject = bfd_session_receive(s, arrival, &p);
	if (reject == BFD_ACCEPTED)
		*ret = s;
	return reject;
}
