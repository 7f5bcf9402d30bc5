// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Writes docs/reference.md to stdout: every kind, field, type, range, default and rule, from the
 * very tables that the decoder is driven by (userspace/api/fields.h). `make reference` puts it in
 * place, scripts/check-reference sees that it is.
 */
#include "api/fields.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

/* Where a table stands: the path so far, and what its struct holds before anything is read. */
struct place {
	const char *path;
	const char *defaults; /* NULL: zero */
	unsigned versions;    /* that have what it is a part of; 0: all */
	const struct api_schema *schema;
};

static const char *const types[API_N_TYPES] = {
	[API_TYPE_ANY] = "anything",
	[API_TYPE_BOOL] = "boolean",
	[API_TYPE_INT] = "number",
	[API_TYPE_STRING] = "text",
	[API_TYPE_ENUM] = "word",
	[API_TYPE_ADDRESS] = "IP address",
	[API_TYPE_PREFIX] = "prefix",
	[API_TYPE_RANGE] = "prefix or range",
	[API_TYPE_DURATION] = "duration",
	[API_TYPE_TIME] = "time",
	[API_TYPE_INT_OR_TEXT] = "number or text",
	[API_TYPE_LABELS] = "map of texts",
	[API_TYPE_SELECTOR] = "LabelSelector",
	[API_TYPE_STRUCT] = "object",
};

static void print_range(const struct api_field *f)
{
	const char *unit = f->type == API_TYPE_DURATION ? "s" : "";
	const bool is_number = f->type == API_TYPE_INT || f->type == API_TYPE_DURATION ||
			       f->type == API_TYPE_INT_OR_TEXT;

	if (is_number && (f->min || f->max))
		printf(", %" PRId64 "%s to %" PRId64 "%s", f->min, unit, f->max, unit);
	if (f->type == API_TYPE_STRING && f->max)
		printf(", up to %" PRId64 " octets", f->max);
	for (const struct api_word *w = f->words; w && w->text; w++)
		printf("%s%s", w == f->words ? ": " : ", ", w->text);
}

static void print_type(const struct api_field *f)
{
	printf(" %s%s", f->is_list ? "list of: " : "", types[f->type]);
	print_range(f);
	if (f->flags & API_FIELD_UNIQUE)
		printf("; none twice");
	if (f->flags & API_FIELD_NONEMPTY)
		printf("; at least one");
	printf(" |");
}

static int64_t number_at(const char *at, size_t size)
{
	switch (size) {
	case 1:
		return *(const uint8_t *)at;
	case 2:
		return *(const uint16_t *)(const void *)at;
	case 4:
		return *(const uint32_t *)(const void *)at;
	case 8:
		return *(const int64_t *)(const void *)at;
	default:
		return 0;
	}
}

static const char *word_of(const struct api_field *f, int64_t value)
{
	for (const struct api_word *w = f->words; w && w->text; w++)
		if (w->value == (int)value)
			return w->text;
	return "–";
}

/* Nothing is set, or 0, which is as good; rules say what that means where it needs words. */
static void print_default(const struct api_field *f, const char *defaults)
{
	static const char zeros[64];
	const char *at = defaults ? defaults + f->offset : zeros;
	const int64_t value = f->is_list || f->size > 8 ? 0 : number_at(at, f->size);

	if (f->is_list || f->bit)
		printf(" – |");
	else if (f->type == API_TYPE_BOOL)
		printf(" %s |", value == UINT8_MAX ? "–" : value ? "true" : "false");
	else if (f->type == API_TYPE_ENUM)
		printf(" %s |", word_of(f, value));
	else if (f->type == API_TYPE_INT && value)
		printf(" %" PRId64 " |", value);
	else
		printf(" – |");
}

static void print_versions(const struct place *p, unsigned mask)
{
	for (unsigned i = 0; i < ARRAY_SIZE(p->schema->versions); i++)
		if (p->schema->versions[i] && mask >> i & 1)
			printf(" %s", p->schema->versions[i]);
}

static bool is_one_version(const struct place *p)
{
	return !p->schema->versions[1];
}

static unsigned versions_of(const struct place *p, const struct api_field *f)
{
	return f->versions ? f->versions : p->versions;
}

static bool is_of_some(const struct place *p, const struct api_field *f)
{
	const unsigned versions = versions_of(p, f);

	return versions && versions != API_ALL && !is_one_version(p);
}

static void print_notes(const struct place *p, const struct api_field *f)
{
	if (f->required == API_ALL || (f->required && is_one_version(p)))
		printf(" required");
	else if (f->required) {
		printf(" required in");
		print_versions(p, f->required);
	}
	if (is_of_some(p, f)) {
		printf("%s only", f->required ? ";" : "");
		print_versions(p, versions_of(p, f));
	}
	if (f->flags & API_FIELD_NO_EFFECT)
		printf("%s no effect", is_of_some(p, f) ? ";" : "");
	if (f->flags & API_FIELD_APART)
		printf(" an item that is wrong costs itself alone");
	if (f->flags & API_FIELD_ELSEWHERE)
		printf(" said by other objects");
	printf(" |\n");
}

/* One level at a time: the nesting of tables is bounded by their number. */
#define MAX_LEVELS 16

static void print_table(const struct place *p, const struct api_table *t, unsigned level)
{
	assert(level < MAX_LEVELS);
	for (size_t i = 0; i < t->n; i++) {
		const struct api_field *f = &t->fields[i];
		char path[256];
		struct place below = {
			.path = path, .schema = p->schema, .versions = versions_of(p, f)};

		snprintf(path, sizeof(path), "%s%s%s%s", p->path, p->path[0] ? "." : "", f->name,
			 f->is_list && f->type == API_TYPE_STRUCT ? "[]" : "");
		if (f->flags & API_FIELD_IGNORED) {
			if (level > 0) /* what all objects have is told of all of them */
				printf("| `%s` | – | – | known, not looked at |\n", path);
			continue;
		}
		if (f->type != API_TYPE_STRUCT || f->required || f->flags) {
			printf("| `%s` |", path);
			print_type(f);
			print_default(f, p->defaults);
			print_notes(p, f);
		}
		if (f->type != API_TYPE_STRUCT)
			continue;
		if (f->table->defaults)
			below.defaults = f->table->defaults;
		else if (!f->is_list && p->defaults)
			below.defaults = p->defaults + f->offset;
		print_table(&below, f->table, level + 1);
	}
}

static void print_schema(const struct api_schema *s)
{
	const struct place place = {.path = "", .schema = s, .defaults = s->table->defaults};

	printf("\n## %s\n\n`%s%s", api_kind_text(s->kind), s->group, s->group[0] ? "/" : "");
	for (size_t i = 0; i < ARRAY_SIZE(s->versions) && s->versions[i]; i++)
		printf("%s%s", i ? "`, `" : "", s->versions[i]);
	printf("`%s%s\n\n", s->is_cluster_scoped ? "; in no namespace" : "",
	       s->is_lenient ? "; fields that are not listed here are not looked at" : "");
	printf("| field | type | default | |\n|---|---|---|---|\n");
	print_table(&place, s->table, 0);
	if (s->rules)
		printf("\n");
	for (const char *const *r = s->rules; r && *r; r++)
		printf("- %s\n", *r);
	if (s->annotations)
		printf("\n| annotation | values | |\n|---|---|---|\n");
	for (const struct api_annotation_row *a = s->annotations; a && a->name; a++)
		printf("| `%s` | %s | %s |\n", a->name, a->values, a->meaning);
}

int main(void)
{
	static const enum api_kind order[] = {
		API_IP_ADDRESS_POOL, API_BGP_PEER,       API_BGP_ADVERTISEMENT,
		API_COMMUNITY,       API_BFD_PROFILE,    API_LODESTONE_CONFIG,
		API_SERVICE,         API_ENDPOINT_SLICE, API_NODE,
		API_NAMESPACE,       API_SECRET,         API_FRR_CONFIGURATION,
		API_ENDPOINTS,
	};

	_Static_assert(ARRAY_SIZE(order) == API_N_KINDS, "a kind is missing in the reference");
	printf("# Reference of the objects\n\n"
	       "Written by `make reference` from the tables that validate (`userspace/api/`); do not "
	       "edit. What differs from MetalLB: [coming from MetalLB](coming-from-metallb.md). "
	       "Values are of the types that the API server takes; *–*: not set. A duration is as in "
	       "`90s` or `1m30s`.\n\n"
	       "Of every object `metadata` is read: name, namespace, labels, annotations, "
	       "creationTimestamp, uid; `status` of Services and Nodes alone.\n");
	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		print_schema(api_schemas[order[i]]);
	return 0;
}
