// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What is to be done follows from plan and node at each plan, so nothing is remembered but what was
 * just tried: the node that shows the outcome is read a moment later, and what the kernel refuses
 * it would refuse again. It is asked again with the plan that is made every half minute anyway. The
 * kernel makes devices under the lock of its network configuration, so a helper waits for it.
 */
#include "agent/vrfs.h"

#include "agent/agent.h"
#include "base/hash.h"
#include "sys/host.h"
#include "sys/log.h"
#include "sys/netlink.h"
#include "sys/rtnl_vrf.h"
#include "sys/worker.h"

#include <errno.h>

#define AGAIN_NS (25 * NSEC_PER_SEC)

struct agent_vrf {
	const char *name;
	uint32_t table;
	const char *ns, *peer; /* who asked for it; peer NULL: it was to be taken away */
	int error;             /* -errno */
	const char *clash;     /* who uses the table, NULL: nobody */
};

/* One of them, with what came of it. */
struct vrfs_item {
	struct plan_vrf_op op; /* all of it in the job's arena */
	bool was_there;
	int error;
	const char *clash;
};

struct vrfs_job {
	struct worker_job base; /* first */
	struct agent *a;        /* not the helper's */
	struct arena *arena;    /* owned; holds the job itself, too */
	struct agent_vrfs next; /* what is known from then on */
	struct vrfs_item *items;
	size_t n;
};

void vrfs_stop(struct agent *a)
{
	arena_free(a->vrfs.arena);
	a->vrfs.arena = NULL;
}

static uint64_t hash_of(const struct plan_vrf_op *ops, size_t n)
{
	uint64_t h = HASH_INIT;

	for (size_t i = 0; i < n; i++)
		h = hash_u64(hash_u64(hash_str(h, ops[i].name), (uint64_t)ops[i].ifindex),
			     ops[i].made ? ops[i].made->table : 0);
	return n ? h | 1 : 0;
}

static bool was_there(const struct agent_vrfs *v, const char *name)
{
	for (size_t i = 0; i < v->n_there; i++)
		if (strcmp(v->there[i], name) == 0)
			return true;
	return false;
}

static void say(const struct vrfs_item *item)
{
	const struct plan_vrf_op *op = &item->op;

	if (item->error < 0)
		log_warn(op->made ? "vrf: could not be made" : "vrf: could not be taken away",
			 "name=%s error=%s", op->name,
			 log_quote(item->clash ? item->clash : strerror(-item->error)));
	else if (!op->made)
		log_info("vrf: taken away, no peer is in it any more", "name=%s", op->name);
	else if (item->was_there)
		log_warn("vrf: somebody took it away; made again", "name=%s table=%u", op->name,
			 op->made->table);
	else
		log_info("vrf: made", "name=%s table=%u", op->name, op->made->table);
}

/* What is done already is not an error: the node may be older than that. */
static int do_one(struct nlsock *s, const struct plan_vrf_op *op, struct arena *arena,
		  const char **ret_clash)
{
	char text[KERNEL_CLASH_TEXT];
	struct kernel_clash clash;
	const int err = rtnl_vrf_apply(s, op, arena, &clash);

	*ret_clash =
		err == -EADDRINUSE ? arena_strdup(arena, kernel_clash_text(&clash, text)) : NULL;
	return err == (op->made ? -EEXIST : -ENODEV) ? 0 : err;
}

static void note_failed(struct agent_vrfs *to, const struct vrfs_item *item)
{
	const struct plan_made_vrf *made = item->op.made;

	to->failed[to->n_failed++] = (struct agent_vrf){
		.name = arena_strdup(to->arena, item->op.name),
		.table = made ? made->table : 0,
		.ns = made ? arena_strdup(to->arena, made->ns) : NULL,
		.peer = made ? arena_strdup(to->arena, made->peer) : NULL,
		.error = item->error,
		.clash = item->clash ? arena_strdup(to->arena, item->clash) : NULL,
	};
}

static void do_all(struct worker_job *base)
{
	_cleanup_(nlsock_freep) struct nlsock *s = NULL;
	struct vrfs_job *job = (struct vrfs_job *)base;
	const int opened = nlsock_open_strict(&s);

	for (size_t i = 0; i < job->n; i++) {
		struct vrfs_item *item = &job->items[i];

		item->error = opened < 0 ? opened : do_one(s, &item->op, job->arena, &item->clash);
	}
}

static void take_back(struct worker_job *base)
{
	struct vrfs_job *job = (struct vrfs_job *)base;
	struct agent_vrfs *v = &job->a->vrfs;

	arena_free(v->arena);
	*v = job->next;
	v->failed = arena_array_of(v->arena, job->n, struct agent_vrf);
	for (size_t i = 0; i < job->n; i++) {
		say(&job->items[i]);
		if (job->items[i].error < 0)
			note_failed(v, &job->items[i]);
	}
	agent_input_changed(&job->a->inputs, INPUT_PLACED);
	arena_free(job->arena);
}

/* The plan and the node may go meanwhile. */
static struct plan_vrf_op copy_of(struct arena *arena, const struct plan_vrf_op *op)
{
	struct plan_vrf_op ret = *op;
	struct plan_made_vrf *made;

	ret.name = arena_strdup(arena, op->name);
	if (!op->made)
		return ret;
	made = arena_memdup(arena, op->made, sizeof(*made));
	made->name = arena_strdup(arena, made->name);
	made->ns = arena_strdup(arena, made->ns);
	made->peer = arena_strdup(arena, made->peer);
	ret.made = made;
	return ret;
}

static void begin(struct agent *a, const struct plan_vrf_op *ops, size_t n,
		  const struct agent_vrfs *next)
{
	struct arena *arena = arena_new();
	struct vrfs_job *job = arena_new_of(arena, struct vrfs_job);

	*job = (struct vrfs_job){.base = {.run = do_all, .done = take_back},
				 .a = a,
				 .arena = arena,
				 .next = *next,
				 .items = arena_array_of(arena, n, struct vrfs_item),
				 .n = n};
	for (size_t i = 0; i < n; i++)
		job->items[i] = (struct vrfs_item){.op = copy_of(arena, &ops[i]),
						   .was_there = was_there(&a->vrfs, ops[i].name)};
	a->vrfs.job = job;
	worker_add(a->network, &job->base);
}

static void note_there(struct agent_vrfs *to, const struct plan_node *node)
{
	to->there = arena_array_of(to->arena, node->n_links, const char *);
	for (size_t i = 0; i < node->n_links; i++)
		if (node->links[i].made_here)
			to->there[to->n_there++] = arena_strdup(to->arena, node->links[i].name);
}

void vrfs_apply(struct agent *a, const struct plan *plan, nsec_t now)
{
	_cleanup_(arena_freep) struct arena *scratch = arena_new();
	const struct plan_node *node = netlink_node(a->netlink);
	struct agent_vrfs *v = &a->vrfs;
	struct agent_vrfs next = {.again_at = nsec_add(now, AGAIN_NS)};
	struct plan_vrf_op *ops;
	const size_t n = plan_vrf_ops(plan->made_vrfs, plan->n_made_vrfs, node, scratch, &ops);

	next.tried = hash_of(ops, n);
	if (v->job || (n > 0 && next.tried == v->tried && now < v->again_at))
		return;
	loop_doing(a->loop, "vrfs");
	next.arena = arena_new();
	note_there(&next, node);
	if (n > 0) {
		begin(a, ops, n, &next);
		return;
	}
	arena_free(v->arena);
	*v = next;
}

static void add_problem(const struct agent_vrf *f, const char *node, struct problems *list)
{
	const struct object_ref ref = {.kind = f->peer ? "BGPPeer" : "Node",
				       .ns = f->ns,
				       .name = f->peer ? f->peer : node};
	const struct problem_text taken = {
		.field = "metadata.annotations[lodestone.io/create-vrf]",
		.reason = "VrfTableTaken",
		.remedy = "write the number of a table that is free, or take that away",
	};
	const struct problem_text refused = {
		.field = f->peer ? "metadata.annotations[lodestone.io/create-vrf]" : NULL,
		.reason = "VrfRefused",
		.remedy = f->peer ? "let the agent make devices (CAP_NET_ADMIN, a kernel with "
				    "CONFIG_NET_VRF: modprobe vrf), or make it by ip link add"
				  : "ip link del it",
	};

	if (f->clash)
		problem_add(list, SEVERITY_ERROR, &ref, &taken,
			    "table %u is in use: there is %s; VRF %s is not made with it", f->table,
			    f->clash, f->name);
	else
		problem_add(list, SEVERITY_ERROR, &ref, &refused, "VRF %s cannot be %s: %s",
			    f->name, f->peer ? "made" : "taken away", strerror(-f->error));
}

/* Read each time, as nobody tells of a change; there are backends of that kind, or it is not. */
static void add_sockets(const struct ip_addr *backend, const char *protocol, const char *node,
			struct problems *list)
{
	const struct object_ref ref = {.kind = "Node", .name = node};
	char path[64], remedy[64], text[IP_ADDR_TEXT];
	const struct problem_text refused = {
		.field = "spec.vrf", .reason = "SocketsNotInVrf", .remedy = remedy};

	(void)snprintf(path, sizeof(path), "/proc/sys/net/ipv4/%s_l3mdev_accept", protocol);
	(void)snprintf(remedy, sizeof(remedy), "sysctl -w net.ipv4.%s_l3mdev_accept=1", protocol);
	if (!ip_addr_is_none(backend) && host_number_in(path) == 0)
		problem_add(
			list, SEVERITY_WARNING, &ref, &refused,
			"a VIP in a VRF has its backend at this node's own address %s, whose "
			"sockets take nothing that arrives in a VRF; with that, all of the host "
			"do",
			ip_addr_text(backend, text));
}

void vrfs_problems(const struct agent *a, struct problems *list)
{
	if (a->current) {
		const struct plan_own_sockets *own = &a->current->plan.sockets_in_vrfs;

		add_sockets(&own->tcp, "tcp", a->options->node, list);
		add_sockets(&own->udp, "udp", a->options->node, list);
	}
	for (size_t i = 0; i < a->vrfs.n_failed; i++)
		add_problem(&a->vrfs.failed[i], a->options->node, list);
}

int vrfs_cleanup(void)
{
	_cleanup_(netlink_freep) struct netlink *nl = NULL;
	_cleanup_(nlsock_freep) struct nlsock *s = NULL;
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct plan_vrf_op *ops;
	int err = netlink_open(&nl), one;
	const char *clash;
	size_t n;

	if (err == 0)
		err = netlink_refresh(nl, NULL, 0);
	if (err == 0)
		err = nlsock_open_strict(&s);
	if (err < 0)
		return err;
	n = plan_vrf_ops(NULL, 0, netlink_node(nl), arena, &ops);
	for (size_t i = 0; i < n; i++) {
		one = do_one(s, &ops[i], arena, &clash);
		err = err ? err : one;
	}
	return err;
}
