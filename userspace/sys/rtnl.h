// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The kernel's routes and rules as the sink of plan/plan_kernel_pass.h. A socket of its own: what
 * is changed over it is recognized among the notifications by its number, and its dumps read our
 * tables alone, however many routes there are besides.
 */
#pragma once

#include "plan/plan_kernel_pass.h"

struct rtnl;

/* In the current network namespace. 0 or -errno; the caller owns *ret. */
int rtnl_open(struct rtnl **ret) must_check;
struct rtnl *rtnl_free(struct rtnl *r);
void rtnl_freep(struct rtnl **r);

struct kernel_sink rtnl_sink(struct rtnl *r);
/* nlmsg_pid of the notifications of what this one changed. */
uint32_t rtnl_port(const struct rtnl *r);
