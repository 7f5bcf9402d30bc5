// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What became of a BGPPeer on this node, as the environment says it, and of its session.
 */
#include "plan/plan_explain.h"

#include "plan/plan_draft.h"

static const struct env_peer_name *find_name(const struct plan_env *env, const char *name)
{
	for (size_t i = 0; i < env->n_peer_names; i++)
		if (strcmp(env->peer_names[i].name, name) == 0)
			return &env->peer_names[i];
	return NULL;
}

static struct plan_step judge(const struct plan_draft *d, const struct env_peer_name *p)
{
	struct plan_step step = {.kind = "BGPPeer", .name = p->name};

	switch (p->fate) {
	case PEER_ELSEWHERE:
		step.reason = "notOwner";
		step.message = "its nodeSelectors do not select this node";
		break;
	case PEER_SESSION:
		step.message = p->is_last ? "has a session of this node, by its last good version"
					  : "has a session of this node";
		break;
	case PEER_ALIAS:
		step.message =
			arena_printf(d->arena, "stands for the session of BGPPeer %s", p->owner);
		break;
	case PEER_DUPLICATE:
		step.reason = "duplicatePeer";
		step.message = arena_printf(d->arena, "BGPPeer %s has the session, and they differ",
					    p->owner);
		break;
	case PEER_HELD_BACK:
		step.reason = "peerHeldBack";
		step.message = "is in error and held back";
		break;
	case PEER_TOO_MANY:
		step.reason = "tooManyPeers";
		step.message = "the node has as many sessions as it may have";
		break;
	}
	return step;
}

static const struct plan_actual_peer *actual_of(const struct plan_draft *d, size_t i)
{
	const struct plan_actual *actual = d->in->actual;

	for (size_t k = 0; k < actual->n_peers; k++)
		if (peer_key_cmp(&actual->peers[k].key, &d->env.peers[i].key) == 0)
			return &actual->peers[k];
	return NULL;
}

static struct plan_step judge_session(const struct plan_draft *d, size_t i)
{
	const struct plan_actual_peer *actual = actual_of(d, i);

	if (plan_draft_reaches(d, i))
		return (struct plan_step){.message = "the session is Established"};
	if (actual && actual->path.lost_at != 0)
		return (struct plan_step){
			.reason = "noSession",
			.message = arena_printf(d->arena, "BFD is Down: %s", actual->path.reason),
		};
	return (struct plan_step){
		.reason = "noSession",
		.message = actual && actual->last_error
				   ? arena_printf(d->arena, "there is no session: %s",
						  actual->last_error)
				   : "there is no session yet",
	};
}

static struct plan_step judge_family(const struct plan_draft *d, size_t i, enum ip_family f)
{
	const uint64_t bit = UINT64_C(1) << i;
	const bool carried = d->env.carriers[f] & ~d->uncarried[f] & bit;

	return (struct plan_step){
		.reason = carried ? NULL : "familyNotCarried",
		.message = arena_printf(d->arena,
					carried ? "%s routes are announced to it"
						: "it carries no %s routes",
					ip_family_text(f)),
	};
}

static struct plan_step judge_devices(const struct plan_draft *d, size_t i)
{
	const uint64_t bit = UINT64_C(1) << i;

	return (struct plan_step){
		.reason = (d->peers_open | d->peers_stale) & bit ? NULL : "dataPlaneNotReady",
		.message = d->peers_open & bit
				   ? "what it sends is served where it arrives"
				   : "the device by which its traffic arrives is not attached",
	};
}

void plan_explain_peer(const struct plan_draft *d, struct plan_explain *ret)
{
	const struct env_peer_name *p = find_name(&d->env, ret->name);
	struct plan_step step;
	size_t i;

	if (!p)
		return;
	ret->found = true;
	step = judge(d, p);
	plan_step_add(d->arena, &ret->steps, &step);
	if (!p->bit)
		return;
	i = (size_t)__builtin_ctzll(p->bit);
	ret->name = d->env.peers[i].key.name; /* an alias's ways are the owner's */
	step = judge_session(d, i);
	plan_step_add(d->arena, &ret->steps, &step);
	for (enum ip_family f = 0; f < IP_N_FAMILIES; f++) {
		step = judge_family(d, i, f);
		plan_step_add(d->arena, &ret->steps, &step);
	}
	step = judge_devices(d, i);
	plan_step_add(d->arena, &ret->steps, &step);
}
