// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * sys/watch: a pass over the files may take several turns, and goes over those alone that are
 * named where that is enough.
 */
#include "sys/watch.h"

#include "base/rng.h"
#include "watch_bench.h"

/* Whose reader has enough after so many files. */
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
	assert_int_equal(b->next == b->now, !watch_is_through(b->w));
	return b->calls.data ? b->calls.data : "";
}

static void a_pass_goes_on_where_it_was_enough(void **state)
{
	struct bench *b = *state;

	run("cd %s && for i in a b c d e; do printf $i >$i.yaml; done", b->dir);
	assert_string_equal(scan_some(b, 2), "+a.yaml=a +b.yaml=b");
	assert_false(watch_is_through(b->w));
	run("cd %s && printf 1 >a.yaml && rm d.yaml && printf x >aa.yaml", b->dir);
	assert_string_equal(scan_some(b, 2), "+c.yaml=c");
	assert_string_equal(scan_some(b, 2), "+e.yaml=e");
	assert_true(watch_is_through(b->w));
	assert_string_equal(scan_some(b, 1), "+a.yaml=1");
	assert_string_equal(scan_some(b, 9), "+aa.yaml=x");
	assert_true(watch_is_through(b->w));
}

static void what_is_asked_for_during_a_pass_is_done_after_it(void **state)
{
	struct bench *b = *state;
	struct turn t = {b, 1};
	const struct watch_reader reader = {tell, is_enough, &t};

	run("cd %s && printf 1 >a.yaml && printf 1 >b.yaml", b->dir);
	assert_string_equal(scan_some(b, 1), "+a.yaml=1");
	b->calls.len = 0;
	b->next = watch_scan(b->w, b->now, true, &reader);
	assert_string_equal(b->calls.data, "+b.yaml=1");
	assert_int_equal(b->next, b->now);
	assert_false(watch_is_through(b->w));
	assert_string_equal(scan_some(b, 9), "");
	assert_true(watch_is_through(b->w));
}

/* Of ten thousand files one changes: the others are not looked at. */
static void an_event_costs_the_file_it_names(void **state)
{
	struct bench *b = *state;
	char *other = temp_make();

	run("printf 1 >%s/t && ln -s %s/t %s/link.yaml && printf 1 >%s/a.yaml", other, other,
	    b->dir, b->dir);
	expect_scan(b, "+a.yaml=1 +link.yaml=1");
	run("printf 22 >%s/t && printf 2 >%s/a.yaml && printf 3 >%s/new.yaml", other, b->dir,
	    b->dir);
	expect_noticed(b, "+a.yaml=2 +new.yaml=3");
	/* A name that is none of ours may be what a link leads to. */
	run("printf x >%s/unknown", b->dir);
	expect_noticed(b, "+link.yaml=22");
	run("printf 333 >%s/t", other);
	b->now += WATCH_RESCAN_NS;
	expect_scan(b, "+link.yaml=333");
	temp_remove(other);
}

/* An editor writes beside a file and renames: where no link is, that costs one file, too. */
static void a_name_that_is_none_of_ours_concerns_links_only(void **state)
{
	struct bench *b = *state;
	char *other = temp_make();

	run("printf 1 >%s/t && ln %s/t %s/hard.yaml && printf 1 >%s/a.yaml", other, other, b->dir,
	    b->dir);
	expect_scan(b, "+a.yaml=1 +hard.yaml=1");
	run("printf 22 >%s/t && printf 2 >%s/a.new && mv %s/a.new %s/a.yaml", other, b->dir, b->dir,
	    b->dir);
	expect_noticed(b, "+a.yaml=2");
	/* From the first link on all of them are looked at. */
	run("ln -s %s/t %s/link.yaml", other, b->dir);
	expect_noticed(b, "+link.yaml=22");
	run("printf 333 >%s/t && printf x >%s/unknown", other, b->dir);
	expect_noticed(b, "+hard.yaml=333 +link.yaml=333");
	/* And when it is gone, none again, once all were listed. */
	run("rm %s/link.yaml", b->dir);
	expect_noticed(b, "");
	b->now += WATCH_RESCAN_NS;
	expect_scan(b, "-link.yaml");
	run("printf 4444 >%s/t && printf x >%s/unknown", other, b->dir);
	expect_noticed(b, "");
	b->now += WATCH_RESCAN_NS;
	expect_scan(b, "+hard.yaml=4444");
	temp_remove(other);
}

/* An editor's beside the file that it will be: of ten thousand files none is gone by for that. */
static void a_name_that_is_none_of_ours_walks_by_no_file(void **state)
{
	struct bench *b = *state;
	uint64_t walked;

	run("cd %s && for i in a b c d e; do printf $i >$i.yaml; done", b->dir);
	expect_scan(b, "+a.yaml=a +b.yaml=b +c.yaml=c +d.yaml=d +e.yaml=e");
	walked = watch_walked(b->w);
	assert_true(walked > 0);
	run("cd %s && printf 1 >c.yaml.new && printf 2 >notes && rm notes", b->dir);
	expect_noticed(b, "");
	assert_int_equal(watch_walked(b->w), walked);
	run("cd %s && mv c.yaml.new c.yaml", b->dir);
	expect_noticed(b, "+c.yaml=1");
	assert_true(watch_walked(b->w) > walked);
}

/* Nor is more than the one gone by that was edited, until all are looked at anyway. */
static void an_edit_walks_by_its_file_alone(void **state)
{
	struct bench *b = *state;
	uint64_t walked;

	run("cd %s && for i in $(seq 10 59); do printf $i >$i.yaml; done", b->dir);
	(void)scan(b, false);
	for (unsigned i = 0; i < 3; i++) {
		walked = watch_walked(b->w);
		run("cd %s && printf %u >x && mv x 2%u.yaml", b->dir, i, i * 4);
		(void)scan(b, false);
		assert_in_range(watch_walked(b->w) - walked, 1, 4);
	}
	/* What is away is waited for, and others are edited meanwhile, before it and behind it. */
	run("cd %s && rm 30.yaml", b->dir);
	(void)scan(b, false);
	run("cd %s && printf x >x && cp x 12.yaml && cp x 50.yaml && cp x 11a.yaml", b->dir);
	expect_noticed(b, "+11a.yaml=x +12.yaml=x +50.yaml=x");
	b->now += WATCH_GONE_NS;
	expect_scan(b, "-30.yaml");
	walked = watch_walked(b->w);
	run("cd %s && printf y >x && mv x 58.yaml", b->dir);
	expect_noticed(b, "+58.yaml=y");
	assert_in_range(watch_walked(b->w) - walked, 1, 4);
}

#define N_NAMES 5
#define TEXT    32

/* What was told, by file. */
struct told {
	char texts[N_NAMES][TEXT]; /* "": nothing, or gone */
	struct rng rng;
	nsec_t now;
};

static size_t index_of(const char *path)
{
	return (size_t)(strrchr(path, '/')[1] - 'a');
}

static void take(void *ctx, struct watch_file *file)
{
	struct told *t = ctx;

	if (file->event == WATCH_GONE)
		t->texts[index_of(file->path)][0] = '\0';
	if (file->event == WATCH_CHANGED)
		(void)snprintf(t->texts[index_of(file->path)], TEXT, "%s", file->text);
}

static bool is_sometimes_enough(void *ctx)
{
	struct told *t = ctx;

	return rng_below(&t->rng, 3) == 0;
}

static void change_something(struct rng *rng, const char *dir)
{
	const char name = (char)('a' + rng_below(rng, N_NAMES));
	const unsigned n = (unsigned)rng_below(rng, 1000);
	char path[PATH_MAX], other[PATH_MAX];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%c.yaml", dir, name);
	(void)snprintf(other, sizeof(other), "%s/%s", dir,
		       rng_below(rng, 2) == 0 ? "target" : ".hidden.yaml");
	switch (rng_below(rng, 5)) {
	case 0:
		(void)unlink(path);
		return;
	case 1: /* a link to itself would be a failure, not a file */
		if (readlink(path, (char[1]){0}, 1) < 0)
			(void)rename(path, other);
		return;
	case 2:
		(void)rename(other, path);
		return;
	case 3:
		(void)unlink(path);
		(void)symlink("target", path);
		return;
	default:
		file = fopen(path, "we"); /* or what it leads to */
		assert_non_null(file);
		fprintf(file, "%u", n);
		assert_int_equal(fclose(file), 0);
	}
}

static void assert_true_state(const struct told *t, const char *dir)
{
	for (size_t i = 0; i < N_NAMES; i++) {
		char path[PATH_MAX], text[TEXT] = "";
		FILE *file;

		(void)snprintf(path, sizeof(path), "%s/%c.yaml", dir, (char)('a' + i));
		file = fopen(path, "re");
		if (file) {
			(void)!fread(text, 1, sizeof(text) - 1, file);
			assert_int_equal(fclose(file), 0);
		}
		assert_string_equal(t->texts[i], text);
	}
}

/* However a pass is cut up, and whatever happens meanwhile, what was told in the end is the truth.
 */
static void passes_end_in_the_true_state(void **state)
{
	struct bench *b = *state;

	for (uint64_t seed = 0; seed < 60; seed++) {
		struct told t = {.now = b->now};
		const struct watch_reader reader = {take, is_sometimes_enough, &t};
		nsec_t next = 0;

		rng_seed(&t.rng, seed);
		watch_path(b, "/");
		run("rm -f %s/* %s/.hidden.yaml", b->dir, b->dir);
		for (int i = 0; i < 60; i++) {
			change_something(&t.rng, b->dir);
			t.now += rng_below(&t.rng, 9) == 0 ? WATCH_RESCAN_NS
							   : rng_below(&t.rng, 100) * MS;
			if (rng_below(&t.rng, 2) == 0)
				next = watch_scan(b->w, t.now, rng_below(&t.rng, 9) == 0, &reader);
		}
		/* The folder is left alone; the loop goes on as it would. */
		for (int i = 0; i < 60; i++)
			next = watch_scan(b->w, t.now = next > t.now ? next : t.now, false,
					  &reader);
		assert_true_state(&t, b->dir);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_pass_goes_on_where_it_was_enough),
		TEST(what_is_asked_for_during_a_pass_is_done_after_it),
		TEST(an_event_costs_the_file_it_names),
		TEST(a_name_that_is_none_of_ours_concerns_links_only),
		TEST(a_name_that_is_none_of_ours_walks_by_no_file),
		TEST(an_edit_walks_by_its_file_alone),
		TEST(passes_end_in_the_true_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
