// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Services, by name: each has a row for each address and port. Ports and backends are held side by
 * side as sets of the Service, so that one that gets another address is not told as one that loses
 * all that it had and gets it anew.
 */
#include "base/sorted.h"
#include "plan/plan_backends.h"
#include "plan/plan_changes_inside.h"

#include <assert.h>

#define WORDS_BYTES 4096u
#define TOLD_MAX    5 /* backends by address; of more only the number */

/* The rows of one Service. */
struct rows {
	const struct plan_service *items;
	size_t n;
};

/* --- sets of texts ---------------------------------------------------------------------------- */

struct texts {
	const char **items; /* sorted, no doubles once settled */
	size_t n, cap;
};

static int cmp_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void push_text(struct arena *arena, struct texts *t, const char *text)
{
	*(const char **)arena_push(arena, &t->items, &t->n, &t->cap, sizeof(*t->items)) = text;
}

static void settle_texts(struct texts *t)
{
	size_t n = 0;

	if (t->n == 0)
		return;
	qsort(t->items, t->n, sizeof(*t->items), cmp_text);
	for (size_t i = 0; i < t->n; i++)
		if (i == 0 || strcmp(t->items[i], t->items[n - 1]) != 0)
			t->items[n++] = t->items[i];
	assert(n >= 1 && n <= t->n);
	t->n = n;
}

/* "a, b and 3 more" of what `a` has and `b` has not; "": nothing. */
static const char *without(struct arena *arena, const struct texts *a, const struct texts *b)
{
	struct strbuf out;
	const char *ret;
	size_t n = 0;

	strbuf_init(&out, WORDS_BYTES);
	for (size_t i = 0; i < a->n; i++) {
		if (sorted_find(&a->items[i], b->items, b->n, sizeof(*b->items), cmp_text))
			continue;
		if (n++ < TOLD_MAX)
			strbuf_printf(&out, "%s%s", n > 1 ? ", " : "", a->items[i]);
	}
	if (n > TOLD_MAX)
		strbuf_printf(&out, " and %zu more", n - TOLD_MAX);
	ret = arena_strdup(arena, out.data ? out.data : "");
	strbuf_done(&out);
	return ret;
}

/* One change of a list: "gets a, b; loses c". */
static void change_list(struct changes *c, const char *name, const char *what, struct texts *from,
			struct texts *to)
{
	const char *more, *less;

	settle_texts(from);
	settle_texts(to);
	more = without(c->arena, to, from);
	less = without(c->arena, from, to);
	if (more[0] || less[0])
		(void)changes_add(c, PLAN_CHANGED, "Service", name, "%s: %s%s%s%s%s", what,
				  more[0] ? "gets " : "", more, more[0] && less[0] ? "; " : "",
				  less[0] ? "loses " : "", less);
}

/* --- a Service -------------------------------------------------------------------------------- */

static struct texts vips_of(struct arena *arena, const struct rows *rows)
{
	struct texts ret = {0};
	char text[IP_ADDR_TEXT];

	for (size_t i = 0; i < rows->n; i++)
		if (!ip_addr_is_none(&rows->items[i].vip.addr))
			push_text(
				arena, &ret,
				arena_strdup(arena, ip_addr_text(&rows->items[i].vip.addr, text)));
	return ret;
}

static struct texts ports_of(struct arena *arena, const struct rows *rows)
{
	struct texts ret = {0};

	for (size_t i = 0; i < rows->n; i++)
		push_text(
			arena, &ret,
			arena_printf(arena, "%u/%s", rows->items[i].port, rows->items[i].protocol));
	return ret;
}

static struct texts backends_of(struct arena *arena, const struct rows *rows)
{
	struct texts ret = {0};
	char text[IP_ADDR_TEXT];

	for (size_t i = 0; i < rows->n; i++)
		for (size_t k = 0; k < rows->items[i].n_backends; k++) {
			const struct plan_service_backend b = plan_backend_at(&rows->items[i], k);

			push_text(arena, &ret,
				  arena_printf(arena, "%s port %u%s%s (%s)",
					       ip_addr_text(&b.addr, text), b.port,
					       b.node[0] ? " on " : "", b.node, b.state));
		}
	return ret;
}

static const struct plan_service *announced_row(const struct rows *rows)
{
	for (size_t i = 0; i < rows->n; i++)
		if (rows->items[i].announced)
			return &rows->items[i];
	return NULL;
}

static void change_announced(struct changes *c, const char *name, const struct rows *from,
			     const struct rows *to)
{
	const bool was = announced_row(from), is = announced_row(to);

	if (was != is && is)
		(void)changes_add(c, PLAN_CHANGED, "Service", name, "is announced by this node");
	else if (was != is)
		(void)changes_add(c, PLAN_CHANGED, "Service", name,
				  "is announced by this node no more: %s", to->items[0].reason);
	else if (!is && strcmp(from->items[0].reason, to->items[0].reason) != 0)
		(void)changes_add(c, PLAN_CHANGED, "Service", name,
				  "is not announced by this node: %s, was %s", to->items[0].reason,
				  from->items[0].reason);
}

static void change_rest(struct changes *c, const char *name, const struct plan_service *from,
			const struct plan_service *to)
{
	if (from->paused != to->paused)
		(void)changes_add(c, PLAN_CHANGED, "Service", name, "%s",
				  to->paused ? "no flow begins any more" : "flows begin again");
	if (from->rate_limit != to->rate_limit)
		(void)changes_add(c, PLAN_CHANGED, "Service", name,
				  "packets a second, 0 for any number: %u, was %u", to->rate_limit,
				  from->rate_limit);
	if (from->health_port != to->health_port)
		(void)changes_add(c, PLAN_CHANGED, "Service", name,
				  "health check port, 0 for none: %u, was %u", to->health_port,
				  from->health_port);
}

static const char *join(struct arena *arena, struct texts *t)
{
	const struct texts none = {0};
	const char *ret;

	settle_texts(t);
	ret = without(arena, t, &none);
	return ret[0] ? ret : "no address";
}

static void change_service(struct changes *c, const char *name, const struct rows *from,
			   const struct rows *to)
{
	struct texts had, has;

	if (from->n == 0 || to->n == 0) {
		const struct rows *one = to->n ? to : from;

		has = vips_of(c->arena, one);
		had = backends_of(c->arena, one);
		settle_texts(&had);
		(void)changes_add(c, to->n ? PLAN_ADDED : PLAN_REMOVED, "Service", name,
				  "%s, %zu backends; %s", join(c->arena, &has), had.n,
				  announced_row(one) ? "announced by this node"
						     : one->items[0].reason);
		return;
	}
	had = vips_of(c->arena, from);
	has = vips_of(c->arena, to);
	change_list(c, name, "address", &had, &has);
	had = ports_of(c->arena, from);
	has = ports_of(c->arena, to);
	change_list(c, name, "port", &had, &has);
	had = backends_of(c->arena, from);
	has = backends_of(c->arena, to);
	change_list(c, name, "backends", &had, &has);
	change_announced(c, name, from, to);
	change_rest(c, name, &from->items[0], &to->items[0]);
}

/* --- what is programmed ----------------------------------------------------------------------- */

static int cmp_frontends(const void *a, const void *b)
{
	return lb_key_cmp(&((const struct plan_frontend *)a)->lb.key,
			  &((const struct plan_frontend *)b)->lb.key);
}

static bool same_frontends(const void *a, const void *b)
{
	const struct lb_frontend *x = &((const struct plan_frontend *)a)->lb;
	const struct lb_frontend *y = &((const struct plan_frontend *)b)->lb;

	return x->flags == y->flags && x->ranges_name == y->ranges_name && x->limit == y->limit &&
	       x->affinity_s == y->affinity_s && x->seed == y->seed;
}

static const char *owner_of(const struct plan *plan, uint32_t seed)
{
	for (size_t i = 0; i < plan->n_services; i++)
		if (lb_seed(plan->services[i].ns, plan->services[i].name) == seed)
			return plan->services[i].name;
	return NULL;
}

static void change_frontend(struct changes *c, const struct plan *to, const struct lb_frontend *a,
			    const struct lb_frontend *b)
{
	const uint32_t flags = a->flags ^ b->flags;
	const char *owner = b->key.port ? owner_of(to, b->seed) : NULL;
	char text[IP_ADDR_TEXT];
	const char *name = arena_printf(c->arena, "%s%s%s", owner ? owner : "", owner ? ", " : "",
					b->key.port ? arena_printf(c->arena, "%s port %u",
								   ip_addr_text(&b->key.addr, text),
								   b->key.port)
						    : ip_addr_text(&b->key.addr, text));
	static const struct {
		uint32_t flags;
		const char *says;
	} table[] = {
		{LB_F_UNKNOWN_PASS, "packets to ports that nobody has are treated otherwise"},
		{LB_F_ECHO_ANSWER | LB_F_ECHO_PASS, "pings are treated otherwise"},
		{LB_F_CLOSED, "whether flows begin"},
		{LB_F_REJECT, "whether refusals are answered"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (flags & table[i].flags)
			(void)changes_add(c, PLAN_CHANGED, "Frontend", name, "%s", table[i].says);
	if (a->seed != b->seed)
		(void)changes_add(c, PLAN_CHANGED, "Frontend", name, "is another Service's");
	if (a->ranges_name != b->ranges_name)
		(void)changes_add(c, PLAN_CHANGED, "Frontend", name, "other sources may come");
	if (a->affinity_s != b->affinity_s || flags & LB_F_AFFINITY)
		(void)changes_add(c, PLAN_CHANGED, "Frontend", name,
				  "a client stays with its pod for %u s, was %u s", b->affinity_s,
				  a->affinity_s);
	if (a->limit != b->limit)
		(void)changes_add(c, PLAN_CHANGED, "Frontend", name,
				  "another number of new flows is let in");
}

static void change_frontends(struct changes *c, const struct plan *from, const struct plan *to)
{
	struct diff diff = {.want = {to->frontends, to->n_frontends, sizeof(*to->frontends)},
			    .have = {from->frontends, from->n_frontends, sizeof(*from->frontends)},
			    .cmp = cmp_frontends,
			    .same = same_frontends};
	struct diff_step step;

	/* What comes and goes is told of its Service. */
	while (diff_next(&diff, &step))
		if (step.want && step.have)
			change_frontend(c, to, &((const struct plan_frontend *)step.have)->lb,
					&((const struct plan_frontend *)step.want)->lb);
}

/* --- all of them ------------------------------------------------------------------------------ */

static int cmp_name(const struct plan_service *a, const struct plan_service *b)
{
	const int order = strcmp(a->ns, b->ns);

	return order ? order : strcmp(a->name, b->name);
}

/* The rows of the Service that stands at *at, if it is the one that comes next of both plans. */
static struct rows take(const struct plan *plan, size_t *at, const struct plan_service *next)
{
	struct rows ret = {&plan->services[*at], 0};

	while (*at < plan->n_services && cmp_name(&plan->services[*at], next) == 0) {
		ret.n++;
		++*at;
	}
	return ret;
}

void changes_services(struct changes *c, const struct plan *from, const struct plan *to)
{
	size_t a = 0, b = 0;

	while (a < from->n_services || b < to->n_services) {
		const bool is_from =
			b == to->n_services || (a < from->n_services &&
						cmp_name(&from->services[a], &to->services[b]) < 0);
		const struct plan_service *next = is_from ? &from->services[a] : &to->services[b];
		const char *name = arena_printf(c->arena, "%s/%s", next->ns, next->name);
		const struct rows had = take(from, &a, next), has = take(to, &b, next);

		assert(had.n + has.n > 0); /* it is somebody's, and the walk goes on */
		change_service(c, name, &had, &has);
	}
	change_frontends(c, from, to);
}
