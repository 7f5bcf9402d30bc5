// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The connection to the agent: made again and again as long as there is none, greeted, and written
 * to as far as the agent reads.
 */
#pragma once

#include "base/nsec.h"
#include "kube/kube_feed.h"

#include <stdbool.h>

struct loop;
struct agent_link;

/* What it says, and that the connection is gone. */
struct agent_link_events {
	void (*said)(void *ctx, const struct kube_frame *frame); /* wishes and reports */
	void (*lost)(void *ctx);
};

struct agent_link_args {
	const char *path;
	struct kube_feed *feed; /* begun with the store at each connection */
	struct kube_store *store;
	const struct agent_link_events *events;
	void *ctx;
};
/* What the arguments point to outlives the link. */
struct agent_link *agent_link_new(struct loop *loop, const struct agent_link_args *args);
struct agent_link *agent_link_free(struct agent_link *l);

/* Writes what is due, connects when it is time; returns when to call again at the latest. */
nsec_t agent_link_step(struct agent_link *l, nsec_t now);
