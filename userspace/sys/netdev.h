// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What a network device is asked for outside netlink: settings below /proc/sys/net, and its
 * driver's. Read only.
 */
#pragma once

#include "base/mem.h"

#include <stdbool.h>

/*
 * The reverse path filter in force on an IPv4 device: the larger of its own and the "all" setting
 * (0 off, 1 strict, 2 loose). -ENOENT: no such device; -EINVAL: not a device's name.
 */
int netdev_rp_filter(const char *name) must_check;

/*
 * The driver keeps VLAN tags of what it receives beside the frame, where XDP does not see them
 * (rx-vlan-offload). False, too, if there is no such device or it cannot be asked.
 */
bool netdev_strips_tags(const char *name);
