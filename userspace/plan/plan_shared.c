// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Each step of the states, by what the store has and what conntrack has said. */
#include "plan/plan_shared.h"

#include "base/sorted.h"
#include "plan/plan_draft.h"
#include "plan/plan_sort.h"

#include <assert.h>

static int cmp_taken(const void *vip, const void *item)
{
	return plan_vip_cmp(vip, &((const struct plan_taken *)item)->vip);
}

const struct plan_taken *plan_shared_taken(const struct plan_draft *d, const struct plan_vip *vip)
{
	const struct plan_node *node = d->in->node;

	return sorted_find(vip, node->taken, node->n_taken, sizeof(*node->taken), cmp_taken);
}

static int cmp_begin(const void *vip, const void *item)
{
	return plan_vip_cmp(vip, &((const struct plan_begin *)item)->vip);
}

static uint32_t shared_by(const struct lb_actual *actual)
{
	return actual ? actual->flags & LB_F_SHARED : 0;
}

/* A port that was passed to the kernel so far, since nobody served it, may have flows there. */
bool plan_shared_asks(const struct plan_draft *d, const struct plan_shared *s)
{
	if (!d->plan->dataplane)
		return false;
	if (!s->vip || shared_by(s->vip) || shared_by(s->actual))
		return true;
	return !s->actual && s->vip->flags & LB_F_UNKNOWN_PASS;
}

/* What it said some time ago is no answer for what has not begun. */
static bool knows(const struct plan_shared *s)
{
	return s->taken && !s->taken->old;
}

bool plan_shared_waits(const struct plan_draft *d, const struct plan_shared *s)
{
	if (s->actual || !plan_shared_asks(d, s))
		return false;
	if (knows(s))
		return s->taken->out > 0;
	return d->in->node->ask == PLAN_ASK_FIRST ||
	       (d->in->node->ask == PLAN_ASK_BESIDE && s->has_datagrams);
}

/* What is not there yet: by what conntrack said, or so that it does not matter. */
static uint32_t first(const struct plan_draft *d, const struct plan_shared *s)
{
	const bool is_asked_beside = d->in->node->ask == PLAN_ASK_BESIDE && plan_shared_asks(d, s);

	if (!knows(s))
		return is_asked_beside ? LB_F_TAKING_OVER : 0;
	return s->taken->seen || s->taken->flows > 0 ? LB_F_TAKING_OVER : 0;
}

static uint32_t next(const struct plan_draft *d, const struct plan_shared *s,
		     const struct lb_actual *actual)
{
	const struct plan_taken *t = s->taken;

	if (d->plan->leaving)
		return s->hands_back ? LB_F_HANDING_BACK : shared_by(actual);
	if (!actual)
		return first(d, s);
	switch (shared_by(actual)) {
	case 0:
		return 0;
	case LB_F_HANDING_BACK:
		return LB_F_TAKING_OVER;
	case LB_F_TAKING_OVER:
		if (!t || !t->programmed || t->out > 0)
			return LB_F_TAKING_OVER;
		break;
	default:
		if (!t)
			return LB_F_KERNEL_FLOWS;
	}
	return t->flows > 0 ? LB_F_KERNEL_FLOWS : 0;
}

uint32_t plan_shared_flags(const struct plan_draft *d, const struct plan_shared *s)
{
	return next(d, s, s->actual);
}

uint32_t plan_shared_vip_flags(const struct plan_draft *d, const struct plan_shared *s)
{
	return next(d, s, s->vip);
}

void plan_shared_note(struct plan_draft *d, const struct plan_shared *s, const struct plan_vip *vip)
{
	struct plan_begin *b = d->n_begins ? &d->begins[d->n_begins - 1] : NULL;

	assert(!b || plan_vip_cmp(&b->vip, vip) <= 0);
	if (!b || !plan_vip_equal(&b->vip, vip)) {
		b = arena_push(d->arena, &d->begins, &d->n_begins, &d->cap_begins, sizeof(*b));
		*b = (struct plan_begin){.vip = *vip, .programmed = true};
	}
	b->waits |= plan_shared_waits(d, s);
	b->takes |= !s->actual || shared_by(s->actual) & ~LB_F_KERNEL_FLOWS;
	if (!s->actual || (shared_by(s->actual) | shared_by(s->vip)) & LB_F_HANDING_BACK)
		b->programmed = false;
}

void plan_shared_note_leaving(struct plan_draft *d, const struct lb_actual *actual)
{
	const struct plan_vip vip = plan_vip_of(&actual->key);
	size_t i;

	if (!(actual->flags & (LB_F_TAKING_OVER | LB_F_KERNEL_FLOWS)))
		return;
	i = plan_lower_bound(&vip, d->begins, d->n_begins, sizeof(*d->begins), cmp_begin);
	if (i < d->n_begins && plan_vip_equal(&d->begins[i].vip, &vip))
		return;
	(void)arena_push(d->arena, &d->begins, &d->n_begins, &d->cap_begins, sizeof(*d->begins));
	memmove(&d->begins[i + 1], &d->begins[i], (d->n_begins - 1 - i) * sizeof(*d->begins));
	d->begins[i] = (struct plan_begin){.vip = vip, .programmed = true};
}

void plan_shared_tell(struct plan_draft *d, const struct plan_shared *s,
		      const struct api_object *service, const struct plan_vip *vip)
{
	char text[IP_ADDR_TEXT];
	const char *remedy;

	if (!s->taken || s->taken->flows + s->taken->out == 0)
		return;
	ip_addr_text(&vip->addr, text);
	remedy = arena_printf(
		d->arena, "delete them when their clients can reconnect: conntrack -D -d %s", text);
	if (s->taken->out == 0)
		object_problem(
			&d->plan->problems, SEVERITY_INFO, service, NULL, "KernelHasFlows", remedy,
			"flows of %s that the kernel had before go through it until they end",
			text);
	else
		object_problem(&d->plan->problems, s->actual ? SEVERITY_WARNING : SEVERITY_ERROR,
			       service, NULL, "ConntrackHoldsFlows", remedy,
			       "the kernel has more flows of %s than can be told apart; %s", text,
			       s->actual
				       ? "what this node does not know is taken to be the kernel's"
				       : "this node neither serves nor announces it");
}

bool plan_shared_is_over(const struct plan_draft *d)
{
	for (size_t i = 0; i < d->in->actual->n_frontends; i++) {
		const struct lb_actual *actual = &d->in->actual->frontends[i];

		if (actual->key.port != 0 &&
		    !(shared_by(actual) == LB_F_HANDING_BACK && actual->idle))
			return false;
	}
	return true;
}
