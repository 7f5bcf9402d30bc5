// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Limits of VIPs into the map `rates`: a merge-diff with what the kernel has, which is kept here
 * and read when it is not known. They are few, and seldom change.
 */
#include "sys/bpf_maps.h"

#include "base/sorted.h"

#include <bpf/bpf.h>
#include <errno.h>

struct bpf_rates {
	int fd;                 /* borrowed */
	struct plan_rate *have; /* by VIP; owned */
	size_t n, cap;
};

static struct lb_rate_key key_of(const struct plan_vip *vip)
{
	struct lb_rate_key ret = {.domain = vip->domain};

	memcpy(ret.addr, vip->addr.b, sizeof(ret.addr));
	return ret;
}

static int cmp_rate(const void *a, const void *b)
{
	const struct plan_rate *x = a, *y = b;

	return plan_vip_cmp(&x->vip, &y->vip);
}

static bool same_rate(const void *a, const void *b)
{
	const struct plan_rate *x = a, *y = b;

	return x->packets == y->packets;
}

static void push(struct bpf_rates *r, const struct plan_rate *rate)
{
	*(struct plan_rate *)xpush(&r->have, &r->n, &r->cap, sizeof(*rate)) = *rate;
}

static int read_all(struct bpf_rates *r)
{
	struct lb_rate_key key, next;
	const void *from = NULL;

	r->n = 0;
	while (bpf_map_get_next_key(r->fd, from, &next) == 0) {
		struct plan_rate rate = {.vip = {.domain = next.domain}};
		struct lb_rate value;

		memcpy(rate.vip.addr.b, next.addr, sizeof(rate.vip.addr.b));
		if (bpf_map_lookup_elem(r->fd, &next, &value) == 0)
			rate.packets = value.packets;
		push(r, &rate);
		key = next;
		from = &key;
	}
	if (errno != ENOENT)
		return -errno;
	if (r->n > 0)
		qsort(r->have, r->n, sizeof(*r->have), cmp_rate);
	return 0;
}

/* A bucket that is put begins with a whole burst. */
static int do_step(const struct bpf_rates *r, const struct diff_step *s)
{
	const struct plan_rate *rate = s->op == DIFF_DELETE ? s->have : s->want;
	const struct lb_rate_key key = key_of(&rate->vip);
	const struct lb_rate value = {.packets = rate->packets};
	int error;

	if (s->op != DIFF_DELETE)
		return bpf_map_update_elem(r->fd, &key, &value, BPF_ANY);
	error = bpf_map_delete_elem(r->fd, &key);
	return error == -ENOENT ? 0 : error;
}

int bpf_rates_apply(struct bpf_rates *r, const struct plan_rate *want, size_t n)
{
	struct diff diff = {.want = {want, n, sizeof(*want)},
			    .have = {r->have, r->n, sizeof(*want)},
			    .cmp = cmp_rate,
			    .same = same_rate};
	struct diff_step step;
	bool is_same = true;
	int ret = 0, error;

	while (diff_next(&diff, &step)) {
		is_same = false;
		error = do_step(r, &step);
		ret = error ? error : ret;
	}
	if (is_same)
		return 0;
	error = read_all(r);
	return ret ? ret : error;
}

int bpf_rates_new(int map_fd, struct bpf_rates **ret)
{
	struct bpf_rates *r = xcalloc(1, sizeof(*r));
	int error;

	r->fd = map_fd;
	error = read_all(r);
	if (error != 0)
		bpf_rates_free(r);
	else
		*ret = r;
	return error;
}

struct bpf_rates *bpf_rates_free(struct bpf_rates *r)
{
	if (!r)
		return NULL;
	free(r->have);
	free(r);
	return NULL;
}
