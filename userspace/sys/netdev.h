// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* What a network device is asked for outside netlink: settings of its driver. Read only. */
#pragma once

#include <stdbool.h>

/*
 * The driver keeps VLAN tags of what it receives beside the frame, where XDP does not see them
 * (rx-vlan-offload). False, too, if there is no such device or it cannot be asked.
 */
bool netdev_strips_tags(const char *name);

#define NETDEV_DRIVER_TEXT 32
/* The name of the device's driver, "" if it cannot be asked. */
void netdev_driver(const char *name, char ret[NETDEV_DRIVER_TEXT]);
