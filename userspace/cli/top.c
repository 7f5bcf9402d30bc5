// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Samples to rates and histories, and what keys do. */
#include "cli/top.h"

#include "base/arena.h"
#include "base/sorted.h"
#include "cli/lists.h"

#include <math.h>

static const cJSON *get(const cJSON *o, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(o, key);
}

static double number_of(const cJSON *o, const char *key)
{
	return cJSON_GetNumberValue(get(o, key));
}

static const char *text_of(struct arena *arena, const cJSON *o, const char *key)
{
	const char *text = cJSON_GetStringValue(get(o, key));

	return arena_strdup(arena, text ? text : "-");
}

/* --- frontends -------------------------------------------------------------------------------- */

static int compare_vips(const void *a, const void *b)
{
	return strcmp(((const struct top_vip *)a)->vip, ((const struct top_vip *)b)->vip);
}

static const char *vip_text(struct arena *arena, const cJSON *service)
{
	const char *vip = text_of(arena, service, "vip");
	const bool is_v6 = strchr(vip, ':');

	return arena_printf(arena, "%s%s%s:%.0f/%s", is_v6 ? "[" : "", vip, is_v6 ? "]" : "",
			    number_of(service, "port"), text_of(arena, service, "protocol"));
}

/* One more sample, and the oldest goes. */
static void remember(struct top_vip *v, const struct top_vip *before)
{
	const uint32_t kept = before && before->n_history ? before->n_history : 0;
	const uint32_t from = kept == TOP_HISTORY ? 1 : 0;

	if (before)
		memcpy(v->history, before->history + from, (kept - from) * sizeof(v->history[0]));
	v->n_history = kept - from;
	if (!isnan(v->packet_rate))
		v->history[v->n_history++] = (float)v->packet_rate;
}

static void read_vip(struct top *t, const struct top *old, const cJSON *status,
		     const cJSON *service)
{
	struct top_vip *v = &t->vips[t->n_vips];
	const struct top_vip *before;
	double flow_rate;
	const cJSON *b;

	if (!cJSON_IsString(get(service, "vip")))
		return; /* nothing can come there */
	t->n_vips++;
	v->vip = vip_text(t->arena, service);
	v->service = arena_printf(t->arena, "%s/%s", text_of(t->arena, service, "namespace"),
				  text_of(t->arena, service, "name"));
	v->packets = number_of(service, "packets");
	v->bytes = number_of(service, "bytes");
	v->flows = number_of(service, "flows");
	v->begun = number_of(service, "newFlows");
	v->announced = cJSON_IsTrue(get(service, "announced"));
	cJSON_ArrayForEach(b, get(service, "backends"))
	{
		v->ready += strcmp(text_of(t->arena, b, "state"), "ready") == 0;
		v->backends++;
	}
	before = sorted_find(v, old->vips, old->n_vips, sizeof(*v), compare_vips);
	v->packet_rate =
		before ? list_rate(v->packets, before->packets, status, old->status) : (double)NAN;
	v->bit_rate =
		before ? 8 * list_rate(v->bytes, before->bytes, status, old->status) : (double)NAN;
	flow_rate = before ? list_rate(v->begun, before->begun, status, old->status) : (double)NAN;
	if (!isnan(flow_rate)) {
		t->flow_rate += flow_rate;
		t->has_flow_rates = true;
	}
	remember(v, before);
	if (!isnan(v->packet_rate) && !isnan(v->bit_rate)) {
		t->packet_rate += v->packet_rate;
		t->bit_rate += v->bit_rate;
	}
}

/* --- the rest --------------------------------------------------------------------------------- */

static void read_peers(struct top *t, const cJSON *peers)
{
	const cJSON *p;

	t->peers = arena_array_of(t->arena, (size_t)cJSON_GetArraySize(peers) + 1, struct top_peer);
	cJSON_ArrayForEach(p, peers)
	{
		t->peers[t->n_peers++] = (struct top_peer){.name = text_of(t->arena, p, "name"),
							   .state = text_of(t->arena, p, "state"),
							   .bfd = text_of(t->arena, p, "bfd")};
	}
}

static void read_drops(struct top *t, const cJSON *before)
{
	cJSON *rows = list_drops(t->status, before), *row;

	t->drops = arena_array_of(t->arena, (size_t)cJSON_GetArraySize(rows) + 1, struct top_drop);
	cJSON_ArrayForEach(row, rows)
	{
		const double rate = number_of(row, "perSecond");

		if (!cJSON_IsTrue(get(row, "lost")) || !(rate > 0))
			continue;
		t->drop_rate += rate;
		t->drops[t->n_drops++] = (struct top_drop){text_of(t->arena, row, "reason"), rate};
	}
	cJSON_Delete(rows);
}

void top_feed(struct top *t, const cJSON *status, const cJSON *peers, const cJSON *services)
{
	struct top next = {.arena = arena_new(), .status = cJSON_Duplicate(status, true)};
	const cJSON *s;

	next.has_rates = list_rate(1, 0, status, t->status) > 0;
	next.vips = arena_array_of(next.arena, (size_t)cJSON_GetArraySize(services) + 1,
				   struct top_vip);
	cJSON_ArrayForEach(s, services) read_vip(&next, t, status, s);
	qsort(next.vips, next.n_vips, sizeof(*next.vips), compare_vips);
	read_peers(&next, peers);
	read_drops(&next, t->status);
	top_done(t);
	*t = next;
}

void top_done(struct top *t)
{
	cJSON_Delete(t->status);
	arena_free(t->arena);
	*t = (struct top){.arena = NULL};
}

bool top_key(struct top_view *view, int key)
{
	switch (key) {
	case 'q':
	case 3: /* Ctrl-C, where the terminal does not make it a signal */
		return false;
	case 's':
		view->order = (enum top_order)((view->order + 1) % N_TOP_ORDERS);
		view->first = 0;
		break;
	case 'p':
	case ' ':
		view->is_paused = !view->is_paused;
		break;
	case 'h':
	case '?':
		view->shows_help = !view->shows_help;
		break;
	case 'j':
	case TOP_KEY_DOWN:
		view->first++; /* drawing knows where the end is */
		break;
	case 'k':
	case TOP_KEY_UP:
		view->first -= view->first > 0;
		break;
	default:
		break;
	}
	return true;
}
