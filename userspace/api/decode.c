// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The engine behind api/decode.h: maps to structs and sequences to lists, row by row; the values in
 * them are decoded by api/decode_value.c. Its recursion follows the tables, whose depth is fixed at
 * compile time, never the input.
 *
 * As in Kubernetes, null and (for text) "" mean that a field is absent. The hash of a struct adds
 * up its known fields, so neither the order of keys nor fields that mean nothing to us change it: a
 * node's heartbeat is not a new node.
 */
#include "api/decode.h"

#include "api/decode_value.h"
#include "api/nearest.h"
#include "api/scalar.h"
#include "base/hash.h"

#include <assert.h>

/* How lists lie in the structs of api/objects.h. */
struct list {
	const void *items;
	size_t n;
};

/* --- complaints --- */

static const char *path_text(struct arena *arena, const struct api_step *at)
{
	const char *text = "";

	for (; at; at = at->up) {
		const char *dot = *text && *text != '[' ? "." : "";

		if (at->name)
			text = arena_printf(arena, "%s%s%s", at->name, dot, text);
		else if (at->key)
			text = arena_printf(arena, "[%s]%s%s", at->key, dot, text);
		else
			text = arena_printf(arena, "[%zu]%s%s", at->index, dot, text);
	}
	return text;
}

static void complain(struct api_decoder *d, enum severity severity, const struct problem_text *text,
		     const char *fmt, va_list ap) printf_like(4, 0);
static void complain(struct api_decoder *d, enum severity severity, const struct problem_text *text,
		     const char *fmt, va_list ap)
{
	const char *message = arena_vprintf(d->arena, fmt, ap);

	problem_add(d->problems, severity, &d->object, text, "%s", message);
	d->n_errors += severity == SEVERITY_ERROR && !d->is_apart;
}

/* Is one the path of the other, or of what it stands in? */
static bool is_related(const char *a, const char *b)
{
	for (; *a && *a == *b; a++, b++)
		;
	return (!*a && strchr(".[", *b)) || (!*b && strchr(".[", *a));
}

bool api_failed(const struct api_decoder *d, const char *field)
{
	assert(d->first_problem <= d->end_decoded && d->end_decoded <= d->problems->n);
	for (size_t i = d->first_problem; i < d->end_decoded; i++) {
		const struct problem *p = &d->problems->items[i];

		if (p->severity == SEVERITY_ERROR && (!p->field || is_related(p->field, field)))
			return true;
	}
	return false;
}

void api_refuse(struct api_decoder *d, const char *field, const char *reason, const char *remedy,
		const char *fmt, ...)
{
	struct problem_text text = {field, reason, remedy, api_value_line(d->root, field)};
	va_list ap;

	assert(reason && remedy); /* what is wrong can be put right */
	if (api_failed(d, field))
		return;
	va_start(ap, fmt);
	complain(d, SEVERITY_ERROR, &text, fmt, ap);
	va_end(ap);
}

bool api_annotation_is_true(struct api_decoder *d, const struct api_object *o, const char *name)
{
	const char *value = labels_get(&o->meta.annotations, name);
	const bool is_true = value && strcmp(value, "true") == 0;

	if (value && !is_true && strcmp(value, "false") != 0)
		api_refuse(d, arena_printf(d->arena, "metadata.annotations[%s]", name), "BadValue",
			   "write \"true\" or \"false\"", "\"%s\" is neither true nor false",
			   value);
	return is_true;
}

/* "A, B or C", each in quotes. */
static const char *words_text(struct arena *arena, const struct api_word *words)
{
	const char *ret = "";

	for (const struct api_word *w = words; w->text; w++)
		ret = arena_printf(arena, "%s%s\"%s\"", ret,
				   w == words  ? ""
				   : w[1].text ? ", "
					       : " or ",
				   w->text);
	return ret;
}

uint8_t api_annotation_word(struct api_decoder *d, const struct api_object *o, const char *name,
			    const struct api_word *words)
{
	const char *value = labels_get(&o->meta.annotations, name);

	assert(words->text);
	if (!value)
		return 0;
	for (const struct api_word *w = words; w->text; w++) {
		assert(w->value > 0 && w->value <= UINT8_MAX); /* 0: it says nothing */
		if (strcmp(value, w->text) == 0)
			return (uint8_t)w->value;
	}
	api_refuse(d, arena_printf(d->arena, "metadata.annotations[%s]", name), "BadValue",
		   arena_printf(d->arena, "write %s", words_text(d->arena, words)),
		   "\"%s\" is none of the words that are known here", value);
	return 0;
}

bool api_annotation_number(struct api_decoder *d, const struct api_object *o, const char *name,
			   uint32_t min, uint32_t max, uint32_t *ret)
{
	const char *value = labels_get(&o->meta.annotations, name);
	uint64_t n = 0;

	assert(min <= max);
	if (!value)
		return false;
	for (size_t i = 0; value[i] >= '0' && value[i] <= '9' && n <= max; i++) {
		n = n * 10 + (uint64_t)(value[i] - '0');
		if (value[i + 1] == '\0' && n >= min && n <= max) {
			*ret = (uint32_t)n;
			return true;
		}
	}
	api_refuse(d, arena_printf(d->arena, "metadata.annotations[%s]", name), "BadValue",
		   arena_printf(d->arena, "write a number from %u to %u", min, max),
		   "\"%s\" is no number from %u to %u", value, min, max);
	return false;
}

static bool has_string(const char *const *items, size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(items[i], text) == 0)
			return true;
	return false;
}

struct api_strings api_annotation_list(struct api_decoder *d, const struct api_object *o,
				       const char *name)
{
	static const char blanks[] = " \t\n";
	const char *value = labels_get(&o->meta.annotations, name);
	const char **items;
	size_t n = 1;

	if (!value)
		return (struct api_strings){0};
	for (const char *at = value; *at; at++)
		n += *at == ',';
	items = arena_array_of(d->arena, n, const char *);
	for (size_t i = 0; i < n; i++) {
		size_t len = strcspn(value, ",");
		const char *next = value + len + 1;

		for (; len && strchr(blanks, *value); len--)
			value++;
		while (len && strchr(blanks, value[len - 1]))
			len--;
		items[i] = arena_printf(d->arena, "%.*s", (int)len, value);
		if (len == 0 || has_string(items, i, items[i]))
			api_refuse(d, arena_printf(d->arena, "metadata.annotations[%s]", name),
				   "BadValue", "write each one once, with commas between them",
				   len ? "\"%s\" is there twice"
				       : "there is nothing%s between two "
					 "commas",
				   items[i]);
		value = next;
	}
	return (struct api_strings){.items = items, .n = n};
}

void api_router_id(struct api_decoder *d, const char *field, const struct ip_addr *id,
		   uint32_t *ret)
{
	if (ip_addr_is_none(id))
		return;
	if (!ip_addr_is_v4(id))
		api_refuse(d, field, "BadAddress", "write an IPv4 address",
			   "is an IPv6 address; a router ID has four bytes (RFC 6286)");
	else if (ip_addr_v4(id) == 0)
		api_refuse(d, field, "BadAddress", "write an address of this node, or leave it out",
			   "is 0.0.0.0, which no router takes as an id (RFC 6286)");
	else
		*ret = ip_addr_v4(id);
}

void api_note(struct api_decoder *d, const char *field, const char *reason, const char *remedy,
	      const char *fmt, ...)
{
	struct problem_text text = {field, reason, remedy, api_value_line(d->root, field)};
	va_list ap;

	va_start(ap, fmt);
	complain(d, SEVERITY_INFO, &text, fmt, ap);
	va_end(ap);
}

void api_wrong(struct api_decoder *d, const struct api_value *v, const char *reason,
	       const char *remedy, const char *fmt, ...)
{
	struct problem_text text = {path_text(d->arena, d->at), reason, remedy, v->line};
	va_list ap;

	va_start(ap, fmt);
	complain(d, SEVERITY_ERROR, &text, fmt, ap);
	va_end(ap);
}

void api_doubt(struct api_decoder *d, const struct api_value *v, const char *reason,
	       const char *remedy, const char *fmt, ...)
{
	struct problem_text text = {path_text(d->arena, d->at), reason, remedy, v->line};
	va_list ap;

	va_start(ap, fmt);
	complain(d, SEVERITY_WARNING, &text, fmt, ap);
	va_end(ap);
}

bool api_is_faulty(struct api_decoder *d, const struct api_value *v)
{
	struct problem_text text = {.reason = "BadYAML"};

	if (!v->fault)
		return false;
	text.field = path_text(d->arena, d->at);
	text.remedy = v->fault->remedy;
	text.line = v->fault->line;
	if (!*text.field)
		text.field = NULL;
	problem_add(d->problems, SEVERITY_ERROR, &d->object, &text, "%s", v->fault->message);
	d->n_errors += !d->is_apart;
	return true;
}

/* --- lists --- */

static int hash_cmp(const void *a, const void *b)
{
	const struct api_value *const *x = a, *const *y = b;

	if ((*x)->hash != (*y)->hash)
		return (*x)->hash < (*y)->hash ? -1 : 1;
	return ((*x)->line > (*y)->line) - ((*x)->line < (*y)->line);
}

/* Items are told apart by the hash of their tree, which does not depend on the order of keys. */
static void check_unique(struct api_decoder *d, const struct api_value *list)
{
	const struct api_value **sorted =
		arena_array_of(d->scratch, list->n, const struct api_value *);
	size_t n = 0;

	for (const struct api_value *c = list->first; c; c = c->next)
		sorted[n++] = c;
	qsort(sorted, n, sizeof(*sorted), hash_cmp);
	for (size_t i = 1; i < n; i++)
		if (sorted[i - 1]->hash == sorted[i]->hash)
			api_wrong(d, sorted[i], "DuplicateItem", "remove one of them",
				  "holds the same item twice");
}

/* False: it is wrong, and is to be left out. */
static bool decode_item(struct api_decoder *d, const struct api_field *f, const struct api_value *c,
			void *dst)
{
	const size_t n_told = d->problems->n;

	d->is_apart = f->flags & API_FIELD_APART;
	if (!api_is_faulty(d, c)) {
		if (c->type == API_VALUE_SCALAR && c->len == 0 &&
		    !(f->flags & API_FIELD_MAY_BE_EMPTY && !c->is_plain))
			api_wrong(d, c, "EmptyItem", "remove the item or give it a value",
				  "is empty");
		else
			api_decode_value(d, f, c, dst);
	}
	d->is_apart = false;
	return !(f->flags & API_FIELD_APART) || d->problems->n == n_told;
}

static void decode_list(struct api_decoder *d, const struct api_field *f, const struct api_value *v,
			void *dst)
{
	struct api_step step = {.up = d->at};
	uint64_t hash = HASH_INIT;
	size_t n = 0;
	char *items;

	if (v->type != API_VALUE_SEQUENCE) {
		api_wrong_type(d, v, "a list", "write each item on a line of its own after \"- \"");
		return;
	}
	if (v->n == 0 && (f->flags & API_FIELD_NONEMPTY))
		api_wrong(d, v, "MissingField", "add an item, or remove the object", "is empty");
	if (f->flags & API_FIELD_UNIQUE)
		check_unique(d, v);
	items = arena_alloc(f->type == API_TYPE_STRUCT || f->flags & API_FIELD_NOT_KEPT ? d->scratch
											: d->arena,
			    v->n, f->size);
	d->at = &step;
	for (const struct api_value *c = v->first; c; c = c->next) {
		n += decode_item(d, f, c, items + n * f->size);
		hash = hash_u64(hash, d->hash);
		step.index++;
	}
	d->at = step.up;
	d->hash = hash;
	memcpy(dst, &(struct list){.items = items, .n = n}, sizeof(struct list));
}

/* --- structs --- */

static bool is_known_in(const struct api_field *f, unsigned version)
{
	return f->versions == 0 || (f->versions & version);
}

static const struct api_field *find_field(const struct api_table *t, unsigned version,
					  const char *name)
{
	for (size_t i = 0; i < t->n; i++)
		if (is_known_in(&t->fields[i], version) && strcmp(t->fields[i].name, name) == 0)
			return &t->fields[i];
	return NULL;
}

static const char *nearest_field(const struct api_table *table, unsigned version, const char *name)
{
	const char *best = NULL;

	for (size_t i = 0; i < table->n; i++) {
		const struct api_field *f = &table->fields[i];

		if (is_known_in(f, version) && api_name_is_near(name, f->name) &&
		    (!best || api_name_distance(name, f->name) < api_name_distance(name, best)))
			best = f->name;
	}
	return best;
}

static void unknown_field(struct api_decoder *d, const struct api_table *t,
			  const struct api_value *v)
{
	struct problem_text text = {
		.reason = "UnknownField", .remedy = "remove it", .line = v->line};
	const struct api_field *other = find_field(t, API_ALL, v->key);
	const char *near;

	if (d->is_lenient)
		return;
	near = nearest_field(t, d->version, v->key);
	text.field = path_text(d->arena, d->at);
	if (near)
		text.remedy = arena_printf(d->arena, "write %s if that is meant", near);
	else if (other)
		text.remedy = arena_printf(d->arena, "write apiVersion: %s/%s, which has it",
					   d->schema->group,
					   d->schema->versions[__builtin_ctz(other->versions)]);
	problem_add(d->problems, SEVERITY_WARNING, &d->object, &text, "not a field of %s, ignored",
		    d->api_version);
}

/* Text that is there but empty says no more than no text at all. */
static bool is_absent(const struct api_field *f, const struct api_value *v)
{
	static const unsigned text_types = 1u << API_TYPE_STRING | 1u << API_TYPE_ENUM |
					   1u << API_TYPE_ADDRESS | 1u << API_TYPE_PREFIX |
					   1u << API_TYPE_DURATION | 1u << API_TYPE_TIME |
					   1u << API_TYPE_INT_OR_TEXT;

	if (api_is_plain(v, API_SCALAR_NULL))
		return true;
	return !f->is_list && v->type == API_VALUE_SCALAR && v->len == 0 &&
	       (text_types >> f->type & 1);
}

static bool is_default(const struct api_table *t, const struct api_field *f, const char *base)
{
	static const char zero[64];
	const char *want = t->defaults ? (const char *)t->defaults + f->offset : zero;

	assert(f->size <= sizeof(zero) || t->defaults || f->is_list);
	if (f->type == API_TYPE_ANY)
		return false;
	if (f->is_list)
		return ((const struct list *)(const void *)(base + f->offset))->n == 0;
	return memcmp(base + f->offset, want, f->size) == 0;
}

static void note_effect(struct api_decoder *d, const struct api_table *t, const struct api_field *f,
			const char *base)
{
	if (f->flags & API_FIELD_NO_EFFECT && !is_default(t, f, base))
		api_note(d, path_text(d->arena, d->at), "NoEffect", "remove it",
			 "deprecated, has no effect");
}

/* One member of the map; returns the row it belongs to, NULL if it counts as absent. */
static const struct api_field *decode_member(struct api_decoder *d, const struct api_table *t,
					     const struct api_value *v, char *base)
{
	const struct api_field *f = find_field(t, d->version, v->key);

	d->hash = 0;
	if (!f) {
		unknown_field(d, t, v);
		return NULL;
	}
	if (v->is_duplicate)
		api_wrong(d, v, "DuplicateKey", "keep one of them", "stands there twice");
	if (f->flags & API_FIELD_ELSEWHERE)
		api_note(d, path_text(d->arena, d->at), "NotSupported",
			 "remove it, and say it with BGPPeer and BGPAdvertisement",
			 "has no effect here");
	if (f->flags & (API_FIELD_IGNORED | API_FIELD_ELSEWHERE))
		return NULL;
	if (api_is_faulty(d, v))
		return f;
	if (is_absent(f, v))
		return NULL;
	if (f->is_list)
		decode_list(d, f, v, base + f->offset);
	else
		api_decode_value(d, f, v, base + f->offset);
	note_effect(d, t, f, base);
	if (f->bit) {
		int *set = (int *)(void *)(base + t->set_at);

		*set |= f->bit;
	}
	return f;
}

static void check_required(struct api_decoder *d, const struct api_table *t,
			   const struct api_value *map, uint64_t seen)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct api_field *f = &t->fields[i];
		struct api_step step = {.up = d->at, .name = f->name};

		if (!(f->required & d->version) || !is_known_in(f, d->version) || (seen >> i & 1))
			continue;
		d->at = &step;
		api_wrong(d, map, "MissingField", "add it", "is missing");
		d->at = step.up;
	}
}

bool api_decode_map(struct api_decoder *d, const struct api_table *table,
		    const struct api_value *map, void *dst)
{
	uint64_t seen = 0, hash = HASH_INIT;

	assert(table->n <= 64);
	if (map->type != API_VALUE_MAP) {
		api_wrong_type(d, map, "a map", "write KEY: VALUE on lines of their own");
		return false;
	}
	if (table->defaults)
		memcpy(dst, table->defaults, table->size);
	for (const struct api_value *v = map->first; v; v = v->next) {
		struct api_step step = {.up = d->at, .name = v->key};
		const struct api_field *f;

		d->at = &step;
		f = decode_member(d, table, v, dst);
		d->at = step.up;
		if (f) {
			seen |= UINT64_C(1) << (f - table->fields);
			hash += hash_u64(hash_str(HASH_INIT, f->name), d->hash);
		}
	}
	check_required(d, table, map, seen);
	d->hash = hash;
	return true;
}
