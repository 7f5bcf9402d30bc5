// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Ports of Services, of which there may be thousands with tens of thousands of backends: gathered
 * and told some at a time. The plan may be another one between two calls; a Service that comes or
 * goes meanwhile is told or not, and none twice.
 */
#include "agent/metrics_inside.h"

#include "agent/agent.h"
#include "agent/show.h"
#include "agent/show_backends.h"
#include "lb/lb_counted.h"
#include "sys/bpf_dataplane.h"

#define COUNTS_PIECE 1000 /* of the data plane, in a call */

struct metrics_service {
	const char *ns, *name; /* in the text's arena */
	struct ip_addr vip;
	const char *labels;    /* as exposition_labels() makes them */
	const char *announced; /* of metallb_speaker_announced; NULL: it is not, or was said */
	uint64_t packets, bytes, flows, begun, backends;
	size_t n_counters; /* that are added to its packets and bytes */
};

/* --- counts ----------------------------------------------------------------------------------- */

/* All but the counters of backends, of which there are many: these are noted down for later. */
static void count(const struct agent *a, struct metrics_text *t, const struct plan_service *s,
		  struct metrics_service *ret)
{
	const struct lb_key key = show_key_of(s);
	struct bpf_packets before;
	struct lb_counted all;

	if (!a->dataplane || !bpf_dataplane_counted(a->dataplane, &key, t->scratch, &all))
		return;
	before = bpf_dataplane_retired(a->dataplane, &key);
	ret->packets = before.packets;
	ret->bytes = before.bytes;
	ret->begun = all.begun;
	ret->flows = all.flows;
	ret->n_counters = all.n;
	for (size_t i = 0; i < all.n; i++)
		*(uint32_t *)xpush(&t->counters, &t->n_counters, &t->cap_counters,
				   sizeof(*t->counters)) = all.index[i];
}

/*
 * `at` counts those that were read, in the order of items. The data plane may be gone since, or
 * another one: what cannot be read is 0. What a backend that left had counted stays where it is
 * for longer than a text takes.
 */
bool metrics_read_counters(const struct agent *a, struct metrics_text *t)
{
	const size_t n =
		t->n_counters - t->at < COUNTS_PIECE ? t->n_counters - t->at : COUNTS_PIECE;
	struct bpf_packets *read = arena_array_of(t->scratch, n, struct bpf_packets);

	if (a->dataplane)
		bpf_dataplane_counts_of(a->dataplane, t->counters + t->at, n, read);
	for (size_t i = 0; i < n; i++) {
		while (t->items[t->counted].n_counters == 0)
			t->counted++;
		t->items[t->counted].n_counters--;
		t->items[t->counted].packets += read[i].packets;
		t->items[t->counted].bytes += read[i].bytes;
	}
	t->at += n;
	if (t->at < t->n_counters)
		return false;
	t->at = 0;
	return true;
}

/* --- gathering -------------------------------------------------------------------------------- */

static const char *labels_of(struct metrics_text *t, enum metric id, const char *const *values)
{
	t->labels.len = 0;
	exposition_labels(&t->labels, &metrics_table[id], values);
	return arena_strdup(t->arena, t->labels.data);
}

/* A row for each port; metallb_speaker_announced has one for each address. */
static bool is_said(const struct metrics_text *t, const struct plan_service *s)
{
	for (size_t i = t->n_items; i-- > 0;) {
		const struct metrics_service *last = &t->items[i];

		if (strcmp(last->name, s->name) != 0 || strcmp(last->ns, s->ns) != 0)
			return false;
		if (last->announced && ip_addr_equal(&last->vip, &s->vip.addr))
			return true;
	}
	return false;
}

#define DIGITS 8 /* of 16 bits, with the NUL, and more */

/* There are thousands of these: printf takes longer than all else. */
static const char *decimal(uint16_t value, char buf[DIGITS])
{
	char *at = &buf[DIGITS - 1];

	*at = '\0';
	do {
		*--at = (char)('0' + value % 10);
		value = (uint16_t)(value / 10);
	} while (value > 0);
	return at;
}

static const char *with_namespace(const struct plan_service *s, struct arena *arena)
{
	const size_t ns = strlen(s->ns), name = strlen(s->name);
	char *ret = arena_alloc(arena, 1, ns + name + 2);

	memcpy(ret, s->ns, ns);
	ret[ns] = '/';
	memcpy(ret + ns + 1, s->name, name);
	return ret;
}

static void gather(const struct agent *a, struct metrics_text *t, const struct plan_service *s)
{
	const bool was_said = !s->announced || is_said(t, s);
	struct metrics_service *m = xpush(&t->items, &t->n_items, &t->cap_items, sizeof(*m));
	char vip[IP_ADDR_TEXT], port[DIGITS], domain[DIGITS];

	ip_addr_text(&s->vip.addr, vip);
	*m = (struct metrics_service){
		.ns = t->last_ns,
		.name = t->last_name,
		.vip = s->vip.addr,
		.backends = s->n_backends,
	};
	m->labels = labels_of(t, METRIC_PACKETS,
			      (const char *const[]){s->ns, s->name, vip, decimal(s->port, port),
						    s->protocol, decimal(s->vip.domain, domain)});
	if (!was_said)
		m->announced = labels_of(t, METRIC_M_SPEAKER,
					 (const char *const[]){with_namespace(s, t->scratch), "bgp",
							       a->options->node, vip});
	count(a, t, s, m);
}

/* The order of Services in a plan; that of the rows of one is the plan's own affair. */
static int cmp_last(const struct metrics_text *t, const struct plan_service *s)
{
	const int c = t->last_ns ? strcmp(t->last_ns, s->ns) : -1;

	return c ? c : strcmp(t->last_name, s->name);
}

/* The first of the plan behind the Service that was gathered last. */
static size_t find_next(const struct plan *plan, const struct metrics_text *t)
{
	size_t low = 0, high = plan->n_services;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (cmp_last(t, &plan->services[middle]) >= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* All rows of a Service at once. */
bool metrics_gather_services(const struct agent *a, struct metrics_text *t)
{
	const struct plan *plan = &a->current->plan;
	const size_t first = find_next(plan, t);

	for (size_t i = first; i < plan->n_services; i++) {
		const struct plan_service *s = &plan->services[i];

		if (cmp_last(t, s) != 0) {
			if (i >= first + METRICS_PIECE)
				return false;
			t->last_ns = arena_strdup(t->arena, s->ns);
			t->last_name = arena_strdup(t->arena, s->name);
		}
		if (ip_addr_is_none(&s->vip.addr))
			continue;
		if (t->n_items < LIMIT_SERVICES)
			gather(a, t, s);
		else
			t->n_untold++;
	}
	return true;
}

/* --- telling ---------------------------------------------------------------------------------- */

static uint64_t value_of(const struct metrics_service *m, enum metric id)
{
	if (id == METRIC_PACKETS)
		return m->packets;
	if (id == METRIC_BYTES)
		return m->bytes;
	if (id == METRIC_NEW_FLOWS)
		return m->begun;
	return id == METRIC_SERVICE_FLOWS ? m->flows : m->backends;
}

/* `at` counts samples of all families. */
bool metrics_tell_services(const struct agent *a, struct metrics_text *t)
{
	static const enum metric ids[] = {METRIC_PACKETS, METRIC_BYTES, METRIC_NEW_FLOWS,
					  METRIC_SERVICE_FLOWS, METRIC_BACKENDS};
	size_t until = t->at + METRICS_PIECE;

	(void)a;
	for (; t->at < t->n_items * ARRAY_SIZE(ids) && t->at < until; t->at++) {
		const enum metric id = ids[t->at / t->n_items];
		const struct metrics_service *m = &t->items[t->at % t->n_items];

		if (t->at % t->n_items == 0)
			metrics_family(t, id);
		exposition_sample(&t->out, &metrics_table[id], m->labels, value_of(m, id));
	}
	if (t->at < t->n_items * ARRAY_SIZE(ids))
		return false;
	t->at = 0;
	metrics_single(t, METRIC_UNTOLD, t->n_untold);
	return true;
}

bool metrics_tell_announced(const struct agent *a, struct metrics_text *t)
{
	size_t until = t->at + METRICS_PIECE;

	(void)a;
	if (t->at == 0)
		metrics_family(t, METRIC_M_SPEAKER);
	for (; t->at < t->n_items && t->at < until; t->at++)
		if (t->items[t->at].announced)
			exposition_sample(&t->out, &metrics_table[METRIC_M_SPEAKER],
					  t->items[t->at].announced, 1);
	if (t->at < t->n_items)
		return false;
	t->at = 0;
	return true;
}
