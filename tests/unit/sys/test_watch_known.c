// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * sys/watch: what cannot be seen is not gone. A folder whose volume is not mounted, in a running
 * watch and in one that is told what an earlier run knew.
 */
#include "sys/watch.h"

#include "sys/files.h"
#include "watch_bench.h"

/* --- not mounted ----------------------------------------------------------------------------- */

static void an_empty_folder_in_place_of_the_one_with_the_files_is_not_mounted_yet(void **state)
{
	struct bench *b = *state;

	run("printf 1 >%s/a.yaml", b->dir);
	expect_scan(b, "+a.yaml=1");
	run("mv %s %s.away && mkdir %s && touch %s/notes.txt", b->dir, b->dir, b->dir, b->dir);
	expect_scan(b, "!dir:ENOMEDIUM");
	b->now += 10 * NSEC_PER_SEC;
	expect_scan(b, "");
	run("rm -r %s && mv %s.away %s", b->dir, b->dir, b->dir);
	expect_scan(b, "ok");
	/* Emptied by its owner, it is what it says. */
	run("rm %s/a.yaml", b->dir);
	expect_noticed(b, "");
	b->now = b->next;
	expect_scan(b, "-a.yaml");
	/* And nothing is missed in another empty one. */
	run("mv %s %s.away && mkdir %s", b->dir, b->dir, b->dir);
	expect_scan(b, "");
	run("printf 2 >%s/a.yaml; rm -r %s.away", b->dir, b->dir);
	expect_scan(b, "+a.yaml=2");
}

static void any_file_in_the_other_folder_says_that_it_is_meant(void **state)
{
	struct bench *b = *state;

	run("printf 1 >%s/a.yaml", b->dir);
	expect_scan(b, "+a.yaml=1");
	run("mv %s %s.away && mkdir %s", b->dir, b->dir, b->dir);
	expect_scan(b, "!dir:ENOMEDIUM");
	run("printf '#' >%s/empty.yaml; rm -r %s.away", b->dir, b->dir);
	expect_scan(b, "ok +empty.yaml=#");
	b->now = b->next;
	expect_scan(b, "-a.yaml");
	/* It is at home here now. */
	run("rm %s/empty.yaml", b->dir);
	expect_noticed(b, "");
	b->now = b->next;
	expect_scan(b, "-empty.yaml");
}

static void what_vanished_just_before_is_not_gone_while_nothing_is_seen(void **state)
{
	struct bench *b = *state;

	run("printf 1 >%s/a.yaml", b->dir);
	expect_scan(b, "+a.yaml=1");
	run("rm %s/a.yaml", b->dir);
	expect_scan(b, "");
	run("mv %s %s.away && mkdir %s", b->dir, b->dir, b->dir);
	b->now = b->next;
	expect_scan(b, "!dir:ENOMEDIUM");
	assert_true(b->next > b->now);
	run("rm -r %s.away", b->dir);
}

/* It may have the inode of the one that was removed, and is watched all the same. */
static void a_folder_made_anew_is_watched(void **state)
{
	struct bench *b = *state;

	expect_scan(b, "");
	run("rm -r %s && mkdir %s", b->dir, b->dir);
	expect_scan(b, "");
	(void)scan(b, false);
	run("printf 1 >%s/a.yaml", b->dir);
	expect_noticed(b, "+a.yaml=1");
}

/* --- what an earlier run knew ---------------------------------------------------------------- */

static uint64_t inode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_ino;
}

static void the_folder_that_files_were_seen_in_is_known_by_its_inode(void **state)
{
	struct bench *b = *state;

	assert_int_equal(watch_folder(b->w), 0);
	run("printf 1 >%s/a.yaml", b->dir);
	expect_scan(b, "+a.yaml=1");
	assert_true(watch_folder(b->w) == inode_of(b->dir));
	run("mv %s %s.away && mkdir %s", b->dir, b->dir, b->dir);
	expect_scan(b, "!dir:ENOMEDIUM");
	assert_true(watch_folder(b->w) != inode_of(b->dir));
	run("rm -r %s.away", b->dir);
}

static void a_file_that_an_earlier_run_knew_is_told_when_it_is_not_there(void **state)
{
	struct bench *b = *state;

	assert_true(expect_file(b, "/z.yaml"));
	assert_true(expect_file(b, "/b.yml"));
	assert_true(expect_file(b, "/z.yaml"));
	assert_true(expect_file(b, "/a.yaml"));
	run("printf 1 >%s/a.yaml; printf 3 >%s/c.yaml", b->dir, b->dir);
	expect_scan(b, "+a.yaml=1 +c.yaml=3");
	assert_int_equal(b->next, b->now + WATCH_GONE_NS);
	b->now = b->next;
	expect_scan(b, "-b.yml -z.yaml");
	expect_scan(b, "");
}

static void a_file_that_an_earlier_run_knew_may_be_being_written(void **state)
{
	struct bench *b = *state;

	assert_true(expect_file(b, "/a.yaml"));
	run("touch %s/a.yaml", b->dir);
	expect_scan(b, "");
	b->now = b->next;
	expect_scan(b, "+a.yaml=");
}

static void only_files_that_would_be_reported_are_expected(void **state)
{
	struct bench *b = *state;

	assert_false(expect_file(b, "/a.txt"));
	assert_false(expect_file(b, "/.a.yaml"));
	assert_false(expect_file(b, "/sub/a.yaml"));
	assert_false(expect_file(b, ".yaml"));
	assert_false(expect_file(b, "x/a.yaml"));
	assert_false(expect_file(b, ""));
	assert_false(watch_expect(b->w, "/a.yaml"));
	assert_false(watch_expect(b->w, "a.yaml"));
	assert_false(watch_expect(b->w, ""));
	watch_file(b, "conf");
	run("touch %s/conf", b->dir);
	watch_file(b, "conf");
	assert_false(expect_file(b, "/conf/a.yaml"));
	assert_true(expect_file(b, "/conf"));
}

static void an_earlier_runs_files_stay_while_their_folder_is_not_there(void **state)
{
	struct bench *b = *state;
	uint64_t inode = inode_of(b->dir);

	run("mv %s %s.away", b->dir, b->dir);
	watch_path(b, "");
	watch_set_folder(b->w, inode);
	assert_true(expect_file(b, "/a.yaml"));
	expect_scan(b, "!dir:ENOENT");
	run("mkdir %s", b->dir);
	expect_scan(b, "!dir:ENOMEDIUM"); /* the mount point */
	run("rmdir %s && mv %s.away %s", b->dir, b->dir, b->dir);
	expect_scan(b, "ok");
	b->now = b->next;
	expect_scan(b, "-a.yaml"); /* their own folder, and they are not in it */
}

/* Without a record of the folder nobody can say that this is the one. */
static void an_empty_folder_without_a_record_is_not_taken_for_the_right_one(void **state)
{
	struct bench *b = *state;

	assert_true(expect_file(b, "/a.yaml"));
	expect_scan(b, "!dir:ENOMEDIUM");
	run("printf 1 >%s/b.yaml", b->dir);
	expect_noticed(b, "ok +b.yaml=1");
	b->now = b->next;
	expect_scan(b, "-a.yaml");
}

/* A path that is not there tells nothing of itself: neither that it is a folder nor a file. */
static void what_the_path_was_is_known_from_the_earlier_run(void **state)
{
	struct bench *b = *state;

	watch_file(b, "conf"); /* not called like a file */
	assert_true(expect_file(b, "/conf"));
	assert_false(expect_file(b, "/conf/a.yaml"));
	expect_scan(b, "!conf:ENOENT");
	run("printf 1 >%s/conf", b->dir);
	expect_noticed(b, "+conf=1");

	watch_file(b, "d.yaml"); /* not called like a folder */
	assert_false(expect_file(b, "/other/a.yaml"));
	assert_true(expect_file(b, "/d.yaml/a.yaml"));
	run("mkdir %s/d.yaml && printf 2 >%s/d.yaml/a.yaml", b->dir, b->dir);
	expect_scan(b, "+a.yaml=2");
}

static void one_file_whose_folder_is_another_one_is_not_gone(void **state)
{
	struct bench *b = *state;
	uint64_t inode;

	run("mkdir %s/v && printf 1 >%s/v/conf", b->dir, b->dir);
	watch_file(b, "v/conf");
	expect_scan(b, "+conf=1");
	inode = watch_folder(b->w);
	assert_true(inode != 0);
	run("mv %s/v %s/away && mkdir %s/v", b->dir, b->dir, b->dir);
	expect_scan(b, "!v:ENOMEDIUM");
	b->now += 10 * NSEC_PER_SEC;
	expect_scan(b, "");
	/* And to a run that begins now. */
	watch_file(b, "v/conf");
	watch_set_folder(b->w, inode);
	assert_true(expect_file(b, "/v/conf"));
	expect_scan(b, "!v:ENOMEDIUM");
	run("rmdir %s/v && mv %s/away %s/v", b->dir, b->dir, b->dir);
	expect_scan(b, "ok +conf=1");
	run("rm %s/v/conf", b->dir); /* by its owner */
	expect_scan(b, "");
	b->now = b->next;
	expect_scan(b, "-conf");
}

static void slashes_at_the_end_of_the_path_are_not_part_of_the_names(void **state)
{
	struct bench *b = *state;

	run("printf 1 >%s/a.yaml", b->dir);
	watch_path(b, "//");
	assert_true(expect_file(b, "/a.yaml"));
	assert_false(expect_file(b, "//a.yaml"));
	expect_scan(b, "+a.yaml=1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_empty_folder_in_place_of_the_one_with_the_files_is_not_mounted_yet),
		TEST(any_file_in_the_other_folder_says_that_it_is_meant),
		TEST(what_vanished_just_before_is_not_gone_while_nothing_is_seen),
		TEST(a_folder_made_anew_is_watched),
		TEST(the_folder_that_files_were_seen_in_is_known_by_its_inode),
		TEST(a_file_that_an_earlier_run_knew_is_told_when_it_is_not_there),
		TEST(a_file_that_an_earlier_run_knew_may_be_being_written),
		TEST(only_files_that_would_be_reported_are_expected),
		TEST(an_earlier_runs_files_stay_while_their_folder_is_not_there),
		TEST(an_empty_folder_without_a_record_is_not_taken_for_the_right_one),
		TEST(what_the_path_was_is_known_from_the_earlier_run),
		TEST(one_file_whose_folder_is_another_one_is_not_gone),
		TEST(slashes_at_the_end_of_the_path_are_not_part_of_the_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
