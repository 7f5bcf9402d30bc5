// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Loading, of which the verifier's work is most of what a test takes: so the rig has what the test
 * needs, and what only some need is loaded when something is put into the maps that leads there.
 */
#include "bpf/rig_private.h"

#include "sys/bpf_beside.h"

#include "bpf/flow_hash.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <time.h>

static double cpu_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* Any constants will do, as long as both programs have them. */
static void make_keys(struct lb_flow_keys *keys)
{
	uint64_t *word = (uint64_t *)keys, x = 0x5eed;

	for (size_t i = 0; i < sizeof(*keys) / sizeof(*word); i++) {
		x = (x ^ x >> 31) * 0x9e3779b97f4a7c15ull + 1;
		word[i] = x ^ x >> 29;
	}
	lb_flow_keys_finish(keys);
}

static uint32_t age_shift = 14;

void rig_stop_clock(void)
{
	age_shift = 28; /* turns of days, counted by what jiffies begin with */
}

/* Another object on the rig's maps, with its constants. */
static void share(const struct rig *r, const struct bpf_object *obj)
{
	struct bpf_map *map, *mine;

	bpf_object__for_each_map(map, obj)
	{
		mine = bpf_object__find_map_by_name(r->xdp->obj, bpf_map__name(map));
		if (mine && !bpf_map__is_internal(map))
			rig_must(bpf_map__reuse_fd(map, bpf_map__fd(mine)), "share map");
	}
}

static struct xdp_lb_bpf *open_xdp(const struct rig *r)
{
	struct xdp_lb_bpf *xdp = xdp_lb_bpf__open();

	rig_must(xdp ? 0 : -1, "open xdp_lb");
	memcpy(&xdp->rodata->flow_keys, &r->keys, sizeof(r->keys));
	xdp->rodata->age_shift = age_shift;
	return xdp;
}

static int load_xdp(struct rig *r)
{
	double begin;
	int err;

	make_keys(&r->keys);
	r->xdp = open_xdp(r);
	rig_note_templates(r);
	if (r->again)
		rig_make_mappable(r);
	err = bpf_beside_choose(r->xdp->obj, BPF_BESIDE_NEAR);
	begin = cpu_ms();
	if (!err)
		err = xdp_lb_bpf__load(r->xdp);
	r->load_ms[RIG_XDP] = cpu_ms() - begin;
	return err ? err : bpf_beside_fill(r->xdp->obj);
}

/* One of its two programs. */
static int load_tc(const struct rig *r, bool nat, struct tc_reply_bpf **ret)
{
	struct tc_reply_bpf *tc = *ret = tc_reply_bpf__open();
	int err;

	rig_must(tc ? 0 : -1, "open tc_reply");
	share(r, tc->obj);
	memcpy(&tc->rodata->flow_keys, &r->keys, sizeof(r->keys));
	tc->rodata->age_shift = age_shift;
	err = bpf_program__set_autoload(nat ? tc->progs.tc_reply : tc->progs.tc_nat, false);
	return err ? err : tc_reply_bpf__load(tc);
}

int rig_load(struct rig *r)
{
	int err = load_xdp(r);
	double begin;

	if (err)
		return err;
	begin = cpu_ms();
	err = load_tc(r, false, &r->tc);
	r->load_ms[RIG_TC] = cpu_ms() - begin;
	return err;
}

void rig_unload(struct rig *r)
{
	tc_reply_bpf__destroy(r->tc);
	tc_reply_bpf__destroy(r->nat);
	xdp_lb_bpf__destroy(r->far);
	xdp_lb_bpf__destroy(r->xdp);
}

void rig_need_far(struct rig *r)
{
	if (r->far)
		return;
	r->far = open_xdp(r);
	share(r, r->far->obj);
	rig_must(bpf_beside_choose(r->far->obj, BPF_BESIDE_FAR), "choose the far programs");
	rig_must(xdp_lb_bpf__load(r->far), "load the far programs");
	rig_must(bpf_beside_fill(r->far->obj), "put them in their slots");
}

void rig_need_for(struct rig *r, uint32_t flags)
{
	if (flags & (LB_SVC_REMOTE | LB_SVC_TUNNEL))
		rig_need_far(r);
}

int rig_need_tc_nat(struct rig *r)
{
	if (!r->nat)
		rig_must(load_tc(r, true, &r->nat), "load tc_nat");
	return bpf_program__fd(r->nat->progs.tc_nat);
}
