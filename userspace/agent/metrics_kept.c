// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Few rows, which are searched one by one. JSON, which is YAML; counts as texts, for a double would
 * not hold them. */
#include "agent/metrics_kept.h"

#include "base/mem.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>

#define VERSION 1 /* grows when counts are another or in another order */

struct row {
	char *key; /* owned */
	size_t n;
	uint64_t total[METRICS_KEPT_COUNTS], last[METRICS_KEPT_COUNTS];
	bool is_asked_for;
};

struct metrics_kept {
	struct row *rows; /* owned */
	size_t n, cap;
	bool has_changed;
};

struct metrics_kept *metrics_kept_new(void)
{
	return xcalloc(1, sizeof(struct metrics_kept));
}

struct metrics_kept *metrics_kept_free(struct metrics_kept *k)
{
	for (size_t i = 0; k && i < k->n; i++)
		free(k->rows[i].key);
	if (k)
		free(k->rows);
	free(k);
	return NULL;
}

/* NULL: there is none, and no room for one. */
static struct row *row_of(struct metrics_kept *k, const char *key)
{
	struct row *r;

	for (size_t i = 0; i < k->n; i++)
		if (strcmp(k->rows[i].key, key) == 0)
			return &k->rows[i];
	if (k->n == METRICS_KEPT_ROWS)
		return NULL;
	r = xpush(&k->rows, &k->n, &k->cap, sizeof(*r));
	r->key = xstrdup(key);
	return r;
}

void metrics_kept_add(struct metrics_kept *k, const char *key, uint64_t *counts, size_t n)
{
	struct row *r = row_of(k, key);

	for (size_t i = 0; r && i < n && i < METRICS_KEPT_COUNTS; i++) {
		const uint64_t now = counts[i];
		const uint64_t more = now >= r->last[i] ? now - r->last[i] : now;

		k->has_changed |= more > 0;
		r->total[i] += more;
		r->last[i] = now;
		counts[i] = r->total[i];
	}
	if (!r)
		return;
	r->is_asked_for = true;
	r->n = n > r->n ? n : r->n;
}

bool metrics_kept_has_changed(const struct metrics_kept *k)
{
	return k->has_changed;
}

/* --- as text ---------------------------------------------------------------------------------- */

char *metrics_kept_text(struct metrics_kept *k, bool all_were_asked_for)
{
	cJSON *doc = cJSON_CreateObject();
	cJSON *rows;
	char *text;

	cJSON_AddNumberToObject(doc, "version", VERSION);
	rows = cJSON_AddObjectToObject(doc, "counts");
	for (size_t i = 0; i < k->n; i++) {
		const struct row *r = &k->rows[i];
		cJSON *list;

		if (all_were_asked_for && !r->is_asked_for)
			continue;
		list = cJSON_AddArrayToObject(rows, r->key);
		for (size_t c = 0; c < r->n; c++) {
			char number[24];

			snprintf(number, sizeof(number), "%" PRIu64, r->total[c]);
			cJSON_AddItemToArray(list, cJSON_CreateString(number));
		}
	}
	text = cJSON_PrintUnformatted(doc);
	cJSON_Delete(doc);
	k->has_changed = false;
	return text;
}

static bool read_count(const cJSON *item, uint64_t *ret)
{
	const char *text = cJSON_GetStringValue(item);

	if (!text || text[0] == '\0' || text[strspn(text, "0123456789")] != '\0')
		return false;
	errno = 0;
	*ret = strtoull(text, NULL, 10);
	return errno == 0;
}

static bool read_counts(const cJSON *list, struct row *ret)
{
	const cJSON *item;

	if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) > METRICS_KEPT_COUNTS)
		return false;
	cJSON_ArrayForEach(item, list) if (!read_count(item, &ret->total[ret->n++])) return false;
	return true;
}

bool metrics_kept_read(struct metrics_kept *k, const char *text)
{
	cJSON *doc = cJSON_Parse(text);
	const cJSON *version = cJSON_GetObjectItemCaseSensitive(doc, "version");
	const cJSON *rows = cJSON_GetObjectItemCaseSensitive(doc, "counts"), *list;
	const bool is_ours =
		cJSON_IsNumber(version) && version->valuedouble == VERSION && cJSON_IsObject(rows);

	if (is_ours) {
		cJSON_ArrayForEach(list, rows)
		{
			struct row read = {.n = 0}, *r;

			if (!read_counts(list, &read))
				continue;
			r = row_of(k, list->string);
			if (!r)
				break;
			memcpy(r->total, read.total, sizeof(r->total));
			r->n = read.n;
		}
	}
	cJSON_Delete(doc);
	return is_ours;
}
