// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Labels and label selectors with Kubernetes' meaning: inside one selector everything is ANDed,
 * between the selectors of a list the result is ORed by the caller's helper selector_any.
 */
#pragma once

#include "base/mem.h"

#include <stdbool.h>

/* Sorted by key; all strings borrowed from the object that holds them. */
struct label {
	const char *key, *value;
};
struct labels {
	const struct label *items;
	size_t n;
};

enum selector_op { SELECTOR_IN, SELECTOR_NOT_IN, SELECTOR_EXISTS, SELECTOR_DOES_NOT_EXIST };

struct selector_term {
	const char *key;
	enum selector_op op;
	const char *const *values;
	size_t n_values;
};
struct selector {
	const struct selector_term *terms; /* matchLabels become terms with op In */
	size_t n;
};
struct selectors {
	const struct selector *items;
	size_t n;
};

/* The value of a label, or NULL. */
const char *labels_get(const struct labels *labels, const char *key);
/* An empty selector matches everything. NotIn and DoesNotExist match when the key is absent. */
bool selector_matches(const struct selector *s, const struct labels *labels);
/* True if any matches; `when_empty` is the answer for an empty list. */
bool selectors_match(const struct selectors *list, const struct labels *labels, bool when_empty);
/*
 * True: whatever `a` matches, `b` matches as well, as far as that shows without looking at more
 * than one term of `a` for each of `b`. False: it does not, or that does not show.
 */
bool selector_implies(const struct selector *a, const struct selector *b);
/* True: one after the other they match the same. False: they do not, or that does not show. */
bool selectors_equal(const struct selectors *a, const struct selectors *b);
