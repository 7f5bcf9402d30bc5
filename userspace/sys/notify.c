// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * sd_notify's protocol: newline-separated assignments in one datagram to the Unix socket named by
 * $NOTIFY_SOCKET; a leading '@' stands for the NUL of an abstract name. The environment is read
 * each time: a few calls in a process's life need no state. The send does not block; a supervisor
 * that does not read misses a watchdog sign, which is what a watchdog is for.
 */
#include "sys/notify.h"

#include "base/mem.h"
#include "sys/files.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#define MESSAGE_MAX 512

static bool supervisor_address(struct sockaddr_un *ret, socklen_t *ret_len)
{
	const char *path = getenv("NOTIFY_SOCKET");
	size_t len = path ? strlen(path) : 0;

	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (len < 2 || len >= sizeof(ret->sun_path) || (path[0] != '/' && path[0] != '@'))
		return false;
	memcpy(ret->sun_path, path, len);
	if (path[0] == '@')
		ret->sun_path[0] = '\0';
	*ret_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	return true;
}

static void notify_send(const char *message)
{
	struct sockaddr_un to;
	socklen_t to_len;
	_cleanup_(fd_closep) int fd = -1;

	if (!supervisor_address(&to, &to_len))
		return;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	/* Best effort by contract: without a supervisor that listens the agent runs just the same.
	 */
	(void)!sendto(fd, message, strlen(message), MSG_NOSIGNAL | MSG_DONTWAIT,
		      (const struct sockaddr *)&to, to_len);
}

void notify_ready(const char *status)
{
	char message[MESSAGE_MAX];

	if (status)
		(void)snprintf(message, sizeof(message), "READY=1\nSTATUS=%s", status);
	else
		(void)snprintf(message, sizeof(message), "READY=1");
	notify_send(message);
}

/* MONOTONIC_USEC is asked for by Type=notify-reload. */
void notify_reloading(nsec_t now)
{
	char message[MESSAGE_MAX];

	(void)snprintf(message, sizeof(message), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
		       now / NSEC_PER_USEC);
	notify_send(message);
}

void notify_stopping(void)
{
	notify_send("STOPPING=1");
}

void notify_watchdog(void)
{
	notify_send("WATCHDOG=1");
}

static bool parse_number(const char *text, uint64_t *ret)
{
	char *end;

	if (!text || *text < '0' || *text > '9')
		return false;
	errno = 0;
	unsigned long long value = strtoull(text, &end, 10);
	if (errno != 0 || *end != '\0')
		return false;
	*ret = value;
	return true;
}

nsec_t notify_watchdog_interval(void)
{
	const char *pid_text = getenv("WATCHDOG_PID");
	uint64_t usec, pid;

	if (!parse_number(getenv("WATCHDOG_USEC"), &usec) || usec < 2)
		return NSEC_NEVER;
	/* Inherited from a parent that is the one being watched. */
	if (pid_text && (!parse_number(pid_text, &pid) || pid != (uint64_t)getpid()))
		return NSEC_NEVER;
	if (usec > NSEC_NEVER / NSEC_PER_USEC)
		return NSEC_NEVER;
	return usec * NSEC_PER_USEC / 2;
}
