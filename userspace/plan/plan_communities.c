// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Resolves communities; see the header. What cannot be resolved is an error of all that is asked
 * for, since a lost no-export would leak its routes.
 */
#include "plan/plan_communities.h"

#include "base/limits.h"
#include "plan/plan_sort.h"

#include <assert.h>

struct resolver {
	const struct object_list *resources;
	struct problems *problems;
	const struct community_texts *asked; /* at hand */
	bool strict;
	uint32_t *standard;
	size_t n_standard, cap_standard;
	struct large_community *large;
	size_t n_large, cap_large;
	uint64_t *extended;
	size_t n_extended, cap_extended;
};

static void add_value(struct resolver *r, const struct community *c)
{
	struct arena *arena = r->problems->arena;

	if (c->type == COMMUNITY_STANDARD)
		*(uint32_t *)arena_push(arena, &r->standard, &r->n_standard, &r->cap_standard,
					sizeof(*r->standard)) = c->standard;
	else if (c->type == COMMUNITY_EXTENDED)
		*(uint64_t *)arena_push(arena, &r->extended, &r->n_extended, &r->cap_extended,
					sizeof(*r->extended)) = c->extended;
	else
		*(struct large_community *)arena_push(arena, &r->large, &r->n_large, &r->cap_large,
						      sizeof(*r->large)) = c->large;
}

static void error(struct resolver *r, const char *reason, const char *remedy, const char *message)
{
	object_problem(r->problems, SEVERITY_ERROR, r->asked->object, r->asked->field, reason,
		       remedy, "%s; %s", message, r->asked->otherwise);
}

/* Well-known names alone have no colon. */
static enum community_parse parse(const struct resolver *r, const char *text, struct community *ret)
{
	const enum community_parse outcome = r->asked->takes_extended
						     ? community_parse_extended(text, ret)
						     : COMMUNITY_NOT_A_VALUE;

	if (outcome != COMMUNITY_NOT_A_VALUE)
		return outcome;
	if (r->strict && !strchr(text, ':'))
		return COMMUNITY_NOT_A_VALUE;
	return community_parse(text, ret);
}

enum found { FOUND, NOT_FOUND, FOUND_BAD };

static enum found bad_alias(struct resolver *r, const char *name, const char *value)
{
	error(r, "InvalidCommunity", "correct the value in the Community object",
	      arena_printf(r->problems->arena, "alias %s has the value \"%s\", which is none", name,
			   value));
	return FOUND_BAD;
}

static enum found ambiguous(struct resolver *r, const char *name)
{
	error(r, "AmbiguousAlias",
	      r->strict ? "define the alias once (strict)" : "give the alias one value everywhere",
	      arena_printf(r->problems->arena, "alias %s is defined %s", name,
			   r->strict ? "more than once" : "with different values"));
	return FOUND_BAD;
}

static enum found find_alias(struct resolver *r, const char *name, struct community *ret)
{
	enum found found = NOT_FOUND;

	for (size_t i = 0; i < r->resources->n; i++) {
		const struct api_community *res = &r->resources->items[i]->community;

		for (size_t k = 0; k < res->n; k++) {
			struct community c = {0};

			if (strcmp(res->items[k].name, name) != 0)
				continue;
			if (parse(r, res->items[k].value, &c) != COMMUNITY_OK)
				return bad_alias(r, name, res->items[k].value);
			if (found == FOUND && (r->strict || community_cmp(&c, ret) != 0))
				return ambiguous(r, name);
			*ret = c;
			found = FOUND;
		}
	}
	return found;
}

static enum found expand(struct resolver *r, const struct api_object *resource)
{
	const struct api_community *res = &resource->community;
	const char *limiting = NULL;

	for (size_t i = 0; i < res->n; i++) {
		struct community c = {0};

		if (community_parse(res->items[i].value, &c) != COMMUNITY_OK)
			return bad_alias(r, res->items[i].name, res->items[i].value);
		if (c.type == COMMUNITY_STANDARD && community_limits_propagation(c.standard))
			limiting = res->items[i].value;
		add_value(r, &c);
	}
	object_problem(r->problems, SEVERITY_INFO, r->asked->object, r->asked->field,
		       "ResolvedFromResource", "name aliases instead, if not all values are meant",
		       "%s is the name of a Community resource: all its values are attached",
		       resource->meta.name);
	if (limiting)
		object_problem(
			r->problems, SEVERITY_WARNING, r->asked->object, r->asked->field,
			"LimitsPropagation", "name the aliases that are meant, without this one",
			"Community resource %s adds %s, which limits propagation of the route",
			resource->meta.name, limiting);
	return FOUND;
}

static enum found find_resource(struct resolver *r, const char *name)
{
	for (size_t i = 0; i < r->resources->n && !r->strict; i++)
		if (strcmp(r->resources->items[i]->meta.name, name) == 0)
			return expand(r, r->resources->items[i]);
	return NOT_FOUND;
}

static void report_missing(struct resolver *r, const char *text, enum community_parse outcome)
{
	struct arena *arena = r->problems->arena;

	if (outcome == COMMUNITY_OUT_OF_RANGE)
		error(r, "InvalidCommunity", "use smaller numbers, or a large community",
		      arena_printf(arena, "%s has a part that is too large", text));
	else if (outcome == COMMUNITY_LARGE_BARE)
		error(r, "InvalidCommunity", arena_printf(arena, "write large:%s", text),
		      arena_printf(arena, "%s has three parts but no prefix", text));
	else
		error(r, "UnknownCommunity",
		      arena_printf(arena, "define %s in a Community object, or correct it", text),
		      arena_printf(arena, "%s is no value%s", text,
				   r->strict ? " or alias; strict takes no other name"
					     : ", alias or Community resource"));
}

static bool resolve_one(struct resolver *r, const char *text)
{
	struct community c = {0};
	const enum community_parse outcome = parse(r, text, &c);
	enum found found;

	if (outcome == COMMUNITY_OK) {
		add_value(r, &c);
		return true;
	}
	found = find_alias(r, text, &c);
	assert(found != FOUND || c.type == COMMUNITY_STANDARD || c.type == COMMUNITY_LARGE);
	if (found == FOUND)
		add_value(r, &c);
	else if (found == NOT_FOUND)
		found = find_resource(r, text);
	if (found == NOT_FOUND)
		report_missing(r, text, outcome);
	return found == FOUND;
}

static bool check_number(struct resolver *r, size_t n)
{
	if (n <= LIMIT_COMMUNITIES)
		return true;
	error(r, "TooManyCommunities", "attach fewer communities",
	      arena_printf(r->problems->arena, "a route carries at most %d communities, not %zu",
			   LIMIT_COMMUNITIES, n));
	return false;
}

bool plan_communities_resolve(const struct plan_env *env, struct problems *problems,
			      const struct community_texts *asked, size_t n,
			      struct community_values *ret)
{
	struct resolver r = {
		.resources = &env->communities, .problems = problems, .strict = env->config.strict};
	const size_t n_before = problems->n;
	bool ok = true;

	assert(n > 0);
	for (size_t i = 0; i < n; i++) {
		r.asked = &asked[i];
		for (size_t k = 0; k < asked[i].texts->n; k++)
			ok &= resolve_one(&r, asked[i].texts->items[k]);
	}
	*ret = (struct community_values){
		.standard = r.standard,
		.n_standard = plan_unique_standard(r.standard, r.n_standard),
		.large = r.large,
		.n_large = plan_unique_large(r.large, r.n_large),
		.extended = r.extended,
		.n_extended = plan_unique_extended(r.extended, r.n_extended),
	};
	ok &= check_number(&r, ret->n_standard + ret->n_large + ret->n_extended);
	assert(ok || problems->n > n_before); /* nothing is held back without a word */
	return ok;
}

bool plan_env_communities(const struct plan_env *env, struct problems *problems,
			  struct env_advert *ret)
{
	const char *otherwise = ret->last.good ? "its last good version stays in force"
					       : "the advertisement is held back";
	const struct community_texts asked[] = {
		{ret->object, "spec.communities", &ret->spec->communities, false, otherwise},
		{ret->object, "metadata.annotations[lodestone.io/communities]",
		 &ret->spec->more_communities, true, otherwise},
	};
	struct community_values all;
	const bool ok = plan_communities_resolve(env, problems, asked, ARRAY_SIZE(asked), &all);

	ret->communities = all.standard;
	ret->n_communities = all.n_standard;
	ret->large = all.large;
	ret->n_large = all.n_large;
	ret->extended = all.extended;
	ret->n_extended = all.n_extended;
	return ok;
}
