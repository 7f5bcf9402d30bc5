// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Tail calls lead to programs of the same object: `beside` is the one map that is not the rig's. */
#include "bpf/rig_capture.h"
#include "bpf/rig_private.h"

#include "sys/bpf_beside.h"

#include <bpf/bpf.h>
#include <stdlib.h>
#include <string.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wcast-qual"
#include "tc_reply_capture.skel.h"
#include "xdp_lb_capture.skel.h"
#pragma GCC diagnostic pop

struct rig_capture {
	struct rig *rig;
	struct xdp_lb_capture_bpf *xdp;
	struct tc_reply_capture_bpf *tc;
	struct ring_buffer *ring;
	struct rig_captured *taken; /* of the caller, while it takes */
	unsigned n_taken;
};

static void share(const struct bpf_object *from, const struct bpf_object *to)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, to)
	{
		struct bpf_map *theirs = bpf_object__find_map_by_name(from, bpf_map__name(map));

		if (theirs && !bpf_map__is_internal(map) &&
		    strcmp(bpf_map__name(map), "beside") != 0)
			rig_must(bpf_map__reuse_fd(map, bpf_map__fd(theirs)), "share map");
	}
}

static int on_record(void *ctx, void *data, size_t len)
{
	struct rig_capture *c = ctx;

	if (c->n_taken < RIG_CAPTURED) {
		struct rig_captured *r = &c->taken[c->n_taken];

		memset(r, 0, sizeof(*r));
		memcpy(r, data, len < sizeof(*r) ? len : sizeof(*r));
	}
	c->n_taken++;
	return 0;
}

/* To load them takes longer than most tests: the next one has them, if it has the rig, too. */
static struct rig_capture *kept;

static void destroy(struct rig_capture *c)
{
	ring_buffer__free(c->ring);
	xdp_lb_capture_bpf__destroy(c->xdp);
	tc_reply_capture_bpf__destroy(c->tc);
	free(c);
}

/* As if it had just been loaded. */
static void empty(struct rig_capture *c)
{
	struct lb_capturing *none = calloc(c->rig->n_cpus, sizeof(*none));
	static struct rig_captured ignored[RIG_CAPTURED];

	for (uint32_t which = 0; which < 2; which++)
		rig_must(bpf_map_update_elem(bpf_map__fd(c->xdp->maps.capturing), &which, none,
					     BPF_ANY),
			 "forget what was missed");
	free(none);
	(void)rig_capture_take(c, ignored);
}

struct rig_capture *rig_capture_new(struct rig *r)
{
	struct rig_capture *c = kept;

	kept = NULL;
	if (c && c->rig == r) {
		empty(c);
		return c;
	}
	if (c)
		destroy(c);
	c = calloc(1, sizeof(*c));

	c->rig = r;
	c->xdp = xdp_lb_capture_bpf__open();
	c->tc = tc_reply_capture_bpf__open();
	rig_must(c->xdp && c->tc ? 0 : -1, "open the programs that capture");
	c->xdp->rodata->age_shift = r->xdp->rodata->age_shift;
	c->tc->rodata->age_shift = r->xdp->rodata->age_shift;
	memcpy(&c->xdp->rodata->flow_keys, &r->keys, sizeof(r->keys));
	memcpy(&c->tc->rodata->flow_keys, &r->keys, sizeof(r->keys));
	share(r->xdp->obj, c->xdp->obj);
	rig_must(xdp_lb_capture_bpf__load(c->xdp), "load xdp_lb that captures");
	rig_must(bpf_beside_fill(c->xdp->obj), "put them in their slots");
	share(c->xdp->obj, c->tc->obj);
	rig_must(tc_reply_capture_bpf__load(c->tc), "load tc_reply that captures");
	c->ring = ring_buffer__new(bpf_map__fd(c->xdp->maps.capture_ring), on_record, c, NULL);
	rig_must(c->ring ? 0 : -1, "open the ring buffer");
	return c;
}

struct rig_capture *rig_capture_free(struct rig_capture *c)
{
	if (c)
		kept = c;
	return NULL;
}

void rig_capture_ask(struct rig_capture *c, const struct lb_capture *asked)
{
	struct lb_capture a = *asked;
	uint32_t zero = 0;

	if (a.until == 0)
		a.until = UINT64_MAX;
	rig_must(bpf_map_update_elem(bpf_map__fd(c->xdp->maps.capture), &zero, &a, BPF_ANY),
		 "say what is captured");
}

int rig_capture_xdp(struct rig_capture *c, const struct frame *in, struct frame *out)
{
	return rig_run(bpf_program__fd(c->xdp->progs.xdp_lb), in, out);
}

int rig_capture_tc(struct rig_capture *c, const struct frame *in, struct frame *out)
{
	return rig_run(bpf_program__fd(c->tc->progs.tc_reply), in, out);
}

unsigned rig_capture_take(struct rig_capture *c, struct rig_captured ret[RIG_CAPTURED])
{
	c->taken = ret;
	c->n_taken = 0;
	rig_must(ring_buffer__consume(c->ring), "read the ring buffer");
	return c->n_taken;
}

void rig_capture_missed(struct rig_capture *c, uint64_t *ret_missed, uint64_t *ret_unseen)
{
	struct lb_capturing *all = calloc(c->rig->n_cpus, sizeof(*all));

	*ret_missed = *ret_unseen = 0;
	for (uint32_t which = 0; which < 2; which++) {
		rig_must(bpf_map_lookup_elem(bpf_map__fd(c->xdp->maps.capturing), &which, all),
			 "read what was missed");
		for (unsigned i = 0; i < c->rig->n_cpus; i++) {
			*ret_missed += all[i].missed;
			*ret_unseen += all[i].unseen;
		}
	}
	free(all);
}

uint32_t rig_capture_verified(const struct rig_capture *c, enum rig_program which)
{
	struct bpf_prog_info info = {.id = 0};
	__u32 len = sizeof(info);

	rig_must(bpf_obj_get_info_by_fd(bpf_program__fd(which == RIG_XDP ? c->xdp->progs.xdp_lb
									 : c->tc->progs.tc_reply),
					&info, &len),
		 "ask for the program");
	return info.verified_insns;
}
