// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What leads to them is three things: a service with a target that is not here (LB_SVC_REMOTE), an
 * end of tunnels (LB_SVC_TUNNEL), and the range of ports that answers to `nat` are looked for by.
 */
#include "lb/lb_far.h"

#include "lb/lb_inside.h"

#include <errno.h>

bool lb_frontend_is_far(const struct lb_frontend *f)
{
	return f->flags & LB_F_TUNNEL || lb_derived_flags(f) & LB_SVC_REMOTE;
}

bool lb_tables_are_far(const struct lb_tables *t)
{
	if (lb_nodes_nat(t->nodes) != 0)
		return true;
	for (size_t i = 0; i < t->slots.n; i++) {
		const struct lb_service *svc = &t->slots.image[t->slots.order[i]];

		if (lb_live_of(svc->live).flags & (LB_SVC_REMOTE | LB_SVC_TUNNEL))
			return true;
	}
	return false;
}

void lb_tables_add_far(struct lb_tables *t)
{
	t->has_far = true;
}

bool lb_tables_have_far(const struct lb_tables *t)
{
	return t->has_far;
}

int lb_may_put(const struct lb_tables *t, const struct lb_frontend *f)
{
	if (!lb_frontend_is_valid(f))
		return -EINVAL;
	return lb_frontend_is_far(f) && !t->has_far ? LB_NEED_FAR : 0;
}
