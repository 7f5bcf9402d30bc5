// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The data plane put together: programs (bpf_load), maps as memory (bpf_maps), tables in them
 * (lb/lb_tables) and hooks (bpf_hooks). It decides one thing itself: since when no reader can hold
 * an old number. That is a second ago, except before anything was ever attached, when nobody reads
 * and thousands of services can be loaded without a rest.
 */
#include "sys/bpf_capture.h"
#include "sys/bpf_counts.h"
#include "sys/bpf_dataplane_inside.h"
#include "sys/bpf_hooks.h"
#include "sys/bpf_nodes.h"
#include "sys/bpf_ports.h"
#include "sys/clock.h"
#include "sys/log.h"

#include <assert.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>

/* While the tables of a former run are adopted there are no hooks yet. */
static bool may_be_read(const struct bpf_dataplane *dp)
{
	return dp->hooks ? bpf_hooks_have_readers(dp->hooks) : dp->programs.adopted;
}

struct lb_clock bpf_dataplane_clock(const struct bpf_dataplane *dp, nsec_t now)
{
	nsec_t rested = now > LB_REST_NS ? now - LB_REST_NS : 0;
	struct lb_clock ret = {.now = now, .quiet = may_be_read(dp) ? rested : now};

	bpf_load_age(&ret);
	return ret;
}

/* --- what is told of it ---------------------------------------------------------------------- */

size_t bpf_dataplane_denied(const struct bpf_dataplane *dp, size_t *ret_wanted)
{
	*ret_wanted = lb_deny_wanted(dp->deny);
	return lb_deny_count(dp->deny);
}

const struct lb_discard *bpf_dataplane_discards(const struct bpf_dataplane *dp, struct arena *arena,
						size_t *ret_n)
{
	return bpf_discards_list(dp->discards, arena, ret_n);
}

bool bpf_dataplane_discard_drops(const struct bpf_dataplane *dp, const struct lb_discard *what,
				 uint64_t *ret_packets)
{
	return bpf_discards_drops(dp->discards, what, ret_packets);
}

struct lb_settling *bpf_dataplane_settling(const struct bpf_dataplane *dp)
{
	return lb_tables_settling(dp->tables);
}

void bpf_dataplane_look(const struct bpf_dataplane *dp, struct lb_look *ret)
{
	lb_tables_look(dp->tables, ret);
}

bool bpf_dataplane_is_growing(const struct bpf_dataplane *dp)
{
	return bpf_grow_is_waited_for(dp->grow) || bpf_far_is_waited_for(dp->far);
}

bool bpf_dataplane_waits_for_hooks(const struct bpf_dataplane *dp)
{
	return bpf_far_waits_for_hooks(dp->far);
}

bool bpf_dataplane_has_far(const struct bpf_dataplane *dp, const char **ret_failure)
{
	*ret_failure = bpf_far_failure(dp->far);
	return lb_tables_have_far(dp->tables);
}

void bpf_dataplane_expect(struct bpf_dataplane *dp, size_t n, nsec_t now)
{
	bpf_grow_expect(dp->grow, n, now);
}

void bpf_dataplane_set_nsids(struct bpf_dataplane *dp, const struct lb_key *key,
			     const struct lb_nsid *nsids, size_t n)
{
	lb_tables_set_nsids(dp->tables, key, nsids, n);
}

/* --- open and close --------------------------------------------------------------------------- */

/* What the adopted tables hold, into the counts of backend_ports. */
static void adopt_ports(struct bpf_dataplane *dp)
{
	const struct lb_actual *all;
	size_t n;

	arena_reset(dp->scratch);
	lb_tables_dump(dp->tables, dp->scratch, &all, &n);
	for (size_t i = 0; i < n; i++)
		bpf_ports_change(dp->ports, NULL, &all[i]);
	bpf_ports_prune(dp->ports);
}

static int open_tables(struct bpf_dataplane *dp, const struct bpf_dataplane_args *args, nsec_t now)
{
	struct lb_clock c = bpf_dataplane_clock(dp, now);
	size_t n_bad;
	int error = bpf_maps_open(&dp->maps, &dp->programs.maps, &dp->programs.inners, dp->pin_dir);

	if (error != 0)
		return error;
	bpf_counts_open(&dp->maps);
	dp->tables = lb_tables_new(&dp->maps.images);
	lb_tables_add_served(dp->tables, args->served, args->n_served);
	dp->grow = bpf_grow_new(&dp->maps, dp->tables);
	dp->nodes = bpf_nodes_new(bpf_maps_fd(&dp->maps, "next_devices"), dp->tables, dp->grow);
	dp->ports = bpf_ports_new(bpf_maps_fd(&dp->maps, "backend_ports"), dp->maps.backend_bits);
	error = bpf_maps_load_chunks(&dp->maps, dp->tables);
	if (error == 0)
		error = bpf_flows_open(&dp->maps, dp->tables, &c, args->flow_entries, &dp->flows);
	if (error == 0)
		error = bpf_discards_new(&dp->maps, dp->tables, &dp->discards);
	if (error != 0)
		return error;
	n_bad = lb_tables_adopt(dp->tables, &c);
	if (n_bad > 0)
		log_warn("bpf: pinned slots contradict each other and were cleared", "slots=%zu",
			 n_bad);
	adopt_ports(dp);
	dp->deny = lb_deny_new(dp->maps.deny_bits, &dp->maps.uplinks);
	error = bpf_rates_new(bpf_maps_fd(&dp->maps, "rates"), &dp->rates);
	if (error != 0)
		return error;
	return bpf_ranges_new(bpf_maps_fd(&dp->maps, "ranges"), dp->tables, dp->deny, &dp->ranges);
}

struct loading {
	const struct bpf_load_args *args;
	struct arena *arena;
	struct bpf_programs *ret;
	const char **ret_failure;
	int error;
};

static void *load(void *ctx)
{
	struct loading *l = ctx;

	l->error = bpf_load(l->args, l->arena, l->ret, l->ret_failure);
	return NULL;
}

/*
 * By a thread of its own, whose heap is left when it ends. libbpf takes a megabyte in small pieces:
 * what is allocated next would lie in the holes, tables too of which little is ever touched and
 * that otherwise have mappings of their own.
 */
static int load_apart(const struct bpf_load_args *args, struct arena *arena,
		      struct bpf_programs *ret, const char **ret_failure)
{
	struct loading l = {args, arena, ret, ret_failure, 0};
	pthread_t thread;

	if (pthread_create(&thread, NULL, load, &l) == 0)
		(void)pthread_join(thread, NULL);
	else
		load(&l); /* it costs memory, and no more */
	return l.error;
}

/* What adopted tables lead to is loaded before anything of ours takes a place at a hook. */
static int load_far(const struct bpf_dataplane *dp, struct arena *arena, const char **ret_failure)
{
	const int error =
		lb_tables_are_far(dp->tables) ? bpf_load_far(&dp->programs, arena, ret_failure) : 0;

	if (error == 0 && lb_tables_are_far(dp->tables))
		lb_tables_add_far(dp->tables);
	return error;
}

int bpf_dataplane_open(const struct bpf_dataplane_args *args, struct arena *arena, nsec_t now,
		       struct bpf_dataplane **ret, bool *ret_adopted, const char **ret_failure)
{
	const struct bpf_load_args how = {.pin_dir = args->pin_dir,
					  .knows_served = args->knows_served};
	struct bpf_programs programs;
	struct bpf_dataplane *dp;
	int error = load_apart(&how, arena, &programs, ret_failure);

	if (error != 0)
		return error;
	dp = xcalloc(1, sizeof(*dp));
	dp->pin_dir = xstrdup(args->pin_dir);
	dp->programs = programs;
	dp->scratch = arena_new();
	dp->turn = args->turn;
	dp->turn_until = args->turn_until;
	error = open_tables(dp, args, now);
	if (error != 0) {
		/* Where what an earlier version pinned is found, see bpf_inner.h. */
		*ret_failure =
			error == -EPERM
				? "the maps of the agent before: not permitted; CAP_SYS_ADMIN is "
				  "needed once, or lodestoned --cleanup"
				: arena_printf(arena, "the maps: %s", strerror(-error));
		bpf_dataplane_close(dp);
		return error;
	}
	error = load_far(dp, arena, ret_failure);
	if (error != 0) {
		bpf_dataplane_close(dp);
		return error;
	}
	dp->hooks = bpf_hooks_new(dp->pin_dir, &dp->programs, &dp->maps.uplinks,
				  bpf_maps_fd(&dp->maps, "vrfs"));
	dp->far = bpf_far_new(&dp->programs, dp->tables, dp->hooks);
	dp->capture = bpf_capture_new(&dp->programs.maps, dp->hooks, dp->tables, dp->pin_dir);
	*ret = dp;
	*ret_adopted = programs.adopted;
	return 0;
}

void bpf_dataplane_use_worker(struct bpf_dataplane *dp, struct worker *worker)
{
	bpf_grow_use_worker(dp->grow, worker);
	bpf_flows_use_worker(dp->flows, worker);
	bpf_hooks_use_worker(dp->hooks, worker);
	bpf_far_use_worker(dp->far, worker);
	bpf_capture_use_worker(dp->capture, worker);
}

struct bpf_capture *bpf_dataplane_capture(const struct bpf_dataplane *dp)
{
	return dp->capture;
}

struct bpf_dataplane *bpf_dataplane_close(struct bpf_dataplane *dp)
{
	if (!dp)
		return NULL;
	bpf_capture_free(dp->capture);
	bpf_far_free(dp->far);
	bpf_hooks_free(dp->hooks);
	bpf_grow_free(dp->grow);
	bpf_nodes_free(dp->nodes);
	lb_tables_free(dp->tables);
	bpf_flows_close(dp->flows);
	bpf_ports_free(dp->ports);
	bpf_ranges_free(dp->ranges);
	lb_deny_free(dp->deny);
	bpf_rates_free(dp->rates);
	bpf_discards_free(dp->discards);
	bpf_counts_close(&dp->maps);
	bpf_maps_close(&dp->maps);
	bpf_unload(&dp->programs);
	arena_free(dp->scratch);
	free(dp->pin_dir);
	free(dp);
	return NULL;
}

/* --- devices ---------------------------------------------------------------------------------- */

void bpf_dataplane_apply_devices(struct bpf_dataplane *dp, const struct plan_device *devices,
				 size_t n)
{
	bpf_hooks_apply(dp->hooks, devices, n);
}

void bpf_dataplane_verify(struct bpf_dataplane *dp)
{
	bpf_hooks_verify(dp->hooks);
}

bool bpf_dataplane_is_detached(const struct bpf_dataplane *dp)
{
	return bpf_hooks_are_gone(dp->hooks);
}

unsigned bpf_dataplane_hooks_generation(const struct bpf_dataplane *dp)
{
	return bpf_hooks_generation(dp->hooks);
}

void bpf_dataplane_devices(const struct bpf_dataplane *dp, struct arena *arena,
			   const struct plan_actual_device **ret, size_t *ret_n)
{
	bpf_hooks_devices(dp->hooks, arena, ret, ret_n);
}

/* --- time and counters ------------------------------------------------------------------------ */

/* A put after this tick may leave a key on the move, so idle tables are looked at again, too. */
nsec_t bpf_dataplane_tick(struct bpf_dataplane *dp, nsec_t now)
{
	struct lb_clock c = bpf_dataplane_clock(dp, now);
	nsec_t next = lb_tables_tick(dp->tables, &c);

	bpf_flows_tick(dp->flows, &c);
	bpf_capture_tick(dp->capture);
	return bpf_ranges_tick(dp->ranges, &c) ? now : nsec_min(next, nsec_add(now, LB_REST_NS));
}

uint64_t bpf_dataplane_idle_generation(const struct bpf_dataplane *dp)
{
	return lb_tables_idle_generation(dp->tables);
}

bool bpf_dataplane_counting(const struct bpf_dataplane *dp, const struct lb_key *key,
			    struct arena *arena, struct bpf_counting *ret)
{
	if (!lb_tables_backends(dp->tables, key, arena, &ret->index, &ret->n))
		return false;
	ret->flows = lb_tables_flows(dp->tables, ret->index, ret->n, arena);
	ret->begun = lb_tables_begun(dp->tables, key);
	return true;
}

struct bpf_counter bpf_dataplane_counter(const struct bpf_dataplane *dp,
					 const struct bpf_counting *c, size_t i)
{
	const struct lb_counter sum = bpf_maps_counter(&dp->maps, c->index[i]);

	return (struct bpf_counter){sum.packets, sum.bytes, c->flows[i], 0};
}

bool bpf_dataplane_count(struct bpf_dataplane *dp, const struct lb_key *key,
			 struct bpf_counter *ret_total, struct bpf_counter *targets, size_t cap)
{
	struct bpf_packets before;
	struct bpf_counting all;

	arena_reset(dp->scratch);
	if (!bpf_dataplane_counting(dp, key, dp->scratch, &all))
		return false;
	before = bpf_counts_retired(&dp->maps, key);
	*ret_total = (struct bpf_counter){
		.packets = before.packets, .bytes = before.bytes, .begun = all.begun};
	bpf_counts_sum(&dp->maps, &all, dp->scratch, ret_total, targets, cap);
	return true;
}

size_t bpf_dataplane_n_counts(const struct bpf_dataplane *dp)
{
	return dp->maps.n_counters * LB_BACKEND_CHUNK;
}

void bpf_dataplane_counts(const struct bpf_dataplane *dp, size_t first, size_t n,
			  struct bpf_packets *ret)
{
	bpf_counts_read(&dp->maps, first, n, ret);
}

void bpf_dataplane_counts_of(const struct bpf_dataplane *dp, const uint32_t *index, size_t n,
			     struct bpf_packets *ret)
{
	bpf_counts_of(&dp->maps, index, n, ret);
}

bool bpf_dataplane_counted(const struct bpf_dataplane *dp, const struct lb_key *key,
			   struct arena *arena, struct lb_counted *ret)
{
	return lb_tables_counted(dp->tables, key, arena, ret);
}

struct bpf_packets bpf_dataplane_retired(const struct bpf_dataplane *dp, const struct lb_key *key)
{
	return bpf_counts_retired(&dp->maps, key);
}

struct bpf_usage bpf_dataplane_usage(const struct bpf_dataplane *dp)
{
	const struct lb_usage u = lb_tables_usage(dp->tables);
	const struct lb_flow_usage flows = lb_tables_flow_usage(dp->tables);

	return (struct bpf_usage){
		.services = u.services,
		.rows = u.rows,
		.backends = u.backends,
		.flows = flows.living,
		.max_rows = (uint64_t)LB_ROWS_CHUNKS * LB_ROWS_CHUNK,
		.max_backends = (uint64_t)LB_BACKEND_CHUNKS * LB_BACKEND_CHUNK,
		.max_flows = flows.places / 2,
		.max_denied = LB_RANGES,
	};
}

static int dup_map(const struct bpf_dataplane *dp, const char *name)
{
	return fcntl(bpf_maps_fd(&dp->maps, name), F_DUPFD_CLOEXEC, 3);
}

int bpf_dataplane_kernel_flows(const struct bpf_dataplane *dp)
{
	return fcntl(dp->maps.kernel_flows_fd, F_DUPFD_CLOEXEC, 3);
}

int bpf_dataplane_make_kernel_flows(struct bpf_dataplane *dp, nsec_t now)
{
	return bpf_grow_kernel_flows(dp->grow, now);
}

struct bpf_bfd_fds bpf_dataplane_bfd(const struct bpf_dataplane *dp)
{
	return (struct bpf_bfd_fds){dup_map(dp, "bfd_sessions"), dup_map(dp, "bfd_echoes"),
				    dup_map(dp, "bfd_woken")};
}

uint32_t bpf_dataplane_flow_entries(const struct bpf_dataplane *dp)
{
	return bpf_flows_entries(dp->flows);
}

struct lb_flow_usage bpf_dataplane_flow_usage(const struct bpf_dataplane *dp)
{
	return lb_tables_flow_usage(dp->tables);
}

void bpf_dataplane_trace(const struct bpf_dataplane *dp, const struct lb_trace_flow *flow,
			 struct lb_trace *ret)
{
	struct bpf_mapping nat = {.at = NULL};
	int error = dp->maps.n_chunks[BPF_CHUNK_NAT] > 0 ? bpf_maps_nat(&dp->maps, &nat) : 0;

	if (error != 0)
		log_warn("bpf: the table of translated flows is not to be had", "error=%d", -error);
	lb_trace(dp->tables, flow, nat.at, ret);
	if (nat.at)
		munmap(nat.at, nat.size);
}

const struct lb_vip *bpf_dataplane_served(const struct bpf_dataplane *dp, struct arena *arena,
					  size_t *ret_n)
{
	return lb_tables_served(dp->tables, arena, ret_n);
}

uint64_t bpf_dataplane_served_generation(const struct bpf_dataplane *dp)
{
	return lb_tables_served_generation(dp->tables);
}

size_t bpf_dataplane_drops(struct bpf_dataplane *dp, uint64_t *counts, size_t cap)
{
	return bpf_counts_drops(&dp->maps, counts, cap);
}
