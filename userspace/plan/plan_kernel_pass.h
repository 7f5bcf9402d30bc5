// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * One pass over the kernel's blackholes: look, change what differs, and note what is in place. It
 * begins with a dump each time, so a restart adopts what is there, and what somebody else took away
 * or a lost message hid is put again. The kernel is reached by the vtable; who calls when is the
 * agent's affair. So is by which thread: the kernel may be waited for by another one, so a pass
 * has three parts, of which the middle one touches nothing but the pass and the sink.
 */
#pragma once

#include "plan/plan_kernel.h"

/*
 * Tables beside those of no VRF, in order, no doubles (each is read: the routes of one that is read
 * twice would be two each); or wherever a blackhole of our protocol is.
 */
struct kernel_scope {
	const uint32_t *tables;
	size_t n;
	bool everything;
};

/* The kernel's routes and rules as a sink. */
struct kernel_ops {
	/*
	 * All that lies in our tables, as far as the scope goes, and at our priorities, whosever it
	 * is, in any order; in the arena. 0 or -errno.
	 */
	int (*dump)(void *ctx, const struct kernel_scope *scope, struct arena *arena,
		    struct kernel_picture *ret);
	/* Does them in order, each whatever became of the others; errors[i]: 0 or -errno of one. */
	void (*apply)(void *ctx, const struct kernel_op *ops, size_t n, int *errors);
};
struct kernel_sink {
	const struct kernel_ops *ops;
	void *ctx;
};

/* One prefix that is to be a blackhole. */
struct kernel_blackhole {
	struct ip_prefix prefix;
	bool is_placed : 1; /* its route and the rules of all uplinks are there */
	bool has_route : 1; /* its route is: where it is missing next time, somebody took it away */
	uint16_t domain;    /* of the VRF in which; 0: in none */
	int16_t error;      /* else why not, -errno; 0: of a clash; -EINPROGRESS: not yet */
};

struct kernel_state {
	struct arena *arena;             /* owned; holds all of this */
	const struct kernel_rule *rules; /* ours and there, as of the last pass */
	size_t n_rules;
	const struct kernel_blackhole *blackholes; /* what was to be, by prefix */
	size_t n_blackholes;
	const char *const *uplinks; /* by which they were reached */
	size_t n_uplinks;
	const struct plan_vrf *vrfs;
	size_t n_vrfs;
	const uint32_t *tables; /* of VRFs: where something of ours may lie, sorted */
	size_t n_tables;
	struct kernel_clash *clashes;
	size_t n_clashes;
	int error; /* -errno of the dump, so that nothing was done; 0: it went well */
	size_t n_done, n_failed, n_repaired; /* operations of the last pass */
	int first_error;                     /* of those that failed */
	bool is_under_way;                   /* more of them are to be done */
	uint64_t repaired;                   /* in all passes */
};

/* Nothing is known; kernel_state_done gives back what it holds. */
void kernel_state_init(struct kernel_state *s);
void kernel_state_done(struct kernel_state *s);

/*
 * A pass that brings the kernel to what is wanted. What `want` points to may go afterwards; the
 * state stays as it is until the pass has ended.
 */
struct kernel_pass;
struct kernel_pass *kernel_pass_new(const struct kernel_state *s,
				    const struct plan_blackholes *want);
/*
 * Before the first pass: what is there of ours, by an earlier process, is to count as placed. It
 * changes nothing; where it cannot look (s->error), nothing is known.
 */
struct kernel_pass *kernel_adoption_new(void);
/* Looks, and does n_max operations at most; the rest is the next pass's. By whatever thread. */
void kernel_pass_run(struct kernel_pass *p, const struct kernel_sink *sink, size_t n_max);
/* Notes what came of it, and frees the pass. */
void kernel_pass_end(struct kernel_state *s, struct kernel_pass *p);

/* All three at once; the former: false: it could not be looked at (s->error). */
bool kernel_adopt(struct kernel_state *s, const struct kernel_sink *sink);
void kernel_pass(struct kernel_state *s, const struct kernel_sink *sink,
		 const struct plan_blackholes *want, size_t n_max);

/*
 * What was tried, as the next plan is told; in the arena. Not what a pass takes away that is under
 * way (NULL: none is): it may be gone already.
 */
struct plan_blackholes kernel_tried(const struct kernel_state *s,
				    const struct kernel_pass *under_way, struct arena *arena);

/* That the kernel consults the table of received routes. */
bool kernel_receives(const struct kernel_state *s, enum ip_family family);

/* Adds a problem for each clash, of the node of that name. */
void kernel_clash_problems(const struct kernel_state *s, const char *node, struct problems *list);
