// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * From the text in `communities:` to values, by rulings 1 to 3, 15 and 16 of metallb.md 7: literal,
 * well-known name, alias, name of a Community resource (all its values). What cannot be resolved
 * is an error of the whole advertisement, since a lost no-export would leak its routes. Aliases are
 * global over all Community objects; one named twice with different values is an error only for
 * those who use it.
 *
 * With strict: true it is as in MetalLB: neither names of resources nor well-known names stand for
 * anything, and an alias may be named once.
 */
#include "base/limits.h"
#include "plan/plan_env.h"
#include "plan/plan_sort.h"

#include <assert.h>

struct resolver {
	const struct object_list *resources;
	struct problems *problems;
	const struct env_advert *advert;
	bool strict;
	uint32_t *standard;
	size_t n_standard, cap_standard;
	struct large_community *large;
	size_t n_large, cap_large;
};

static void add_value(struct resolver *r, const struct community *c)
{
	struct arena *arena = r->problems->arena;

	if (c->type == COMMUNITY_STANDARD)
		*(uint32_t *)arena_push(arena, &r->standard, &r->n_standard, &r->cap_standard,
					sizeof(*r->standard)) = c->standard;
	else
		*(struct large_community *)arena_push(arena, &r->large, &r->n_large, &r->cap_large,
						      sizeof(*r->large)) = c->large;
}

static void error(struct resolver *r, const char *reason, const char *remedy, const char *message)
{
	object_problem(r->problems, SEVERITY_ERROR, r->advert->object, "spec.communities", reason,
		       remedy, "%s; %s", message,
		       r->advert->last.good ? "its last good version stays in force"
					    : "the advertisement is held back");
}

/* Well-known names alone have no colon. */
static enum community_parse parse(const struct resolver *r, const char *text, struct community *ret)
{
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
	object_problem(r->problems, SEVERITY_INFO, r->advert->object, "spec.communities",
		       "ResolvedFromResource", "name aliases instead, if not all values are meant",
		       "%s is the name of a Community resource: all its values are attached",
		       resource->meta.name);
	if (limiting)
		object_problem(
			r->problems, SEVERITY_WARNING, r->advert->object, "spec.communities",
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
		error(r, "InvalidCommunity", "use numbers up to 65535, or a large community",
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

bool plan_env_communities(const struct object_list *resources, bool strict,
			  struct problems *problems, struct env_advert *ret)
{
	const struct api_strings *texts = &ret->spec->communities;
	struct resolver r = {
		.resources = resources, .problems = problems, .advert = ret, .strict = strict};
	const size_t n_before = problems->n;
	bool ok = true;

	for (size_t i = 0; i < texts->n; i++)
		ok &= resolve_one(&r, texts->items[i]);
	ret->n_communities = plan_unique_standard(r.standard, r.n_standard);
	ret->n_large = plan_unique_large(r.large, r.n_large);
	ret->communities = r.standard;
	ret->large = r.large;
	ok &= check_number(&r, ret->n_communities + ret->n_large);
	assert(ok || problems->n > n_before); /* nothing is held back without a word */
	return ok;
}
