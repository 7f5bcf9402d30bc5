// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The network namespace in which the bench lets the kernel go on with its frames: an uplink by
 * which they come in, a device by which the backends are reached, at whose other end each frame is
 * dropped, and, if wanted, a verdict map of nftables with the bench's services, as kube-proxy makes
 * it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define KERNEL_NET_IFINDEX 10 /* the uplink's */

/* Enters it; drop is the program that ends the frames. False, with the reason: refused here. */
bool kernel_net_enter(int drop, const char **ret_why);

/*
 * So many services, of which the last is the bench's (VIP, SETTLED_PORT, N_BACKENDS backends); 0:
 * no rules. What was there is replaced, and the flows of before are forgotten. False: nftables
 * refuses.
 */
bool kernel_net_rules(unsigned n_services);

/* The frames that leave by the uplink are this program's at its other end, a node's of its own. */
void kernel_net_serve(int program);
