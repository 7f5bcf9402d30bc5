// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Received routes on their way into the kernel: for each table and prefix what is wanted, what the
 * kernel has, and which of them differ and wait for their turn. There may be a million of them and
 * they change one by one, so nothing here goes through all of them but a look at the kernel.
 *
 * A look is a dump of the kernel that is told route by route: what it shows is taken over, so that
 * a restart adopts, and what it does not show is put again. Ours is what has our protocol and our
 * metric in one of the tables; of somebody else's only a route of the same prefix and metric
 * counts: it is in the way, and ours is not put there.
 */
#pragma once

#include "base/addr.h"

#include <stddef.h>

#define FIB_HOPS_MAX 16 /* of one route; more of equal cost are left out */
#define FIB_METRIC   19600u

/* Where packets go: to the gateway, by the device. */
struct fib_hop {
	struct ip_addr gateway; /* of whichever family (RFC 8950) */
	int ifindex;
};
/* In the order of fib_hop_cmp(), without doubles. */
struct fib_hops {
	size_t n; /* 0: no route */
	struct fib_hop items[FIB_HOPS_MAX];
};
int fib_hop_cmp(const void *a, const void *b);

enum fib_verb {
	FIB_ADD,     /* there is none of ours; one of somebody else's is -EEXIST */
	FIB_REPLACE, /* ours is there, with other hops */
	FIB_DELETE,
};
struct fib_op {
	enum fib_verb verb;
	uint32_t table;
	struct ip_prefix prefix;
	struct fib_hops hops; /* of FIB_DELETE: those that the kernel has, as far as is known */
};

struct fib;
struct fib *fib_new(void);
struct fib *fib_free(struct fib *f);

/* What the route is to be; hops->n 0: none is wanted. */
void fib_want(struct fib *f, uint32_t table, const struct ip_prefix *prefix,
	      const struct fib_hops *hops);

/*
 * Up to n_max operations, in the order in which they became due; each is to be told to fib_done().
 * Until then its route may be wanted otherwise, and the kernel be looked at. 0: nothing waits.
 */
size_t fib_take(struct fib *f, struct fib_op *ops, size_t n_max);
/* What became of one: 0 or -errno. What failed is tried again after the next look, or when it is
 * wanted otherwise. */
void fib_done(struct fib *f, const struct fib_op *op, int error);

/* A look: begin, each route that the kernel has, end. Operations may be done meanwhile. */
struct fib_seen {
	uint32_t table;
	struct ip_prefix prefix;
	bool is_ours;         /* protocol, metric and type; else of our metric, but another's */
	struct fib_hops hops; /* if it is ours */
};
void fib_look_begin(struct fib *f);
void fib_look_route(struct fib *f, const struct fib_seen *seen);
/* The whole kernel was shown. False leaves out what follows from what was not. */
void fib_look_end(struct fib *f, bool is_whole);

/*
 * Routes that a look was the first to show stay as they are until this is said: after a restart
 * they are an earlier process's, and as long as not all peers are back one of two next hops, or
 * none at all, says nothing. From then on they are brought to what is wanted.
 */
void fib_sweep(struct fib *f);
bool fib_is_swept(const struct fib *f);

/* Of how many routes it knows. */
size_t fib_n(const struct fib *f);
/*
 * Walks the prefixes of a table that it knows of, from *pos = SIZE_MAX on; false: *pos is 0, and it
 * is over. Routes may come and go meanwhile: of those that stay each is shown.
 */
bool fib_walk(const struct fib *f, uint32_t table, size_t *pos, struct ip_prefix *ret);

struct fib_counts {
	size_t n_wanted, n_placed; /* placed: the kernel has what is wanted */
	size_t n_failed, n_taken;  /* taken: somebody else's route is in the way */
	size_t n_waiting;          /* for their turn, or for its outcome */
	size_t n_adopted;          /* left as they were found, so far */
	int first_error;           /* of one that failed; 0: none did */
	uint64_t n_repaired;       /* ever: put again after somebody took them away */
};
struct fib_counts fib_counts(const struct fib *f);

/* Of one route: whether the kernel has what is wanted, and why not. */
enum fib_state { FIB_NONE, FIB_PLACED, FIB_WAITING, FIB_TAKEN, FIB_FAILED };
enum fib_state fib_state(const struct fib *f, uint32_t table, const struct ip_prefix *prefix,
			 struct fib_hops *ret_hops, int *ret_error);
