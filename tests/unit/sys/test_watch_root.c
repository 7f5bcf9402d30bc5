// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* A file right below the root: what is watched for it is the root. */
#include "watch_bench.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

static void write_file(const char *path, const char *text)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) || close(fd) != 0)
		_exit(2);
}

/* In a root of its own; cmocka is the parent's. */
static void watch_below_the_root(struct bench *b)
{
	struct watch *w;

	if (chroot(b->dir) != 0 || chdir("/") != 0)
		_exit(3);
	write_file("/conf", "1");
	if (watch_new(&(struct watch_args){.path = "/conf"}, &w) != 0)
		_exit(4);
	watch_free(b->w);
	b->w = w;
	if (strcmp(scan(b, false), "+conf=1") != 0 || is_readable(b))
		_exit(5);
	write_file("/new", "2");
	if (rename("/new", "/conf") != 0)
		_exit(2);
	_exit(is_readable(b) && strcmp(scan(b, false), "+conf=2") == 0 ? 0 : 6);
}

static void a_file_right_below_the_root_is_watched(void **state)
{
	struct bench *b = *state;
	int status;
	pid_t pid;

	if (geteuid() != 0)
		skip();
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		watch_below_the_root(b);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_file_right_below_the_root_is_watched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
