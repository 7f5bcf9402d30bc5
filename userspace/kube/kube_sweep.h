// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What nodes that are gone have left at the API server: objects that carry the label of a node of
 * which there is none. Who allocates looks for them when it begins to, when there are fewer nodes
 * than there were, and every ten minutes; each node has one ConfigurationState, so a list of these
 * names all that ever wrote. Where objects belong to pods, the server's own collector was here
 * before.
 *
 * The verbs are those of a watch.
 */
#pragma once

#include "kube/kube_ask.h"
#include "kube/kube_split.h"

#include <stdbool.h>

#define KUBE_SWEEP_EVERY_NS (600 * NSEC_PER_SEC)
#define KUBE_SWEEP_SOON_NS  (5 * NSEC_PER_SEC)
#define KUBE_SWEEP_NODES    64 /* at a time */

struct kube_store;

struct kube_sweep {
	const struct kube_store *store; /* borrowed */
	const char *ns;                 /* borrowed */
	bool is_holder, is_open;
	bool is_deleting;     /* else it looks for them */
	nsec_t at, opened_at; /* at: not before */
	size_t n_nodes;       /* there were */
	struct kube_split split;
	char *go_on; /* owned; token of the list's next page; NULL: its first */
	int status;  /* of the request under way; 0: not known yet */
	/* Nodes whose objects are to go, the owned labels; and how far that is. */
	char *dead[KUBE_SWEEP_NODES];
	size_t n_dead, n_done, n_kinds_done;
};

void kube_sweep_init(struct kube_sweep *s, const struct kube_store *store, const char *ns);
void kube_sweep_done(struct kube_sweep *s);
/* Whether it is us who allocate. */
void kube_sweep_hold(struct kube_sweep *s, bool is_holder, nsec_t now);

enum kube_ask kube_sweep_poll(const struct kube_sweep *s, nsec_t now);
void kube_sweep_transmit(struct kube_sweep *s, struct kube_request *ret, nsec_t now);
void kube_sweep_receive(struct kube_sweep *s, const char *data, size_t len);
void kube_sweep_notify(struct kube_sweep *s, const struct kube_note *note, nsec_t now);
/* Counts the nodes. */
void kube_sweep_tick(struct kube_sweep *s, nsec_t now);
nsec_t kube_sweep_deadline(const struct kube_sweep *s);
