// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * sys/notify: the datagrams that a supervisor receives, over a path and an abstract name, and that
 * nothing happens without one.
 */
#include "sys/notify.h"

#include "sys_test.h"

#include <sched.h>
#include <sys/socket.h>
#include <sys/un.h>

static int supervisor(const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t len = strlen(name);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	assert_in_range(len, 1, sizeof(address.sun_path) - 1);
	memcpy(address.sun_path, name, len);
	if (name[0] == '@')
		address.sun_path[0] = '\0';
	assert_int_equal(bind(fd, (const struct sockaddr *)&address,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)),
			 0);
	assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
	return fd;
}

static void expect(int fd, const char *expected)
{
	char buf[512];
	ssize_t got = recv(fd, buf, sizeof(buf) - 1, 0);

	buf[got > 0 ? got : 0] = '\0';
	assert_string_equal(buf, expected);
}

static void expect_all_messages(int fd)
{
	notify_ready(NULL);
	expect(fd, "READY=1");
	notify_ready("3 peers");
	expect(fd, "READY=1\nSTATUS=3 peers");
	notify_reloading(1234567 * NSEC_PER_USEC + 1);
	expect(fd, "RELOADING=1\nMONOTONIC_USEC=1234567");
	notify_watchdog();
	expect(fd, "WATCHDOG=1");
	notify_stopping();
	expect(fd, "STOPPING=1");
}

static void messages_arrive_at_a_path_and_at_an_abstract_name(void **state)
{
	char *dir = temp_make(), path[64];
	int fd;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/notify", dir);
	fd = supervisor(path);
	expect_all_messages(fd);
	close(fd);
	(void)snprintf(path, sizeof(path), "@%s", dir);
	fd = supervisor(path);
	expect_all_messages(fd);
	close(fd);
	temp_remove(dir);
}

/* In a network of its own, since abstract names are a network's. */
static void a_name_may_be_one_character(void **state)
{
	int fd;

	(void)state;
	if (unshare(CLONE_NEWNET) != 0)
		skip();
	fd = supervisor("@n");
	notify_watchdog();
	expect(fd, "WATCHDOG=1");
	close(fd);
}

static void a_supervisor_that_does_not_read_does_not_block(void **state)
{
	int fd = supervisor("@lt-sys-notify-full");

	(void)state;
	for (int i = 0; i < 10000; i++)
		notify_watchdog();
	expect(fd, "WATCHDOG=1");
	close(fd);
}

static void nothing_happens_without_a_supervisor(void **state)
{
	static const char *const names[] = {"", "@", "relative", "/nowhere/at/all"};
	char long_name[300];

	(void)state;
	unsetenv("NOTIFY_SOCKET");
	notify_ready(NULL);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		setenv("NOTIFY_SOCKET", names[i], 1);
		notify_ready(NULL);
	}
	memset(long_name, '/', sizeof(long_name));
	long_name[sizeof(long_name) - 1] = '\0';
	setenv("NOTIFY_SOCKET", long_name, 1);
	notify_ready(NULL);
	unsetenv("NOTIFY_SOCKET");
}

static nsec_t interval(const char *usec, const char *pid)
{
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	if (usec)
		setenv("WATCHDOG_USEC", usec, 1);
	if (pid)
		setenv("WATCHDOG_PID", pid, 1);
	return notify_watchdog_interval();
}

static void the_interval_is_half_of_what_is_allowed_to_this_process(void **state)
{
	char own[32], other[32];

	(void)state;
	(void)snprintf(own, sizeof(own), "%d", (int)getpid());
	(void)snprintf(other, sizeof(other), "%d", (int)getpid() + 1);
	assert_int_equal(interval("30000000", NULL), 15 * NSEC_PER_SEC);
	assert_int_equal(interval("30000000", own), 15 * NSEC_PER_SEC);
	assert_int_equal(interval("30000000", other), NSEC_NEVER);
	assert_int_equal(interval(NULL, own), NSEC_NEVER);
	assert_int_equal(interval("", NULL), NSEC_NEVER);
	assert_int_equal(interval("0", NULL), NSEC_NEVER);
	assert_int_equal(interval("12x", NULL), NSEC_NEVER);
	assert_int_equal(interval("-5", NULL), NSEC_NEVER);
	assert_int_equal(interval("99999999999999999999999", NULL), NSEC_NEVER);
	assert_int_equal(interval("18446744073709551615", NULL), NSEC_NEVER);
	(void)interval(NULL, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_arrive_at_a_path_and_at_an_abstract_name),
		cmocka_unit_test(a_name_may_be_one_character),
		cmocka_unit_test(a_supervisor_that_does_not_read_does_not_block),
		cmocka_unit_test(nothing_happens_without_a_supervisor),
		cmocka_unit_test(the_interval_is_half_of_what_is_allowed_to_this_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
