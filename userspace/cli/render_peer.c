// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * `lodectl show peer NAME` for people: below the row what was offered and agreed, the last
 * NOTIFICATION each way, what is not announced to it, and what happened, the latest last.
 */
#include "cli/render.h"

#include "cli/cell.h"
#include "cli/table.h"

#define LINE_MAX_BYTES 4096u

static const cJSON *get(const cJSON *o, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(o, key);
}

static void add_value(struct table *t, const char *label, const cJSON *o, const char *key)
{
	struct strbuf line;

	strbuf_init(&line, LINE_MAX_BYTES);
	cell_value(&line, o, key);
	table_add_line(t, label, &line);
}

static void add_seconds(struct table *t, const char *label, const cJSON *o, const char *key)
{
	struct strbuf line;

	strbuf_init(&line, LINE_MAX_BYTES);
	cell_value(&line, o, key);
	strbuf_add(&line, cJSON_IsNumber(get(o, key)) ? " s" : "");
	table_add_line(t, label, &line);
}

/* "5m12s ago: Cease/Administrative Shutdown: bye (0602...)" */
static void add_notification(struct table *t, const char *label, const cJSON *o)
{
	struct strbuf line;

	strbuf_init(&line, LINE_MAX_BYTES);
	if (cJSON_IsObject(o)) {
		cell_duration(&line, o, "secondsAgo");
		strbuf_add(&line, " ago: ");
		cell_value(&line, o, "text");
		strbuf_add(&line, " (");
		cell_value(&line, o, "hex");
		strbuf_add(&line, ")");
	}
	table_add_line(t, label, &line);
}

static void add_untold(struct table *t, const cJSON *list)
{
	const cJSON *o;

	cJSON_ArrayForEach(o, list)
	{
		struct strbuf line;

		strbuf_init(&line, LINE_MAX_BYTES);
		cell_value(&line, o, "address");
		strbuf_add(&line, " of ");
		cell_value(&line, o, "namespace");
		strbuf_add(&line, "/");
		cell_value(&line, o, "service");
		strbuf_add(&line, ": ");
		cell_value(&line, o, "reason");
		table_add_line(t, "Not announced", &line);
	}
}

static void add_history(struct table *t, const cJSON *list)
{
	const cJSON *o;

	cJSON_ArrayForEach(o, list)
	{
		struct strbuf line;

		strbuf_init(&line, LINE_MAX_BYTES);
		cell_duration(&line, o, "secondsAgo");
		strbuf_add(&line, " ago: ");
		cell_value(&line, o, "event");
		table_add_line(t, "History", &line);
	}
}

void render_peer(const cJSON *peer, struct strbuf *out)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct table t = {.arena = arena, .n_columns = 2};

	add_value(&t, "Router id", peer, "routerID");
	add_seconds(&t, "Hold time", peer, "holdTime");
	add_seconds(&t, "Keepalive", peer, "keepaliveTime");
	add_value(&t, "Families", peer, "families");
	add_value(&t, "Offered", peer, "offered");
	add_value(&t, "Offered by peer", peer, "offeredByPeer");
	add_value(&t, "Routes sent", peer, "routesAdvertised");
	add_value(&t, "... received", peer, "routesReceived");
	add_value(&t, "... accepted", peer, "routesAccepted");
	add_notification(&t, "Last sent", get(peer, "lastNotificationSent"));
	add_notification(&t, "Last received", get(peer, "lastNotificationReceived"));
	add_untold(&t, get(peer, "notAnnounced"));
	add_history(&t, get(peer, "history"));
	strbuf_add(out, "\n");
	table_print(&t, out);
}
