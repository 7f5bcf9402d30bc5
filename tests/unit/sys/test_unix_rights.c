// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * sys/unix_server: whose the socket and its folder are, whoever made the folder, and what becomes
 * of a group that cannot be given them.
 */
#include "sys/unix_listener.h"
#include "unix_bench.h"

#include <grp.h>
#include <linux/capability.h>
#include <sys/syscall.h>

/* As the lock's folder is made, before there is a socket. */
static void a_folder_has_its_group_from_the_beginning(void **state)
{
	const struct group *daemon = getgrnam("daemon");
	struct bench *b = *state;
	char path[PATH_MAX];
	struct stat st;

	if (getuid() != 0 || !daemon)
		skip();
	(void)snprintf(path, sizeof(path), "%s/own", b->dir);
	assert_int_equal(unix_folder_make(path, "daemon"), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0750);
	assert_int_equal(st.st_gid, daemon->gr_gid);
	/* One of a former run that knew no group is put right; no group takes none away. */
	assert_int_equal(chown(path, 0, 0), 0);
	assert_int_equal(chmod(path, 0700), 0);
	assert_int_equal(unix_folder_make(path, "daemon"), 0);
	assert_int_equal(unix_folder_make(path, NULL), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0750);
	assert_int_equal(st.st_gid, daemon->gr_gid);
	assert_int_equal(rmdir(path), 0);
	(void)snprintf(path, sizeof(path), "%s/no/such/file\n/x", "/proc");
	assert_true(unix_folder_make(path, "daemon") < 0);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_folder_has_its_group_from_the_beginning),
		TEST(the_socket_and_its_folder_have_narrow_rights),
		TEST(a_folder_is_made_for_the_group_whatever_the_umask),
		TEST(a_folder_of_ours_is_put_right),
		TEST(a_folder_of_somebody_else_is_left_alone_and_told_if_it_bars_the_group),
		TEST(a_group_that_cannot_be_set_is_told_and_root_is_served),
		TEST(a_group_that_does_not_exist_is_no_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
