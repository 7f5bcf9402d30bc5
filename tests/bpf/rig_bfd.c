// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Sessions of BFD that the programs look after. */
#include "bpf/rig.h"
#include "bpf/rig_private.h"

#include <bpf/bpf.h>

void rig_set_bfd(struct rig *r, uint32_t place, const struct lb_bfd *e)
{
	rig_must(bpf_map_update_elem(bpf_map__fd(r->xdp->maps.bfd_sessions), &place, e, BPF_ANY),
		 "write a session");
}

struct lb_bfd rig_bfd(struct rig *r, uint32_t place)
{
	struct lb_bfd ret;

	rig_must(bpf_map_lookup_elem(bpf_map__fd(r->xdp->maps.bfd_sessions), &place, &ret),
		 "read a session");
	return ret;
}

static int count(void *ctx, void *data, size_t len)
{
	struct rig_woken *w = ctx;

	w->n++;
	w->place = *(const uint32_t *)data;
	return len < sizeof(w->place) ? -1 : 0;
}

struct rig_woken rig_bfd_woken(struct rig *r)
{
	struct rig_woken ret = {.n = 0};
	struct ring_buffer *ring =
		ring_buffer__new(bpf_map__fd(r->xdp->maps.bfd_woken), count, &ret, NULL);

	rig_must(ring ? 0 : -1, "read whom the timers woke");
	rig_must(ring_buffer__consume(ring) < 0, "read whom the timers woke");
	ring_buffer__free(ring);
	return ret;
}

void rig_add_echo(struct rig *r, uint32_t peer, uint32_t ifindex, uint32_t place)
{
	struct lb_bfd_echo key = {.ifindex = ifindex};

	frame_address((uint8_t *)key.peer, peer);
	rig_must(bpf_map_update_elem(bpf_map__fd(r->xdp->maps.bfd_echoes), &key, &place, BPF_ANY),
		 "add a peer that sends echo");
}
