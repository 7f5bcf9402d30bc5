// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * cli/tar: tar(1) reads what is written, files of no length, of a whole block and beyond one among
 * them.
 */
#include "cli/tar.h"

#include "cli/child.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

static void run(const char *script, const char *file, struct strbuf *ret)
{
	const char *const argv[] = {"sh", "-c", script, "sh", file, NULL};

	strbuf_init(ret, 1u << 16);
	assert_int_equal(child_run(child_exec, argv, 10, true, ret), 0);
}

static void tar_reads_what_is_written(void **state)
{
	char name[] = "/tmp/lt-tar-XXXXXX", block[1024];
	struct strbuf tar, said;
	int fd = mkstemp(name);

	(void)state;
	memset(block, 'x', sizeof(block));
	strbuf_init(&tar, 1u << 20);
	tar_add(&tar, "empty", "", 0);
	tar_add(&tar, "a/short.txt", "hello\n", 6);
	tar_add(&tar, "a/block", block, 512);
	tar_add(&tar, "a/more", block, 513);
	tar_end(&tar);
	assert_int_equal(tar.len, 512 * (1 + 2 + 2 + 3 + 2));
	assert_int_equal(write(fd, tar.data, tar.len), tar.len);
	(void)close(fd);
	run("tar -tvf $1 --numeric-owner && tar -xOf $1 a/short.txt && tar -xOf $1 a/more | wc -c",
	    name, &said);
	assert_string_equal(said.data,
			    "-rw------- 0/0               0 1970-01-01 00:00 empty\n"
			    "-rw------- 0/0               6 1970-01-01 00:00 a/short.txt\n"
			    "-rw------- 0/0             512 1970-01-01 00:00 a/block\n"
			    "-rw------- 0/0             513 1970-01-01 00:00 a/more\n"
			    "hello\n513\n");
	strbuf_done(&said);
	strbuf_done(&tar);
	(void)unlink(name);
}

static void children_end_in_time_or_are_ended(void **state)
{
	const char *const quick[] = {"sh", "-c", "echo a; echo b >&2; exit 3", NULL};
	const char *const slow[] = {"sh", "-c", "echo a; exec sleep 20", NULL};
	const char *const none[] = {"/no/such/program", NULL};
	struct strbuf out;

	(void)state;
	strbuf_init(&out, 100);
	assert_int_equal(child_run(child_exec, quick, 0, false, &out), 3);
	assert_string_equal(out.data, "a\n");
	assert_int_equal(child_run(child_exec, quick, 0, true, &out), 3);
	assert_string_equal(out.data, "a\na\nb\n");
	assert_true(child_run(child_exec, slow, 1, false, &out) < 0);
	assert_string_equal(out.data, "a\na\nb\na\n");
	assert_int_equal(child_run(child_exec, none, 1, false, &out), CHILD_MISSING);
	strbuf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tar_reads_what_is_written),
		cmocka_unit_test(children_end_in_time_or_are_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
