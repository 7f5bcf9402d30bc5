// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Why the plan is as it is, for one Service, one address or one peer: the checks in the order in
 * which they were made, and what came of each address for each peer. It is a record and not a
 * second opinion: plan_compute() fills it in when plan_inputs.explain is set, from the fragments,
 * gates and rows of that very plan. The plan itself is the same with and without it.
 *
 * What other nodes do is what the same rules make of the same objects there; their sessions, links
 * and data planes are not known here.
 */
#pragma once

#include "plan/plan.h"

#define PLAN_EXPLAIN_ADDRESSES 100 /* so many are told one by one, */
#define PLAN_EXPLAIN_NODES     64  /* ... and so many nodes */

enum plan_explain_what { EXPLAIN_SERVICE, EXPLAIN_ADDRESS, EXPLAIN_PEER };

/* One check, or one object that had a say. */
struct plan_step {
	const char *kind, *name; /* the object, or NULL */
	const char *reason;      /* NULL: it holds, or says yes */
	const char *message;     /* a sentence */
};
struct plan_steps {
	struct plan_step *items;
	size_t n, cap;
};

/* An address on its way to one peer, by one advertisement. */
struct plan_way {
	const char *peer;
	const char *advertisement; /* NULL: none names the peer, or the address gets not so far */
	struct ip_prefix prefix;   /* ... and then of no meaning */
	bool planned;              /* the plan has the route for the peer */
	bool announced;            /* ... and its router has it */
	const char *reason;        /* "announced", or why not */
	const char *message;
};
struct plan_ways {
	struct plan_way *items; /* by peer, then oldest advertisement first */
	size_t n, cap;
};

/* Endpoints of one port of an address that packets reach, or do not, alike. */
struct plan_forwarding {
	uint16_t port;
	const char *protocol;
	const char *way;     /* as plan_way_text(), "here"; NULL: packets do not get there */
	const char *reason;  /* why no flow begins there; NULL: nothing is in the way */
	size_t n, n_new;     /* those of them that take new flows */
	const char *message; /* how packets get there, or why not */
};
struct plan_forwardings {
	struct plan_forwarding *items; /* by port, protocol; then as endpoints come */
	size_t n, cap;
};

/* One address of one Service; of a Service without one, that. */
struct plan_explained {
	const char *ns, *name;
	struct ip_addr addr; /* none: it has none */
	const char *pool;    /* NULL: none holds it */
	bool announced;
	const char *reason;       /* as in plan.services */
	struct plan_steps checks; /* up to the first that does not hold */
	struct plan_steps adverts;
	struct plan_ways ways;
	const char *policy; /* whom packets go to and why; NULL: it was not asked, or has no port */
	struct plan_forwardings forwarding;
};

struct plan_explained_node {
	const char *name;
	bool announces;
	const char *reason;       /* "announced", or why not */
	struct api_strings peers; /* to which */
};

struct plan_explain {
	/* What is asked for. */
	enum plan_explain_what what;
	const char *ns, *name; /* of the Service; name alone of the BGPPeer */
	struct ip_addr addr;

	/* The answer, in the plan's arena. */
	bool found;              /* there is such an object, or somebody knows the address */
	struct plan_steps steps; /* about what was asked for itself */
	struct plan_explained *items;
	size_t n, cap, n_left_out;         /* left out: beyond PLAN_EXPLAIN_ADDRESSES */
	struct plan_explained_node *nodes; /* all others that are known, by name */
	size_t n_nodes, n_nodes_left_out;
};

struct plan_draft;
struct plan_service_input;
struct plan_service;
/* Fills in d->in->explain; the last step of a draft of the whole plan. */
void plan_draft_explain(const struct plan_draft *d);

/* Parts of the above. */
struct plan_service_input plan_explain_input(const struct plan_draft *d,
					     const struct api_object *service);
void plan_explain_peer(const struct plan_draft *d, struct plan_explain *ret);
/* What the other nodes do with the Service, which is ours. */
void plan_explain_nodes(const struct plan_draft *d, const struct api_object *service,
			struct plan_explain *ret);
/* How packets to one of its addresses go on from here: policy and forwarding of *ret. */
void plan_explain_forwarding(const struct plan_draft *d, const struct plan_service_input *input,
			     const struct plan_service *rows, size_t n_rows,
			     struct plan_explained *ret);
void plan_step_add(struct arena *arena, struct plan_steps *to, const struct plan_step *step);
