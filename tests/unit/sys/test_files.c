// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * sys/files: whole files with limits, replacement that leaves no third state, folders, locks.
 */
#include "sys/files.h"

#include "sys_test.h"

#include <limits.h>
#include <sys/wait.h>

static char *dir; /* of the running test */

static int setup(void **state)
{
	(void)state;
	dir = temp_make();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	temp_remove(dir);
	return 0;
}

static const char *in_dir(const char *name, char path[PATH_MAX])
{
	assert_in_range(snprintf(path, PATH_MAX, "%s/%s", dir, name), 1, PATH_MAX - 1);
	return path;
}

static void expect_content(const char *path, const char *text, size_t len)
{
	char *data = NULL;
	size_t data_len = 0;

	assert_int_equal(file_read(path, 1 << 20, &data, &data_len), 0);
	assert_int_equal(data_len, len);
	assert_memory_equal(data, text, len);
	assert_int_equal(data[len], '\0');
	free(data);
}

static void what_was_written_is_read_back_with_its_nuls(void **state)
{
	char path[PATH_MAX];
	static char big[100000];

	(void)state;
	memset(big, 'x', sizeof(big));
	in_dir("f", path);
	assert_int_equal(file_write_atomic(path, "a\0b", 3, 0600), 0);
	expect_content(path, "a\0b", 3);
	assert_int_equal(file_write_atomic(path, big, sizeof(big), 0600), 0);
	expect_content(path, big, sizeof(big));
	assert_int_equal(file_write_atomic(path, "", 0, 0600), 0);
	expect_content(path, "", 0);
}

static void reading_refuses_what_is_too_large_or_no_file(void **state)
{
	char path[PATH_MAX], *data = NULL;
	size_t len = 0;

	(void)state;
	in_dir("f", path);
	assert_int_equal(file_write_atomic(path, "12345", 5, 0600), 0);
	assert_int_equal(file_read(path, 4, &data, &len), -EFBIG);
	assert_int_equal(file_read(dir, 100, &data, &len), -EISDIR);
	assert_int_equal(file_read(in_dir("none", path), 100, &data, &len), -ENOENT);
	assert_int_equal(mkfifo(in_dir("fifo", path), 0600), 0);
	assert_int_equal(file_read(path, 100, &data, &len), -EINVAL);
	assert_null(data);
	assert_int_equal(file_read(in_dir("f", path), 5, &data, &len), 0);
	free(data);
}

static void files_of_proc_are_read_although_they_claim_no_size(void **state)
{
	char *data = NULL;
	size_t len = 0;

	(void)state;
	assert_int_equal(file_read("/proc/self/status", 1 << 20, &data, &len), 0);
	assert_true(len > 100);
	free(data);
}

static void writing_replaces_the_file_and_leaves_nothing_beside_it(void **state)
{
	char path[PATH_MAX], beside[PATH_MAX];
	struct stat before, after;

	(void)state;
	in_dir("f", path);
	assert_int_equal(file_write_atomic(path, "old", 3, 0644), 0);
	int held = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(fstat(held, &before), 0);
	mode_t mask = umask(077);
	assert_int_equal(file_write_atomic(path, "new!", 4, 0640), 0);
	(void)umask(mask);
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(after.st_mode & 07777, 0640);
	assert_int_not_equal(before.st_ino, after.st_ino);
	/* A reader that had the old file open still has it whole. */
	char old[8] = "";
	assert_int_equal(read(held, old, sizeof(old)), 3);
	assert_string_equal(old, "old");
	close(held);
	assert_int_equal(access(in_dir("f.tmp", beside), F_OK), -1);
}

static void a_failed_write_leaves_the_old_file_and_no_rest(void **state)
{
	char path[PATH_MAX], beside[PATH_MAX];

	(void)state;
	/* A folder in the file's place cannot be renamed over. */
	assert_int_equal(mkdir(in_dir("f", path), 0700), 0);
	assert_int_equal(file_write_atomic(path, "new", 3, 0600), -EISDIR);
	assert_int_equal(access(in_dir("f.tmp", beside), F_OK), -1);
	assert_int_equal(file_write_atomic(in_dir("none/f", path), "new", 3, 0600), -ENOENT);
	assert_int_equal(file_write_atomic("/proc/self/mem/f", "new", 3, 0600), -ENOTDIR);
	/* A link planted under the temporary name is not followed. */
	assert_int_equal(file_write_atomic(in_dir("target", beside), "old", 3, 0600), 0);
	assert_int_equal(symlink(beside, in_dir("g.tmp", path)), 0);
	assert_int_equal(file_write_atomic(in_dir("g", path), "new", 3, 0600), -ELOOP);
	expect_content(beside, "old", 3);
}

static void folders_are_made_with_all_above_them(void **state)
{
	char path[PATH_MAX];
	struct stat st;

	(void)state;
	assert_int_equal(dir_make(in_dir("a/b//c/", path), 0750), 0);
	assert_int_equal(stat(in_dir("a/b/c", path), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0750);
	assert_int_equal(dir_make(path, 0700), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0750);
	assert_int_equal(file_write_atomic(in_dir("a/file", path), "", 0, 0600), 0);
	assert_int_equal(dir_make(path, 0700), -ENOTDIR);
	assert_int_equal(dir_make(in_dir("a/file/x", path), 0700), -ENOTDIR);
}

static void a_draft_replaces_the_file_when_it_is_committed(void **state)
{
	char path[PATH_MAX], beside[PATH_MAX];
	struct file_draft d;
	struct stat st;

	(void)state;
	in_dir("file", path);
	in_dir("file.tmp", beside);
	run("printf old >%s; printf left-over >%s; chmod 644 %s", path, beside, beside);
	assert_int_equal(file_draft_begin(&d, path, 0600), 0);
	assert_int_equal(file_draft_add(&d, "ne", 2), 0);
	assert_int_equal(file_draft_add(&d, "w", 1), 0);
	run("test $(cat %s) = old", path);
	assert_int_equal(file_draft_commit(&d), 0);
	run("test $(cat %s) = new", path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(access(beside, F_OK), -1);
	file_draft_discard(&d); /* it is over: nothing happens */
	run("test $(cat %s) = new", path);
}

static void a_draft_that_is_discarded_or_fails_leaves_the_old_file_and_no_rest(void **state)
{
	char path[PATH_MAX], beside[PATH_MAX];
	struct file_draft d = {0};

	(void)state;
	in_dir("file", path);
	in_dir("file.tmp", beside);
	file_draft_discard(&d);
	run("printf old >%s", path);
	assert_int_equal(file_draft_begin(&d, path, 0600), 0);
	assert_int_equal(file_draft_add(&d, "new", 3), 0);
	file_draft_discard(&d);
	run("test $(cat %s) = old", path);
	assert_int_equal(access(beside, F_OK), -1);
	/* The place of the file is taken by a folder. */
	run("rm %s && mkdir %s", path, path);
	assert_int_equal(file_draft_begin(&d, path, 0600), 0);
	assert_int_equal(file_draft_commit(&d), -EISDIR);
	assert_int_equal(access(beside, F_OK), -1);
	assert_null(d.path);
	assert_int_equal(file_draft_begin(&d, "/nowhere/x", 0600), -ENOENT);
}

/* In a child, so that it is another process that asks. */
static int lock_in_a_child(const char *path)
{
	pid_t pid = fork();
	int status = 0;

	assert_true(pid >= 0);
	if (pid == 0) {
		int fd, err = lock_take(path, &fd);

		_exit(err < 0 ? -err : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return -WEXITSTATUS(status);
}

static void a_lock_excludes_others_until_it_is_closed(void **state)
{
	char paths[2][PATH_MAX];

	(void)state;
	in_dir("lock", paths[0]);
	(void)snprintf(paths[1], PATH_MAX, "%s", dir); /* a folder can be locked, too */
	for (int i = 0; i < 2; i++) {
		int fd = -1, again = -1;

		assert_int_equal(lock_take(paths[i], &fd), 0);
		assert_int_equal(lock_take(paths[i], &again), -EWOULDBLOCK);
		assert_int_equal(again, -1);
		assert_int_equal(lock_in_a_child(paths[i]), -EWOULDBLOCK);
		close(fd);
		assert_int_equal(lock_in_a_child(paths[i]), 0);
		/* The child took it and died: nothing is left of that. */
		assert_int_equal(lock_take(paths[i], &fd), 0);
		close(fd);
	}
	assert_int_equal(lock_take("/nowhere/lock", &(int){-1}), -ENOENT);
}

static void closing_keeps_errno(void **state)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)state;
	errno = EXDEV;
	fd_closep(&fd);
	assert_int_equal(errno, EXDEV);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	fd = -1;
	fd_closep(&fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_was_written_is_read_back_with_its_nuls, setup,
						teardown),
		cmocka_unit_test_setup_teardown(reading_refuses_what_is_too_large_or_no_file, setup,
						teardown),
		cmocka_unit_test(files_of_proc_are_read_although_they_claim_no_size),
		cmocka_unit_test_setup_teardown(
			writing_replaces_the_file_and_leaves_nothing_beside_it, setup, teardown),
		cmocka_unit_test_setup_teardown(a_failed_write_leaves_the_old_file_and_no_rest,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_draft_replaces_the_file_when_it_is_committed,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_draft_that_is_discarded_or_fails_leaves_the_old_file_and_no_rest, setup,
			teardown),
		cmocka_unit_test_setup_teardown(folders_are_made_with_all_above_them, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_lock_excludes_others_until_it_is_closed, setup,
						teardown),
		cmocka_unit_test(closing_keeps_errno),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
