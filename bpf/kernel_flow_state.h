/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * What becomes of a flow that the kernel has, by its client's packets. A SYN on the ports of a
 * connection that lives belongs to the kernel, which answers it as it would without us: else
 * anybody who guesses the ports could cut the connection. Behind FIN or RST the SYN begins another
 * connection, and that is ours: else a client that uses its ports again and again would never leave
 * the kernel.
 */
#pragma once

#include "abi.h"

LB_INLINE __u32 lb_kernel_flow_next(__u32 state, bool begins, bool ends)
{
	if (state == LB_KERNEL_FLOW_CLOSING && begins)
		return LB_KERNEL_FLOW_OVER;
	return state == LB_KERNEL_FLOW_OPEN && ends ? LB_KERNEL_FLOW_CLOSING : state;
}
