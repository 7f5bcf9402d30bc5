// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The slots of services: a cuckoo table of two places a key, read by the BPF programs while it
 * changes, and beside it the bitmap of VIPs and the order of keys.
 *
 * A reader looks at both places of its key, one after the other. So a key moves in two steps: it is
 * copied to its other place, and only when every reader that began before has finished is the old
 * place cleared; that then rests as every freed slot does. Between the steps the key stands in both
 * places, the old one is its shadow, and what is stored in one live word, or as its set of ranges,
 * is stored in both.
 */
#pragma once

#include "lb/lb.h"

#include "base/nsec.h"

#include <linux/types.h>

#include "bpf/abi.h"

#define LB_NO_SLOT UINT32_MAX

/*
 * When it is. A reader that began at `quiet` or before has finished: a second ago by rule
 * (LB_REST_NS), or now if no program is attached anywhere.
 */
struct lb_clock {
	nsec_t now, quiet;
	uint8_t age;      /* now as the programs count it (struct lb_flow) */
	uint8_t age_long; /* the same in longer units (LB_AFFINITY_LONG) */
	nsec_t age_unit;  /* of `age`; needed by put of frontends with affinity */
};

struct lb_shadow {
	uint32_t slot, primary;
	nsec_t copied_at;
};

struct lb_slots {
	struct lb_service *image;       /* LB_SERVICE_SLOTS; borrowed */
	uint64_t *vip_bits;             /* LB_VIP_WORDS; borrowed */
	struct lb_new_flows *new_flows; /* per slot; borrowed */
	nsec_t *freed_at;               /* per slot: since when it is free, 0 = ever. Owned */
	uint16_t *vip_users;            /* per bit of vip_bits. Owned */
	uint32_t n_wide;                /* prefixes that need all bits (lb_slots_cover()) */
	bool *tested, *idle;            /* per slot: as in lb_actual. Owned */
	nsec_t *changed_at;             /* per slot: since when its service is as it is. Owned */
	nsec_t walked;     /* no flow names a slot that was freed then or before; at first: any */
	nsec_t last_freed; /* of all slots */
	uint32_t *order;   /* slots in use by lb_key_cmp, without shadows. Owned */
	size_t n;
	struct lb_shadow *shadows; /* owned */
	size_t n_shadows, cap_shadows;
};

void lb_slots_init(struct lb_slots *s, struct lb_service *image, uint64_t *vip_bits,
		   struct lb_new_flows *new_flows);
void lb_slots_done(struct lb_slots *s);

struct lb_service_key lb_service_key_of(const struct lb_key *key);
struct lb_key lb_key_of(const struct lb_service_key *key);

/* The key's slot (not its shadow) or LB_NO_SLOT. */
uint32_t lb_slots_find(const struct lb_slots *s, const struct lb_key *key);

/*
 * A free and rested slot for a new key. -ENOSPC: the table is full, or too full round this key.
 * -EAGAIN: another key is being moved out of the way; ask again after lb_slots_tick().
 */
int lb_slots_place(struct lb_slots *s, const struct lb_clock *c, const struct lb_service_key *key,
		   uint32_t *ret) must_check;

/*
 * Fills a placed slot, publishes it by its live word and adds its VIP to the bitmap. Its limit of
 * new flows (bpf/abi.h) is this, of which it has spent nothing.
 */
void lb_slots_publish(struct lb_slots *s, uint32_t slot, const struct lb_service *service,
		      uint32_t limit);
/* Changes the live word of a key in use. */
void lb_slots_store_live(struct lb_slots *s, uint32_t slot, uint64_t live);
/* Changes the set of source ranges of a key in use, by one store. */
void lb_slots_store_ranges(struct lb_slots *s, uint32_t slot, uint16_t set);
/* ... its time of affinity, lb_service.affinity. */
void lb_slots_store_affinity(struct lb_slots *s, uint32_t slot, uint16_t affinity);
/* Changes the limit of new flows of a key in use, by one store. */
void lb_slots_store_limit(struct lb_slots *s, uint32_t slot, uint32_t limit);
/* Takes a key out, with its shadow and, if it was the last, its VIP's bit. */
void lb_slots_clear(struct lb_slots *s, uint32_t slot, nsec_t now);

/*
 * Packets to any address under the prefix are looked at, VIP or not, until it is taken back; also
 * before adoption. One that has very many addresses sets all bits: then packets that are not for us
 * cost more, too.
 */
void lb_slots_cover(struct lb_slots *s, const struct ip_prefix *prefix);
void lb_slots_uncover(struct lb_slots *s, const struct ip_prefix *prefix);

/* Clears shadows that nobody needs any more; when the next may go, NSEC_NEVER = there is none. */
nsec_t lb_slots_tick(struct lb_slots *s, const struct lb_clock *c);

/*
 * Rebuilds order, bitmap and rest from the image. A slot that its own key does not hash to is
 * cleared. Of a key in both places one is kept and its table name forgotten, because the agent died
 * while it moved it and they may differ.
 */
void lb_slots_adopt(struct lb_slots *s, nsec_t now);
