// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The data plane in the kernel: loads or adopts the pinned maps and programs, attaches xdp_lb and
 * tc_reply to devices, and offers the maps as the planner's store. The pinned maps are the only
 * truth for slots, ids and generations: they are rebuilt from them at every start, so that a
 * restart of the agent moves no packet.
 */
#pragma once

#include "plan/sink.h"
#include "sys/bpf_bfd.h"

struct bpf_capture;
struct bpf_dataplane;
struct lb_settling;
struct lb_trace;
struct lb_trace_flow;
struct worker;

struct bpf_dataplane_args {
	const char *pin_dir;   /* below a bpffs; made if missing */
	uint32_t flow_entries; /* flows that a fresh table is made for; 0 = default */
	nsec_t turn;           /* work on the store that one `now` may do; 0 = any amount */
	nsec_t turn_until;     /* ... and not so long after `now`, by clock_now(); 0 = whenever */
	/* VIPs that were served in this boot, and whether that is all that was (lb/lb_served.h). */
	const struct lb_vip *served;
	size_t n_served;
	bool knows_served;
};

/*
 * Loads the programs; adopts pinned maps of our ABI version, else starts with fresh ones.
 * *ret_adopted says which. On failure returns -errno and *ret_failure says in words what was
 * refused (owned by the caller's arena). Takes up to half a second and uses nothing but its
 * arguments and the log, so that any thread may do it.
 */
int bpf_dataplane_open(const struct bpf_dataplane_args *args, struct arena *arena, nsec_t now,
		       struct bpf_dataplane **ret, bool *ret_adopted,
		       const char **ret_failure) must_check;
/*
 * Lets the tables grow and hooks be attached beside the loop whose worker it is; without it the
 * store's put waits until they have grown, and applying devices until they are attached. The first
 * chunks are made when something is put: an idle agent needs none. Borrowed, outlives the data
 * plane; NULL: none.
 */
void bpf_dataplane_use_worker(struct bpf_dataplane *dp, struct worker *worker);
/*
 * Maps or attachments are pinned there, by this or another process: something may forward that
 * bpf_dataplane_open() would take over.
 */
bool bpf_dataplane_is_pinned(const char *pin_dir);
/*
 * The ABI version of the maps that are pinned there, if it is not ours and they are of this boot:
 * programs of that version may forward, and nothing of it can be adopted. 0: it is ours, or there
 * are none.
 */
uint32_t bpf_dataplane_strange_abi(const char *pin_dir);
/* Lets go of everything in this process; what is pinned stays and forwards. NULL is fine. */
struct bpf_dataplane *bpf_dataplane_close(struct bpf_dataplane *dp);

/*
 * The maps as the planner's store; valid as long as dp. Its first call of a turn (of one `now`) is
 * always done, later ones until args.turn is over.
 */
struct lb_store bpf_dataplane_store(struct bpf_dataplane *dp);
/* The same for denied sources, rates and blackholes; next hops are nobody's yet. */
struct lb_ways bpf_dataplane_ways(struct bpf_dataplane *dp);
/* How many prefixes are denied now, and how many are to be. */
size_t bpf_dataplane_denied(const struct bpf_dataplane *dp, size_t *ret_wanted);
/* Blackholes that are in force, sorted, in the arena; and as bpf_discards_drops(). */
const struct lb_discard *bpf_dataplane_discards(const struct bpf_dataplane *dp, struct arena *arena,
						size_t *ret_n);
bool bpf_dataplane_discard_drops(const struct bpf_dataplane *dp, const struct lb_discard *what,
				 uint64_t *ret_packets);
/* What nodes say of unsettled rows (lb/lb_settling.h); borrowed. */
struct lb_settling *bpf_dataplane_settling(const struct bpf_dataplane *dp);
/* What is programmed, as lb_tables_look(). */
void bpf_dataplane_look(const struct bpf_dataplane *dp, struct lb_look *ret);
/* The store said -EINPROGRESS, as tables must grow or programs be loaded, by the helper, first. */
bool bpf_dataplane_is_growing(const struct bpf_dataplane *dp);
/* ... or since programs of a former run are attached still: apply the devices first. */
bool bpf_dataplane_waits_for_hooks(const struct bpf_dataplane *dp);
/* The far programs (lb/lb_far.h) serve, for the tables need them or did; *ret_failure says why not
 * although they do, in words, borrowed until the next call of the store, or is NULL. */
bool bpf_dataplane_has_far(const struct bpf_dataplane *dp, const char **ret_failure);
/* n frontends are put within moments: the helper makes room for them meanwhile. */
void bpf_dataplane_expect(struct bpf_dataplane *dp, size_t n, nsec_t now);

/*
 * As lb_tables_set_nsids(): network namespaces of a frontend's pods, so that a pod's own sockets
 * can be asked who owns a flow.
 */
void bpf_dataplane_set_nsids(struct bpf_dataplane *dp, const struct lb_key *key,
			     const struct lb_nsid *nsids, size_t n);

/*
 * Brings the hooks to the plan's devices: attaches, adopts or replaces pinned links, detaches what
 * is not wanted, verifies that ours is first at tc. Failures are remembered per device. What was
 * brought up for these very devices is taken to hang still, at no cost: what others do to the hooks
 * is for bpf_dataplane_verify(). With a worker it is over when the helper comes back; devices that
 * are applied while it is at others are to be applied again then.
 */
void bpf_dataplane_apply_devices(struct bpf_dataplane *dp, const struct plan_device *devices,
				 size_t n);
/* Looks at the hooks again (after RTM_DELQDISC, RTM_DELTFILTER, RTM_NEWLINK, and now and then). */
void bpf_dataplane_verify(struct bpf_dataplane *dp);
/* There is no device any more, as far as is told. */
bool bpf_dataplane_is_detached(const struct bpf_dataplane *dp);
/* Changes when what is told of the devices has, and when devices are to be applied again. */
unsigned bpf_dataplane_hooks_generation(const struct bpf_dataplane *dp);
/*
 * State per device, by ifindex, in the arena. Before the first bpf_dataplane_apply_devices(): what
 * an earlier run has left attached.
 */
void bpf_dataplane_devices(const struct bpf_dataplane *dp, struct arena *arena,
			   const struct plan_actual_device **ret, size_t *ret_n);

/* Periodic work (settling rows, freeing what has rested). Returns when it wants to be called again.
 */
nsec_t bpf_dataplane_tick(struct bpf_dataplane *dp, nsec_t now);

/* As lb_tables_idle_generation(): what the tick has found. */
uint64_t bpf_dataplane_idle_generation(const struct bpf_dataplane *dp);

/*
 * Packets and bytes of one frontend, summed over CPUs, also of targets that it has no more; per
 * target in the order of dump().
 */
struct bpf_counter {
	uint64_t packets, bytes;
	uint64_t flows; /* that live, as of a few seconds ago */
	uint64_t begun; /* of a frontend alone: as bpf_counting.begun */
};
bool bpf_dataplane_count(struct bpf_dataplane *dp, const struct lb_key *key,
			 struct bpf_counter *ret_total, struct bpf_counter *targets, size_t cap);
/* The same of single targets, whose number is their place in dump(): each costs a system call. */
struct bpf_counting {
	const uint32_t *index, *flows; /* in the arena */
	size_t n;
	uint64_t begun; /* new flows that the frontend has let in since it is there, also without an
			   entry */
};
bool bpf_dataplane_counting(const struct bpf_dataplane *dp, const struct lb_key *key,
			    struct arena *arena, struct bpf_counting *ret);
struct bpf_counter bpf_dataplane_counter(const struct bpf_dataplane *dp,
					 const struct bpf_counting *c, size_t i);
/* The same of all targets by their number (bpf_counting.index): how many there are, and some of
 * them, from `first` on or in any order, in few system calls. What is none any more stays. */
struct bpf_packets {
	uint64_t packets, bytes;
};
size_t bpf_dataplane_n_counts(const struct bpf_dataplane *dp);
void bpf_dataplane_counts(const struct bpf_dataplane *dp, size_t first, size_t n,
			  struct bpf_packets *ret);
void bpf_dataplane_counts_of(const struct bpf_dataplane *dp, const uint32_t *index, size_t n,
			     struct bpf_packets *ret);
/* As lb_tables_counted(). */
struct lb_counted;
bool bpf_dataplane_counted(const struct bpf_dataplane *dp, const struct lb_key *key,
			   struct arena *arena, struct lb_counted *ret);
/* Of targets that a frontend once had and has no more, since it is there. */
struct bpf_packets bpf_dataplane_retired(const struct bpf_dataplane *dp, const struct lb_key *key);

/* Entries of the tables in use, and how many there may be. */
struct bpf_usage {
	uint64_t services, rows, backends, flows;
	uint64_t max_rows, max_backends, max_flows, max_denied;
};
struct bpf_usage bpf_dataplane_usage(const struct bpf_dataplane *dp);
/* An fd of the map of the kernel's flows, for the caller to close; -1: none. */
int bpf_dataplane_kernel_flows(const struct bpf_dataplane *dp);
/* Has it made: 0, it is there; -EINPROGRESS: soon; another -errno: ask again in a while. */
int bpf_dataplane_make_kernel_flows(struct bpf_dataplane *dp, nsec_t now) must_check;
/* The same of the maps of BFD, for bfd_engine_carry(). */
struct bpf_bfd_fds bpf_dataplane_bfd(const struct bpf_dataplane *dp);
/*
 * Connections that the tables hold: what flow_entries said when they were made, or what was chosen
 * for the machine. Pinned tables are kept as they are.
 */
uint32_t bpf_dataplane_flow_entries(const struct bpf_dataplane *dp);
/* Borrowed. */
struct bpf_capture *bpf_dataplane_capture(const struct bpf_dataplane *dp);
/* As lb_trace(). */
void bpf_dataplane_trace(const struct bpf_dataplane *dp, const struct lb_trace_flow *flow,
			 struct lb_trace *ret);
/* The flow table as it is now, and what it held a few seconds ago. */
struct lb_flow_usage bpf_dataplane_flow_usage(const struct bpf_dataplane *dp);
/* VIPs served in this boot, from the arena; and a number that changes when there are more. */
const struct lb_vip *bpf_dataplane_served(const struct bpf_dataplane *dp, struct arena *arena,
					  size_t *ret_n);
uint64_t bpf_dataplane_served_generation(const struct bpf_dataplane *dp);
/* Drops by reason, LB_N_DROPS entries of bpf/abi.h; returns how many reasons there are. */
size_t bpf_dataplane_drops(struct bpf_dataplane *dp, uint64_t *counts, size_t cap);

/*
 * Detaches and unpins everything of ours under pin_dir, also what an older version left. Returns 0
 * also when there was nothing, or -errno.
 */
int bpf_dataplane_cleanup(const char *pin_dir);
