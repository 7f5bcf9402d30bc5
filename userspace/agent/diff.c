// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#include "agent/diff.h"

#include "agent/diff_outcome.h"
#include "plan/plan_changes.h"
#include "sys/clock.h"

#include <cjson/cJSON.h>
#include <stdlib.h>

/* How many of one world are not in the other, or are others there. */
static void count_objects(const struct comparison *d, cJSON *to)
{
	size_t n_added = 0, n_changed = 0, n_removed = 0;

	for (enum api_kind kind = 0; kind < API_N_KINDS; kind++) {
		const struct world_list had = world_list(d->worlds.from, kind);
		const struct world_list has = world_list(d->worlds.to, kind);

		for (size_t i = 0; i < has.n; i++) {
			const struct api_meta *m = &has.items[i]->meta;
			const struct api_object *before =
				world_find(d->worlds.from, kind, m->ns, m->name);

			n_added += !before;
			n_changed += before && before->hash != has.items[i]->hash;
		}
		for (size_t i = 0; i < had.n; i++)
			n_removed += !world_find(d->worlds.to, kind, had.items[i]->meta.ns,
						 had.items[i]->meta.name);
	}
	cJSON_AddNumberToObject(to, "added", (double)n_added);
	cJSON_AddNumberToObject(to, "changed", (double)n_changed);
	cJSON_AddNumberToObject(to, "removed", (double)n_removed);
}

static cJSON *change_json(const struct plan_change *change)
{
	cJSON *o = cJSON_CreateObject(), *peers;

	cJSON_AddStringToObject(o, "change", plan_op_text(change->op));
	cJSON_AddStringToObject(o, "kind", change->kind);
	cJSON_AddStringToObject(o, "name", change->name);
	peers = cJSON_AddArrayToObject(o, "peers");
	for (size_t i = 0; i < change->peers.n; i++)
		cJSON_AddItemToArray(peers, cJSON_CreateString(change->peers.items[i]));
	cJSON_AddStringToObject(o, "message", change->message);
	return o;
}

static void print_changes(struct comparison *d)
{
	struct diff_outcome from, to;
	const struct plan_change *changes;
	cJSON *out = cJSON_CreateObject(), *list;
	char *text;
	size_t n;

	diff_compute(d, d->worlds.from, &d->given, false, &from);
	diff_compute(d, d->worlds.to, &from.addresses, !d->options->file, &to);
	n = plan_changes(&from.told, &to.told, d->arena, &changes);
	cJSON_AddStringToObject(out, "node", d->options->node);
	cJSON_AddBoolToObject(out, "differs", n > 0);
	cJSON_AddNumberToObject(out, "drainSeconds", (double)(to.plan.drain_ns / NSEC_PER_SEC));
	count_objects(d, cJSON_AddObjectToObject(out, "objects"));
	list = cJSON_AddArrayToObject(out, "changes");
	for (size_t i = 0; i < n; i++)
		cJSON_AddItemToArray(list, change_json(&changes[i]));
	text = cJSON_PrintUnformatted(out);
	if (!text)
		abort(); /* out of memory */
	puts(text);
	cJSON_free(text);
	cJSON_Delete(out);
}

int diff_run(const struct options *options)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct comparison d = {
		.options = options, .arena = arena, .now = clock_now(), .boot = clock_boot_id()};
	int r = diff_worlds_load(options, arena, &d.worlds);

	if (r == 0) {
		diff_read_memory(&d);
		r = diff_read_node(&d);
		if (r == 0)
			print_changes(&d);
		else
			fprintf(stderr, "lodestoned: cannot read the node: %s\n", strerror(-r));
	}
	diff_done(&d);
	return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
