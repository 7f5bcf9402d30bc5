// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The kernel's routes and rules as the sink of plan/plan_kernel_pass.h, on a strict socket of its
 * own (sys/nlsock.h), which is borrowed: what is changed over it is recognized among the
 * notifications by its number, and dumps read our tables alone, however many routes there are
 * besides.
 */
#pragma once

#include "plan/plan_kernel_pass.h"

struct nlsock;

struct kernel_sink rtnl_sink(struct nlsock *s);
