// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The data plane put together: programs (bpf_load), maps as memory (bpf_maps), tables in them
 * (lb/lb_tables) and hooks (bpf_attach). It decides one thing itself: since when no reader can hold
 * an old number. That is a second ago, except before anything was ever attached, when nobody reads
 * and thousands of services can be loaded without a rest.
 */
#include "sys/bpf_dataplane.h"

#include "sys/bpf_attach.h"
#include "sys/bpf_grow.h"
#include "sys/bpf_load.h"
#include "sys/bpf_ports.h"
#include "sys/bpf_selftest.h"
#include "sys/clock.h"
#include "sys/log.h"

#include <assert.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <net/if.h>

struct device {
	struct plan_device want;      /* name owned */
	struct plan_actual_device is; /* words in bpf_dataplane.words */
};

struct bpf_dataplane {
	char *pin_dir; /* owned */
	struct bpf_programs programs;
	struct bpf_maps maps;
	struct lb_tables *tables; /* owned */
	struct bpf_grow *grow;    /* owned */
	struct bpf_flows *flows;  /* owned */
	struct bpf_ports *ports;  /* owned */
	struct device *devices;   /* by ifindex; owned */
	size_t n_devices;
	struct arena *words;   /* of the devices' refusals; owned */
	struct arena *scratch; /* reset by whoever begins to use it; owned */
	bool has_readers;      /* a program was attached, by us or a former run */
	bool swept_filters;
	bool swept_links;    /* since the devices are these */
	nsec_t turn;         /* length of one; 0 = without end */
	nsec_t turn_now;     /* of the store's last call */
	nsec_t turn_ends_at; /* by the clock */
};

static struct lb_clock clock_of(const struct bpf_dataplane *dp, nsec_t now)
{
	nsec_t rested = now > LB_REST_NS ? now - LB_REST_NS : 0;

	return (struct lb_clock){
		.now = now, .quiet = dp->has_readers ? rested : now, .age = bpf_load_age()};
}

/* --- store ---------------------------------------------------------------------------------------
 */

/* By the clock, as pages that are touched first and the kernel's own work are most of the cost. */
static bool is_turn_over(struct bpf_dataplane *dp, nsec_t now)
{
	if (dp->turn == 0)
		return false;
	if (dp->turn_now == now)
		return clock_now() >= dp->turn_ends_at;
	dp->turn_now = now;
	dp->turn_ends_at = clock_now() + dp->turn;
	return false;
}

static void move_counters(struct bpf_dataplane *dp)
{
	const struct lb_counter_move *moves;
	size_t n = lb_tables_take_moves(dp->tables, &moves);

	for (size_t i = 0; i < n; i++)
		bpf_maps_move_counter(&dp->maps, &moves[i]);
}

static int put_tables(struct bpf_dataplane *dp, const struct lb_clock *c,
		      const struct lb_frontend *f)
{
	int outcome;

	while ((outcome = lb_tables_put(dp->tables, c, f)) > 0) {
		outcome = bpf_grow_for(dp->grow, outcome, c->now);
		if (outcome != 0)
			return outcome;
	}
	bpf_grow_ahead(dp->grow, c->now);
	return outcome;
}

/* Ports are told before the first request is delivered there, for answers are known by them. */
static int store_put(void *ctx, nsec_t now, const struct lb_frontend *f)
{
	const struct lb_actual wanted = {
		.key = f->key, .targets = f->targets, .n_targets = f->n_targets};
	struct bpf_dataplane *dp = ctx;
	struct lb_clock c = clock_of(dp, now);
	struct lb_actual before, after;
	bool had, has;
	int error;

	if (is_turn_over(dp, now))
		return -EINPROGRESS;
	arena_reset(dp->scratch);
	had = lb_tables_get(dp->tables, &f->key, dp->scratch, &before);
	if (had && before.table == f->table && before.flags == f->flags)
		return 0;
	bpf_ports_change(dp->ports, NULL, &wanted);
	error = put_tables(dp, &c, f);
	move_counters(dp);
	has = lb_tables_get(dp->tables, &f->key, dp->scratch, &after);
	bpf_ports_change(dp->ports, had ? &before : NULL, has ? &after : NULL);
	bpf_ports_change(dp->ports, &wanted, NULL);
	return error;
}

static int store_del(void *ctx, nsec_t now, const struct lb_key *key)
{
	struct bpf_dataplane *dp = ctx;
	struct lb_clock c = clock_of(dp, now);
	struct lb_actual before;

	if (is_turn_over(dp, now))
		return -EINPROGRESS;
	arena_reset(dp->scratch);
	if (!lb_tables_get(dp->tables, key, dp->scratch, &before))
		return 0;
	lb_tables_del(dp->tables, &c, key);
	bpf_ports_change(dp->ports, &before, NULL);
	return 0;
}

/* A device of the domain, for the program takes the domain from it; 0 = none needed. */
static int device_of_domain(const struct bpf_dataplane *dp, uint16_t domain)
{
	for (size_t i = 0; domain != 0 && i < dp->n_devices; i++)
		if (dp->devices[i].want.domain == domain)
			return dp->devices[i].want.ifindex;
	return 0;
}

static int store_test(void *ctx, nsec_t now, const struct lb_key *key)
{
	struct bpf_dataplane *dp = ctx;
	struct lb_actual frontend;
	int error = 0;

	if (is_turn_over(dp, now))
		return -EINPROGRESS;
	arena_reset(dp->scratch);
	if (!lb_tables_get(dp->tables, key, dp->scratch, &frontend))
		return -ENOENT;
	if (key->port != 0) /* a VIP alone serves no connection */
		error = bpf_selftest(dp->programs.xdp_fd, &frontend,
				     device_of_domain(dp, key->domain));
	if (error == 0)
		lb_tables_set_tested(dp->tables, key);
	return error;
}

static void store_dump(void *ctx, struct arena *arena, const struct lb_actual **ret, size_t *ret_n)
{
	const struct bpf_dataplane *dp = ctx;

	lb_tables_dump(dp->tables, arena, ret, ret_n);
}

struct lb_store bpf_dataplane_store(struct bpf_dataplane *dp)
{
	static const struct lb_store_ops ops = {
		.put = store_put,
		.del = store_del,
		.test = store_test,
		.dump = store_dump,
	};

	return (struct lb_store){.ops = &ops, .ctx = dp};
}

bool bpf_dataplane_is_growing(const struct bpf_dataplane *dp)
{
	return bpf_grow_is_waited_for(dp->grow);
}

void bpf_dataplane_set_nsids(struct bpf_dataplane *dp, const struct lb_key *key,
			     const struct lb_nsid *nsids, size_t n)
{
	lb_tables_set_nsids(dp->tables, key, nsids, n);
}

/* --- open and close ------------------------------------------------------------------------------
 */

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

static struct device *get_device(struct bpf_dataplane *dp, int ifindex)
{
	size_t i = 0;

	while (i < dp->n_devices && dp->devices[i].want.ifindex < ifindex)
		i++;
	if (i < dp->n_devices && dp->devices[i].want.ifindex == ifindex)
		return &dp->devices[i];
	dp->devices = xrealloc(dp->devices, dp->n_devices + 1, sizeof(*dp->devices));
	memmove(&dp->devices[i + 1], &dp->devices[i], (dp->n_devices++ - i) * sizeof(*dp->devices));
	dp->devices[i] = (struct device){.want.ifindex = ifindex, .is.ifindex = ifindex};
	return &dp->devices[i];
}

static void adopt_device(void *ctx, const struct bpf_attached *attached)
{
	char name[IF_NAMESIZE];
	struct device *d;

	if (!if_indextoname((unsigned)attached->ifindex, name))
		return;
	d = get_device(ctx, attached->ifindex);
	if (!d->want.name)
		d->want.name = xstrdup(name);
	d->want.allow_generic |= attached->is_generic;
	d->is.generic |= attached->is_generic;
	if (attached->is_xdp)
		d->want.xdp = d->is.xdp = true;
	else
		d->want.tc = d->is.tc = true;
}

/* What hangs where, before anybody has said where something is to hang. */
static void adopt_devices(struct bpf_dataplane *dp)
{
	int error = bpf_attach_each(dp->pin_dir, adopt_device, dp);

	if (error != 0)
		log_warn("bpf: cannot look for old attachments", "error=%d", -error);
	dp->has_readers = dp->has_readers || dp->n_devices > 0;
}

static int open_tables(struct bpf_dataplane *dp, const struct bpf_dataplane_args *args, nsec_t now)
{
	struct lb_clock c = clock_of(dp, now);
	size_t n_bad;
	int error = bpf_maps_open(&dp->maps, dp->programs.xdp, &dp->programs.inners);

	if (error != 0)
		return error;
	dp->tables = lb_tables_new(&dp->maps.images);
	dp->grow = bpf_grow_new(&dp->maps, dp->tables);
	dp->ports = bpf_ports_new(bpf_maps_fd(&dp->maps, "backend_ports"), dp->maps.backend_bits);
	error = bpf_maps_load_chunks(&dp->maps, dp->tables);
	if (error == 0)
		error = bpf_flows_open(&dp->maps, dp->tables, &c, args->flow_entries, &dp->flows);
	if (error != 0)
		return error;
	n_bad = lb_tables_adopt(dp->tables, &c);
	if (n_bad > 0)
		log_warn("bpf: pinned slots contradict each other and were cleared", "slots=%zu",
			 n_bad);
	adopt_ports(dp);
	return 0;
}

int bpf_dataplane_open(const struct bpf_dataplane_args *args, struct arena *arena, nsec_t now,
		       struct bpf_dataplane **ret, bool *ret_adopted, const char **ret_failure)
{
	const struct bpf_load_args load = {.pin_dir = args->pin_dir};
	struct bpf_programs programs;
	struct bpf_dataplane *dp;
	int error = bpf_load(&load, arena, &programs, ret_failure);

	if (error != 0)
		return error;
	dp = xcalloc(1, sizeof(*dp));
	dp->pin_dir = xstrdup(args->pin_dir);
	dp->programs = programs;
	dp->words = arena_new();
	dp->scratch = arena_new();
	dp->has_readers = programs.adopted;
	dp->turn = args->turn;
	error = open_tables(dp, args, now);
	if (error != 0) {
		*ret_failure = arena_printf(arena, "the maps: %s", strerror(-error));
		bpf_dataplane_close(dp);
		return error;
	}
	adopt_devices(dp);
	*ret = dp;
	*ret_adopted = programs.adopted;
	return 0;
}

void bpf_dataplane_use_worker(struct bpf_dataplane *dp, struct worker *worker, nsec_t now)
{
	bpf_grow_use_worker(dp->grow, worker);
	bpf_flows_use_worker(dp->flows, worker);
	bpf_grow_ahead(dp->grow, now);
}

static void forget_devices(struct bpf_dataplane *dp)
{
	for (size_t i = 0; i < dp->n_devices; i++)
		free((void *)(uintptr_t)dp->devices[i].want.name);
	free(dp->devices);
	dp->devices = NULL;
	dp->n_devices = 0;
	arena_reset(dp->words);
}

struct bpf_dataplane *bpf_dataplane_close(struct bpf_dataplane *dp)
{
	if (!dp)
		return NULL;
	forget_devices(dp);
	bpf_grow_free(dp->grow);
	lb_tables_free(dp->tables);
	bpf_flows_close(dp->flows);
	bpf_ports_free(dp->ports);
	bpf_maps_close(&dp->maps);
	bpf_unload(&dp->programs);
	arena_free(dp->words);
	arena_free(dp->scratch);
	free(dp->pin_dir);
	free(dp);
	return NULL;
}

/* --- devices -------------------------------------------------------------------------------------
 */

static struct bpf_hook_args hook_args(const struct bpf_dataplane *dp, const struct device *d)
{
	return (struct bpf_hook_args){.pin_dir = dp->pin_dir,
				      .ifindex = d->want.ifindex,
				      .name = d->want.name,
				      .spare_fd = dp->programs.tc_spare_fd,
				      .has_tcx = dp->programs.has_tcx,
				      .allow_generic = d->want.allow_generic,
				      .words = dp->words};
}

/* A device without an entry has domain 0, and another may be given the index of one that is gone.
 */
static void forget_domains(const struct bpf_dataplane *dp)
{
	_cleanup_(freep) uint32_t *kept = xcalloc(dp->n_devices + 1, sizeof(*kept));
	size_t n = 0;

	for (size_t i = 0; i < dp->n_devices; i++)
		if (dp->devices[i].want.xdp)
			kept[n++] = (uint32_t)dp->devices[i].want.ifindex;
	lb_uplinks_keep(&dp->maps.uplinks, kept, n);
}

static void remember(struct plan_actual_device *is, const struct bpf_refusal *refusal)
{
	if (is->failure) /* the first is the one to do something about */
		return;
	is->failure = refusal->failure;
	is->failure_reason = refusal->reason;
	is->remedy = refusal->remedy;
}

/* The domain is there before the first packet is; a device whose domain the program cannot learn
 * would serve another's VIPs. */
static int bring_up_xdp(struct bpf_dataplane *dp, struct device *d, struct bpf_hook_args *args,
			struct bpf_refusal *ret_refusal)
{
	int error = lb_uplinks_set(&dp->maps.uplinks, (uint32_t)d->want.ifindex, d->want.domain);

	if (error != 0) {
		*ret_refusal = (struct bpf_refusal){
			.reason = "DomainsFull",
			.failure =
				arena_printf(dp->words, "%s: no room for its domain", d->want.name),
			.remedy = "use fewer uplinks with VRFs",
		};
		return error;
	}
	args->prog_fd = dp->programs.xdp_fd;
	return bpf_attach_xdp(args, &d->is.generic, ret_refusal);
}

/* Attaches what is wanted or finds that it is there: the same calls, so that looking again repairs.
 */
static void bring_up(struct bpf_dataplane *dp, struct device *d)
{
	struct bpf_hook_args args = hook_args(dp, d);
	struct bpf_refusal refusal;

	d->is = (struct plan_actual_device){.ifindex = d->want.ifindex};
	if (d->want.xdp) {
		d->is.xdp = bring_up_xdp(dp, d, &args, &refusal) == 0;
		if (!d->is.xdp)
			remember(&d->is, &refusal);
	}
	if (d->want.tc) {
		args.prog_fd = dp->programs.tc_fd;
		d->is.tc = bpf_attach_tc(&args, &refusal) == 0;
		if (!d->is.tc)
			remember(&d->is, &refusal);
	}
	dp->has_readers = dp->has_readers || d->is.xdp || d->is.tc;
}

static const struct device *find_device(const struct bpf_dataplane *dp, int ifindex)
{
	for (size_t i = 0; i < dp->n_devices; i++)
		if (dp->devices[i].want.ifindex == ifindex)
			return &dp->devices[i];
	return NULL;
}

static bool is_wanted(const void *ctx, int ifindex, bool is_xdp)
{
	const struct device *d = find_device(ctx, ifindex);

	return d && (is_xdp ? d->want.xdp : d->want.tc);
}

static void detach_unwanted(struct bpf_dataplane *dp, const struct device *old, size_t n_old)
{
	int error = bpf_attach_sweep(dp->pin_dir, is_wanted, dp);

	dp->swept_links = error == 0;
	if (error == 0 && !dp->swept_filters) {
		error = bpf_attach_sweep_filters(is_wanted, dp);
		dp->swept_filters = error == 0;
	}
	if (error != 0)
		log_warn("bpf: cannot look for old attachments", "error=%d", -error);
	for (size_t i = 0; i < n_old; i++)
		if (old[i].is.tc && !is_wanted(dp, old[i].want.ifindex, false))
			bpf_detach_tc(dp->pin_dir, old[i].want.ifindex);
}

/* What is attached already is no news for the log. */
static void carry_over(struct device *d, const struct bpf_dataplane *old)
{
	for (size_t i = 0; i < old->n_devices; i++)
		if (old->devices[i].want.ifindex == d->want.ifindex) {
			d->is.xdp = old->devices[i].is.xdp;
			d->is.tc = old->devices[i].is.tc;
		}
}

static bool is_brought_up(const struct device *d, const struct plan_device *want)
{
	return d->want.ifindex == want->ifindex && strcmp(d->want.name, want->name) == 0 &&
	       d->want.xdp == want->xdp && d->want.tc == want->tc &&
	       d->want.allow_generic == want->allow_generic && d->want.domain == want->domain &&
	       d->is.xdp == want->xdp && d->is.tc == want->tc;
}

/* Most plans want of the hooks what the last one wanted, and each question costs system calls. */
static bool are_brought_up(const struct bpf_dataplane *dp, const struct plan_device *devices,
			   size_t n)
{
	if (!dp->swept_links || !dp->swept_filters || dp->n_devices != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!is_brought_up(&dp->devices[i], &devices[i]))
			return false;
	return true;
}

void bpf_dataplane_apply_devices(struct bpf_dataplane *dp, const struct plan_device *devices,
				 size_t n)
{
	struct bpf_dataplane old;

	if (are_brought_up(dp, devices, n))
		return;
	old = (struct bpf_dataplane){
		.devices = dp->devices, .n_devices = dp->n_devices, .words = arena_new()};
	dp->devices = xcalloc(n + 1, sizeof(*dp->devices));
	dp->n_devices = n;
	arena_reset(dp->words);
	for (size_t i = 0; i < n; i++) {
		dp->devices[i].want = devices[i];
		dp->devices[i].want.name = xstrdup(devices[i].name);
		carry_over(&dp->devices[i], &old);
	}
	detach_unwanted(dp, old.devices, old.n_devices);
	forget_domains(dp);
	forget_devices(&old);
	arena_free(old.words);
	bpf_dataplane_verify(dp);
}

void bpf_dataplane_verify(struct bpf_dataplane *dp)
{
	arena_reset(dp->words);
	for (size_t i = 0; i < dp->n_devices; i++) {
		struct plan_actual_device before = dp->devices[i].is;
		const struct plan_actual_device *is = &dp->devices[i].is;

		bring_up(dp, &dp->devices[i]);
		if (before.xdp != is->xdp || before.tc != is->tc)
			log_info("bpf: device", "device=%s xdp=%d tc=%d reason=%s",
				 dp->devices[i].want.name, is->xdp, is->tc,
				 is->failure_reason ? is->failure_reason : "none");
	}
}

void bpf_dataplane_devices(const struct bpf_dataplane *dp, struct arena *arena,
			   const struct plan_actual_device **ret, size_t *ret_n)
{
	struct plan_actual_device *all =
		arena_array_of(arena, dp->n_devices, struct plan_actual_device);

	for (size_t i = 0; i < dp->n_devices; i++) {
		all[i] = dp->devices[i].is;
		all[i].name = arena_strdup(arena, dp->devices[i].want.name);
		all[i].failure = arena_strdup(arena, all[i].failure);
		all[i].failure_reason = arena_strdup(arena, all[i].failure_reason);
		all[i].remedy = arena_strdup(arena, all[i].remedy);
	}
	*ret = all;
	*ret_n = dp->n_devices;
}

/* --- time and counters ---------------------------------------------------------------------------
 */

/* A put after this tick may leave a key on the move, so idle tables are looked at again, too. */
nsec_t bpf_dataplane_tick(struct bpf_dataplane *dp, nsec_t now)
{
	struct lb_clock c = clock_of(dp, now);
	nsec_t next = lb_tables_tick(dp->tables, &c);

	bpf_flows_tick(dp->flows, &c);
	return nsec_min(next, nsec_add(now, LB_REST_NS));
}

bool bpf_dataplane_count(struct bpf_dataplane *dp, const struct lb_key *key,
			 struct bpf_counter *ret_total, struct bpf_counter *targets, size_t cap)
{
	const uint32_t *index, *flows;
	size_t n;

	arena_reset(dp->scratch);
	if (!lb_tables_backends(dp->tables, key, dp->scratch, &index, &n) ||
	    !lb_tables_flows(dp->tables, key, dp->scratch, &flows, &n))
		return false;
	*ret_total = (struct bpf_counter){.packets = 0};
	for (size_t i = 0; i < n; i++) {
		const struct lb_counter sum = bpf_maps_counter(&dp->maps, index[i]);

		ret_total->packets += sum.packets;
		ret_total->bytes += sum.bytes;
		ret_total->flows += flows[i];
		if (i < cap)
			targets[i] = (struct bpf_counter){sum.packets, sum.bytes, flows[i]};
	}
	return true;
}

uint32_t bpf_dataplane_flow_entries(const struct bpf_dataplane *dp)
{
	return bpf_flows_entries(dp->flows);
}

struct lb_flow_usage bpf_dataplane_flow_usage(const struct bpf_dataplane *dp)
{
	return lb_tables_flow_usage(dp->tables);
}

size_t bpf_dataplane_drops(struct bpf_dataplane *dp, uint64_t *counts, size_t cap)
{
	int fd = bpf_maps_fd(&dp->maps, "drops");
	_cleanup_(freep) uint64_t *values = xcalloc((size_t)dp->maps.n_cpus, sizeof(*values));

	for (__u32 reason = 0; reason < LB_N_DROPS && reason < cap; reason++) {
		counts[reason] = 0;
		if (bpf_map_lookup_elem(fd, &reason, values) != 0)
			continue;
		for (int cpu = 0; cpu < dp->maps.n_cpus; cpu++)
			counts[reason] += values[cpu];
	}
	return LB_N_DROPS;
}
