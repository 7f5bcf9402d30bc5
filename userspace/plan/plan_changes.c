// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Peers, devices, the node as a whole, problems. */
#include "plan/plan_changes.h"

#include "base/sorted.h"
#include "plan/plan_changes_inside.h"
#include "plan/plan_difference.h"
#include "plan/plan_peer_change.h"

#include <assert.h>

#define FIELDS_BYTES 1024u

const char *plan_op_text(enum plan_op op)
{
	static const char *const text[] = {
		[PLAN_ADDED] = "added", [PLAN_REMOVED] = "removed", [PLAN_CHANGED] = "changed"};

	assert(op < ARRAY_SIZE(text));
	return text[op];
}

struct plan_change *changes_add(struct changes *c, enum plan_op op, const char *kind,
				const char *name, const char *fmt, ...)
{
	struct plan_change *ret =
		arena_push(c->arena, &c->items, &c->n, &c->cap, sizeof(*c->items));
	va_list ap;

	va_start(ap, fmt);
	*ret = (struct plan_change){
		.op = op, .kind = kind, .name = name, .message = arena_vprintf(c->arena, fmt, ap)};
	va_end(ap);
	assert(kind && name);
	assert(ret->message[0] != '\0'); /* what changed is always said */
	return ret;
}

static enum plan_op op_of(enum diff_op op)
{
	return op == DIFF_ADD ? PLAN_ADDED : op == DIFF_DELETE ? PLAN_REMOVED : PLAN_CHANGED;
}

/* --- peers ------------------------------------------------------------------------------------ */

static int cmp_peers(const void *a, const void *b)
{
	return peer_key_cmp(&((const struct plan_peer *)a)->key,
			    &((const struct plan_peer *)b)->key);
}

static bool same_peers(const void *a, const void *b)
{
	return plan_peer_same(a, b);
}

/* A field as people say it: "bgp.hold_s" is hold. */
static void add_field(struct strbuf *out, const char *name)
{
	const char *dot = strchr(name, '.');
	const char *word = dot ? dot + 1 : name;
	size_t len = strlen(word);

	len -= len > 2 && strcmp(word + len - 2, "_s") == 0 ? 2 : 0;
	strbuf_add(out, out->len ? ", " : "");
	for (size_t i = 0; i < len; i++)
		strbuf_printf(out, "%c", word[i] == '_' ? ' ' : word[i]);
}

/* The fields that cost what the change as a whole does. */
static const char *fields_of(struct changes *c, const struct plan_peer *from,
			     const struct plan_peer *to, enum peer_action action)
{
	struct strbuf out;
	const char *ret;
	size_t n;
	const struct peer_field *fields = plan_peer_fields(&n);

	strbuf_init(&out, FIELDS_BYTES);
	for (size_t i = 0; i < n; i++)
		if (fields[i].action == action && !plan_peer_field_same(&fields[i], from, to))
			add_field(&out, fields[i].name);
	ret = arena_strdup(c->arena, out.data);
	strbuf_done(&out);
	return ret;
}

static void change_peer(struct changes *c, const struct plan_peer *from, const struct plan_peer *to)
{
	static const char *const says[N_PEER_ACTIONS] = {
		[PEER_NONE] = "the session goes on",
		[PEER_RESEND] = "the session goes on, and its routes are sent again",
		[PEER_REKEY] = "the session goes on under another key",
		[PEER_RESET] = "the session is reset",
	};
	const enum peer_action action = plan_peer_change(from, to);

	if (says[action])
		(void)changes_add(c, PLAN_CHANGED, "BGPPeer", to->key.name, "%s: %s", says[action],
				  fields_of(c, from, to, action));
}

static void change_peers(struct changes *c, const struct plan *from, const struct plan *to)
{
	struct diff diff = {.want = {to->peers, to->n_peers, sizeof(*to->peers)},
			    .have = {from->peers, from->n_peers, sizeof(*from->peers)},
			    .cmp = cmp_peers,
			    .same = same_peers};
	struct diff_step step;
	char text[PLAN_PEER_TEXT];

	while (diff_next(&diff, &step)) {
		const struct plan_peer *peer = step.want ? step.want : step.have;

		if (step.want && step.have)
			change_peer(c, step.have, step.want);
		else if (step.want)
			(void)changes_add(c, PLAN_ADDED, "BGPPeer", peer->key.name,
					  "a session with %s begins", plan_peer_text(peer, text));
		else
			(void)changes_add(c, PLAN_REMOVED, "BGPPeer", peer->key.name,
					  "the session with %s is closed",
					  plan_peer_text(peer, text));
	}
}

/* What is taken of what peers send, where both have the peer. */
static void change_imports(struct changes *c, const struct plan *from, const struct plan *to)
{
	for (size_t i = 0; i < to->n_peers; i++) {
		const struct plan_peer *had = sorted_find(&to->peers[i], from->peers, from->n_peers,
							  sizeof(*from->peers), cmp_peers);

		if (had && !plan_import_equal(&from->imports[had - from->peers], &to->imports[i]))
			(void)changes_add(c, PLAN_CHANGED, "BGPPeer", to->peers[i].key.name,
					  "other routes of those that it sends are accepted");
	}
}

/* --- devices ---------------------------------------------------------------------------------- */

static int cmp_devices(const void *a, const void *b)
{
	const struct plan_device *x = a, *y = b;

	return x->ifindex - y->ifindex;
}

static bool same_devices(const void *a, const void *b)
{
	return plan_device_equal(a, b);
}

static const char *device_says(enum diff_op op)
{
	return op == DIFF_ADD      ? "programs are attached to it"
	       : op == DIFF_DELETE ? "programs are detached from it"
				   : "programs serve it otherwise";
}

static void change_devices(struct changes *c, const struct plan *from, const struct plan *to)
{
	struct diff diff = {.want = {to->devices, to->n_devices, sizeof(*to->devices)},
			    .have = {from->devices, from->n_devices, sizeof(*from->devices)},
			    .cmp = cmp_devices,
			    .same = same_devices};
	struct diff_step step;

	while (diff_next(&diff, &step)) {
		const struct plan_device *d = step.want ? step.want : step.have;

		if (d)
			(void)changes_add(c, op_of(step.op), "Device", d->name, "%s",
					  device_says(step.op));
	}
}

/* --- the node as a whole ---------------------------------------------------------------------- */

static int cmp_vrfs(const void *a, const void *b)
{
	return strcmp(((const struct plan_made_vrf *)a)->name,
		      ((const struct plan_made_vrf *)b)->name);
}

static bool same_vrfs(const void *a, const void *b)
{
	return ((const struct plan_made_vrf *)a)->table == ((const struct plan_made_vrf *)b)->table;
}

static void change_vrfs(struct changes *c, const struct plan *from, const struct plan *to)
{
	struct diff diff = {.want = {to->made_vrfs, to->n_made_vrfs, sizeof(*to->made_vrfs)},
			    .have = {from->made_vrfs, from->n_made_vrfs, sizeof(*from->made_vrfs)},
			    .cmp = cmp_vrfs,
			    .same = same_vrfs};
	struct diff_step step;

	while (diff_next(&diff, &step)) {
		const struct plan_made_vrf *v = step.want ? step.want : step.have;

		(void)changes_add(c, op_of(step.op), "VRF", v->name,
				  step.want ? "is made, with table %u"
					    : "is taken away, with table %u",
				  v->table);
	}
}

static int cmp_discards(const void *a, const void *b)
{
	return lb_discard_cmp(&((const struct plan_discard *)a)->what,
			      &((const struct plan_discard *)b)->what);
}

static bool same_discards(const void *a, const void *b)
{
	return ((const struct plan_discard *)a)->peers == ((const struct plan_discard *)b)->peers;
}

static void change_discards(struct changes *c, const struct plan *from, const struct plan *to)
{
	struct diff diff = {.want = {to->discards, to->n_discards, sizeof(*to->discards)},
			    .have = {from->discards, from->n_discards, sizeof(*from->discards)},
			    .cmp = cmp_discards,
			    .same = same_discards};
	struct diff_step step;
	char text[IP_PREFIX_TEXT];

	while (diff_next(&diff, &step)) {
		const struct plan_discard *d = step.want ? step.want : step.have;

		(void)changes_add(c, op_of(step.op), "Blackhole",
				  arena_strdup(c->arena, ip_prefix_text(&d->what.prefix, text)),
				  "%s",
				  !step.have   ? "nothing gets through to it"
				  : !step.want ? "packets to it are let through again"
					       : "other routers are told");
	}
}

static size_t n_denied(const struct plan *plan)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->n_denied; i++)
		n += plan->denied[i].n;
	return n;
}

static bool same_denied(const struct plan *a, const struct plan *b)
{
	if (a->n_denied != b->n_denied)
		return false;
	for (size_t i = 0; i < a->n_denied; i++)
		if (a->denied[i].name != b->denied[i].name)
			return false;
	return true;
}

static void change_settings(struct changes *c, const struct plan_outcome *a,
			    const struct plan_outcome *b)
{
	const struct plan *from = a->plan, *to = b->plan;
	const char *node = b->node;

	if (from->dataplane != to->dataplane)
		(void)changes_add(c, PLAN_CHANGED, "Node", node, "%s",
				  to->dataplane ? "XDP begins to serve"
						: "XDP is left, and packets are the kernel's");
	if (from->observes != to->observes)
		(void)changes_add(c, PLAN_CHANGED, "Node", node, "%s",
				  to->observes ? "it only looks on: no session is begun"
					       : "it announces, and no longer looks on");
	if (from->drained != to->drained)
		(void)changes_add(c, PLAN_CHANGED, "Node", node, "%s",
				  to->drained ? "it is drained: nothing is announced"
					      : "it is drained no longer");
	if (from->drain_ns != to->drain_ns)
		(void)changes_add(c, PLAN_CHANGED, "Node", node,
				  "what leaves may keep its flows for %u s, not %u s",
				  (unsigned)(to->drain_ns / NSEC_PER_SEC),
				  (unsigned)(from->drain_ns / NSEC_PER_SEC));
	if (from->flow_entries != to->flow_entries)
		(void)changes_add(c, PLAN_CHANGED, "Node", node,
				  "tables for %u flows, not %u, from the next boot on",
				  to->flow_entries, from->flow_entries);
	if (!same_denied(from, to))
		(void)changes_add(c, PLAN_CHANGED, "Node", node,
				  "other sources reach no VIP: %zu prefixes, now %zu", n_denied(to),
				  n_denied(from));
	if (memcmp(from->tunnel_ends, to->tunnel_ends, sizeof(from->tunnel_ends)) != 0)
		(void)changes_add(c, PLAN_CHANGED, "Node", node,
				  "tunnels to it end at other addresses");
	if (a->metrics.is_off != b->metrics.is_off || a->metrics.port != b->metrics.port ||
	    !ip_addr_equal(&a->metrics.addr, &b->metrics.addr))
		(void)changes_add(c, PLAN_CHANGED, "Node", node,
				  b->metrics.is_off ? "metrics are told no more"
						    : "metrics are told at another address");
}

/* Whatever the sentences above are not about. */
static void change_anything(struct changes *c, const struct plan_outcome *a,
			    const struct plan_outcome *b)
{
	const struct plan_ledger none = {0};
	struct plan from = *a->plan, to = *b->plan;
	const char *field;

	/* These are compared wholly, and by what is said on the wire. */
	from.problems.n = to.problems.n = from.n_routes = to.n_routes = 0;
	from.n_attrs = to.n_attrs = 0;
	field = plan_difference(&(struct plan_result){&from, &none, 0},
				&(struct plan_result){&to, &none, 0});
	if (field && c->n == 0)
		(void)changes_add(c, PLAN_CHANGED, "Node", b->node,
				  "the plan is another one: its %s", field);
}

/* --- problems --------------------------------------------------------------------------------- */

static int cmp_problems(const void *a, const void *b)
{
	return problem_cmp(a, b);
}

static bool same_problems(const void *a, const void *b)
{
	return strcmp(((const struct problem *)a)->message, ((const struct problem *)b)->message) ==
	       0;
}

static void change_problems(struct changes *c, const struct problems *from,
			    const struct problems *to)
{
	struct diff diff = {.want = {to->items, to->n, sizeof(*to->items)},
			    .have = {from->items, from->n, sizeof(*from->items)},
			    .cmp = cmp_problems,
			    .same = same_problems};
	struct diff_step step;

	while (diff_next(&diff, &step)) {
		const struct problem *p = step.want ? step.want : step.have;
		const struct object_ref *o = &p->object;

		(void)changes_add(c, op_of(step.op), "Problem",
				  arena_printf(c->arena, "%s/%s", o->kind ? o->kind : "",
					       o->name ? o->name : ""),
				  "%s: %s: %s%s%s", severity_text(p->severity), p->reason,
				  p->message, p->remedy ? "; " : "", p->remedy ? p->remedy : "");
	}
}

size_t plan_changes(const struct plan_outcome *from, const struct plan_outcome *to,
		    struct arena *arena, const struct plan_change **ret)
{
	struct changes c = {.arena = arena};

	assert(strcmp(from->node, to->node) == 0);
	assert(!from->plan->leaving && !to->plan->leaving); /* both are settled */
	changes_services(&c, from->plan, to->plan);
	changes_routes(&c, from->plan, to->plan);
	change_peers(&c, from->plan, to->plan);
	change_imports(&c, from->plan, to->plan);
	change_devices(&c, from->plan, to->plan);
	change_vrfs(&c, from->plan, to->plan);
	change_discards(&c, from->plan, to->plan);
	change_settings(&c, from, to);
	change_anything(&c, from, to);
	change_problems(&c, from->problems, to->problems);
	*ret = c.items;
	return c.n;
}
