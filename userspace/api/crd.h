// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What a CustomResourceDefinition needs beyond the tables of api/fields.h: names, columns of
 * kubectl, status, and as CEL what `finish` functions refuse of a single object. `make crds` writes
 * deploy/crds from both. The agent links none of it.
 *
 * Kinds of MetalLB take what MetalLB takes: only what its own schema or its webhook refuses is
 * refused, so a limit of ours (the length of a device's name, of a password) is no row here; the
 * decoder tells it.
 */
#pragma once

#include "api/fields.h"

struct api_column {
	const char *name, *type, *path;
	bool is_wide; /* with -o wide alone */
};

/* A rule for what stands at a path; list items have "[]" behind their name. */
struct api_cel {
	const char *at;
	const char *rule, *message; /* message: what is wrong; what to do */
	const char *field;          /* below `at`, whose fault it is; NULL: `at` itself */
	unsigned versions;          /* 0: all */
};

/* What the API server fills in, as JSON, and bounds that the cost of a rule needs. */
struct api_default {
	const char *at, *value;
	unsigned versions; /* 0: all */
};
struct api_bound {
	const char *at;
	unsigned max_items, max_length; /* 0: none */
	unsigned versions;              /* 0: all */
};

/* Lists end with a row whose first member is NULL. */
struct api_crd {
	const struct api_schema *schema; /* NULL: a kind that is written or ignored, as below */
	const char *kind, *group, *version;
	const struct api_table *spec; /* NULL: none */
	const char *plural;
	const char *about; /* one sentence */
	const struct api_table *status;
	const struct api_column *columns;
	const struct api_cel *cel;
	const struct api_default *defaults;
	const struct api_bound *bounds;
	bool is_open; /* fields that are not in the tables are kept */
};

extern const struct api_crd api_crds[];
extern const size_t api_n_crds;

/* metav1.Condition; a list of these is a map by type. */
extern const struct api_table api_table_condition;
/* LabelSelector's expressions, for the schema. */
extern const struct api_word api_selector_words[];
