// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * VRFs that are made and taken away for the plan (plan/plan_made_vrf.h). The message that makes one
 * puts it into our group and sets it up as well, so that there is none of which it is not known
 * whose it is.
 */
#pragma once

#include "plan/plan_kernel.h"
#include "plan/plan_made_vrf.h"
#include "sys/nlsock.h" /* who calls it opens one */

#define RTNL_VRF_MESSAGE_BYTES 256 /* no message is longer */

/*
 * Writes the operation's message to buf (RTNL_VRF_MESSAGE_BYTES, aligned as a struct nlmsghdr),
 * without a sequence number; the kernel is to acknowledge it. Returns its length, or -errno.
 */
int rtnl_vrf_message_build(const struct plan_vrf_op *op, void *buf) must_check;

/*
 * Does it over a strict socket: 0, or the kernel's -errno. -EADDRINUSE, and *ret_clash (in the
 * arena): one is to be made with a table that somebody uses: he has a rule that leads to it, or a
 * route in it that leads somewhere.
 */
int rtnl_vrf_apply(struct nlsock *s, const struct plan_vrf_op *op, struct arena *arena,
		   struct kernel_clash *ret_clash) must_check;

/*
 * Whether the kernel knows VRFs, asked for by making one without a table, which it never does. 0:
 * it does; -EOPNOTSUPP: it does not; else another -errno: it did not say (-EPERM: to whom may not).
 */
int rtnl_vrf_ask(struct nlsock *s) must_check;
