// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The orders. Over a restart an order keeps its end by wall time, which also a reboot leaves as
 * it is; a clock that jumped back meanwhile makes none longer than it was asked for.
 */
#include "agent/discards.h"

#include "agent/agent.h"
#include "agent/state_files.h"
#include "base/sorted.h"
#include "sys/bpf_dataplane.h"
#include "sys/clock.h"
#include "sys/log.h"

#define FILE_NAME "blackholes.yaml"

/* --- the list --------------------------------------------------------------------------------- */

static int cmp_order(const void *a, const void *b)
{
	const struct agent_order *x = a, *y = b;

	return ip_prefix_cmp(&x->prefix, &y->prefix);
}

const struct agent_order *discards_find(const struct agent *a, const struct ip_prefix *prefix)
{
	const struct agent_order key = {.prefix = *prefix};

	return sorted_find(&key, a->discards.items, a->discards.n, sizeof(key), cmp_order);
}

static struct agent_order *find(struct agent *a, const struct ip_prefix *prefix)
{
	const struct agent_order *order = discards_find(a, prefix);

	return order ? &a->discards.items[order - a->discards.items] : NULL;
}

static void tell_plan(struct agent *a)
{
	struct agent_discards *d = &a->discards;

	if (d->n > 0)
		qsort(d->items, d->n, sizeof(*d->items), cmp_order);
	for (size_t i = 0; i < d->n; i++)
		d->prefixes[i] = d->items[i].prefix;
	a->settings.discards = d->prefixes;
	a->settings.n_discards = d->n;
	agent_input_changed(&a->inputs, INPUT_BLACKHOLES);
}

static void save(struct agent *a, nsec_t now)
{
	const struct state_file file = {.name = FILE_NAME, .mode = STATE_MODE};
	cJSON *list = cJSON_CreateArray();
	char prefix[IP_PREFIX_TEXT], *text;

	for (size_t i = 0; i < a->discards.n; i++) {
		const struct agent_order *order = &a->discards.items[i];
		cJSON *o = cJSON_CreateObject();

		cJSON_AddStringToObject(o, "prefix", ip_prefix_text(&order->prefix, prefix));
		if (order->seconds > 0) {
			const nsec_t left = order->until > now ? order->until - now : 0;

			cJSON_AddNumberToObject(o, "seconds", order->seconds);
			cJSON_AddNumberToObject(
				o, "endsAt",
				(double)(clock_wall_s() + (int64_t)(left / NSEC_PER_SEC)));
		}
		cJSON_AddItemToArray(list, o);
	}
	text = cJSON_PrintUnformatted(list);
	cJSON_Delete(list);
	if (a->discards.n > 0)
		state_write(a, &file, text, strlen(text));
	else
		state_remove(a, FILE_NAME);
	if (a->discards.n == 0)
		free(text);
}

/* False: what stands there is none. One whose time is over is none any more. */
static bool read_order(const cJSON *o, nsec_t now, struct agent_order *ret)
{
	const char *prefix = cJSON_GetStringValue(cJSON_GetObjectItem(o, "prefix"));
	const cJSON *seconds = cJSON_GetObjectItem(o, "seconds");
	const cJSON *ends = cJSON_GetObjectItem(o, "endsAt");
	double left;

	*ret = (struct agent_order){.until = NSEC_NEVER};
	if (!prefix || !ip_prefix_parse(prefix, &ret->prefix))
		return false;
	if (!seconds)
		return true;
	if (!cJSON_IsNumber(seconds) || !cJSON_IsNumber(ends) || seconds->valuedouble < 1 ||
	    seconds->valuedouble > DISCARD_SECONDS_MAX)
		return false;
	left = ends->valuedouble - (double)clock_wall_s();
	if (left > seconds->valuedouble)
		left = seconds->valuedouble;
	ret->seconds = (uint32_t)seconds->valuedouble;
	ret->until = left > 0 ? nsec_add(now, (nsec_t)left * NSEC_PER_SEC) : 0;
	return true;
}

void discards_load(struct agent *a)
{
	const nsec_t now = clock_now();
	struct agent_discards *d = &a->discards;
	size_t len, n_bad = 0;
	_cleanup_(freep) char *text = state_read(a, FILE_NAME, &len);
	cJSON *list = text ? cJSON_ParseWithLength(text, len) : NULL;
	const cJSON *o;

	cJSON_ArrayForEach(o, list)
	{
		struct agent_order order;

		if (d->n == LIMIT_DISCARD_ORDERS || !read_order(o, now, &order) ||
		    find(a, &order.prefix)) {
			n_bad++;
			continue;
		}
		if (order.until > now)
			d->items[d->n++] = order;
		qsort(d->items, d->n, sizeof(*d->items), cmp_order);
	}
	if (n_bad > 0 || (text && !cJSON_IsArray(list)))
		log_warn("state: damaged blackholes left out", "file=" FILE_NAME " items=%zu",
			 n_bad);
	cJSON_Delete(list);
	tell_plan(a);
}

static void take_out(struct agent *a, struct agent_order *order)
{
	struct agent_discards *d = &a->discards;

	*order = d->items[--d->n];
	tell_plan(a);
}

bool discards_put(struct agent *a, const struct ip_prefix *prefix, uint32_t seconds)
{
	struct agent_discards *d = &a->discards;
	struct agent_order *order = find(a, prefix);
	const nsec_t now = clock_now();
	char text[IP_PREFIX_TEXT];

	if (!order && d->n == LIMIT_DISCARD_ORDERS)
		return false;
	if (!order)
		order = &d->items[d->n++];
	*order = (struct agent_order){.prefix = *prefix, .until = NSEC_NEVER, .seconds = seconds};
	if (seconds > 0)
		order->until = nsec_add(now, seconds * NSEC_PER_SEC);
	tell_plan(a);
	save(a, now);
	log_info("blackhole: asked for", "prefix=%s seconds=%u", ip_prefix_text(prefix, text),
		 seconds);
	return true;
}

bool discards_remove(struct agent *a, const struct ip_prefix *prefix)
{
	struct agent_order *order = find(a, prefix);
	char text[IP_PREFIX_TEXT];

	if (!order)
		return false;
	take_out(a, order);
	save(a, clock_now());
	log_info("blackhole: removed", "prefix=%s", ip_prefix_text(prefix, text));
	return true;
}

nsec_t discards_tick(struct agent *a, nsec_t now)
{
	struct agent_discards *d = &a->discards;
	nsec_t next = NSEC_NEVER;
	bool any = false;

	for (size_t i = 0; i < d->n;) {
		char prefix[IP_PREFIX_TEXT];

		if (d->items[i].until > now) {
			next = nsec_min(next, d->items[i++].until);
			continue;
		}
		log_info("blackhole: its time is over", "prefix=%s",
			 ip_prefix_text(&d->items[i].prefix, prefix));
		take_out(a, &d->items[i]);
		any = true;
		i = 0;
		next = NSEC_NEVER;
	}
	if (any)
		save(a, now);
	return next;
}

/* --- the data plane --------------------------------------------------------------------------- */

/* The data plane has another list than this. */
static bool differs(const struct agent *a, struct arena *arena, const struct lb_discard *want,
		    size_t n_want)
{
	size_t n;
	const struct lb_discard *have = bpf_dataplane_discards(a->dataplane, arena, &n);

	if (n != n_want)
		return true;
	for (size_t i = 0; i < n; i++)
		if (lb_discard_cmp(&have[i], &want[i]) != 0)
			return true;
	return false;
}

void discards_apply(struct agent *a, nsec_t now)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const struct lb_ways ways = bpf_dataplane_ways(a->dataplane);
	const struct plan *plan = &a->current->plan;
	struct lb_discard *want = arena_array_of(arena, plan->n_discards, struct lb_discard);
	int r;

	for (size_t i = 0; i < plan->n_discards; i++)
		want[i] = plan->discards[i].what;
	a->discards.changed = differs(a, arena, want, plan->n_discards);
	r = ways.ops->discards(ways.ctx, now, want, plan->n_discards);
	if (r != 0 && r != a->discards.error)
		log_warn("dataplane: not all blackholes could be set", "error=%s",
			 log_quote(strerror(-r)));
	a->discards.error = r;
	a->discards.changed &= r == 0;
}
