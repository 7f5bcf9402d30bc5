// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Device settings below /proc/sys/net, and of its driver. The name comes from netlink or the
 * operator and becomes part of a path, so what could leave the folder is refused first.
 */
#include "sys/netdev.h"

#include "sys/files.h"

#include <errno.h>
#include <limits.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define VALUE_MAX 32

static int read_setting(const char *name)
{
	char path[PATH_MAX];
	_cleanup_(freep) char *text = NULL;
	size_t len = 0;
	char *end;
	int err;

	(void)snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/rp_filter", name);
	err = file_read(path, VALUE_MAX, &text, &len);
	if (err < 0)
		return err;
	long value = strtol(text, &end, 10);
	if (end == text || value < 0 || value > INT_MAX)
		return -EINVAL;
	return (int)value;
}

int netdev_rp_filter(const char *name)
{
	size_t len = strlen(name);
	int own, all;

	if (len == 0 || len >= IFNAMSIZ || strchr(name, '/') || name[0] == '.')
		return -EINVAL;
	own = read_setting(name);
	if (own < 0)
		return own;
	all = read_setting("all");
	if (all < 0)
		return all;
	return own > all ? own : all;
}

bool netdev_strips_tags(const char *name)
{
	struct ethtool_value flags = {.cmd = ETHTOOL_GFLAGS};
	struct ifreq request = {.ifr_data = (char *)&flags};
	_cleanup_(fd_closep) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || strlen(name) >= IFNAMSIZ)
		return false;
	memcpy(request.ifr_name, name, strlen(name) + 1);
	return ioctl(fd, SIOCETHTOOL, &request) == 0 && flags.data & ETH_FLAG_RXVLAN;
}
