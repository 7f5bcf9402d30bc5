// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The cuckoo table behind lb_slots.h. A third of the slots are used, where two places a key
 * are enough with rare moves; the search for a key that can move is breadth first, so that the
 * fewest moves are made, and only the last of a chain is moved at a time: each move takes two
 * rests, and the caller comes again anyway.
 */
#include "lb/lb_slots.h"

#include <assert.h>
#include <errno.h>

#define SEARCH_MAX 256 /* slots looked at for a key that can move */
#define COVER_BITS 12  /* prefixes of more addresses than these can count set all bits */

void lb_slots_init(struct lb_slots *s, struct lb_service *image, uint64_t *vip_bits,
		   struct lb_new_flows *new_flows)
{
	*s = (struct lb_slots){
		.image = image, .vip_bits = vip_bits, .new_flows = new_flows, .walked = NSEC_NEVER};
	s->freed_at = xcalloc(LB_SERVICE_SLOTS, sizeof(*s->freed_at));
	s->vip_users = xcalloc(LB_VIP_WORDS * 64, sizeof(*s->vip_users));
	s->tested = xcalloc(LB_SERVICE_SLOTS, sizeof(*s->tested));
	s->idle = xcalloc(LB_SERVICE_SLOTS, sizeof(*s->idle));
	s->changed_at = xcalloc(LB_SERVICE_SLOTS, sizeof(*s->changed_at));
	s->order = xcalloc(LB_SERVICE_SLOTS / 2, sizeof(*s->order));
}

void lb_slots_done(struct lb_slots *s)
{
	free(s->freed_at);
	free(s->vip_users);
	free(s->tested);
	free(s->idle);
	free(s->changed_at);
	free(s->order);
	free(s->shadows);
	*s = (struct lb_slots){.image = NULL};
}

struct lb_service_key lb_service_key_of(const struct lb_key *key)
{
	struct lb_service_key ret = {.domain = key->domain, .proto = key->proto};

	memcpy(ret.addr, key->addr.b, sizeof(ret.addr));
	ret.port = __builtin_bswap16(key->port);
	return ret;
}

struct lb_key lb_key_of(const struct lb_service_key *key)
{
	struct lb_key ret = {.domain = key->domain, .proto = key->proto};

	memcpy(ret.addr.b, key->addr, sizeof(key->addr));
	ret.port = __builtin_bswap16(key->port);
	return ret;
}

/* Where the key stands in the order, or would. */
static size_t order_index(const struct lb_slots *s, const struct lb_key *key, bool *ret_found)
{
	size_t low = 0, high = s->n;

	*ret_found = false;
	while (low < high) {
		size_t mid = (low + high) / 2;
		struct lb_key at = lb_key_of(&s->image[s->order[mid]].key);
		int order = lb_key_cmp(key, &at);

		if (order == 0) {
			*ret_found = true;
			return mid;
		}
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

static struct lb_shadow *shadow_of(const struct lb_slots *s, uint32_t primary)
{
	for (size_t i = 0; i < s->n_shadows; i++)
		if (s->shadows[i].primary == primary)
			return &s->shadows[i];
	return NULL;
}

static bool is_shadow(const struct lb_slots *s, uint32_t slot)
{
	for (size_t i = 0; i < s->n_shadows; i++)
		if (s->shadows[i].slot == slot)
			return true;
	return false;
}

/* At its two places, as the programs do: a search of the order looks at a line of memory a step. */
uint32_t lb_slots_find(const struct lb_slots *s, const struct lb_key *key)
{
	const struct lb_service_key k = lb_service_key_of(key);

	for (uint32_t which = 0; which < 2; which++) {
		const uint32_t slot = lb_service_hash(&k, which);

		if (s->image[slot].live != 0 && memcmp(&s->image[slot].key, &k, sizeof(k)) == 0 &&
		    !is_shadow(s, slot))
			return slot;
	}
	return LB_NO_SLOT;
}

static void set_live(struct lb_slots *s, uint32_t slot, uint64_t live)
{
	__atomic_store_n(&s->image[slot].live, live, __ATOMIC_RELEASE);
}

static void free_slot(struct lb_slots *s, uint32_t slot, nsec_t now)
{
	set_live(s, slot, 0);
	s->freed_at[slot] = now;
	s->last_freed = now;
}

static bool is_usable(const struct lb_slots *s, uint32_t slot, nsec_t quiet)
{
	return s->image[slot].live == 0 && s->freed_at[slot] <= quiet &&
	       s->freed_at[slot] <= s->walked;
}

/* In use for good: neither free, nor resting, nor about to be. */
static bool is_occupied(const struct lb_slots *s, uint32_t slot)
{
	return s->image[slot].live != 0 && !is_shadow(s, slot);
}

static uint32_t other_place(const struct lb_slots *s, uint32_t slot)
{
	uint32_t first = lb_service_hash(&s->image[slot].key, 0);

	return first == slot ? lb_service_hash(&s->image[slot].key, 1) : first;
}

/* Copies a key to its other place; the old one stays as its shadow. */
static void move_key(struct lb_slots *s, uint32_t from, uint32_t to, nsec_t now)
{
	struct lb_key key = lb_key_of(&s->image[from].key);
	struct lb_service copy = s->image[from];
	struct lb_shadow *shadow;
	bool found;
	size_t i = order_index(s, &key, &found);

	assert(found);
	assert(s->image[to].live == 0);
	copy.live = 0;
	s->image[to] = copy;
	s->new_flows[to] = s->new_flows[from];
	set_live(s, to, s->image[from].live);
	s->order[i] = to;
	s->tested[to] = s->tested[from];
	s->idle[to] = s->idle[from];
	s->changed_at[to] = s->changed_at[from];
	shadow = xpush(&s->shadows, &s->n_shadows, &s->cap_shadows, sizeof(*shadow));
	*shadow = (struct lb_shadow){.slot = from, .primary = to, .copied_at = now};
}

/*
 * A key has one other place, so two chains begin at the two places of a new key, each going from a
 * key to its other place; the nearest free one ends the search. A place that is getting free is as
 * good: waiting for it costs no move. A chain that comes back to itself is followed all the same.
 */
static int make_room(struct lb_slots *s, const struct lb_clock *c, const uint32_t place[2])
{
	uint32_t at[2] = {place[0], place[1]};

	for (unsigned i = 0; i < SEARCH_MAX; i++) {
		uint32_t *from = &at[i % 2], other = other_place(s, *from);

		if (is_usable(s, other, c->quiet)) {
			move_key(s, *from, other, c->now);
			return -EAGAIN;
		}
		if (!is_occupied(s, other))
			return -EAGAIN;
		*from = other;
	}
	return -ENOSPC;
}

int lb_slots_place(struct lb_slots *s, const struct lb_clock *c, const struct lb_service_key *key,
		   uint32_t *ret)
{
	uint32_t place[2] = {lb_service_hash(key, 0), lb_service_hash(key, 1)};
	int error;

	if (s->n >= LB_SERVICE_SLOTS / 2)
		return -ENOSPC;
	for (unsigned round = 0;; round++) {
		for (unsigned k = 0; k < 2; k++) {
			if (is_usable(s, place[k], c->quiet)) {
				*ret = place[k];
				return 0;
			}
		}
		if (!is_occupied(s, place[0]) || !is_occupied(s, place[1]))
			error = -EAGAIN;
		else
			error = make_room(s, c, place);
		/* Without readers a move is over at once, and the next of its chain can follow. */
		if (error != -EAGAIN || c->quiet < c->now || round == SEARCH_MAX)
			return error;
		lb_slots_tick(s, c);
	}
}

/* --- bits of destinations --------------------------------------------------------------------- */

static void count_vip(struct lb_slots *s, const __u32 addr[4], bool add)
{
	uint32_t bit = lb_vip_bit(addr);
	uint64_t mask = UINT64_C(1) << (bit & 63);
	uint64_t *word = &s->vip_bits[bit >> 6];

	assert(add || s->vip_users[bit] > 0);
	if ((add ? s->vip_users[bit]++ > 0 : --s->vip_users[bit] > 0) || s->n_wide > 0)
		return;
	__atomic_store_n(word, add ? *word | mask : *word & ~mask, __ATOMIC_RELEASE);
}

/* All words as the counts want them. */
static void store_bits(struct lb_slots *s)
{
	for (uint32_t i = 0; i < LB_VIP_WORDS; i++) {
		uint64_t word = s->n_wide > 0 ? UINT64_MAX : 0;

		for (unsigned k = 0; k < 64; k++)
			word |= (uint64_t)(s->vip_users[i * 64 + k] > 0) << k;
		if (s->vip_bits[i] != word)
			__atomic_store_n(&s->vip_bits[i], word, __ATOMIC_RELEASE);
	}
}

static void cover(struct lb_slots *s, const struct ip_prefix *prefix, bool add)
{
	const unsigned bits = (unsigned)ip_addr_bits(&prefix->addr) - prefix->len;
	struct ip_addr a = prefix->addr;

	if (bits > COVER_BITS) {
		s->n_wide += add ? 1u : -1u;
		if (s->n_wide == add)
			store_bits(s);
		return;
	}
	for (uint32_t i = 0; i < UINT32_C(1) << bits; i++) {
		__u32 words[4];

		memcpy(words, a.b, sizeof(words));
		count_vip(s, words, add);
		a = ip_addr_next(&a);
	}
}

void lb_slots_cover(struct lb_slots *s, const struct ip_prefix *prefix)
{
	cover(s, prefix, true);
}

void lb_slots_uncover(struct lb_slots *s, const struct ip_prefix *prefix)
{
	cover(s, prefix, false);
}

/* --- services --------------------------------------------------------------------------------- */

static void order_insert(struct lb_slots *s, uint32_t slot)
{
	struct lb_key key = lb_key_of(&s->image[slot].key);
	bool found;
	size_t i = order_index(s, &key, &found);

	assert(!found);
	memmove(s->order + i + 1, s->order + i, (s->n - i) * sizeof(*s->order));
	s->order[i] = slot;
	s->n++;
}

static void order_remove(struct lb_slots *s, uint32_t slot)
{
	struct lb_key key = lb_key_of(&s->image[slot].key);
	bool found;
	size_t i = order_index(s, &key, &found);

	assert(found);
	s->n--;
	memmove(s->order + i, s->order + i + 1, (s->n - i) * sizeof(*s->order));
}

void lb_slots_publish(struct lb_slots *s, uint32_t slot, const struct lb_service *service,
		      uint32_t limit)
{
	struct lb_service fields = *service;

	assert(s->image[slot].live == 0);
	assert(service->live & LB_LIVE_IN_USE);
	fields.live = 0;
	s->image[slot] = fields;
	s->new_flows[slot] = (struct lb_new_flows){.limit = limit};
	s->tested[slot] = s->idle[slot] = false;
	set_live(s, slot, service->live);
	order_insert(s, slot);
	count_vip(s, service->key.addr, true);
}

void lb_slots_store_live(struct lb_slots *s, uint32_t slot, uint64_t live)
{
	struct lb_shadow *shadow = shadow_of(s, slot);

	assert(live & LB_LIVE_IN_USE);
	if (s->image[slot].live != live)
		set_live(s, slot, live);
	if (shadow && s->image[shadow->slot].live != live)
		set_live(s, shadow->slot, live);
}

void lb_slots_store_ranges(struct lb_slots *s, uint32_t slot, uint16_t set)
{
	struct lb_shadow *shadow = shadow_of(s, slot);

	__atomic_store_n(&s->image[slot].ranges, set, __ATOMIC_RELEASE);
	if (shadow)
		__atomic_store_n(&s->image[shadow->slot].ranges, set, __ATOMIC_RELEASE);
}

void lb_slots_store_affinity(struct lb_slots *s, uint32_t slot, uint16_t affinity)
{
	struct lb_shadow *shadow = shadow_of(s, slot);

	__atomic_store_n(&s->image[slot].affinity, affinity, __ATOMIC_RELAXED);
	if (shadow)
		__atomic_store_n(&s->image[shadow->slot].affinity, affinity, __ATOMIC_RELAXED);
}

void lb_slots_store_limit(struct lb_slots *s, uint32_t slot, uint32_t limit)
{
	struct lb_shadow *shadow = shadow_of(s, slot);

	__atomic_store_n(&s->new_flows[slot].limit, limit, __ATOMIC_RELAXED);
	if (shadow)
		__atomic_store_n(&s->new_flows[shadow->slot].limit, limit, __ATOMIC_RELAXED);
}

static void drop_shadow(struct lb_slots *s, struct lb_shadow *shadow, nsec_t now)
{
	free_slot(s, shadow->slot, now);
	*shadow = s->shadows[--s->n_shadows];
}

void lb_slots_clear(struct lb_slots *s, uint32_t slot, nsec_t now)
{
	struct lb_shadow *shadow = shadow_of(s, slot);

	order_remove(s, slot);
	free_slot(s, slot, now);
	if (shadow)
		drop_shadow(s, shadow, now);
	count_vip(s, s->image[slot].key.addr, false);
}

nsec_t lb_slots_tick(struct lb_slots *s, const struct lb_clock *c)
{
	nsec_t next = NSEC_NEVER;

	for (size_t i = s->n_shadows; i-- > 0;) {
		if (s->shadows[i].copied_at <= c->quiet)
			drop_shadow(s, &s->shadows[i], c->now);
		else
			next = nsec_min(next, nsec_add(s->shadows[i].copied_at, LB_REST_NS));
	}
	return next;
}

/* What the key of a slot in use says against its being there. */
static bool is_misplaced(const struct lb_slots *s, uint32_t slot)
{
	const struct lb_service *svc = &s->image[slot];

	return !(svc->live & LB_LIVE_IN_USE) ||
	       (lb_service_hash(&svc->key, 0) != slot && lb_service_hash(&svc->key, 1) != slot);
}

static void adopt_slot(struct lb_slots *s, uint32_t slot, nsec_t now)
{
	static const struct lb_service_key never;
	struct lb_service *svc = &s->image[slot];
	struct lb_key key;
	bool has_twin;
	size_t at;

	if (svc->live == 0) {
		if (memcmp(&svc->key, &never, sizeof(never)) != 0)
			free_slot(s, slot, now);
		return;
	}
	key = lb_key_of(&svc->key);
	at = order_index(s, &key, &has_twin); /* among those that are adopted so far */
	if (has_twin)
		s->image[s->order[at]].table = 0;
	if (has_twin || s->n == LB_SERVICE_SLOTS / 2 || is_misplaced(s, slot)) {
		free_slot(s, slot, now);
		return;
	}
	order_insert(s, slot);
	s->vip_users[lb_vip_bit(svc->key.addr)]++;
}

void lb_slots_adopt(struct lb_slots *s, nsec_t now)
{
	assert(s->n == 0);
	for (uint32_t slot = 0; slot < LB_SERVICE_SLOTS; slot++)
		adopt_slot(s, slot, now);
	store_bits(s);
}
