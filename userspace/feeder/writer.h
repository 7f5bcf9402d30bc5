// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What is written to the API server: the Lease by which one of all nodes allocates addresses, and
 * what the agent wishes. It has a connection of its own, so that a watch that floods or stalls does
 * not cost the Lease.
 *
 * Who has got the Lease first asks for all Services anew: what it knows may be older than what the
 * last holder has written.
 */
#pragma once

#include "base/nsec.h"
#include "kube/kube_store.h"
#include "kube/kube_watch.h"

#include <stdbool.h>
#include <stdint.h>

struct access;
struct kube_frame;
struct loop;
struct writer;

/* All outlive the writer. */
struct writer_args {
	struct loop *loop;
	const struct access *access;
	struct kube_store *store;
	struct kube_watch *services;
	const char *ns, *node;
	const char *pod_name, *pod_uid; /* NULL: we are in none */
	bool *is_unauthorized;          /* set when the server has said so, or TLS failed */
	uint64_t seed;
};
struct writer *writer_new(const struct writer_args *args);
struct writer *writer_free(struct writer *w);

/* The agent wishes, or reports; it is gone, and wishes nothing. */
void writer_take(struct writer *w, const struct kube_frame *frame);
/* How the watch of a kind goes. */
void writer_note(struct writer *w, const struct kube_watch *watch);
void writer_forget(struct writer *w);

/* The Lease is ours, and all Services are known as they were since then. */
bool writer_is_holder(const struct writer *w);

/* For a long time nobody has held it: why we do not, "" if that is not known. NULL: it is held. */
const char *writer_nobody_holds(const struct writer *w);

/* The credentials are others: what failed of the Lease is asked for again at once. */
void writer_hurry(struct writer *w);

/* Nothing more is written, and the Lease is given back; then it is left. */
void writer_leave(struct writer *w);
bool writer_is_left(const struct writer *w);

/* Does what is due; returns when to call again at the latest. */
nsec_t writer_step(struct writer *w, nsec_t now);
