// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Received routes in the kernel: how plan/fib.h is carried out and how the kernel is looked at for
 * it. There may be a hundred thousand of them, so both go in slices: so many changes, which a
 * helper thread makes, so many datagrams of a dump, and then others have their turn.
 */
#pragma once

#include "plan/fib.h"

#include <stdbool.h>

#define RTNL_FIB_CHANGES_MAX 300 /* at a time: five to seven milliseconds */

struct loop;
struct rtnl_fib;

/*
 * In the current network namespace. 0 or -errno; the caller owns *ret. The helper comes back to the
 * loop; NULL: nothing is to be done but rtnl_fib_cleanup().
 */
int rtnl_fib_open(struct loop *loop, struct rtnl_fib **ret) must_check;
/* Waits for the helper, and for what it has to tell. */
struct rtnl_fib *rtnl_fib_free(struct rtnl_fib *r);
void rtnl_fib_freep(struct rtnl_fib **r);
/* nlmsg_pid of the notifications of what this one changed. */
uint32_t rtnl_fib_port(const struct rtnl_fib *r);

/*
 * Gives the helper some of what waits, unless it is still at the former; the fib hears of it before
 * the loop's next step. Few changes are made at once. False: there was nothing to do, and nothing
 * is under way.
 */
bool rtnl_fib_apply(struct rtnl_fib *r, struct fib *f);
/* The helper has something: who asks the kernel of links or routes waits for the same lock. */
bool rtnl_fib_is_applying(const struct rtnl_fib *r);

/*
 * Looks at the tables, which are copied, for the fib: begins, or begins anew. The look goes on by
 * rtnl_fib_look() until it says 0 (it is over) or -errno (it could not be: what it was not shown
 * counts as unknown); 1: there is more.
 */
void rtnl_fib_look_begin(struct rtnl_fib *r, struct fib *f, const uint32_t *tables, size_t n);
int rtnl_fib_look(struct rtnl_fib *r, struct fib *f) must_check;
bool rtnl_fib_is_looking(const struct rtnl_fib *r);

/* Takes away all that is ours, in whatever table. 0 or -errno. */
int rtnl_fib_cleanup(struct rtnl_fib *r) must_check;
