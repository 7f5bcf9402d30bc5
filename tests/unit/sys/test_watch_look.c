// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * sys/watch: a look at all files that is taken because its time has come, and takes many turns.
 * What inotify names meanwhile does not wait for its end, unless there may be more to it than one
 * file: what a look finds, or what happened in the folder beside files, is told in one piece.
 */
#include "sys/watch.h"

#include "watch_bench.h"

/* Has enough after so many questions, and when what it was told may go into the world. */
struct turn {
	struct bench *b;
	unsigned left;
};

static void tell(void *ctx, struct watch_file *file)
{
	const struct turn *t = ctx;

	record(t->b, file);
}

static bool is_enough(void *ctx)
{
	struct turn *t = ctx;

	if (t->b->calls.len > 0 && watch_is_whole(t->b->w))
		return true;
	return t->left == 0 || --t->left == 0;
}

static const char *scan_some(struct bench *b, unsigned n)
{
	struct turn t = {b, n};
	const struct watch_reader reader = {tell, is_enough, &t};

	b->calls.len = 0;
	if (b->calls.data)
		b->calls.data[0] = '\0';
	b->next = watch_scan(b->w, b->now, false, &reader);
	return b->calls.data ? b->calls.data : "";
}

/* Told is `text`, and the look goes on; whole or not. */
#define expect_some(b, n, text, whole)                                                             \
	do {                                                                                       \
		assert_string_equal(scan_some((b), (n)), (text));                                  \
		assert_int_equal((b)->next, (b)->now);                                             \
		assert_false(watch_is_through((b)->w));                                            \
		assert_int_equal(watch_is_whole((b)->w), (whole));                                 \
	} while (0)

#define expect_end(b, text)                                                                        \
	do {                                                                                       \
		assert_string_equal(scan_some((b), 99), (text));                                   \
		assert_true((b)->next > (b)->now);                                                 \
		assert_true(watch_is_through((b)->w));                                             \
		assert_true(watch_is_whole((b)->w));                                               \
	} while (0)

/* a to f are there, and d is a link whose target inotify does not see. */
static char *six_files(struct bench *b)
{
	char *other = temp_make();

	run("printf 1 >%s/t && cd %s && for i in a b c e f; do printf $i >$i.yaml; done && "
	    "ln -s %s/t d.yaml",
	    other, b->dir, other);
	(void)scan(b, false);
	b->now += WATCH_RESCAN_NS;
	return other;
}

static void what_is_named_goes_before_the_rest_of_a_look(void **state)
{
	struct bench *b = *state;
	char *other = six_files(b);

	expect_some(b, 2, "", true);
	run("cd %s && printf 2 >a.yaml && printf 2 >f.yaml", b->dir);
	expect_some(b, 2, "+a.yaml=2 +f.yaml=2", true);
	/* What it has not come by yet is found by it, and what it finds is not told by halves. */
	run("printf 22 >%s/t", other);
	expect_some(b, 2, "+d.yaml=22", false);
	run("cd %s && printf 3 >b.yaml", b->dir);
	expect_some(b, 1, "", false);
	assert_string_equal(scan_some(b, 99), "");
	expect_end(b, "+b.yaml=3");
	temp_remove(other);
}

/* It came by the file before inotify was asked: that is no find of its own. */
static void what_a_look_comes_by_may_be_named_meanwhile(void **state)
{
	struct bench *b = *state;
	char *other = six_files(b);

	expect_some(b, 1, "", true);
	run("printf 22 >%s/t && cd %s && printf 2 >c.yaml", other, b->dir);
	expect_some(b, 9, "+c.yaml=2", true);
	expect_end(b, "+d.yaml=22");
	temp_remove(other);
}

/* By turns: who edits without a pause does not keep a look from its end. */
static void a_look_ends_beside_edits_without_end(void **state)
{
	struct bench *b = *state;
	char *other = six_files(b);
	unsigned turns = 0;

	run("printf 22 >%s/t", other);
	while (!strstr(scan_some(b, 1), "d.yaml=22") && ++turns < 20)
		run("printf %u >%s/a.yaml", turns, b->dir);
	assert_in_range(turns, 4, 19);
	temp_remove(other);
}

/* Files come and go before the place at which a look is, and none of the others is left out. */
static void a_look_keeps_its_place(void **state)
{
	struct bench *b = *state;
	char *other = six_files(b);

	run("touch %s/" WATCH_EXACT, b->dir);
	(void)scan(b, false);
	b->now += WATCH_RESCAN_NS;
	expect_some(b, 3, "", true);
	run("cd %s && rm a.yaml b.yaml && printf 22 >%s/t", b->dir, other);
	expect_some(b, 9, "-a.yaml -b.yaml", true);
	expect_end(b, "+d.yaml=22");
	b->now += WATCH_RESCAN_NS;
	expect_some(b, 1, "", true);
	run("cd %s && printf 0 >a.yaml && printf 1 >b.yaml && printf 333 >%s/t", b->dir, other);
	expect_some(b, 9, "+a.yaml=0 +b.yaml=1", true);
	expect_end(b, "+d.yaml=333");
	temp_remove(other);
}

/* The kubelet's link was moved: then a file alone is no picture. */
static void what_happens_beside_files_is_told_in_one_piece(void **state)
{
	struct bench *b = *state;
	char *other = six_files(b);

	expect_some(b, 5, "", true);
	run("cd %s && printf 2 >a.yaml && printf 22 >%s/t && printf x >unknown", b->dir, other);
	expect_some(b, 9, "", false);
	expect_end(b, "+a.yaml=2 +d.yaml=22");
	temp_remove(other);
}

static void all_read_again_is_told_in_one_piece(void **state)
{
	struct bench *b = *state;
	struct turn t = {b, 1};
	const struct watch_reader reader = {tell, is_enough, &t};
	char *other = six_files(b);

	b->next = watch_scan(b->w, b->now, true, &reader);
	assert_false(watch_is_whole(b->w));
	run("cd %s && printf 2 >a.yaml", b->dir);
	expect_some(b, 1, "", false);
	assert_string_equal(scan_some(b, 99), "");
	expect_end(b, "+a.yaml=2");
	temp_remove(other);
}

/* A folder of thousands is listed in more turns than one. */
static void a_file_that_comes_while_the_folder_is_listed_is_there(void **state)
{
	struct bench *b = *state;

	run("cd %s && touch " WATCH_EXACT
	    " && for i in $(seq 1000 1999); do printf 1 >$i.yaml; done",
	    b->dir);
	(void)scan(b, false);
	b->now += WATCH_RESCAN_NS;
	expect_some(b, 1, "", true);
	run("cd %s && printf 2 >0.yaml && printf 2 >1500.yaml && rm 1000.yaml", b->dir);
	expect_some(b, 9, "+0.yaml=2 -1000.yaml +1500.yaml=2", true);
	expect_some(b, 1, "", true);
	run("cd %s && printf 3 >3.yaml && rm 0.yaml", b->dir);
	expect_some(b, 9, "-0.yaml +3.yaml=3", true);
	while (b->next == b->now)
		assert_string_equal(scan_some(b, 99), "");
	assert_true(watch_is_through(b->w));
	b->now += WATCH_RESCAN_NS;
	expect_scan(b, "");
}

/* The folder goes away while a look is under way: nothing is known to be missing. */
static void a_folder_that_goes_during_a_look_costs_no_file(void **state)
{
	struct bench *b = *state;
	char *other = six_files(b);

	expect_some(b, 2, "", true);
	run("cd %s && printf 2 >a.yaml && mv %s %s.away", b->dir, b->dir, b->dir);
	for (unsigned i = 0; i < 9 && b->next == b->now; i++)
		(void)scan_some(b, 99);
	assert_string_equal(b->calls.data, "!dir:ENOENT");
	assert_true(b->next > b->now);
	run("mv %s.away %s", b->dir, b->dir);
	b->now = b->next;
	expect_end(b, "ok +a.yaml=2");
	temp_remove(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_named_goes_before_the_rest_of_a_look),
		TEST(what_a_look_comes_by_may_be_named_meanwhile),
		TEST(a_look_ends_beside_edits_without_end),
		TEST(a_look_keeps_its_place),
		TEST(what_happens_beside_files_is_told_in_one_piece),
		TEST(all_read_again_is_told_in_one_piece),
		TEST(a_file_that_comes_while_the_folder_is_listed_is_there),
		TEST(a_folder_that_goes_during_a_look_costs_no_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
