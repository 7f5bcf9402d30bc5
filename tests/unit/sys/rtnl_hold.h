// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Somebody who holds the kernel's lock of its network configuration, as long as a test likes: a
 * thread asks for something of a device by an ioctl whose argument lies in a page that is not there
 * yet (userfaultfd), and the kernel, which has the lock by then, waits for that page. It is given
 * after twenty seconds in any case, as a test that waits for the lock itself would never do it.
 */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <linux/userfaultfd.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define RTNL_HOLD_MS 20000

static struct {
	int fault_fd, release[2];
	char *pages;
	long size;
	pthread_t holder, giver;
	atomic_bool has_expired;
} rtnl_hold;

static void *rtnl_hold_it(void *ctx)
{
	const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = {.ifr_name = "lo"};

	/* The command is there, what follows it is not. */
	request.ifr_data = rtnl_hold.pages + rtnl_hold.size - sizeof(uint32_t);
	(void)ioctl(fd, SIOCETHTOOL, &request);
	(void)close(fd);
	return ctx;
}

static void *rtnl_hold_give(void *ctx)
{
	struct pollfd fault = {.fd = rtnl_hold.fault_fd, .events = POLLIN};
	struct pollfd p = {.fd = rtnl_hold.release[0], .events = POLLIN};
	struct uffdio_zeropage zero = {
		.range = {.start = (uintptr_t)rtnl_hold.pages + (uintptr_t)rtnl_hold.size,
			  .len = (uint64_t)rtnl_hold.size}};

	/* Somebody else may have it for long. */
	(void)poll(&fault, 1, -1);
	rtnl_hold.has_expired = poll(&p, 1, RTNL_HOLD_MS) == 0;
	(void)ioctl(rtnl_hold.fault_fd, UFFDIO_ZEROPAGE, &zero);
	return ctx;
}

/* From now on it is held. False: that cannot be had here (userfaultfd for faults of the kernel). */
static bool rtnl_hold_begin(void)
{
	const uint32_t command = ETHTOOL_GSTRINGS;
	struct uffdio_api api = {.api = UFFD_API};
	struct uffdio_register missing = {.mode = UFFDIO_REGISTER_MODE_MISSING};
	struct pollfd fault = {.events = POLLIN};

	/* Without O_NONBLOCK a poll ends at once, before there is a fault. */
	rtnl_hold.fault_fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (rtnl_hold.fault_fd < 0 || ioctl(rtnl_hold.fault_fd, UFFDIO_API, &api) != 0)
		return false;
	rtnl_hold.size = sysconf(_SC_PAGESIZE);
	rtnl_hold.pages = mmap(NULL, 2 * (size_t)rtnl_hold.size, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (rtnl_hold.pages == MAP_FAILED || pipe(rtnl_hold.release) != 0)
		return false;
	memcpy(rtnl_hold.pages + rtnl_hold.size - sizeof(command), &command, sizeof(command));
	missing.range.start = (uintptr_t)rtnl_hold.pages + (uintptr_t)rtnl_hold.size;
	missing.range.len = (uint64_t)rtnl_hold.size;
	if (ioctl(rtnl_hold.fault_fd, UFFDIO_REGISTER, &missing) != 0 ||
	    pthread_create(&rtnl_hold.holder, NULL, rtnl_hold_it, NULL) != 0 ||
	    pthread_create(&rtnl_hold.giver, NULL, rtnl_hold_give, NULL) != 0)
		return false;
	fault.fd = rtnl_hold.fault_fd;
	return poll(&fault, 1, -1) == 1 && fault.revents == POLLIN;
}

/* False: it was not held any more, since the test took so long. */
static bool rtnl_hold_end(void)
{
	(void)!write(rtnl_hold.release[1], "", 1);
	(void)pthread_join(rtnl_hold.giver, NULL);
	(void)pthread_join(rtnl_hold.holder, NULL);
	(void)munmap(rtnl_hold.pages, 2 * (size_t)rtnl_hold.size);
	(void)close(rtnl_hold.fault_fd);
	(void)close(rtnl_hold.release[0]);
	(void)close(rtnl_hold.release[1]);
	return !rtnl_hold.has_expired;
}
