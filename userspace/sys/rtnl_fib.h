// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Received routes in the kernel: how plan/fib.h is carried out and how the kernel is looked at for
 * it. There may be a hundred thousand of them, and the kernel makes who asks wait for whoever
 * configures its network. So both are a helper thread's, and go in pieces: so many changes, so many
 * datagrams of a dump, one piece at a time, and the fib hears of it in between.
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
 * The helper has a piece. What comes of it the fib is told before the loop's next step, which may
 * give it the next one.
 */
bool rtnl_fib_is_away(const struct rtnl_fib *r);

/* Gives the helper, who is not away, some of what waits. False: nothing does. */
bool rtnl_fib_apply(struct rtnl_fib *r, struct fib *f);

/*
 * Looks at the tables, which are copied, for the fib: begins. The look goes on by rtnl_fib_look(),
 * each of which gives the helper, who is not away, the next piece; false: no look is under way.
 * How the last one ended: 0, or -errno (what it was not shown counts as unknown).
 */
void rtnl_fib_look_begin(struct rtnl_fib *r, struct fib *f, const uint32_t *tables, size_t n);
bool rtnl_fib_look(struct rtnl_fib *r);
bool rtnl_fib_is_looking(const struct rtnl_fib *r);
int rtnl_fib_looked(const struct rtnl_fib *r);

/* Takes away all that is ours, in whatever table. 0 or -errno. */
int rtnl_fib_cleanup(struct rtnl_fib *r) must_check;
