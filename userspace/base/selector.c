// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Label selectors, as apimachinery's labels.Selector evaluates them: a term whose key is absent is
 * false for In and Exists and true for NotIn and DoesNotExist. Validation (In without values,
 * Exists with values) is the decoder's; here such terms simply have their literal meaning.
 */
#include "base/selector.h"

#include "base/sorted.h"

static int cmp_key(const void *key, const void *item)
{
	const struct label *label = item;

	return strcmp(key, label->key);
}

const char *labels_get(const struct labels *labels, const char *key)
{
	const struct label *label =
		sorted_find(key, labels->items, labels->n, sizeof(*labels->items), cmp_key);

	return label ? label->value : NULL;
}

static bool has_value(const struct selector_term *t, const char *value)
{
	for (size_t i = 0; i < t->n_values; i++)
		if (strcmp(t->values[i], value) == 0)
			return true;
	return false;
}

static bool term_matches(const struct selector_term *t, const struct labels *labels)
{
	const char *value = labels_get(labels, t->key);

	switch (t->op) {
	case SELECTOR_IN:
		return value && has_value(t, value);
	case SELECTOR_NOT_IN:
		return !value || !has_value(t, value);
	case SELECTOR_EXISTS:
		return value;
	case SELECTOR_DOES_NOT_EXIST:
		return !value;
	}
	return false;
}

bool selector_matches(const struct selector *s, const struct labels *labels)
{
	for (size_t i = 0; i < s->n; i++)
		if (!term_matches(&s->terms[i], labels))
			return false;
	return true;
}

bool selectors_match(const struct selectors *list, const struct labels *labels, bool when_empty)
{
	for (size_t i = 0; i < list->n; i++)
		if (selector_matches(&list->items[i], labels))
			return true;
	return list->n == 0 && when_empty;
}

/* --- one beside another ----------------------------------------------------------------------- */

/* Every value of `a` is one of `b`. */
static bool has_all(const struct selector_term *b, const struct selector_term *a)
{
	for (size_t i = 0; i < a->n_values; i++)
		if (!has_value(b, a->values[i]))
			return false;
	return true;
}

static bool has_any(const struct selector_term *b, const struct selector_term *a)
{
	for (size_t i = 0; i < a->n_values; i++)
		if (has_value(b, a->values[i]))
			return true;
	return false;
}

/* Whatever labels `a` is true for, so is `b`; both are about one key. */
static bool term_implies(const struct selector_term *a, const struct selector_term *b)
{
	switch (b->op) {
	case SELECTOR_IN:
		return a->op == SELECTOR_IN && has_all(b, a);
	case SELECTOR_NOT_IN:
		return a->op == SELECTOR_DOES_NOT_EXIST ||
		       (a->op == SELECTOR_NOT_IN && has_all(a, b)) ||
		       (a->op == SELECTOR_IN && !has_any(a, b));
	case SELECTOR_EXISTS:
		return a->op == SELECTOR_EXISTS || a->op == SELECTOR_IN;
	case SELECTOR_DOES_NOT_EXIST:
		return a->op == SELECTOR_DOES_NOT_EXIST;
	}
	return false;
}

static bool implies_term(const struct selector *a, const struct selector_term *t)
{
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->terms[i].key, t->key) == 0 && term_implies(&a->terms[i], t))
			return true;
	return false;
}

bool selector_implies(const struct selector *a, const struct selector *b)
{
	for (size_t i = 0; i < b->n; i++)
		if (!implies_term(a, &b->terms[i]))
			return false;
	return true;
}

bool selectors_equal(const struct selectors *a, const struct selectors *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!selector_implies(&a->items[i], &b->items[i]) ||
		    !selector_implies(&b->items[i], &a->items[i]))
			return false;
	return true;
}
