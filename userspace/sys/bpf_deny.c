// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Denied sources into the map `ranges`, a portion a call; what is to be done next says
 * lb/lb_deny.h.
 */
#include "sys/bpf_maps.h"
#include "sys/clock.h"

#include <errno.h>

#define PORTION BPF_RANGES_AT_ONCE

struct lb_range bpf_deny_range(const struct ip_prefix *p)
{
	return bpf_range_of(ip_addr_is_v4(&p->addr) ? LB_DENY_SET_V4 : LB_DENY_SET_V6, p);
}

/* How many of them, from the first on, are in the map, or out of it, in *ret_n. */
static int do_portion(int fd, const struct lb_deny_step *s, size_t *ret_n)
{
	struct lb_range keys[PORTION];
	uint32_t n;
	int error;

	for (size_t i = 0; i < s->n; i++)
		keys[i] = bpf_deny_range(&s->items[i]);
	error = bpf_ranges_write(fd, keys, (uint32_t)s->n, s->is_put, &n);
	*ret_n = n;
	return error;
}

int bpf_deny_go_on(struct lb_deny *d, int fd, nsec_t until)
{
	struct lb_deny_step step;

	while (!until || clock_now() < until) {
		size_t n;
		int error;

		if (!lb_deny_next(d, PORTION, &step))
			return 0;
		error = do_portion(fd, &step, &n);
		lb_deny_done(d, &step, n);
		if (error == -ENOSPC && lb_deny_make_room(d))
			continue;
		if (error != 0)
			return error;
	}
	return -EINPROGRESS;
}
