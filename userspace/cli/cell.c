// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Cell formatters. None of them fails; what has no meaning adds nothing.
 */
#include "cli/cell.h"

#include <stdint.h>

static const char *get_text(const cJSON *row, const char *key)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(row, key));
}

/* A count: NaN (no number) and negative values are refused, so the caller may convert. */
static bool get_seconds(const cJSON *row, const char *key, uint64_t *ret)
{
	double v = cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(row, key));

	if (!(v >= 0 && v < 1e15))
		return false;
	*ret = (uint64_t)v;
	return true;
}

static void add_scalar(struct strbuf *out, const cJSON *value)
{
	if (cJSON_IsString(value))
		strbuf_add(out, value->valuestring);
	else if (cJSON_IsNumber(value))
		strbuf_printf(out, "%.17g", value->valuedouble);
	else if (cJSON_IsBool(value))
		strbuf_add(out, cJSON_IsTrue(value) ? "yes" : "no");
}

void cell_value(struct strbuf *out, const cJSON *row, const char *key)
{
	const cJSON *value = cJSON_GetObjectItemCaseSensitive(row, key), *item;

	if (!cJSON_IsArray(value)) {
		add_scalar(out, value);
		return;
	}
	cJSON_ArrayForEach(item, value)
	{
		add_scalar(out, item);
		if (item->next)
			strbuf_add(out, ",");
	}
}

void cell_address(struct strbuf *out, const cJSON *row, const char *key)
{
	const char *address = get_text(row, key), *interface = get_text(row, "interface");

	if (address)
		strbuf_add(out, address);
	if (interface)
		strbuf_printf(out, "%s%s", address ? "%" : "", interface);
}

/* The two largest units that are not zero at the front: enough to judge an age. */
void cell_duration(struct strbuf *out, const cJSON *row, const char *key)
{
	static const struct {
		unsigned seconds;
		char unit;
	} units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
	uint64_t left;
	size_t i = 0;

	if (!get_seconds(row, key, &left))
		return;
	while (i < ARRAY_SIZE(units) - 1 && left < units[i].seconds)
		i++;
	for (size_t end = i + 2; i < end && i < ARRAY_SIZE(units); i++) {
		strbuf_printf(out, "%llu%c", (unsigned long long)(left / units[i].seconds),
			      units[i].unit);
		left %= units[i].seconds;
	}
}

void cell_decimal(struct strbuf *out, const cJSON *row, const char *key)
{
	const double v = cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(row, key));

	if (v >= 0)
		strbuf_printf(out, v < 100 ? "%.1f" : "%.0f", v);
}

void cell_state(struct strbuf *out, const cJSON *row, const char *key)
{
	uint64_t left;

	cell_value(out, row, key);
	if (!get_seconds(row, "drainSeconds", &left))
		return;
	strbuf_add(out, ", ");
	cell_duration(out, row, "drainSeconds");
	strbuf_add(out, " left");
}

void cell_time(struct strbuf *out, const cJSON *row, const char *key)
{
	uint64_t seconds;
	char text[32];
	struct tm tm;
	time_t t;

	if (!get_seconds(row, key, &seconds) || seconds == 0)
		return;
	t = (time_t)seconds;
	if (gmtime_r(&t, &tm) && strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm))
		strbuf_add(out, text);
}

void cell_backends(struct strbuf *out, const cJSON *row, const char *key)
{
	const cJSON *backends = cJSON_GetObjectItemCaseSensitive(row, key), *item;
	unsigned ready = 0, all = 0;

	if (!cJSON_IsArray(backends))
		return;
	cJSON_ArrayForEach(item, backends)
	{
		const char *state = get_text(item, "state");

		ready += state && strcmp(state, "ready") == 0;
		all++;
	}
	strbuf_printf(out, "%u/%u", ready, all);
}

void cell_object(struct strbuf *out, const cJSON *row, const char *key)
{
	static const char *const parts[] = {"kind", "namespace", "name"};

	(void)key; /* the cell is made of the three above */
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		const char *text = get_text(row, parts[i]);

		if (text) /* a path begins with the slash itself */
			strbuf_printf(out, "%s%s", out->len && text[0] != '/' ? "/" : "", text);
	}
}

void cell_advice(struct strbuf *out, const cJSON *row, const char *key)
{
	const char *message = get_text(row, key), *remedy = get_text(row, "remedy");

	if (message)
		strbuf_add(out, message);
	if (message && remedy)
		strbuf_printf(out, "; %s", remedy);
}
