// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A list of devices is made by the loop's thread, filled in by a job, and then takes the place of
 * the one before; while the job is away both threads only read that one.
 */
#include "sys/bpf_hooks.h"

#include "plan/plan_difference.h"
#include "sys/bpf_attach.h"
#include "sys/bpf_former.h"
#include "sys/log.h"
#include "sys/worker.h"

#include <assert.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <net/if.h>

#include "bpf/abi.h"

struct device {
	struct plan_device want;
	struct plan_actual_device is;
};

struct device_list {
	struct arena *arena;  /* owned; holds all below */
	struct device *items; /* by ifindex */
	size_t n, cap;
	bool is_swept; /* nothing hangs on links of other devices */
};

struct hooks_job {
	struct worker_job base; /* first */
	struct bpf_hooks *hooks;
	struct device_list list; /* to be filled in */
	struct bpf_hook_programs use;
	bool sweeps; /* what is not wanted is looked for, too */
};

struct bpf_hooks {
	const char *pin_dir; /* borrowed, as all pointers */
	const struct bpf_programs *programs;
	const struct lb_uplinks *uplinks;
	int vrfs_fd;             /* of the map; borrowed */
	struct device_list list; /* as of the last job */
	struct hooks_job job;
	struct worker *worker;              /* NULL: none */
	struct bpf_hook_programs use, used; /* from now on; by the last job */
	int nat_fd;                         /* of tc_nat; owned by the job; -1: not needed so far */
	bool is_away;                       /* the job */
	bool has_swept_filters;
	bool has_unpinned; /* what a former run and its captures have left */
	bool has_readers;  /* a program was attached, by us or a former run */
	bool has_formers;  /* what a former run attached may be so still */
	bool looks_again;  /* verify was asked for meanwhile */
	bool was_put_off;  /* apply was */
	unsigned generation;
};

static const struct device *find_device(const struct device_list *l, int ifindex)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->items[i].want.ifindex == ifindex)
			return &l->items[i];
	return NULL;
}

static void list_done(struct device_list *l)
{
	arena_free(l->arena);
	*l = (struct device_list){0};
}

/* --- one device ------------------------------------------------------------------------------- */

static int load_again(const void *programs, int *ret_fd)
{
	return bpf_load_tc(programs, ret_fd);
}

static int load_nat(const void *programs, int *ret_fd)
{
	return bpf_load_nat(programs, ret_fd);
}

static struct bpf_hook_args hook_args(const struct hooks_job *j, const struct device *d)
{
	const struct bpf_hooks *h = j->hooks;

	return (struct bpf_hook_args){.pin_dir = h->pin_dir,
				      .ifindex = d->want.ifindex,
				      .name = d->want.name,
				      .load_again = j->use.load_again,
				      .programs = j->use.programs,
				      .has_tcx = h->programs->has_tcx,
				      .allow_generic = d->want.allow_generic,
				      .words = j->list.arena};
}

static void remember(struct plan_actual_device *is, const struct bpf_refusal *refusal)
{
	if (is->failure) /* the first is the one to do something about */
		return;
	is->failure = refusal->failure;
	is->failure_reason = refusal->reason;
	is->remedy = refusal->remedy;
}

_Static_assert(PLAN_LINK_8021AD == LB_TAG_8021AD, "a tag is the same to the plan");

static struct lb_uplink uplink_of(const struct plan_device *want)
{
	return (struct lb_uplink){.ifindex = (uint32_t)want->ifindex};
}

static struct lb_uplink uplink_of_vlan(const struct plan_vlan *v)
{
	return (struct lb_uplink){.ifindex = (uint32_t)v->ifindex, .tag = v->tag};
}

static int set_vrf(const struct hooks_job *j, const struct plan_device *want)
{
	const __u32 domain = want->domain, vrf = (__u32)want->vrf;

	if (want->vrf == 0)
		return 0;
	return bpf_map_update_elem(j->hooks->vrfs_fd, &domain, &vrf, BPF_ANY) == 0 ? 0 : -errno;
}

static int set_domains(const struct hooks_job *j, const struct plan_device *want)
{
	int error = set_vrf(j, want);

	if (error == 0)
		error = lb_uplinks_set(j->hooks->uplinks, uplink_of(want), want->domain);

	for (size_t i = 0; error == 0 && i < want->n_vlans; i++)
		error = lb_uplinks_set(j->hooks->uplinks, uplink_of_vlan(&want->vlans[i]),
				       want->vlans[i].domain);
	return error;
}

/* The domains are there before the first packet is; a device whose domain the programs cannot learn
 * would serve another's VIPs. */
static bool learn_domains(const struct hooks_job *j, struct device *d,
			  const struct bpf_hook_args *args)
{
	const struct bpf_refusal refusal = {
		.reason = "DomainsFull",
		.failure = arena_printf(args->words, "%s: no room for its domains", d->want.name),
		.remedy = "use fewer uplinks and VLANs with VRFs",
	};

	if (set_domains(j, &d->want) == 0)
		return true;
	remember(&d->is, &refusal);
	return false;
}

/* The program is the same whoever captures, and is loaded for the first device that needs it. */
static void bring_up_nat(const struct hooks_job *j, struct device *d, struct bpf_hook_args *args)
{
	struct bpf_hooks *h = j->hooks;
	struct bpf_refusal refusal = {.reason = "TcRefused",
				      .failure = "the program tc_nat is refused",
				      .remedy = "see the agent's log at level debug"};

	args->hook = BPF_HOOK_NAT;
	args->load_again = load_nat;
	args->programs = h->programs;
	if (h->nat_fd < 0 && bpf_load_nat(h->programs, &h->nat_fd) != 0)
		h->nat_fd = -1;
	args->prog_fd = h->nat_fd;
	d->is.nat = h->nat_fd >= 0 && bpf_attach_tc(args, &refusal) == 0;
	if (!d->is.nat)
		remember(&d->is, &refusal);
}

/* Attaches what is wanted or finds that it is there: the same calls, so that looking again repairs.
 */
static void bring_up(const struct hooks_job *j, struct device *d)
{
	struct bpf_hook_args args = hook_args(j, d);
	struct bpf_refusal refusal;

	if (!learn_domains(j, d, &args))
		return;
	if (d->want.xdp) {
		args.prog_fd = j->use.xdp_fd;
		d->is.xdp = bpf_attach_xdp(&args, &d->is.generic, &refusal) == 0;
		if (!d->is.xdp)
			remember(&d->is, &refusal);
	}
	if (d->want.tc) {
		args.hook = BPF_HOOK_REPLY;
		args.prog_fd = j->use.tc_fd;
		d->is.tc = bpf_attach_tc(&args, &refusal) == 0;
		if (!d->is.tc)
			remember(&d->is, &refusal);
	}
	if (d->want.nat)
		bring_up_nat(j, d, &args);
}

/* What is attached already is no news. */
static void tell(const struct device *d, const struct device *before)
{
	const struct plan_actual_device *is = &d->is, none = {.xdp = false};
	const struct plan_actual_device *was = before ? &before->is : &none;

	if (was->xdp != is->xdp || was->tc != is->tc || was->nat != is->nat)
		log_info("bpf: device", "device=%s xdp=%d tc=%d nat=%d reason=%s", d->want.name,
			 is->xdp, is->tc, is->nat,
			 is->failure_reason ? is->failure_reason : "none");
}

/* --- all of them ------------------------------------------------------------------------------ */

static bool is_attached(const struct device *d, enum bpf_hook hook)
{
	return hook == BPF_HOOK_XDP ? d->is.xdp : hook == BPF_HOOK_REPLY ? d->is.tc : d->is.nat;
}

static bool is_wanted(const void *ctx, int ifindex, enum bpf_hook hook)
{
	const struct device *d = find_device(ctx, ifindex);

	if (!d)
		return false;
	return hook == BPF_HOOK_XDP     ? d->want.xdp
	       : hook == BPF_HOOK_REPLY ? d->want.tc
					: d->want.nat;
}

static void detach_unwanted(struct hooks_job *j)
{
	const struct device_list *old = &j->hooks->list;
	const char *pin_dir = j->hooks->pin_dir;
	int error = bpf_attach_sweep(pin_dir, is_wanted, &j->list);

	j->list.is_swept = error == 0;
	if (error == 0 && !j->hooks->has_swept_filters) {
		error = bpf_attach_sweep_filters(is_wanted, &j->list);
		j->hooks->has_swept_filters = error == 0;
	}
	if (error != 0)
		log_warn("bpf: cannot look for old attachments", "error=%d", -error);
	for (size_t i = 0; i < old->n; i++)
		for (enum bpf_hook hook = BPF_HOOK_REPLY; hook < BPF_N_HOOKS; hook++)
			if (is_attached(&old->items[i], hook) &&
			    !is_wanted(&j->list, old->items[i].want.ifindex, hook))
				bpf_detach(pin_dir, old->items[i].want.ifindex, hook);
}

static bool has_vrf(const struct device_list *l, __u32 domain)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->items[i].want.vrf != 0 && l->items[i].want.domain == domain)
			return true;
	return false;
}

/* Those that no device is in; deleting the key that was told makes the kernel begin anew. */
static void forget_vrfs(const struct hooks_job *j)
{
	const int fd = j->hooks->vrfs_fd;
	__u32 gone[LB_VRFS], domain;
	const __u32 *before = NULL;
	size_t n = 0;

	while (n < LB_VRFS && bpf_map_get_next_key(fd, before, &domain) == 0) {
		if (!has_vrf(&j->list, domain))
			gone[n++] = domain;
		before = &domain;
	}
	while (n > 0)
		(void)bpf_map_delete_elem(fd, &gone[--n]);
}

/* A device without an entry has domain 0, and another may be given the index of one that is gone.
 */
static void forget_domains(const struct hooks_job *j)
{
	_cleanup_(freep) struct lb_uplink *kept = NULL;
	size_t n = 0, cap = 0;

	for (size_t i = 0; i < j->list.n; i++)
		cap += 1 + j->list.items[i].want.n_vlans;
	kept = xcalloc(cap + 1, sizeof(*kept));
	for (size_t i = 0; i < j->list.n; i++) {
		const struct plan_device *want = &j->list.items[i].want;

		kept[n++] = uplink_of(want);
		for (size_t k = 0; k < want->n_vlans; k++)
			kept[n++] = uplink_of_vlan(&want->vlans[k]);
	}
	lb_uplinks_keep(j->hooks->uplinks, kept, n);
	forget_vrfs(j);
}

static void work(struct worker_job *base)
{
	struct hooks_job *j = (struct hooks_job *)base;

	if (j->sweeps) {
		detach_unwanted(j);
		forget_domains(j);
	}
	for (size_t i = 0; i < j->list.n; i++) {
		struct device *d = &j->list.items[i];

		bring_up(j, d);
		tell(d, find_device(&j->hooks->list, d->want.ifindex));
	}
	if (j->sweeps && !j->hooks->has_unpinned && j->use.xdp_fd == j->hooks->programs->xdp_fd) {
		bpf_unpin_capture(j->hooks->pin_dir);
		bpf_former_sweep(j->hooks->pin_dir);
		j->hooks->has_unpinned = true;
	}
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_state(const struct device_list *a, const struct device_list *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		const struct plan_actual_device *x = &a->items[i].is, *y = &b->items[i].is;

		if (x->ifindex != y->ifindex || x->xdp != y->xdp || x->tc != y->tc ||
		    x->nat != y->nat || x->generic != y->generic ||
		    !same_text(x->failure, y->failure))
			return false;
	}
	return true;
}

static void done(struct worker_job *base)
{
	struct hooks_job *j = (struct hooks_job *)base;
	struct bpf_hooks *h = j->hooks;

	h->is_away = false;
	h->used = j->use;
	h->generation += h->was_put_off || !same_state(&h->list, &j->list);
	h->was_put_off = false;
	h->has_formers &= !j->sweeps;
	list_done(&h->list);
	h->list = j->list;
	j->list = (struct device_list){0};
	for (size_t i = 0; i < h->list.n; i++)
		h->has_readers |= h->list.items[i].is.xdp || h->list.items[i].is.tc;
	if (h->looks_again)
		bpf_hooks_verify(h);
}

/* --- when ------------------------------------------------------------------------------------- */

static struct device *add_device(struct device_list *l, const struct plan_device *want)
{
	struct device *d = arena_push(l->arena, &l->items, &l->n, &l->cap, sizeof(*d));

	*d = (struct device){.want = *want, .is.ifindex = want->ifindex};
	d->want.name = arena_strdup(l->arena, want->name);
	d->want.vlans = arena_memdup(l->arena, want->vlans, want->n_vlans * sizeof(*want->vlans));
	return d;
}

/* The job has its list already. */
static void begin(struct bpf_hooks *h, bool sweeps)
{
	assert(!h->is_away);
	h->job.sweeps = sweeps;
	h->job.use = h->use;
	h->is_away = true;
	if (h->worker) {
		worker_add(h->worker, &h->job.base);
		return;
	}
	work(&h->job.base);
	done(&h->job.base);
}

static bool are_wanted(const struct device_list *l, const struct plan_device *devices, size_t n)
{
	if (l->n != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!plan_device_equal(&l->items[i].want, &devices[i]))
			return false;
	return true;
}

/* Most plans want of the hooks what the last one wanted, and each question costs system calls. */
static bool are_brought_up(const struct bpf_hooks *h, const struct plan_device *devices, size_t n)
{
	if (!h->list.is_swept || !h->has_swept_filters || !are_wanted(&h->list, devices, n))
		return false;
	for (size_t i = 0; i < n; i++)
		if (h->list.items[i].is.xdp != devices[i].xdp ||
		    h->list.items[i].is.tc != devices[i].tc ||
		    h->list.items[i].is.nat != devices[i].nat)
			return false;
	return true;
}

void bpf_hooks_apply(struct bpf_hooks *h, const struct plan_device *devices, size_t n)
{
	if (h->is_away) {
		h->was_put_off |= !are_wanted(&h->job.list, devices, n);
		return;
	}
	if (are_brought_up(h, devices, n))
		return;
	h->job.list.arena = arena_new();
	for (size_t i = 0; i < n; i++)
		(void)add_device(&h->job.list, &devices[i]);
	begin(h, true);
}

void bpf_hooks_verify(struct bpf_hooks *h)
{
	h->looks_again = h->is_away;
	if (h->is_away || h->list.n == 0)
		return;
	h->job.list.arena = arena_new();
	h->job.list.is_swept = h->list.is_swept;
	for (size_t i = 0; i < h->list.n; i++)
		(void)add_device(&h->job.list, &h->list.items[i].want);
	begin(h, false);
}

static struct bpf_hook_programs loaded(const struct bpf_hooks *h)
{
	return (struct bpf_hook_programs){.xdp_fd = h->programs->xdp_fd,
					  .tc_fd = h->programs->tc_fd,
					  .load_again = load_again,
					  .programs = h->programs};
}

void bpf_hooks_use(struct bpf_hooks *h, const struct bpf_hook_programs *programs)
{
	h->use = programs ? *programs : loaded(h);
	if (!h->is_away && h->list.n == 0)
		h->used = h->use;
	bpf_hooks_verify(h);
}

bool bpf_hooks_are_using(const struct bpf_hooks *h, const struct bpf_hook_programs *programs)
{
	return !h->is_away && h->used.xdp_fd == (programs ? *programs : loaded(h)).xdp_fd;
}

bool bpf_hooks_are_away(const struct bpf_hooks *h)
{
	return h->is_away;
}

bool bpf_hooks_are_formers(const struct bpf_hooks *h)
{
	return h->has_formers;
}

bool bpf_hooks_are_gone(const struct bpf_hooks *h)
{
	return h->list.n == 0;
}

unsigned bpf_hooks_generation(const struct bpf_hooks *h)
{
	return h->generation;
}

/* --- what is told ----------------------------------------------------------------------------- */

void bpf_hooks_devices(const struct bpf_hooks *h, struct arena *arena,
		       const struct plan_actual_device **ret, size_t *ret_n)
{
	struct plan_actual_device *all =
		arena_array_of(arena, h->list.n, struct plan_actual_device);

	for (size_t i = 0; i < h->list.n; i++) {
		all[i] = h->list.items[i].is;
		all[i].name = arena_strdup(arena, h->list.items[i].want.name);
		all[i].failure = arena_strdup(arena, all[i].failure);
		all[i].failure_reason = arena_strdup(arena, all[i].failure_reason);
		all[i].remedy = arena_strdup(arena, all[i].remedy);
	}
	*ret = all;
	*ret_n = h->list.n;
}

bool bpf_hooks_have_readers(const struct bpf_hooks *h)
{
	return h->has_readers || h->is_away;
}

int bpf_hooks_device_of(const struct bpf_hooks *h, uint16_t domain)
{
	for (size_t i = 0; domain != 0 && i < h->list.n; i++)
		if (h->list.items[i].want.domain == domain)
			return h->list.items[i].want.ifindex;
	return 0;
}

/* --- open and close --------------------------------------------------------------------------- */

static struct device *get_device(struct device_list *l, int ifindex, const char *name)
{
	struct device *d = NULL;

	for (size_t i = 0; i < l->n; i++)
		if (l->items[i].want.ifindex == ifindex)
			return &l->items[i];
	d = add_device(l, &(struct plan_device){.ifindex = ifindex, .name = name});
	for (; d > l->items && d[-1].want.ifindex > ifindex; d--) {
		const struct device before = d[-1];

		d[-1] = d[0];
		d[0] = before;
	}
	return d;
}

static void adopt_device(void *ctx, const struct bpf_attached *attached)
{
	struct bpf_hooks *h = ctx;
	char name[IF_NAMESIZE];
	struct device *d;

	if (!if_indextoname((unsigned)attached->ifindex, name))
		return;
	d = get_device(&h->list, attached->ifindex, name);
	d->want.allow_generic |= attached->is_generic;
	d->is.generic |= attached->is_generic;
	if (attached->hook == BPF_HOOK_XDP)
		d->want.xdp = d->is.xdp = true;
	else if (attached->hook == BPF_HOOK_REPLY)
		d->want.tc = d->is.tc = true;
	else
		d->want.nat = d->is.nat = true;
}

struct bpf_hooks *bpf_hooks_new(const char *pin_dir, const struct bpf_programs *programs,
				const struct lb_uplinks *uplinks, int vrfs_fd)
{
	struct bpf_hooks *h = xcalloc(1, sizeof(*h));
	int error;

	*h = (struct bpf_hooks){.pin_dir = pin_dir,
				.programs = programs,
				.uplinks = uplinks,
				.vrfs_fd = vrfs_fd,
				.nat_fd = -1,
				.list.arena = arena_new(),
				.job = {.base = {.run = work, .done = done}, .hooks = h}};
	h->use = h->used = loaded(h);
	error = bpf_attach_each(pin_dir, adopt_device, h);
	if (error != 0)
		log_warn("bpf: cannot look for old attachments", "error=%d", -error);
	h->has_formers = h->list.n > 0;
	h->has_readers = programs->adopted || h->has_formers;
	return h;
}

void bpf_hooks_use_worker(struct bpf_hooks *h, struct worker *worker)
{
	h->worker = worker;
}

struct bpf_hooks *bpf_hooks_free(struct bpf_hooks *h)
{
	if (!h)
		return NULL;
	if (h->worker)
		worker_finish(h->worker);
	if (h->nat_fd >= 0)
		close(h->nat_fd);
	list_done(&h->list);
	free(h);
	return NULL;
}
