// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Writes a CustomResourceDefinition for each row of userspace/api/crd.c into FOLDER/GROUP, from
 * the tables that the decoder is driven by: crds FOLDER. `make crds` puts them into deploy/crds,
 * scripts/check-crds sees that they are.
 *
 * The schema says what the tables say and no more than MetalLB's own where the kind is MetalLB's
 * (api/crd.h). Each rule, default and bound has a path; one that fits no field of a version that it
 * is for would be lost in silence, so they are counted.
 */
#include "api/crd.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_LEVELS 16
#define PATH       256

struct place {
	FILE *out;
	const struct api_crd *crd;
	unsigned version; /* its bit */
	unsigned *n_used; /* rows that found their field */
};

__attribute__((format(printf, 3, 4))) static void line(const struct place *p, int indent,
						       const char *fmt, ...)
{
	va_list ap;

	fprintf(p->out, "%*s", indent, "");
	va_start(ap, fmt);
	vfprintf(p->out, fmt, ap);
	va_end(ap);
	fputc('\n', p->out);
}

/* In double quotes, as YAML and JSON have them. */
static void line_quoted(const struct place *p, int indent, const char *key, const char *text)
{
	fprintf(p->out, "%*s%s: \"", indent, "", key);
	for (const char *at = text; *at; at++)
		fprintf(p->out, *at == '"' || *at == '\\' ? "\\%c" : "%c", *at);
	fputs("\"\n", p->out);
}

static void join(char ret[PATH], const char *path, const char *separator, const char *name)
{
	const int len = snprintf(ret, PATH, "%s%s%s", path, separator, name);

	assert(len > 0 && len < PATH);
}

static bool is_metallb(const struct api_crd *c)
{
	return strcmp(c->schema ? c->schema->group : c->group, "lodestone.io") != 0;
}

static bool is_for(const struct place *p, unsigned versions)
{
	return versions == 0 || (versions & p->version);
}

/* --- what the rows of crd.c add at a path ----------------------------------------------------- */

static void print_rules(const struct place *p, const char *path, int indent)
{
	bool is_first = true;

	for (const struct api_cel *c = p->crd->cel; c && c->at; c++) {
		if (strcmp(c->at, path) != 0 || !is_for(p, c->versions))
			continue;
		if (is_first)
			line(p, indent, "x-kubernetes-validations:");
		is_first = false;
		line_quoted(p, indent, "- rule", c->rule);
		line_quoted(p, indent + 2, "message", c->message);
		if (c->field)
			line_quoted(p, indent + 2, "fieldPath", c->field);
		++*p->n_used;
	}
}

static void print_bounds(const struct place *p, const char *path, int indent)
{
	for (const struct api_bound *b = p->crd->bounds; b && b->at; b++) {
		if (strcmp(b->at, path) != 0 || !is_for(p, b->versions))
			continue;
		if (b->max_items)
			line(p, indent, "maxItems: %u", b->max_items);
		if (b->max_length)
			line(p, indent, "maxLength: %u", b->max_length);
		++*p->n_used;
	}
}

static void print_default(const struct place *p, const char *path, int indent)
{
	for (const struct api_default *d = p->crd->defaults; d && d->at; d++) {
		if (strcmp(d->at, path) != 0 || !is_for(p, d->versions))
			continue;
		line(p, indent, "default: %s", d->value);
		++*p->n_used;
	}
}

static unsigned count_rows(const struct place *p)
{
	unsigned n = 0;

	for (const struct api_cel *c = p->crd->cel; c && c->at; c++)
		n += is_for(p, c->versions);
	for (const struct api_default *d = p->crd->defaults; d && d->at; d++)
		n += is_for(p, d->versions);
	for (const struct api_bound *b = p->crd->bounds; b && b->at; b++)
		n += is_for(p, b->versions);
	return n;
}

/* --- types ------------------------------------------------------------------------------------ */

static void print_number(const struct place *p, const struct api_field *f, int indent)
{
	const bool is_wide = f->max > INT32_MAX;
	const bool is_bounded = (f->min || f->max) && (f->min != INT32_MIN || f->max != INT32_MAX);

	line(p, indent, "type: integer");
	line(p, indent, "format: %s", is_wide ? "int64" : "int32");
	if (!is_bounded)
		return;
	line(p, indent, "minimum: %" PRId64, f->min);
	if (f->max != INT64_MAX)
		line(p, indent, "maximum: %" PRId64, f->max);
}

static void print_words(const struct place *p, const struct api_word *words, int indent)
{
	line(p, indent, "enum:");
	for (const struct api_word *w = words; w->text; w++)
		line(p, indent, "- \"%s\"", w->text);
}

/* metav1.LabelSelector */
static void print_selector(const struct place *p, int indent)
{
	line(p, indent, "type: object");
	line(p, indent, "x-kubernetes-map-type: atomic");
	line(p, indent, "properties:");
	line(p, indent, "  matchLabels:");
	line(p, indent, "    type: object");
	line(p, indent, "    additionalProperties: {type: string}");
	line(p, indent, "  matchExpressions:");
	line(p, indent, "    type: array");
	line(p, indent, "    items:");
	line(p, indent, "      type: object");
	line(p, indent, "      required: [key, operator]");
	line(p, indent, "      properties:");
	line(p, indent, "        key: {type: string}");
	line(p, indent, "        operator:");
	line(p, indent, "          type: string");
	print_words(p, api_selector_words, indent + 10);
	line(p, indent, "        values: {type: array, items: {type: string}}");
}

static void print_table(const struct place *p, const char *path, const struct api_table *t,
			int indent);

static void print_string(const struct place *p, const struct api_field *f, int indent)
{
	line(p, indent, "type: string");
	if (f->type == API_TYPE_TIME)
		line(p, indent, "format: date-time");
	if (f->type == API_TYPE_STRING && f->max && !is_metallb(p->crd))
		line(p, indent, "maxLength: %" PRId64, f->max);
}

static void print_type(const struct place *p, const char *path, const struct api_field *f,
		       int indent)
{
	switch (f->type) {
	case API_TYPE_ANY:
		line(p, indent, "x-kubernetes-preserve-unknown-fields: true");
		return;
	case API_TYPE_BOOL:
		line(p, indent, "type: boolean");
		return;
	case API_TYPE_INT:
		print_number(p, f, indent);
		return;
	case API_TYPE_ENUM:
		line(p, indent, "type: string");
		print_words(p, f->words, indent);
		return;
	case API_TYPE_INT_OR_TEXT:
		line(p, indent, "x-kubernetes-int-or-string: true");
		return;
	case API_TYPE_LABELS:
		line(p, indent, "type: object");
		line(p, indent, "additionalProperties: {type: string}");
		return;
	case API_TYPE_SELECTOR:
		print_selector(p, indent);
		return;
	case API_TYPE_STRUCT:
		print_table(p, path, f->table, indent);
		return;
	case API_TYPE_STRING:
	case API_TYPE_ADDRESS:
	case API_TYPE_PREFIX:
	case API_TYPE_RANGE:
	case API_TYPE_DURATION:
	case API_TYPE_TIME:
	case API_N_TYPES:
		print_string(p, f, indent);
		return;
	}
}

/* --- fields ----------------------------------------------------------------------------------- */

static void print_list(const struct place *p, const char *path, const struct api_field *f,
		       int indent)
{
	char below[PATH];

	join(below, path, "[]", "");
	line(p, indent, "type: array");
	if (f->flags & API_FIELD_NONEMPTY)
		line(p, indent, "minItems: 1");
	if (f->table == &api_table_condition) {
		line(p, indent, "x-kubernetes-list-type: map");
		line(p, indent, "x-kubernetes-list-map-keys: [type]");
	} else if (f->flags & API_FIELD_UNIQUE && f->type == API_TYPE_STRING) {
		line(p, indent, "x-kubernetes-list-type: set");
	}
	print_bounds(p, path, indent);
	print_rules(p, path, indent);
	line(p, indent, "items:");
	print_type(p, below, f, indent + 2);
	if (f->type != API_TYPE_STRUCT) {
		print_bounds(p, below, indent + 2);
		print_rules(p, below, indent + 2);
	}
}

static void print_field(const struct place *p, const char *path, const struct api_field *f,
			int indent)
{
	line(p, indent, "%s:", f->name);
	if (f->is_list) {
		print_list(p, path, f, indent + 2);
		return;
	}
	print_type(p, path, f, indent + 2);
	print_default(p, path, indent + 2);
	if (f->type == API_TYPE_STRUCT)
		return;
	print_bounds(p, path, indent + 2);
	print_rules(p, path, indent + 2);
}

static bool is_in(const struct place *p, const struct api_field *f)
{
	return is_for(p, f->versions);
}

static void print_required(const struct place *p, const struct api_table *t, int indent)
{
	bool is_first = true;

	for (size_t i = 0; i < t->n; i++) {
		if (!is_in(p, &t->fields[i]) || !(t->fields[i].required & p->version))
			continue;
		if (is_first)
			line(p, indent, "required:");
		is_first = false;
		line(p, indent, "- %s", t->fields[i].name);
	}
}

/* One level of the path for each level of tables, whose number is bounded. */
static void print_table(const struct place *p, const char *path, const struct api_table *t,
			int indent)
{
	char below[PATH];

	assert(indent < 10 + 4 * MAX_LEVELS);
	line(p, indent, "type: object");
	if (p->crd->is_open)
		line(p, indent, "x-kubernetes-preserve-unknown-fields: true");
	print_required(p, t, indent);
	print_rules(p, path, indent);
	line(p, indent, "properties:");
	for (size_t i = 0; i < t->n; i++) {
		if (!is_in(p, &t->fields[i]))
			continue;
		join(below, path, ".", t->fields[i].name);
		print_field(p, below, &t->fields[i], indent + 2);
	}
}

/* --- one definition --------------------------------------------------------------------------- */

static const struct api_field *spec_of(const struct api_crd *c)
{
	const struct api_table *t = c->schema->table;

	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->fields[i].name, "spec") == 0)
			return &t->fields[i];
	abort();
}

/* The sentences that docs/reference.md has, too, for kubectl explain. */
static void print_description(const struct place *p, int indent)
{
	char text[4096];
	size_t len = (size_t)snprintf(text, sizeof(text), "%s", p->crd->about);
	const char *const *rule = p->crd->schema ? p->crd->schema->rules : NULL;

	for (; rule && *rule && len < sizeof(text); rule++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, " %s", *rule);
	assert(len < sizeof(text));
	line_quoted(p, indent, "description", text);
}

static void print_root(const struct place *p, int indent)
{
	const struct api_crd *c = p->crd;
	const struct api_field *spec = c->schema ? spec_of(c) : NULL;

	line(p, indent, "type: object");
	print_description(p, indent);
	if (spec && (spec->required & p->version))
		line(p, indent, "required: [spec]");
	line(p, indent, "properties:");
	line(p, indent, "  apiVersion: {type: string}");
	line(p, indent, "  kind: {type: string}");
	line(p, indent, "  metadata: {type: object}");
	line(p, indent, "  spec:");
	if (spec || c->spec)
		print_table(p, "spec", spec ? spec->table : c->spec, indent + 4);
	else
		line(p, indent, "    type: object");
	if (!c->status)
		return;
	line(p, indent, "  status:");
	print_table(p, "status", c->status, indent + 4);
}

static void print_version(struct place *p, const char *name, bool is_last)
{
	unsigned n_used = 0;

	p->n_used = &n_used;
	line(p, 2, "- name: %s", name);
	line(p, 2, "  served: true");
	line(p, 2, "  storage: %s", is_last ? "true" : "false");
	if (!is_last) {
		line(p, 2, "  deprecated: true");
		line(p, 2, "  deprecationWarning: \"%s %s is old; write the newer version\"",
		     api_kind_text(p->crd->schema->kind), name);
	}
	if (p->crd->status)
		line(p, 2, "  subresources: {status: {}}");
	if (p->crd->columns)
		line(p, 2, "  additionalPrinterColumns:");
	for (const struct api_column *c = p->crd->columns; c && c->name; c++) {
		line(p, 2, "  - name: %s", c->name);
		line(p, 2, "    type: %s", c->type);
		line_quoted(p, 6, "jsonPath", c->path);
		if (c->is_wide)
			line(p, 2, "    priority: 1");
	}
	line(p, 2, "  schema:");
	line(p, 2, "    openAPIV3Schema:");
	print_root(p, 8);
	if (n_used != count_rows(p)) {
		fprintf(stderr, "crds: %s %s: %u of %u rows of crd.c fit a field\n", p->crd->plural,
			name, n_used, count_rows(p));
		exit(EXIT_FAILURE);
	}
}

static void print_names(const struct place *p, const char *kind)
{
	char singular[64];
	size_t i = 0;

	for (; kind[i] && i < sizeof(singular) - 1; i++)
		singular[i] = (char)tolower((unsigned char)kind[i]);
	singular[i] = '\0';
	line(p, 2, "scope: Namespaced");
	line(p, 2, "names:");
	line(p, 2, "  kind: %s", kind);
	line(p, 2, "  listKind: %sList", kind);
	line(p, 2, "  plural: %s", p->crd->plural);
	line(p, 2, "  singular: %s", singular);
	line(p, 2, "  categories: [lodestone]");
}

static void print_crd(FILE *out, const struct api_crd *c)
{
	struct place p = {.out = out, .crd = c};
	const char *group = c->schema ? c->schema->group : c->group;
	const char *const one[] = {c->version, NULL};
	const char *const *versions = c->schema ? c->schema->versions : one;

	line(&p, 0, "# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only");
	line(&p, 0, "# Written by `make crds` from userspace/api; do not edit.");
	line(&p, 0, "apiVersion: apiextensions.k8s.io/v1");
	line(&p, 0, "kind: CustomResourceDefinition");
	line(&p, 0, "metadata:");
	line(&p, 0, "  name: %s.%s", c->plural, group);
	line(&p, 0, "spec:");
	line(&p, 2, "group: %s", group);
	print_names(&p, c->schema ? api_kind_text(c->schema->kind) : c->kind);
	if (versions[1])
		line(&p, 2, "conversion: {strategy: None}");
	line(&p, 2, "versions:");
	for (size_t i = 0; versions[i]; i++) {
		p.version = 1u << i;
		print_version(&p, versions[i], !versions[i + 1]);
	}
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: crds FOLDER\n");
		return EXIT_FAILURE;
	}
	for (size_t i = 0; i < api_n_crds; i++) {
		const struct api_crd *c = &api_crds[i];
		char path[PATH];
		FILE *out;

		snprintf(path, sizeof(path), "%s/%s/%s.yaml", argv[1],
			 c->schema ? c->schema->group : c->group, c->plural);
		out = fopen(path, "w");
		if (!out) {
			perror(path);
			return EXIT_FAILURE;
		}
		print_crd(out, c);
		if (fclose(out) != 0) {
			perror(path);
			return EXIT_FAILURE;
		}
	}
	return EXIT_SUCCESS;
}
