// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Blocking I/O with the kernel's own timeouts on the socket: lodectl has nothing else to do while
 * it waits. A timeout shows up as EAGAIN and is reported as ETIMEDOUT, which says what it is.
 */
#include "cli/client.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#define TIMEOUT_S 5

static void close_fd(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd); /* nothing was written that could be lost */
}

static int last_error(void)
{
	return errno == EAGAIN || errno == EINPROGRESS ? -ETIMEDOUT : -errno;
}

static int connect_to(const char *path, int *ret_fd)
{
	const struct timeval timeout = {.tv_sec = TIMEOUT_S};
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	_cleanup_(close_fd) int fd = -1;

	if (strlen(path) >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	memcpy(addr.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0)
		return last_error();
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int send_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return last_error();
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

static int receive_all(int fd, struct strbuf *reply)
{
	char chunk[16384];

	for (;;) {
		ssize_t n = recv(fd, chunk, sizeof(chunk), 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return last_error();
		if (n == 0)
			return 0;
		strbuf_add_len(reply, chunk, (size_t)n);
		if (reply->truncated)
			return -EMSGSIZE;
	}
}

int client_ask(const char *path, const char *request, struct strbuf *reply)
{
	_cleanup_(close_fd) int fd = -1;
	int r = connect_to(path, &fd);

	if (r == 0)
		r = send_all(fd, request, strlen(request));
	return r == 0 ? receive_all(fd, reply) : r;
}

static int set_timeout(int fd, time_t seconds)
{
	const struct timeval timeout = {.tv_sec = seconds};

	return setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) < 0 ? -errno : 0;
}

/* Says that it is to end. */
static int stream_end(int fd)
{
	const int r = set_timeout(fd, TIMEOUT_S);

	return r == 0 ? send_all(fd, "\n", 1) : r;
}

static int stream_receive(int fd, client_take take, void *ctx)
{
	bool has_ended = false;
	char chunk[16384];

	for (;;) {
		const ssize_t n = recv(fd, chunk, sizeof(chunk), 0);
		int r = 0;

		if (n < 0 && errno == EINTR && !has_ended) {
			has_ended = true;
			r = stream_end(fd);
		} else if (n < 0 && errno != EINTR) {
			r = last_error();
		}
		if (r < 0)
			return r;
		if (n == 0 || (n > 0 && !take(ctx, chunk, (size_t)n)))
			return 0;
	}
}

int client_stream(const char *path, const char *request, client_take take, void *ctx)
{
	_cleanup_(close_fd) int fd = -1;
	int r = connect_to(path, &fd);

	if (r == 0)
		r = send_all(fd, request, strlen(request));
	if (r == 0)
		r = set_timeout(fd, 0);
	return r == 0 ? stream_receive(fd, take, ctx) : r;
}

const char *client_remedy(int error)
{
	switch (-error) {
	case ENOENT:
	case ECONNREFUSED:
		return "; is it running? \"systemctl status lodestoned\" says so, \"lodectl preflight\" "
		       "what would keep it from that; --socket names another socket";
	case EACCES:
	case EPERM:
		return "; be root (sudo lodectl ...) or a member of the group lodestone";
	case ETIMEDOUT:
		return "; the agent does not answer: \"journalctl -u lodestoned\" says what it does";
	default:
		return "";
	}
}
