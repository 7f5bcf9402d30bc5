// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What is told of nodes in objects: what the agent reports of this one (kube/kube_reports.h), and
 * by who allocates what is left of those that are gone (kube/kube_sweep.h). Requests are carried,
 * nothing is decided.
 */
#pragma once

#include "base/nsec.h"

#include <stdbool.h>

struct access;
struct http;
struct kube_frame;
struct kube_store;
struct kube_watch;
struct kube_writes;
struct loop;
struct teller;

/* All outlive the teller. */
struct teller_args {
	struct loop *loop;
	struct http *http;
	const struct access *access;
	struct kube_store *store;
	struct kube_writes *writes;
	const char *ns, *node;
	const char *pod_name, *pod_uid; /* NULL: we are in none */
	bool *is_unauthorized;          /* set when the server has said so */
	bool *is_suspect;               /* set when something was lost on the connection */
};
struct teller *teller_new(const struct teller_args *args);
struct teller *teller_free(struct teller *t);

/* A frame of a report came; the agent is gone. */
void teller_take(struct teller *t, const struct kube_frame *frame);
void teller_forget(struct teller *t);
/* How the watch of a kind goes. */
void teller_note(struct teller *t, const struct kube_watch *watch);

/* Does what is due; returns when to call again at the latest. */
nsec_t teller_step(struct teller *t, bool is_holder, nsec_t now);
