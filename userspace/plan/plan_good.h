// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Last good versions (DESIGN 1, isolation of errors): of each advertisement and each peer the
 * ledger keeps the version that resolved last, as it was resolved then, and that is what stays in
 * force while the present version has an error. An object that was never good has none and is held
 * back; one that is deleted takes its last good version with it.
 */
#pragma once

#include "plan/plan_env.h"

/* The last good version of an object of the world. */
struct plan_last plan_good_find(const struct plan_env *env, const struct api_object *o);

/* The version that is in force of one object: `o` itself, resolved, for the caller to complete. */
struct plan_good *plan_good_learn(struct plan_env *env, const struct api_object *o);
/* The same where the last good version stays. */
struct plan_good *plan_good_keep(struct plan_env *env, const struct plan_good *good);

/*
 * Completes what was learnt: versions of objects that are missing only because something cannot be
 * read (world_may_hide) stay. Sorts it.
 */
void plan_good_finish(const struct plan_inputs *in, struct plan_env *env);
