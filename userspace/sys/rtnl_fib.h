// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Received routes in the kernel: how plan/fib.h is carried out and how the kernel is looked at for
 * it. There may be a hundred thousand of them, so both go in slices: so many changes, so many
 * datagrams of a dump, and then others have their turn.
 */
#pragma once

#include "plan/fib.h"

#include <stdbool.h>

struct rtnl_fib;

/* In the current network namespace. 0 or -errno; the caller owns *ret. */
int rtnl_fib_open(struct rtnl_fib **ret) must_check;
struct rtnl_fib *rtnl_fib_free(struct rtnl_fib *r);
void rtnl_fib_freep(struct rtnl_fib **r);
/* nlmsg_pid of the notifications of what this one changed. */
uint32_t rtnl_fib_port(const struct rtnl_fib *r);

/* Does up to n_max of what waits; returns how many were done, well or not. */
size_t rtnl_fib_apply(struct rtnl_fib *r, struct fib *f, size_t n_max);

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
