// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What a network device is asked for outside netlink: settings below /proc/sys/net. Read only.
 */
#pragma once

#include "base/mem.h"

/*
 * The reverse path filter in force on an IPv4 device: the larger of its own and the "all" setting
 * (0 off, 1 strict, 2 loose). -ENOENT: no such device; -EINVAL: not a device's name.
 */
int netdev_rp_filter(const char *name) must_check;
