// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What rig.c and rig_view.c share: the loaded programs and the inner maps. Tests go
 * through rig.h.
 */
#pragma once

#include "bpf/rig.h"

/* Skeletons are generated; bpftool 7.1 casts a const away in them. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wcast-qual"
#include "tc_reply.skel.h"
#include "xdp_lb.skel.h"
#pragma GCC diagnostic pop

#define RIG_CHUNKS 128

/* The maps of maps, chunk by chunk. */
enum rig_outer {
	RIG_ROWS_MAP,
	RIG_BACKENDS_MAP,
	RIG_COUNTERS_MAP,
	RIG_FLOWS_MAP,
	RIG_NODES_MAP,
	RIG_KERNEL_FLOWS_MAP,
	RIG_NAT_MAP,
	RIG_N_OUTER
};

struct rig {
	unsigned n_flow_chunks;
	struct lb_flow_keys keys;
	struct xdp_lb_bpf *xdp;
	struct tc_reply_bpf *tc;
	/* The same once more, for the far programs and tc_nat; NULL: nothing has needed them. */
	struct xdp_lb_bpf *far;
	struct tc_reply_bpf *nat;
	struct {
		uint32_t key, value; /* BTF ids of the template; before Linux 6.4 they must agree */
	} inner_btf[RIG_N_OUTER];
	int chunks[RIG_N_OUTER][RIG_CHUNKS]; /* 0: not made yet */
	uint32_t n_services, n_rows;
	unsigned n_cpus;
	bool again;        /* its arrays can be mapped, so that the next test may have it */
	double load_ms[2]; /* by enum rig_program */
	struct lb_flow_line *lines[RIG_CHUNKS]; /* of each chunk, mapped */
};

/* The inner map that is chunk n of an outer one, made when first asked for. */
int rig_chunk(struct rig *r, enum rig_outer which, uint32_t chunk);
/* Gives all inner maps back, as if none had been made; makes those of the flow table, and says in
 * config where they are. */
void rig_drop_chunks(struct rig *r);
void rig_add_flows(struct rig *r);
/* Backend i of a service as it lies in the map, and what is to lie there. */
struct lb_backend rig_read_backend(struct rig *r, const struct rig_service *s, unsigned i);
void rig_change_backend(struct rig *r, const struct rig_service *s, unsigned i,
			const struct lb_backend *be);
/* The service has no rows at all. */
void rig_set_rows_none(struct rig *r, const struct rig_service *s);
/* xdp_lb and tc_reply; 0 or -errno. */
int rig_load(struct rig *r);
void rig_unload(struct rig *r);
/* Only an object that is not loaded yet knows its templates. */
void rig_note_templates(struct rig *r);
/*
 * The far programs (lb/lb_far.h), as most tests need none of them: by what leads packets there;
 * where a service of these flags does. And tc_nat, the fd.
 */
void rig_need_far(struct rig *r);
void rig_need_for(struct rig *r, uint32_t flags);
int rig_need_tc_nat(struct rig *r);
/* As rig_new_sized(). */
struct rig *rig_make(unsigned flow_chunks, bool again, const char **ret_why);
void rig_destroy(struct rig *r);
/* Before loading: all arrays can be mapped, by which they are emptied; the programs see no other.
 */
void rig_make_mappable(const struct rig *r);
/* Ends the process, saying what failed by errno, if a result is negative. */
void rig_must(int result, const char *what);

/* Runs a program once; what it returns. */
int rig_run(int prog, const struct frame *in, struct frame *out);
