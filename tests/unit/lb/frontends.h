// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Frontends for the tests of lb/: keys, targets and flags in few words. */
#pragma once

#include "lb/lb.h"

static inline struct lb_key key_of(uint32_t v4, uint16_t port)
{
	return (struct lb_key){.addr = ip_addr_from_v4(v4), .port = port, .proto = port ? 6 : 0};
}

static inline struct lb_target target_of_v4(uint32_t v4, uint16_t port, bool ready)
{
	return (struct lb_target){.addr = ip_addr_from_v4(v4),
				  .port = port,
				  .weight = 1,
				  .state = ready ? LB_BACKEND_READY : LB_BACKEND_DRAINING};
}

/* A frontend of 1 << 8 rows; a VIP if the key has no port. */
static inline struct lb_frontend frontend_of(struct lb_key key, const struct lb_target *targets,
					     size_t n)
{
	struct lb_frontend f = {.key = key, .targets = targets, .n_targets = n};

	if (key.port == 0)
		return f;
	f.seed = lb_seed("default", "web");
	f.rows_log2 = 8;
	f.table = lb_table_name(&f);
	return f;
}

static inline void frontend_set_flags(struct lb_frontend *f, uint32_t flags)
{
	f->flags = flags;
	f->affinity_s = f->key.port && flags & LB_F_AFFINITY ? 3600 : 0;
	f->table = f->key.port ? lb_table_name(f) : 0;
}
