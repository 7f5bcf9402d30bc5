// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * sys/unix_server: one line in, one reply out, and everything a client may do to hurt: too many,
 * too long, too slow, gone. The server's loop turns in this process, so that each test is one
 * thread: a step drives it until what is waited for is there.
 */
#include "sys/unix_server.h"

#include "base/limits.h"
#include "base/strbuf.h"
#include "sys/clock.h"
#include "sys/loop.h"
#include "sys_test.h"

#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#define BIG_REPLY (8u << 20)

struct bench {
	char *dir;
	char path[PATH_MAX];
	struct loop *loop;
	struct unix_server *server;
	char *last; /* request */
	uid_t uid;
	int n_requests;
};

static void handle(void *ctx, uid_t uid, const char *request, struct strbuf *reply)
{
	struct bench *b = ctx;

	free(b->last);
	b->last = xstrdup(request);
	b->uid = uid;
	b->n_requests++;
	if (strcmp(request, "big") == 0)
		for (size_t i = 0; i < BIG_REPLY / 16; i++)
			strbuf_add(reply, "0123456789abcde\n");
	else if (strcmp(request, "nothing") != 0)
		strbuf_printf(reply, "<%.20s>", request);
}

static int serve(struct bench *b)
{
	struct unix_server_args args = {
		.loop = b->loop,
		.path = b->path,
		.group = "no-such-group",
		.handler = handle,
		.ctx = b,
	};

	return unix_server_new(&args, &b->server);
}

static int setup(void **state)
{
	struct bench *b = xcalloc(1, sizeof(*b));

	b->dir = temp_make();
	(void)snprintf(b->path, sizeof(b->path), "%s/run/s.sock", b->dir);
	b->loop = loop_new();
	assert_int_equal(serve(b), 0);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	unix_server_free(b->server);
	loop_free(b->loop);
	free(b->last);
	temp_remove(b->dir);
	free(b);
	return 0;
}

/* --- turning the loop
 * ----------------------------------------------------------------------------- */

struct turns {
	struct bench *b;
	int left;
};

static nsec_t step(void *ctx, nsec_t now)
{
	struct turns *t = ctx;

	if (--t->left <= 0)
		loop_stop(t->b->loop);
	(void)unix_server_tick(t->b->server, now);
	return now; /* never waits: what is ready is served */
}

static void turn(struct bench *b, int n)
{
	struct turns t = {.b = b, .left = n + 1};

	assert_int_equal(loop_run(b->loop, step, &t), 0);
}

/* --- clients
 * -------------------------------------------------------------------------------------- */

static int client(const struct bench *b)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	assert_in_range(strlen(b->path), 1, sizeof(address.sun_path) - 1);
	memcpy(address.sun_path, b->path, strlen(b->path));
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0)
		fail_msg("connect: %s", strerror(errno));
	return fd;
}

static void client_send(int fd, const char *text, size_t len)
{
	assert_int_equal(send(fd, text, len, MSG_NOSIGNAL), (ssize_t)len);
}

/* "EOF", "nothing yet", or what was read, in `buf`. */
static const char *client_receive(int fd, char *buf, size_t cap)
{
	ssize_t got = recv(fd, buf, cap - 1, 0);

	if (got == 0 || (got < 0 && errno == ECONNRESET))
		return "EOF";
	if (got < 0)
		return errno == EAGAIN ? "nothing yet" : strerror(errno);
	buf[got] = '\0';
	return buf;
}

static void expect(int fd, const char *expected)
{
	char buf[256];

	assert_string_equal(client_receive(fd, buf, sizeof(buf)), expected);
}

static void a_line_gets_its_reply_and_the_connection_ends(void **state)
{
	struct bench *b = *state;
	int fd = client(b);

	client_send(fd, "sta", 3);
	turn(b, 3);
	expect(fd, "nothing yet");
	assert_int_equal(b->n_requests, 0);
	client_send(fd, "tus\r\nsecond\n", 12);
	turn(b, 3);
	expect(fd, "<status>");
	expect(fd, "EOF");
	assert_int_equal(b->n_requests, 1);
	assert_int_equal(b->uid, getuid());
	close(fd);
}

static void the_end_of_the_stream_ends_the_line(void **state)
{
	struct bench *b = *state;
	int fd = client(b), silent = client(b), nothing = client(b);

	client_send(fd, "status", 6);
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	assert_int_equal(shutdown(silent, SHUT_WR), 0);
	client_send(nothing, "nothing\n", 8);
	turn(b, 8);
	expect(fd, "<status>");
	expect(silent, "EOF");
	expect(nothing, "EOF");
	assert_int_equal(b->n_requests, 2);
	close(fd);
	close(silent);
	close(nothing);
}

static void a_line_may_have_the_limit_and_not_one_byte_more(void **state)
{
	static char line[LIMIT_REQUEST_BYTES + 2];
	struct bench *b = *state;
	int fd;

	memset(line, 'x', sizeof(line));
	line[LIMIT_REQUEST_BYTES] = '\n';
	fd = client(b);
	client_send(fd, line, LIMIT_REQUEST_BYTES + 1);
	turn(b, 8);
	expect(fd, "<xxxxxxxxxxxxxxxxxxxx>");
	assert_int_equal(strlen(b->last), LIMIT_REQUEST_BYTES);
	close(fd);
	line[LIMIT_REQUEST_BYTES] = 'x';
	fd = client(b);
	client_send(fd, line, LIMIT_REQUEST_BYTES + 1);
	turn(b, 8);
	expect(fd, "EOF");
	assert_int_equal(b->n_requests, 1);
	close(fd);
}

static void a_line_with_a_nul_is_refused(void **state)
{
	struct bench *b = *state;
	int fd = client(b);

	client_send(fd, "sta\0tus\n", 8);
	turn(b, 4);
	expect(fd, "EOF");
	assert_int_equal(b->n_requests, 0);
	close(fd);
}

static void more_clients_than_the_limit_wait_for_room(void **state)
{
	struct bench *b = *state;
	int fds[LIMIT_CLIENTS], late;

	for (int i = 0; i < LIMIT_CLIENTS; i++)
		fds[i] = client(b);
	turn(b, LIMIT_CLIENTS + 4);
	late = client(b);
	client_send(late, "late\n", 5);
	turn(b, 4);
	expect(late, "nothing yet");
	client_send(fds[7], "one\n", 4);
	turn(b, 6);
	expect(fds[7], "<one>");
	expect(late, "<late>");
	for (int i = 0; i < LIMIT_CLIENTS; i++)
		close(fds[i]);
	turn(b, 4);
	close(late);
	assert_int_equal(b->n_requests, 2);
}

static void a_client_that_says_nothing_is_closed_after_5_s(void **state)
{
	struct bench *b = *state;
	int fd = client(b);
	nsec_t begin = clock_now();

	assert_int_equal(unix_server_tick(b->server, begin), NSEC_NEVER);
	turn(b, 2);
	nsec_t until = unix_server_tick(b->server, begin);
	assert_true(until >= begin + UNIX_CLIENT_NS && until < begin + 2 * UNIX_CLIENT_NS);
	/* A byte now and then does not help. */
	client_send(fd, "x", 1);
	turn(b, 2);
	assert_int_equal(unix_server_tick(b->server, until - 1), until);
	expect(fd, "nothing yet");
	assert_int_equal(unix_server_tick(b->server, until), NSEC_NEVER);
	expect(fd, "EOF");
	assert_int_equal(b->n_requests, 0);
	close(fd);
}

static void a_client_that_does_not_read_is_closed_5_s_after_its_last_progress(void **state)
{
	static char buf[BIG_REPLY];
	struct bench *b = *state;
	int fd = client(b);

	client_send(fd, "big\n", 4);
	turn(b, 10);
	assert_int_equal(b->n_requests, 1);
	nsec_t until = unix_server_tick(b->server, clock_now());
	assert_true(until != NSEC_NEVER);
	assert_int_equal(unix_server_tick(b->server, until - 1), until);
	/* It reads a bit: that is progress. */
	assert_true(recv(fd, buf, sizeof(buf), 0) > 0);
	turn(b, 4);
	nsec_t later = unix_server_tick(b->server, until - 1);
	assert_true(later > until && later != NSEC_NEVER);
	assert_int_equal(unix_server_tick(b->server, later), NSEC_NEVER);
	size_t rest = 0;
	for (ssize_t got; (got = recv(fd, buf, sizeof(buf), 0)) > 0;)
		rest += (size_t)got;
	assert_true(rest < BIG_REPLY / 2);
	close(fd);
}

static void a_big_reply_arrives_wholly_at_a_client_that_reads(void **state)
{
	static char buf[BIG_REPLY];
	struct bench *b = *state;
	int fd = client(b);
	size_t n = 0;

	client_send(fd, "big\n", 4);
	for (int i = 0; i < 10000; i++) {
		turn(b, 2);
		ssize_t got = recv(fd, buf + n, sizeof(buf) - n, 0);
		if (got == 0)
			break;
		if (got > 0)
			n += (size_t)got;
	}
	assert_int_equal(n, BIG_REPLY);
	for (size_t i = 0; i < BIG_REPLY; i += 16)
		assert_memory_equal(buf + i, "0123456789abcde\n", 16);
	close(fd);
}

static void a_client_that_goes_away_costs_nothing(void **state)
{
	struct bench *b = *state;
	int fd;

	for (int i = 0; i < 3 * LIMIT_CLIENTS; i++) {
		fd = client(b);
		client_send(fd, i % 2 ? "big\n" : "half", 4);
		turn(b, i % 3);
		close(fd);
		turn(b, 3);
	}
	assert_int_equal(unix_server_tick(b->server, clock_now()), NSEC_NEVER);
	fd = client(b);
	client_send(fd, "status\n", 7);
	turn(b, 4);
	expect(fd, "<status>");
	close(fd);
}

static void the_socket_and_its_folder_have_narrow_rights(void **state)
{
	struct bench *b = *state;
	struct unix_server_args args = {.loop = b->loop, .handler = handle, .ctx = b};
	struct unix_server *s = NULL;
	char path[PATH_MAX];
	struct stat st;

	assert_int_equal(stat(b->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600); /* no such group: only root */
	(void)snprintf(path, sizeof(path), "%s/run", b->dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0750);
	/* A folder that was there keeps its rights; a group that exists gets the socket. */
	assert_int_equal(chmod(path, 0711), 0);
	(void)snprintf(path, sizeof(path), "%s/run/t.sock", b->dir);
	args.path = path;
	args.group = getuid() == 0 ? "daemon" : NULL;
	assert_int_equal(unix_server_new(&args, &s), 0);
	assert_int_equal(stat(path, &st), 0);
	if (args.group) {
		assert_int_equal(st.st_mode & 07777, 0660);
		assert_int_not_equal(st.st_gid, 0);
	}
	unix_server_free(s);
	(void)snprintf(path, sizeof(path), "%s/run", b->dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0711);
}

/* --- rights of the group
 * -------------------------------------------------------------------------------------- */

#define OURS     true
#define NOT_OURS false

/* A group that every system has and the test is no member of; skips the test without root. */
static gid_t some_group(void)
{
	const struct group *group = getgrnam("daemon");

	if (getuid() != 0) {
		print_message("needs root: gives a folder to a group\n");
		skip();
	}
	assert_non_null(group);
	return group->gr_gid;
}

/* Gives up CAP_CHOWN or takes it back. */
static void may_chown(bool may)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	assert_int_equal(syscall(SYS_capget, &header, data), 0);
	data[0].effective &= ~(1u << CAP_CHOWN);
	data[0].effective |= may ? 1u << CAP_CHOWN : 0;
	assert_int_equal(syscall(SYS_capset, &header, data), 0);
}

/* Serves "group/s.sock" in the test's folder to the group daemon; returns what bars it. */
static int serve_group(struct bench *b, bool own_folder)
{
	struct unix_server_args args = {
		.loop = b->loop,
		.path = b->path,
		.group = "daemon",
		.own_folder = own_folder,
		.handler = handle,
		.ctx = b,
	};

	b->server = unix_server_free(b->server);
	(void)snprintf(b->path, sizeof(b->path), "%s/group/s.sock", b->dir);
	assert_int_equal(unix_server_new(&args, &b->server), 0);
	return unix_server_group_error(b->server);
}

static void expect_rights(const struct bench *b, const char *name, gid_t group, mode_t mode)
{
	char path[PATH_MAX];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/%s", b->dir, name);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_gid, group);
	assert_int_equal(st.st_mode & 07777, mode);
}

static void a_folder_is_made_for_the_group_whatever_the_umask(void **state)
{
	struct bench *b = *state;
	gid_t group = some_group();
	mode_t before = umask(077);

	assert_int_equal(serve_group(b, NOT_OURS), 0);
	umask(before);
	expect_rights(b, "group", group, 0750);
	expect_rights(b, "group/s.sock", group, 0660);
}

static void a_folder_of_ours_is_put_right(void **state)
{
	static const mode_t modes[] = {0750, 0700, 0755};
	struct bench *b = *state;
	gid_t group = some_group();

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		run("mkdir -p %s/group && chgrp 0 %s/group && chmod %o %s/group", b->dir, b->dir,
		    modes[i], b->dir);
		assert_int_equal(serve_group(b, OURS), 0);
		expect_rights(b, "group", group, 0750);
	}
}

static void a_folder_of_somebody_else_is_left_alone_and_told_if_it_bars_the_group(void **state)
{
	struct bench *b = *state;
	gid_t group = some_group();

	run("mkdir -m 0750 %s/group", b->dir);
	assert_int_equal(serve_group(b, NOT_OURS), -EACCES);
	expect_rights(b, "group", 0, 0750);
	run("chmod 0755 %s/group", b->dir);
	assert_int_equal(serve_group(b, NOT_OURS), 0);
	run("chgrp daemon %s/group && chmod 0710 %s/group", b->dir, b->dir);
	assert_int_equal(serve_group(b, NOT_OURS), 0);
	expect_rights(b, "group", group, 0710);
	run("chmod 0700 %s/group", b->dir);
	assert_int_equal(serve_group(b, NOT_OURS), -EACCES);
	/* /run/lodestone of another owner is not ours either. */
	run("chown daemon:root %s/group && chmod 0750 %s/group", b->dir, b->dir);
	assert_int_equal(serve_group(b, OURS), -EACCES);
	expect_rights(b, "group", 0, 0750);
}

static void a_group_that_cannot_be_set_is_told_and_root_is_served(void **state)
{
	struct bench *b = *state;
	int fd;

	(void)some_group();
	may_chown(false);
	int made = serve_group(b, OURS), found = serve_group(b, OURS);
	may_chown(true);
	assert_int_equal(made, -EPERM);
	assert_int_equal(found, -EPERM);
	expect_rights(b, "group", 0, 0750);
	expect_rights(b, "group/s.sock", 0, 0600);
	fd = client(b);
	client_send(fd, "status\n", 7);
	turn(b, 4);
	expect(fd, "<status>");
	close(fd);
}

static void a_group_that_does_not_exist_is_no_error(void **state)
{
	struct bench *b = *state;

	assert_int_equal(unix_server_group_error(b->server), 0);
}

static void a_served_socket_is_not_taken_over(void **state)
{
	struct bench *b = *state;
	struct unix_server *first = b->server;

	assert_int_equal(serve(b), -EADDRINUSE);
	assert_ptr_equal(b->server, first);
	turn(b, 4); /* the probe's connection */
	int fd = client(b);
	client_send(fd, "status\n", 7);
	turn(b, 4);
	expect(fd, "<status>");
	close(fd);
}

/* What a killed agent leaves: a socket file without anybody behind it. */
static void a_stale_socket_is_replaced(void **state)
{
	struct bench *b = *state;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	b->server = unix_server_free(b->server);
	assert_int_equal(access(b->path, F_OK), -1);
	memcpy(address.sun_path, b->path, strlen(b->path));
	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	assert_int_equal(access(b->path, F_OK), 0);
	assert_int_equal(serve(b), 0);
	fd = client(b);
	client_send(fd, "status\n", 7);
	turn(b, 4);
	expect(fd, "<status>");
	close(fd);
}

static void what_a_crash_left_beside_is_replaced(void **state)
{
	struct bench *b = *state;

	b->server = unix_server_free(b->server);
	run("echo >%s.new", b->path);
	assert_int_equal(serve(b), 0);
	close(client(b));
	turn(b, 3);
}

static void freeing_closes_the_clients(void **state)
{
	struct bench *b = *state;
	int first = client(b), second = client(b);

	turn(b, 4);
	b->server = unix_server_free(b->server);
	expect(first, "EOF");
	expect(second, "EOF");
	close(first);
	close(second);
}

static void what_is_not_a_socket_is_left_alone(void **state)
{
	struct bench *b = *state;

	b->server = unix_server_free(b->server);
	run("echo precious >%s", b->path);
	assert_int_equal(serve(b), -EADDRINUSE);
	run("grep -q precious %s", b->path);
}

static void freeing_leaves_a_successors_socket(void **state)
{
	struct bench *b = *state;
	struct unix_server *old = b->server;

	run("rm %s", b->path);
	assert_int_equal(serve(b), 0);
	unix_server_free(old);
	close(client(b));
	turn(b, 3);
}

static void a_path_too_long_for_a_socket_is_refused(void **state)
{
	struct bench *b = *state;
	struct unix_server *first = b->server;

	memset(b->path, 'x', 120);
	b->path[120] = '\0';
	assert_int_equal(serve(b), -ENAMETOOLONG);
	assert_ptr_equal(b->server, first);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_line_gets_its_reply_and_the_connection_ends),
		TEST(the_end_of_the_stream_ends_the_line),
		TEST(a_line_may_have_the_limit_and_not_one_byte_more),
		TEST(a_line_with_a_nul_is_refused),
		TEST(more_clients_than_the_limit_wait_for_room),
		TEST(a_client_that_says_nothing_is_closed_after_5_s),
		TEST(a_client_that_does_not_read_is_closed_5_s_after_its_last_progress),
		TEST(a_big_reply_arrives_wholly_at_a_client_that_reads),
		TEST(a_client_that_goes_away_costs_nothing),
		TEST(the_socket_and_its_folder_have_narrow_rights),
		TEST(a_folder_is_made_for_the_group_whatever_the_umask),
		TEST(a_folder_of_ours_is_put_right),
		TEST(a_folder_of_somebody_else_is_left_alone_and_told_if_it_bars_the_group),
		TEST(a_group_that_cannot_be_set_is_told_and_root_is_served),
		TEST(a_group_that_does_not_exist_is_no_error),
		TEST(a_served_socket_is_not_taken_over),
		TEST(a_stale_socket_is_replaced),
		TEST(what_a_crash_left_beside_is_replaced),
		TEST(freeing_closes_the_clients),
		TEST(what_is_not_a_socket_is_left_alone),
		TEST(freeing_leaves_a_successors_socket),
		TEST(a_path_too_long_for_a_socket_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
