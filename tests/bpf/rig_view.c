// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What a test looks at after a packet: counters, reply entries, the flow cache. Reads the maps as
 * the agent would and computes nothing that the programs compute, but for the flow's place in the
 * cache, which is found by looking everywhere.
 */
#include "bpf/rig.h"
#include "bpf/rig_private.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <string.h>

#define CPUS_MAX 1024

static int reply_fd(const struct rig *r, enum rig_table t)
{
	return bpf_map__fd(t == RIG_REPLY ? r->xdp->maps.reply : r->xdp->maps.reply_new);
}

uint64_t rig_drops(struct rig *r, enum lb_drop reason)
{
	uint64_t counts[CPUS_MAX] = {0}, sum = 0;
	uint32_t key = reason;

	rig_must(bpf_map_lookup_elem(bpf_map__fd(r->xdp->maps.drops), &key, counts), "drops");
	for (unsigned i = 0; i < r->n_cpus; i++)
		sum += counts[i];
	return sum;
}

struct lb_counter rig_count(struct rig *r, const struct rig_service *s, unsigned i)
{
	struct lb_counter counts[CPUS_MAX] = {0}, sum = {0};
	uint32_t index = s->backends_base + i, in = index % LB_BACKEND_CHUNK;

	rig_must(bpf_map_lookup_elem(rig_chunk(r, RIG_COUNTERS_MAP, index / LB_BACKEND_CHUNK), &in,
				     counts),
		 "counters");
	for (unsigned cpu = 0; cpu < r->n_cpus; cpu++) {
		sum.packets += counts[cpu].packets;
		sum.bytes += counts[cpu].bytes;
	}
	return sum;
}

bool rig_reply_get(struct rig *r, enum rig_table t, const struct lb_reply_key *key,
		   struct lb_reply *ret)
{
	return !bpf_map_lookup_elem(reply_fd(r, t), key, ret);
}

void rig_reply_set(struct rig *r, enum rig_table t, const struct lb_reply_key *key,
		   const struct lb_reply *value)
{
	rig_must(bpf_map_update_elem(reply_fd(r, t), key, value, BPF_ANY), "write reply");
}

void rig_reply_del(struct rig *r, enum rig_table t, const struct lb_reply_key *key)
{
	(void)bpf_map_delete_elem(reply_fd(r, t), key); /* it may not be there */
}

unsigned rig_reply_len(struct rig *r, enum rig_table t)
{
	struct lb_reply_key key, *before = NULL;
	unsigned n = 0;

	while (!bpf_map_get_next_key(reply_fd(r, t), before, &key)) {
		before = &key;
		n++;
	}
	return n;
}

struct lb_reply_key rig_reply_key(const struct frame_spec *s, unsigned i)
{
	struct lb_reply_key key = {
		.backend = {0, 0, htonl(0xffff), htonl(rig_backend_addr(i))},
		.client = {0, 0, htonl(0xffff), htonl(s->src)},
		.backend_port = htons(RIG_BACKEND_PORT),
		.client_port = htons(s->sport),
		.proto = s->proto,
	};

	return key;
}

unsigned rig_n_lines(const struct rig *r)
{
	return r->n_cpus << r->sizes.flow_bits;
}

const struct lb_flow4_line *rig_lines(struct rig *r)
{
	return r->lines;
}

void rig_forget_flows(struct rig *r)
{
	memset(r->lines, 0, rig_n_lines(r) * sizeof(*r->lines));
}

struct lb_flow4 *rig_flow(struct rig *r, const struct frame_spec *s, uint32_t service_id,
			  unsigned *ret_way)
{
	for (unsigned i = 0; i < rig_n_lines(r); i++)
		for (unsigned way = 0; way < LB_FLOW4_WAYS; way++) {
			struct lb_flow4 *f = &r->lines[i].way[way];

			if (!f->age || f->saddr != htonl(s->src) || f->sport != htons(s->sport) ||
			    f->service_id != service_id)
				continue;
			if (ret_way)
				*ret_way = way;
			return f;
		}
	return NULL;
}

void rig_set_uplink(struct rig *r, uint32_t ifindex, uint32_t behind, uint16_t domain)
{
	uint32_t home = lb_uplink_hash(RIG_IFINDEX), key = (home + behind) % LB_UPLINKS;
	uint64_t word = (uint64_t)domain << LB_UPLINK_DOMAIN_SHIFT | ifindex;
	int fd = bpf_map__fd(r->xdp->maps.uplinks);

	rig_must(bpf_map_update_elem(fd, &key, &word, BPF_ANY), "write uplink");
}

void rig_set_reach(struct rig *r, uint32_t reach)
{
	uint32_t home = lb_uplink_hash(RIG_IFINDEX);
	int fd = bpf_map__fd(r->xdp->maps.uplinks);
	uint64_t word;

	rig_must(bpf_map_lookup_elem(fd, &home, &word), "read uplink");
	word &= ~((uint64_t)LB_UPLINK_REACH_MAX << LB_UPLINK_REACH_SHIFT);
	word |= (uint64_t)reach << LB_UPLINK_REACH_SHIFT;
	rig_must(bpf_map_update_elem(fd, &home, &word, BPF_ANY), "write uplink");
}

void rig_set_domain(struct rig *r, uint16_t domain)
{
	rig_set_uplink(r, RIG_IFINDEX, 0, domain);
}

void rig_add_backend_port(struct rig *r, unsigned i, uint8_t proto)
{
	struct lb_backend_port key = {
		.addr = {0, 0, htonl(0xffff), htonl(rig_backend_addr(i))},
		.port = htons(RIG_BACKEND_PORT),
		.proto = proto,
	};
	uint32_t one = 1;

	rig_must(bpf_map_update_elem(bpf_map__fd(r->xdp->maps.backend_ports), &key, &one, BPF_ANY),
		 "write backend port");
}

struct rig_size rig_size(const struct rig *r, enum rig_program which)
{
	const struct bpf_program *prog =
		which == RIG_XDP ? r->xdp->progs.xdp_lb : r->tc->progs.tc_reply;
	struct bpf_prog_info info = {0};
	uint32_t len = sizeof(info);

	rig_must(bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &len), "program info");
	return (struct rig_size){
		.verified = info.verified_insns,
		.instructions = info.xlated_prog_len / 8,
		.machine_bytes = info.jited_prog_len,
		.load_ms = r->load_ms[which],
	};
}
