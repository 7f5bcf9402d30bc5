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

/* The path and the feed outlive the link; the feed is begun with the store at each connection. */
struct agent_link *agent_link_new(struct loop *loop, const char *path, struct kube_feed *feed,
				  struct kube_store *store);
struct agent_link *agent_link_free(struct agent_link *l);

/* Writes what is due, connects when it is time; returns when to call again at the latest. */
nsec_t agent_link_step(struct agent_link *l, nsec_t now);
