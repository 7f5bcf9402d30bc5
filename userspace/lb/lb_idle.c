// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Where no flow is left: of a backend that drains, so that the drain is over, and of a service that
 * takes no new flows, so that it can go. There is one rule for both, and it goes by backends.
 *
 * A flow that is closing is none: its backend has sent FIN or RST. But what it sent before may
 * still be on its way, so a backend is silent only when two walks in a row found nothing of it,
 * which is five seconds at least, or one where the table is filling. A walk is evidence only if
 * none could begin, when it began, by what the service was before; and, unless the kernel has all
 * that has no entry, only if each living flow has one, which is not so of a VIP whose tables were
 * lost (lb_service.settle_from).
 */
#include "lb/lb_idle.h"

#include <assert.h>

#define SILENT_WALKS 2

static struct lb_backend_chunk *chunk_of(const struct lb_tables *t, uint32_t index)
{
	return &t->backend_chunks[index / LB_BACKEND_CHUNK];
}

static uint8_t *silent_at(const struct lb_tables *t, uint32_t index)
{
	return &chunk_of(t, index)->silent[index % LB_BACKEND_CHUNK];
}

void lb_idle_begin(const struct lb_tables *t)
{
	for (size_t i = 0; i < t->n_backend_chunks; i++)
		memset(t->backend_chunks[i].open, 0, LB_BACKEND_CHUNK / 8);
}

void lb_idle_note(const struct lb_tables *t, uint32_t index)
{
	const uint32_t in = index % LB_BACKEND_CHUNK;

	chunk_of(t, index)->open[in / 64] |= UINT64_C(1) << in % 64;
}

static bool is_open(const struct lb_tables *t, uint32_t index)
{
	const uint32_t in = index % LB_BACKEND_CHUNK;

	return chunk_of(t, index)->open[in / 64] >> in % 64 & 1;
}

bool lb_idle_is(const struct lb_tables *t, uint32_t index)
{
	return *silent_at(t, index) == SILENT_WALKS;
}

static uint32_t first_of(const struct lb_service *svc)
{
	return lb_live_of(svc->live).backends_base * LB_BACKEND_UNIT;
}

static bool is_evidence(const struct lb_tables *t, const struct lb_service *svc)
{
	const uint32_t flags = lb_live_of(svc->live).flags;

	if (t->slots.changed_at[svc - t->slots.image] > t->walk.quiet)
		return false;
	return flags & LB_SVC_HANDING_BACK ||
	       (!(flags & LB_SVC_REMOTE) && svc->settle_from <= t->walk.began);
}

/* Returns whether that is news of a backend that drains. */
static bool judge_backend(const struct lb_tables *t, uint32_t index, bool evidence)
{
	const uint64_t flags = lb_backend_at(t, index)->state >> LB_BE_FLAGS_SHIFT;
	const bool was_idle = lb_idle_is(t, index);
	uint8_t *silent = silent_at(t, index);

	assert(*silent <= SILENT_WALKS);
	if (!evidence || is_open(t, index))
		*silent = 0;
	else if (!was_idle)
		++*silent;
	return flags & LB_BE_IN_USE && !(flags & LB_BE_READY) && lb_idle_is(t, index) != was_idle;
}

void lb_idle_judge(struct lb_tables *t, const struct lb_service *svc)
{
	const size_t slot = (size_t)(svc - t->slots.image);
	const struct lb_key key = lb_key_of(&svc->key);
	const bool evidence = is_evidence(t, svc);
	bool news = false, all;

	all = lb_live_of(svc->live).flags & (LB_SVC_HANDING_BACK | LB_SVC_CLOSED);
	for (uint32_t i = first_of(svc), end = i + svc->n_backends; i < end; i++) {
		news |= judge_backend(t, i, evidence);
		all &= lb_idle_is(t, i);
	}
	if (!news && t->slots.idle[slot] == all)
		return;
	t->slots.idle[slot] = all;
	t->idle_generation++;
	lb_view_touch(t->view, &key);
}

void lb_idle_forget(struct lb_tables *t, uint32_t slot, nsec_t now)
{
	const struct lb_service *svc = &t->slots.image[slot];

	t->slots.idle[slot] = false;
	t->slots.changed_at[slot] = now;
	for (uint32_t i = first_of(svc), end = i + svc->n_backends; i < end; i++)
		*silent_at(t, i) = 0;
}
