// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What a test looks at after a packet: counters and the flow table. Reads the maps as the agent
 * would and computes nothing that the programs compute but a flow's hash; its place is found by
 * looking everywhere.
 */
#include "bpf/rig.h"
#include "bpf/rig_nodes.h"
#include "bpf/rig_private.h"

#include "bpf/flow_hash.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <string.h>

#define CPUS_MAX 1024

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

unsigned rig_n_lines(const struct rig *r)
{
	return r->n_flow_chunks * LB_FLOW_CHUNK;
}

struct lb_flow_line *rig_line(struct rig *r, unsigned i)
{
	return &r->lines[i / LB_FLOW_CHUNK][i % LB_FLOW_CHUNK];
}

void rig_forget_flows(struct rig *r)
{
	for (unsigned i = 0; i < r->n_flow_chunks; i++)
		memset(r->lines[i], 0, LB_FLOW_CHUNK * sizeof(struct lb_flow_line));
}

static uint64_t flow_hash(const struct rig *r, const struct frame_spec *s, unsigned i)
{
	uint32_t backend[4], client[4];

	frame_address((uint8_t *)backend, rig_backend_addr(i));
	frame_address((uint8_t *)client, s->src);
	return lb_flow_hash(&r->keys, backend, client,
			    lb_flow_ports(htons(RIG_BACKEND_PORT), htons(s->sport)), s->proto);
}

static struct lb_flow *entry_of(struct rig *r, uint64_t hash)
{
	for (unsigned line = 0; line < rig_n_lines(r); line++)
		for (unsigned way = 0; way < LB_FLOW_WAYS; way++)
			if (rig_line(r, line)->way[way].hash == hash)
				return &rig_line(r, line)->way[way];
	return NULL;
}

struct lb_flow *rig_remote_flow(struct rig *r, const struct frame_spec *s, uint16_t domain)
{
	uint32_t vip[4], client[4];

	frame_address((uint8_t *)vip, s->dst);
	frame_address((uint8_t *)client, s->src);
	return entry_of(r, lb_flow_hash(&r->keys, vip, client,
					lb_flow_ports(htons(s->dport), htons(s->sport)),
					lb_remote_proto(s->proto, domain)));
}

struct lb_flow *rig_flow(struct rig *r, const struct frame_spec *s, unsigned i)
{
	return entry_of(r, flow_hash(r, s, i));
}

struct lb_flow *rig_affine(struct rig *r, const struct rig_service *s, uint32_t src, unsigned i)
{
	uint32_t backend[4], client[4];

	frame_address((uint8_t *)backend, rig_backend_addr(i));
	frame_address((uint8_t *)client, src);
	return entry_of(r, lb_flow_hash(&r->keys, backend, client,
					lb_affine_ports(htons(RIG_BACKEND_PORT), s->id),
					lb_affine_proto(s->proto, s->id)));
}

unsigned rig_flow_state(const struct lb_flow *entry)
{
	return entry ? entry->state & LB_FLOW_STATE_MASK : 0;
}

unsigned rig_n_flows(struct rig *r)
{
	unsigned n = 0;

	for (unsigned line = 0; line < rig_n_lines(r); line++)
		for (unsigned way = 0; way < LB_FLOW_WAYS; way++)
			n += rig_line(r, line)->way[way].hash > LB_FLOW_FREE;
	return n;
}

void rig_set_table(struct rig *r, uint64_t word)
{
	int fd = bpf_map__fd(r->xdp->maps.config);
	struct lb_config config;
	uint32_t zero = 0;

	rig_must(bpf_map_lookup_elem(fd, &zero, &config), "read config");
	config.flows = word;
	rig_must(bpf_map_update_elem(fd, &zero, &config, BPF_ANY), "write config");
}

void rig_set_uplink(struct rig *r, uint32_t ifindex, uint32_t behind, uint16_t domain)
{
	uint32_t home = lb_uplink_hash(RIG_IFINDEX), key = (home + behind) % LB_UPLINKS;
	uint64_t word = (uint64_t)domain << LB_UPLINK_DOMAIN_SHIFT | ifindex;
	int fd = bpf_map__fd(r->xdp->maps.uplinks);

	rig_must(bpf_map_update_elem(fd, &key, &word, BPF_ANY), "write uplink");
}

static void set_reach(struct rig *r, uint32_t home, uint32_t reach)
{
	int fd = bpf_map__fd(r->xdp->maps.uplinks);
	uint64_t word;

	rig_must(bpf_map_lookup_elem(fd, &home, &word), "read uplink");
	word &= ~((uint64_t)LB_UPLINK_REACH_MAX << LB_UPLINK_REACH_SHIFT);
	word |= (uint64_t)reach << LB_UPLINK_REACH_SHIFT;
	rig_must(bpf_map_update_elem(fd, &home, &word, BPF_ANY), "write uplink");
}

void rig_set_reach(struct rig *r, uint32_t reach)
{
	set_reach(r, lb_uplink_hash(RIG_IFINDEX), reach);
}

void rig_set_vlan(struct rig *r, uint32_t tag, uint32_t behind, uint16_t domain)
{
	uint32_t home = lb_uplink_vlan_hash(RIG_IFINDEX, tag), key = (home + behind) % LB_UPLINKS;
	uint64_t word = lb_uplink_vlan(RIG_IFINDEX, tag) | (uint64_t)domain
								   << LB_UPLINK_DOMAIN_SHIFT;
	int fd = bpf_map__fd(r->xdp->maps.uplinks);

	rig_must(bpf_map_update_elem(fd, &key, &word, BPF_ANY), "write VLAN");
	set_reach(r, home, behind);
}

void rig_set_domain(struct rig *r, uint16_t domain)
{
	rig_set_uplink(r, RIG_IFINDEX, 0, domain);
}

void rig_set_vrf(struct rig *r, uint32_t domain, uint32_t ifindex)
{
	rig_must(bpf_map_update_elem(bpf_map__fd(r->xdp->maps.vrfs), &domain, &ifindex, BPF_ANY),
		 "write vrf");
}

void rig_del_vrf(struct rig *r, uint32_t domain)
{
	rig_must(bpf_map_delete_elem(bpf_map__fd(r->xdp->maps.vrfs), &domain), "take out a vrf");
}

void rig_add_backend_port(struct rig *r, unsigned i, uint8_t proto)
{
	struct lb_backend_port key = {
		.port = htons(RIG_BACKEND_PORT),
		.proto = proto,
	};
	uint32_t one = 1;

	frame_address((uint8_t *)key.addr, rig_backend_addr(i));
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

/* --- new flows --- */

static struct lb_new_flows read_new_flows(struct rig *r, uint32_t slot)
{
	struct lb_new_flows ret;

	rig_must(bpf_map_lookup_elem(bpf_map__fd(r->xdp->maps.new_flows), &slot, &ret),
		 "read new flows");
	return ret;
}

void rig_set_limit(struct rig *r, const struct rig_service *s, uint32_t limit)
{
	uint32_t slot = rig_slot(r, s);
	struct lb_new_flows n = read_new_flows(r, slot);

	n.limit = limit;
	rig_must(bpf_map_update_elem(bpf_map__fd(r->xdp->maps.new_flows), &slot, &n, BPF_ANY),
		 "write new flows");
}

void rig_set_source_flows(struct rig *r, uint32_t n)
{
	int fd = bpf_map__fd(r->xdp->maps.config);
	struct lb_config config;
	uint32_t zero = 0;

	rig_must(bpf_map_lookup_elem(fd, &zero, &config), "read config");
	config.source_flows = n;
	rig_must(bpf_map_update_elem(fd, &zero, &config, BPF_ANY), "write config");
}

uint32_t rig_new_flows(struct rig *r, const struct rig_service *s)
{
	return read_new_flows(r, rig_slot(r, s)).spent & LB_LIMIT_FLOWS_MASK;
}

uint64_t rig_begun(struct rig *r, const struct rig_service *s)
{
	return read_new_flows(r, rig_slot(r, s)).begun;
}

/* Moves the marks to the half that was theirs so many turns ago, with its number. */
static void age_marks(int fd, unsigned turns)
{
	for (uint32_t i = 0; i < LB_UNRECORDED_WORDS; i++) {
		const uint64_t turn = (uint64_t)turns << 48;
		uint32_t at[2] = {i, i + LB_UNRECORDED_WORDS};
		uint64_t words[2];

		for (int k = 0; k < 2; k++)
			rig_must(bpf_map_lookup_elem(fd, &at[k], &words[k]), "read marks");
		for (int k = 0; k < 2; k++) {
			uint64_t aged = words[k] << 16 ? words[k] - turn : 0;

			rig_must(bpf_map_update_elem(fd, &at[(k + turns) & 1], &aged, BPF_ANY),
				 "write marks");
		}
	}
}

void rig_age_unrecorded(struct rig *r, unsigned turns)
{
	int fd = bpf_map__fd(r->xdp->maps.unrecorded_at);

	age_marks(bpf_map__fd(r->xdp->maps.unrecorded), turns);
	for (uint32_t i = 0; i < LB_UNRECORDED_AT; i++) {
		uint64_t word, turn;

		rig_must(bpf_map_lookup_elem(fd, &i, &word), "read owner");
		if (!word)
			continue;
		turn = (word - turns) & 0xffff;
		word = (word & ~UINT64_C(0xffff)) | turn;
		rig_must(bpf_map_update_elem(fd, &i, &word, BPF_ANY), "write owner");
	}
}
