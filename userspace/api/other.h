// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Objects of kinds that the agent does not read. Almost all of them are foreign: whatever else a
 * folder or a cluster holds, counted and not judged. What is said about the rest is said because
 * somebody would wait for its effect: kinds of MetalLB that have none here, its configuration of
 * former times, and kinds whose name was probably mistyped.
 */
#pragma once

#include "api/yaml.h"
#include "base/problem.h"

/* An object as far as its first three questions go; strings borrowed. */
struct api_named {
	const struct api_value *root;   /* a map */
	const char *api_version, *kind; /* of the root, or of the list that holds it */
	const char *ns, *name;          /* NULL: none that could be read */
};

struct api_other {
	enum severity severity;
	struct problem_text text; /* strings static or from the arena */
	const char *message;
	bool is_lost; /* it was meant to be an object of ours, nobody knows which */
};

/* False: foreign, nothing to say. For kinds without a schema only. */
bool api_judge_other(struct arena *arena, const struct api_named *o, struct api_other *ret);

/* The group of an apiVersion; "" for "v1". */
bool api_is_in_group(const char *api_version, const char *group);
