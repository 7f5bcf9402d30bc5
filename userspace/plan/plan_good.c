// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Finds and makes the ledger's last good versions (plan/plan_good.h). The text of a version is only
 * decoded where the present one is another, so a world at rest costs a search for each object.
 */
#include "plan/plan_good.h"

#include "base/sorted.h"
#include "plan/plan_ledger.h"

#include <assert.h>

/* The object of that version; NULL: its text is none (any more). */
static const struct api_object *decode(const struct plan_good *g, struct arena *arena)
{
	const struct api_object *o = api_decode_object(arena, g->text, strlen(g->text));
	const bool is_it = o && o->meta.kind == g->kind && strcmp(o->meta.ns, g->ns) == 0 &&
			   strcmp(o->meta.name, g->name) == 0;

	return is_it ? o : NULL;
}

struct plan_last plan_good_find(const struct plan_env *env, const struct api_object *o)
{
	const struct plan_good key = {.kind = o->meta.kind, .ns = o->meta.ns, .name = o->meta.name};
	struct plan_last ret = {.good = sorted_find(&key, env->ledger->good, env->ledger->n_good,
						    sizeof(key), plan_good_cmp)};

	if (ret.good)
		ret.object = ret.good->hash == o->hash ? o : decode(ret.good, env->problems.arena);
	return ret.object ? ret : (struct plan_last){0};
}

static struct plan_good *push(struct plan_env *env)
{
	return arena_push(env->problems.arena, &env->good, &env->n_good, &env->cap_good,
			  sizeof(*env->good));
}

struct plan_good *plan_good_learn(struct plan_env *env, const struct api_object *o)
{
	struct plan_good *g = push(env);

	assert(o->text && *o->meta.name); /* or it could not be found, or decoded, again */
	*g = (struct plan_good){
		.kind = o->meta.kind,
		.ns = o->meta.ns,
		.name = o->meta.name,
		.hash = o->hash,
		.text = o->text,
	};
	return g;
}

struct plan_good *plan_good_keep(struct plan_env *env, const struct plan_good *good)
{
	struct plan_good *g = push(env);

	assert(good->text && *good->name);
	*g = *good;
	return g;
}

static bool is_hidden(const struct world *world, const struct plan_good *g)
{
	return world_may_hide(world, g->kind) && !world_find(world, g->kind, g->ns, g->name);
}

void plan_good_finish(const struct plan_inputs *in, struct plan_env *env)
{
	for (size_t i = 0; i < env->ledger->n_good; i++)
		if (is_hidden(in->world, &env->ledger->good[i]))
			plan_good_keep(env, &env->ledger->good[i]);
	if (env->n_good)
		qsort(env->good, env->n_good, sizeof(*env->good), plan_good_cmp);
}
