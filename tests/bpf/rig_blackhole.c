// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Destinations that nothing reaches. */
#include "bpf/rig.h"
#include "bpf/rig_private.h"

#include <bpf/bpf.h>
#include <stdlib.h>
#include <sys/socket.h>

static struct lb_range key_of(uint32_t v4, unsigned len, uint16_t domain)
{
	const unsigned mapped = frame_family() == AF_INET ? 96 : 0;
	struct lb_range key = {.len = LB_RANGE_SET_BITS + mapped + len, .set = domain};

	frame_address((uint8_t *)key.addr, v4);
	return key;
}

void rig_set_vip_bit(struct rig *r, uint32_t v4)
{
	const int fd = bpf_map__fd(r->xdp->maps.vip_bits);
	uint32_t addr[4], word;
	uint64_t bits;

	frame_address((uint8_t *)addr, v4);
	word = lb_vip_bit(addr) / 64;
	rig_must(bpf_map_lookup_elem(fd, &word, &bits), "read bits");
	bits |= UINT64_C(1) << lb_vip_bit(addr) % 64;
	rig_must(bpf_map_update_elem(fd, &word, &bits, BPF_ANY), "write bits");
}

void rig_add_blackhole(struct rig *r, uint32_t v4, unsigned len, uint16_t domain, uint32_t place)
{
	const struct lb_range key = key_of(v4, len, domain);

	rig_must(bpf_map_update_elem(bpf_map__fd(r->xdp->maps.blackholes), &key, &place, BPF_ANY),
		 "add a blackhole");
}

void rig_del_blackhole(struct rig *r, uint32_t v4, unsigned len, uint16_t domain)
{
	const struct lb_range key = key_of(v4, len, domain);

	rig_must(bpf_map_delete_elem(bpf_map__fd(r->xdp->maps.blackholes), &key),
		 "take a blackhole out");
}

uint64_t rig_blackhole_drops(struct rig *r, uint32_t place)
{
	uint64_t *values = calloc(r->n_cpus, sizeof(*values)), sum = 0;

	if (!values)
		abort();
	rig_must(bpf_map_lookup_elem(bpf_map__fd(r->xdp->maps.blackhole_drops), &place, values),
		 "read drops");
	for (unsigned i = 0; i < r->n_cpus; i++)
		sum += values[i];
	free(values);
	return sum;
}
