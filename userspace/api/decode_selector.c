// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * LabelSelector of metav1: matchLabels and matchExpressions become one list of terms that are ANDed
 * (base/selector.h). An operator that cannot work with the values it is given refuses the object: a
 * selector that silently matches everything would announce from nodes, or to peers, nobody meant.
 */
#include "api/decode_value.h"

#include <assert.h>

#define ABSENT (-1)

struct raw_term {
	const char *key;
	int op;
	struct api_strings values;
};

struct raw_selector {
	struct labels labels;
	const struct raw_term *terms;
	size_t n_terms;
};

static const struct api_word ops[] = {
	{"In", SELECTOR_IN},
	{"NotIn", SELECTOR_NOT_IN},
	{"Exists", SELECTOR_EXISTS},
	{"DoesNotExist", SELECTOR_DOES_NOT_EXIST},
	{NULL, 0},
};
_Static_assert(SELECTOR_IN == 0 && SELECTOR_NOT_IN == 1 && SELECTOR_EXISTS == 2 &&
		       SELECTOR_DOES_NOT_EXIST == 3,
	       "an operator is its own index in ops");

static const struct api_field term_fields[] = {
	{.name = "key", .type = API_TYPE_STRING, API_AT(struct raw_term, key), .required = API_ALL},
	{.name = "operator",
	 .type = API_TYPE_ENUM,
	 .words = ops,
	 API_AT(struct raw_term, op),
	 .required = API_ALL},
	{.name = "values",
	 .type = API_TYPE_STRING,
	 .flags = API_FIELD_UNIQUE | API_FIELD_MAY_BE_EMPTY,
	 API_LIST_AT(struct raw_term, values.items, values.n)},
};
static const struct raw_term term_defaults = {.op = ABSENT};
static const struct api_table term_table =
	API_TABLE(struct raw_term, term_fields, .defaults = &term_defaults);

static const struct api_field selector_fields[] = {
	{.name = "matchLabels", .type = API_TYPE_LABELS, API_AT(struct raw_selector, labels)},
	{.name = "matchExpressions",
	 .type = API_TYPE_STRUCT,
	 .flags = API_FIELD_UNIQUE,
	 .table = &term_table,
	 API_LIST_AT(struct raw_selector, terms, n_terms)},
};
static const struct api_table selector_table = API_TABLE(struct raw_selector, selector_fields);

/* --- labels as Kubernetes has them ------------------------------------------------------------ */

#define MAX_LABEL  63
#define MAX_PREFIX 253

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* A value, or the name of a key: letters and digits, between them also '-', '_' and '.'. */
static bool is_label(const char *text, size_t len)
{
	if (len == 0 || len > MAX_LABEL || !is_alnum(text[0]) || !is_alnum(text[len - 1]))
		return false;
	for (size_t i = 0; i < len; i++)
		if (!is_alnum(text[i]) && !strchr("-_.", text[i]))
			return false;
	return true;
}

/* A domain of lower-case labels, before the slash of a key. */
static bool is_prefix(const char *text, size_t len)
{
	bool begins = true;

	for (size_t i = 0; i < len; i++) {
		const char c = text[i];

		if (c == '.' ? begins || text[i - 1] == '-'
			     : (!is_alnum(c) || (c >= 'A' && c <= 'Z')) && (c != '-' || begins))
			return false;
		begins = c == '.';
	}
	return len > 0 && len <= MAX_PREFIX && !begins && text[len - 1] != '-';
}

static bool is_key(const char *text)
{
	const char *slash = strchr(text, '/');
	const char *name = slash ? slash + 1 : text;

	return (!slash || is_prefix(text, (size_t)(slash - text))) && is_label(name, strlen(name));
}

/* The API server has no object with another label, so it would select nothing, or everything. */
static void check_label(struct api_decoder *d, const struct api_value *v, const char *key,
			const char *value)
{
	if (!is_key(key))
		api_wrong(d, v, "BadSelector", "write the key of a label, such as example.com/rack",
			  "\"%s\" is no key that a label can have", key);
	else if (value && *value && !is_label(value, strlen(value)))
		api_wrong(d, v, "BadSelector",
			  "use letters, digits, '-', '_' and '.', at most 63 of them",
			  "\"%s\" is no value that the label %s can have", value, key);
}

static void check_labels(struct api_decoder *d, const struct api_value *v,
			 const struct raw_selector *raw)
{
	for (size_t i = 0; i < raw->labels.n; i++)
		check_label(d, v, raw->labels.items[i].key, raw->labels.items[i].value);
	for (size_t i = 0; i < raw->n_terms; i++) {
		const struct raw_term *t = &raw->terms[i];

		if (t->key)
			check_label(d, v, t->key, NULL);
		for (size_t k = 0; t->key && k < t->values.n; k++)
			if (t->values.items[k] && is_key(t->key))
				check_label(d, v, t->key, t->values.items[k]);
	}
}

static void check_term(struct api_decoder *d, const struct api_value *v, const struct raw_term *t)
{
	bool wants_values = t->op == SELECTOR_IN || t->op == SELECTOR_NOT_IN;

	if (t->op == ABSENT || !t->key)
		return; /* refused already */
	if (wants_values && t->values.n == 0)
		api_wrong(d, v, "BadSelector", "add values", "operator %s of %s needs values",
			  ops[t->op].text, t->key);
	if (!wants_values && t->values.n > 0)
		api_wrong(d, v, "BadSelector", "remove the values",
			  "operator %s of %s takes no values", ops[t->op].text, t->key);
}

void api_decode_selector(struct api_decoder *d, const struct api_field *f,
			 const struct api_value *v, void *dst)
{
	struct raw_selector raw = {0};
	size_t n_errors = d->n_errors, n = 0;
	struct selector_term *terms;
	struct selector *ret = dst;

	assert(f->size == sizeof(*ret));
	api_decode_map(d, &selector_table, v, &raw);
	for (size_t i = 0; i < raw.n_terms; i++)
		check_term(d, v, &raw.terms[i]);
	check_labels(d, v, &raw);
	if (d->n_errors > n_errors)
		return;
	terms = arena_array_of(d->arena, raw.labels.n + raw.n_terms, struct selector_term);
	for (size_t i = 0; i < raw.labels.n; i++)
		terms[n++] = (struct selector_term){.key = raw.labels.items[i].key,
						    .op = SELECTOR_IN,
						    .values = &raw.labels.items[i].value,
						    .n_values = 1};
	for (size_t i = 0; i < raw.n_terms; i++) {
		assert(raw.terms[i].key && raw.terms[i].op != ABSENT);
		terms[n++] = (struct selector_term){.key = raw.terms[i].key,
						    .op = (enum selector_op)raw.terms[i].op,
						    .values = raw.terms[i].values.items,
						    .n_values = raw.terms[i].values.n};
	}
	assert(n == raw.labels.n + raw.n_terms);
	*ret = (struct selector){.terms = terms, .n = n};
}
