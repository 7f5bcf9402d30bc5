// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The order of the stores: a device is written before the reach of its place says that it may be
 * there, and the reach is made shorter after a device is taken out. The reach belongs to the place,
 * not to the device that lies there, and is looked at by readers alone: an agent that died between
 * the two stores leaves a device that the next set() finds.
 *
 * Devices are one thread's affair, the flag may be another's: each changes its own bits only.
 */
#include "lb/lb_uplinks.h"

#include <assert.h>
#include <errno.h>
#include <linux/types.h>

#include "bpf/abi.h"

#define REACH_MASK  ((uint64_t)LB_UPLINK_REACH_MAX << LB_UPLINK_REACH_SHIFT)
#define DOMAIN_MASK ((uint64_t)UINT16_MAX << LB_UPLINK_DOMAIN_SHIFT)
#define NOWHERE     (LB_UPLINK_REACH_MAX + 1)

static uint64_t *word_at(const struct lb_uplinks *u, uint32_t place)
{
	return &u->words[place % LB_UPLINKS];
}

static uint64_t load(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

/* All but the flag becomes this. */
static void store(uint64_t *word, uint64_t value)
{
	uint64_t old = load(word), next;

	do
		next = (value & ~LB_UPLINK_DENIES) | (old & LB_UPLINK_DENIES);
	while (next != old && !__atomic_compare_exchange_n(word, &old, next, false,
							   __ATOMIC_RELEASE, __ATOMIC_RELAXED));
}

/* What of a word says who lies there; 0: nobody. */
static uint64_t name_at(const uint64_t *word)
{
	return load(word) & ~(REACH_MASK | DOMAIN_MASK | LB_UPLINK_DENIES);
}

static uint64_t name(struct lb_uplink uplink)
{
	return uplink.tag ? lb_uplink_vlan(uplink.ifindex, uplink.tag) : uplink.ifindex;
}

static uint32_t home_of(uint64_t its_name)
{
	const uint32_t low = (uint32_t)its_name;
	const uint32_t tag = (uint32_t)(its_name >> LB_UPLINK_TAG_SHIFT) |
			     (low & LB_UPLINK_8021AD ? LB_TAG_8021AD : 0);

	return low & LB_UPLINK_VLAN
		       ? lb_uplink_vlan_hash(low & ~(LB_UPLINK_VLAN | LB_UPLINK_8021AD), tag)
		       : lb_uplink_hash(low);
}

/* How far behind `home` it lies; of 0: the first word that is nobody's. */
static uint32_t distance(const struct lb_uplinks *u, uint32_t home, uint64_t its_name)
{
	uint32_t i = 0;

	while (i < NOWHERE && name_at(word_at(u, home + i)) != its_name)
		i++;
	return i;
}

static void set_reach(const struct lb_uplinks *u, uint32_t home, uint32_t reach)
{
	uint64_t *word = word_at(u, home);

	store(word, (load(word) & ~REACH_MASK) | (uint64_t)reach << LB_UPLINK_REACH_SHIFT);
}

static uint32_t needed_reach(const struct lb_uplinks *u, uint32_t home)
{
	for (uint32_t i = LB_UPLINK_REACH_MAX; i > 0; i--) {
		const uint64_t its_name = name_at(word_at(u, home + i));

		if (its_name && home_of(its_name) == home)
			return i;
	}
	return 0;
}

static void take_out(const struct lb_uplinks *u, uint64_t *word)
{
	uint32_t home = home_of(name_at(word));

	store(word, load(word) & REACH_MASK);
	set_reach(u, home, needed_reach(u, home));
}

int lb_uplinks_set(const struct lb_uplinks *u, struct lb_uplink uplink, uint16_t domain)
{
	const uint64_t its_name = name(uplink);
	uint32_t home = home_of(its_name), at = distance(u, home, its_name);
	uint64_t *word;

	assert(uplink.ifindex && !(uplink.ifindex & LB_UPLINK_VLAN));
	if (domain == 0 && uplink.tag == 0) {
		if (at < NOWHERE)
			take_out(u, word_at(u, home + at));
		return 0;
	}
	if (uplink.tag && uplink.ifindex & LB_UPLINK_8021AD)
		return -ENOSPC; /* the bit is the tag's kind */
	if (at == NOWHERE)
		at = distance(u, home, 0);
	if (at == NOWHERE)
		return -ENOSPC;
	word = word_at(u, home + at);
	store(word,
	      (load(word) & REACH_MASK) | (uint64_t)domain << LB_UPLINK_DOMAIN_SHIFT | its_name);
	set_reach(u, home, needed_reach(u, home));
	return 0;
}

void lb_uplinks_keep(const struct lb_uplinks *u, const struct lb_uplink *kept, size_t n)
{
	for (uint32_t place = 0; place < LB_UPLINKS; place++) {
		const uint64_t its_name = name_at(&u->words[place]);
		size_t i = 0;

		while (i < n && name(kept[i]) != its_name)
			i++;
		if (its_name && i == n)
			take_out(u, &u->words[place]);
	}
}

void lb_uplinks_set_denies(const struct lb_uplinks *u, bool denies)
{
	for (uint32_t place = 0; place < LB_UPLINKS; place++) {
		uint64_t *word = &u->words[place];

		if (!(load(word) & LB_UPLINK_DENIES) == !denies)
			continue;
		if (denies)
			__atomic_fetch_or(word, LB_UPLINK_DENIES, __ATOMIC_RELEASE);
		else
			__atomic_fetch_and(word, ~LB_UPLINK_DENIES, __ATOMIC_RELEASE);
	}
}
