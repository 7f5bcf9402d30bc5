// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Settings of a device's driver. */
#include "sys/netdev.h"

#include "sys/files.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* SIOCETHTOOL with a struct of its command. */
static bool ask(const char *name, void *data)
{
	struct ifreq request = {.ifr_data = data};
	_cleanup_(fd_closep) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || strlen(name) >= IFNAMSIZ)
		return false;
	memcpy(request.ifr_name, name, strlen(name) + 1);
	return ioctl(fd, SIOCETHTOOL, &request) == 0;
}

bool netdev_strips_tags(const char *name)
{
	struct ethtool_value flags = {.cmd = ETHTOOL_GFLAGS};

	return ask(name, &flags) && flags.data & ETH_FLAG_RXVLAN;
}

void netdev_driver(const char *name, char ret[NETDEV_DRIVER_TEXT])
{
	struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};

	_Static_assert(sizeof(info.driver) == NETDEV_DRIVER_TEXT, "the kernel's length");
	ret[0] = '\0';
	if (!ask(name, &info))
		return;
	memcpy(ret, info.driver, sizeof(info.driver));
	ret[NETDEV_DRIVER_TEXT - 1] = '\0';
}
