// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * sys/watch: every way in which people and programs replace files, each with the calls that an
 * attentive reader of the folder expects, and what the limits let in.
 */
#include "sys/watch.h"

#include "base/limits.h"
#include "sys/files.h"
#include "watch_bench.h"

static void the_first_scan_reports_every_yaml_file_in_order(void **state)
{
	struct bench *b = *state;

	run("cd %s && printf 2 >b.yml && printf 1 >a.yaml && printf x >c.txt && printf x >.h.yaml &&"
	    " printf x >yaml && mkdir sub && printf x >sub/d.yaml",
	    b->dir);
	expect_scan(b, "+a.yaml=1 +b.yml=2");
	expect_scan(b, "");
	assert_true(b->next > b->now + WATCH_GONE_NS); /* nothing is waited for */
}

static void cp_over_a_file_is_one_change(void **state)
{
	struct bench *b = *state;

	run("printf old >%s/a.yaml; printf new >%s/src", b->dir, b->dir);
	expect_scan(b, "+a.yaml=old");
	run("cp %s/src %s/a.yaml", b->dir, b->dir);
	expect_noticed(b, "+a.yaml=new");
	expect_scan(b, "");
}

static void mv_over_a_file_is_one_change(void **state)
{
	struct bench *b = *state;

	run("printf old >%s/a.yaml; printf new >%s/src", b->dir, b->dir);
	expect_scan(b, "+a.yaml=old");
	run("mv %s/src %s/a.yaml", b->dir, b->dir);
	expect_noticed(b, "+a.yaml=new");
}

static void sed_in_place_is_one_change(void **state)
{
	struct bench *b = *state;

	run("printf old >%s/a.yaml", b->dir);
	expect_scan(b, "+a.yaml=old");
	run("sed -i s/old/new/ %s/a.yaml", b->dir);
	expect_noticed(b, "+a.yaml=new");
}

/* vim with backupcopy=no: the old file steps aside, the new one is written in its place. */
static void an_editor_that_moves_the_old_file_aside_never_costs_the_objects(void **state)
{
	struct bench *b = *state;

	run("printf old >%s/a.yaml", b->dir);
	expect_scan(b, "+a.yaml=old");
	run("mv %s/a.yaml %s/a.yaml~", b->dir, b->dir);
	expect_noticed(b, "");
	assert_int_equal(b->next, b->now + WATCH_GONE_NS);
	b->now += 150 * MS;
	run("printf new >%s/a.yaml; rm %s/a.yaml~", b->dir, b->dir);
	expect_noticed(b, "+a.yaml=new");
	b->now += 100 * MS;
	expect_scan(b, "");
	assert_true(b->next > b->now + WATCH_GONE_NS); /* nothing is waited for */
}

static void a_file_that_comes_back_unchanged_is_no_change(void **state)
{
	struct bench *b = *state;

	run("printf old >%s/a.yaml", b->dir);
	expect_scan(b, "+a.yaml=old");
	run("rm %s/a.yaml", b->dir);
	expect_noticed(b, "");
	b->now += 199 * MS;
	run("printf old >%s/a.yaml", b->dir);
	expect_noticed(b, "");
	b->now += 199 * MS;
	/* Gone once more: the time counts anew. */
	run("rm %s/a.yaml", b->dir);
	expect_noticed(b, "");
	b->now += 199 * MS;
	expect_scan(b, "");
	b->now += 1 * MS;
	expect_scan(b, "-a.yaml");
}

static void a_vanished_file_is_reported_after_200_ms_and_once(void **state)
{
	struct bench *b = *state;

	run("cd %s && printf 1 >a.yaml && printf 2 >b.yaml", b->dir);
	expect_scan(b, "+a.yaml=1 +b.yaml=2");
	run("rm %s/a.yaml", b->dir);
	expect_noticed(b, "");
	b->now = b->next - 1;
	expect_scan(b, "");
	b->now += 1;
	expect_scan(b, "-a.yaml");
	assert_true(b->next > b->now + WATCH_GONE_NS); /* nothing is waited for */
	expect_scan(b, "");
	run("printf 1 >%s/a.yaml", b->dir);
	expect_noticed(b, "+a.yaml=1");
}

/* "> a.yaml" of a shell, then the content: what was in force stays in force in between. */
static void truncate_then_write_is_one_change(void **state)
{
	struct bench *b = *state;
	char path[PATH_MAX];

	run("printf old >%s/a.yaml", b->dir);
	expect_scan(b, "+a.yaml=old");
	(void)snprintf(path, sizeof(path), "%s/a.yaml", b->dir);
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	assert_true(fd >= 0);
	expect_scan(b, ""); /* some other file's event, just now */
	b->now += 100 * MS;
	expect_scan(b, "");
	assert_int_equal(write(fd, "new", 3), 3);
	close(fd);
	expect_noticed(b, "+a.yaml=new");
	assert_true(b->next > b->now + WATCH_GONE_NS); /* nothing is waited for */
}

/* git checkout: the old file is unlinked, and its successor made under its name and filled there.
 */
static void a_file_that_git_replaces_is_one_change(void **state)
{
	struct bench *b = *state;
	char path[PATH_MAX];

	run("printf old >%s/a.yaml; printf stays >%s/b.yaml", b->dir, b->dir);
	expect_scan(b, "+a.yaml=old +b.yaml=stays");
	(void)snprintf(path, sizeof(path), "%s/a.yaml", b->dir);
	assert_int_equal(unlink(path), 0);
	expect_noticed(b, "");
	b->now += 50 * MS;
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	expect_noticed(b, "");
	b->now += 50 * MS;
	assert_int_equal(write(fd, "new", 3), 3);
	close(fd);
	expect_noticed(b, "+a.yaml=new");
	b->now += 200 * MS;
	expect_scan(b, "");
}

/* git-sync: the folder that is configured is a link to a worktree, and is put in the other's place.
 */
static void a_folder_that_git_sync_swaps_is_one_change_per_file(void **state)
{
	struct bench *b = *state;

	run("cd %s && mkdir one two && printf 1 >one/a.yaml && printf 1 >one/b.yaml &&"
	    " printf 2 >two/a.yaml && printf 1 >two/b.yaml && printf 1 >two/c.yaml && ln -s one link",
	    b->dir);
	watch_path(b, "/link");
	expect_scan(b, "+a.yaml=1 +b.yaml=1");
	run("cd %s && ln -s two tmp && mv -T tmp link && rm -r one", b->dir);
	expect_noticed(b, "+a.yaml=2 +c.yaml=1");
}

static void a_file_emptied_for_good_is_reported_as_empty(void **state)
{
	struct bench *b = *state;

	run("printf old >%s/a.yaml", b->dir);
	expect_scan(b, "+a.yaml=old");
	run(": >%s/a.yaml", b->dir);
	expect_noticed(b, "");
	b->now = b->next;
	expect_scan(b, "+a.yaml=");
	expect_scan(b, "");
	assert_true(b->next > b->now + WATCH_GONE_NS); /* nothing is waited for */
}

static void a_file_read_half_written_is_read_again(void **state)
{
	struct bench *b = *state;
	char path[PATH_MAX];

	expect_scan(b, "");
	(void)snprintf(path, sizeof(path), "%s/a.yaml", b->dir);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "ha", 2), 2);
	expect_noticed(b, "+a.yaml=ha");
	assert_int_equal(write(fd, "lf", 2), 2);
	close(fd);
	expect_noticed(b, "+a.yaml=half");
}

/*
 * A setting of the kernel behind a link: its content changes and its stat never does, as with two
 * writes within one tick of a file system's clock. Seen by an event of its name, and by force.
 */
static void a_change_that_stat_cannot_see_is_found_by_its_event_and_by_force(void **state)
{
	struct bench *b = *state;

	netns_enter();
	run("echo 61 >/proc/sys/net/ipv4/ip_default_ttl &&"
	    " ln -s /proc/sys/net/ipv4/ip_default_ttl %s/a.yaml",
	    b->dir);
	expect_scan(b, "+a.yaml=61\n");
	run("echo 62 1<>/proc/sys/net/ipv4/ip_default_ttl");
	expect_scan(b, "");
	run("touch -h %s/a.yaml", b->dir);
	expect_noticed(b, "+a.yaml=62\n");
	run("echo 63 1<>/proc/sys/net/ipv4/ip_default_ttl");
	expect_scan(b, "");
	assert_string_equal(scan(b, true), "+a.yaml=63\n");
}

/* More events than the kernel keeps, of two names in turn, since equal ones count once. */
static void overflow(const struct bench *b)
{
	char names[2][PATH_MAX], text[32] = "";
	FILE *f = fopen("/proc/sys/fs/inotify/max_queued_events", "re");

	assert_non_null(f);
	assert_non_null(fgets(text, sizeof(text), f));
	(void)fclose(f);
	for (unsigned i = 0; i < 2; i++)
		(void)snprintf(names[i], PATH_MAX, "%s/%u", b->dir, i);
	for (unsigned long i = 0, n = strtoul(text, NULL, 10) + 1; i < n; i++)
		assert_int_equal(chmod(names[i % 2], 0600), 0);
}

static void when_events_were_lost_all_is_read_again_whatever_stat_says(void **state)
{
	struct bench *b = *state;

	netns_enter();
	run("echo 61 >/proc/sys/net/ipv4/ip_default_ttl && touch %s/0 %s/1 &&"
	    " ln -s /proc/sys/net/ipv4/ip_default_ttl %s/a.yaml",
	    b->dir, b->dir, b->dir);
	expect_scan(b, "+a.yaml=61\n");
	run("echo 62 1<>/proc/sys/net/ipv4/ip_default_ttl; touch %s/0", b->dir);
	expect_noticed(b, "");
	overflow(b);
	expect_noticed(b, "+a.yaml=62\n");
}

/* Its folder was away and is back: not a single one of the file's own times has changed. */
static void a_link_that_dangled_for_a_moment_is_no_change(void **state)
{
	struct bench *b = *state;

	run("cd %s && mkdir d && printf 1 >d/t && ln -s d/t a.yaml", b->dir);
	expect_scan(b, "+a.yaml=1");
	run("mv %s/d %s/e", b->dir, b->dir);
	expect_noticed(b, "");
	b->now += 100 * MS;
	run("mv %s/e %s/d", b->dir, b->dir);
	expect_noticed(b, "");
	assert_true(b->next > b->now + WATCH_GONE_NS); /* nothing is waited for */
	b->now = b->next;
	run("rm %s/a.yaml", b->dir);
	expect_noticed(b, "");
	assert_int_equal(b->next, b->now + WATCH_GONE_NS);
}

/* A ConfigMap volume: a.yaml -> ..data/a.yaml, ..data -> a folder with the time in its name. */
static void the_kubelet_swapping_its_data_link_is_one_change_per_file(void **state)
{
	struct bench *b = *state;

	run("cd %s && mkdir ..2024_1 && printf 1 >..2024_1/a.yaml && printf 1 >..2024_1/b.yaml &&"
	    " ln -s ..2024_1 ..data && ln -s ..data/a.yaml a.yaml && ln -s ..data/b.yaml b.yaml",
	    b->dir);
	expect_scan(b, "+a.yaml=1 +b.yaml=1");
	run("cd %s && mkdir ..2024_2 && printf 2 >..2024_2/a.yaml && printf 1 >..2024_2/b.yaml &&"
	    " ln -s ..2024_2 ..data_tmp && mv -T ..data_tmp ..data && rm -r ..2024_1",
	    b->dir);
	expect_noticed(b, "+a.yaml=2");
	/* A key leaves the ConfigMap: its link dangles until the kubelet removes it. That is
	 * certain at once, since nothing is ever away while it is replaced. */
	run("cd %s && mkdir ..2024_3 && printf 2 >..2024_3/a.yaml &&"
	    " ln -s ..2024_3 ..data_tmp && mv -T ..data_tmp ..data && rm -r ..2024_2",
	    b->dir);
	expect_noticed(b, "-b.yaml");
	run("rm %s/b.yaml", b->dir);
	expect_noticed(b, "");
}

static void a_link_to_elsewhere_is_found_by_the_periodic_scan(void **state)
{
	struct bench *b = *state;
	char *other = temp_make();

	run("printf 1 >%s/t && ln -s %s/t %s/a.yaml", other, other, b->dir);
	expect_scan(b, "+a.yaml=1");
	run("printf 22 >%s/t", other);
	assert_false(is_readable(b));
	b->now = b->next;
	expect_scan(b, "+a.yaml=22");
	temp_remove(other);
}

static void force_reports_only_changes(void **state)
{
	struct bench *b = *state;

	run("printf 1 >%s/a.yaml", b->dir);
	expect_scan(b, "+a.yaml=1");
	assert_string_equal(scan(b, true), "");
	run("printf 2 >%s/a.yaml", b->dir);
	assert_string_equal(scan(b, true), "+a.yaml=2");
}

static void an_unreadable_file_fails_alone_and_recovers(void **state)
{
	struct bench *b = *state;

	run("cd %s && printf 1 >a.yaml && mkdir b.yaml && printf 3 >c.yaml", b->dir);
	expect_scan(b, "+a.yaml=1 !b.yaml:EISDIR +c.yaml=3");
	expect_scan(b, "");
	run("rmdir %s/b.yaml && printf 2 >%s/b.yaml", b->dir, b->dir);
	expect_noticed(b, "+b.yaml=2");
	/* A former content stays in force while it cannot be read, and is told again afterwards. */
	run("cd %s && mv b.yaml x && mkfifo b.yaml", b->dir);
	expect_noticed(b, "!b.yaml:EINVAL");
	run("cd %s && mv x b.yaml", b->dir);
	expect_noticed(b, "+b.yaml=2");
	run("rm %s/b.yaml && ln -s b.yaml %s/b.yaml", b->dir, b->dir);
	expect_noticed(b, "!b.yaml:ELOOP");
	run("rm %s/b.yaml", b->dir);
	expect_noticed(b, "");
	b->now = b->next;
	expect_scan(b, "-b.yaml");
}

static void a_file_over_the_limit_fails(void **state)
{
	struct bench *b = *state;

	run("truncate -s %u %s/a.yaml", LIMIT_FILE_BYTES + 1, b->dir);
	expect_scan(b, "!a.yaml:EFBIG");
	run("printf 1 >%s/a.yaml", b->dir);
	expect_noticed(b, "+a.yaml=1");
}

static void five_thousand_files_are_read_and_one_more(void **state)
{
	struct bench *b = *state;

	run("cd %s && seq -f %%g.yaml 5000 | xargs touch", b->dir);
	assert_true(strlen(scan(b, false)) >= 5000 * strlen("+1.yaml="));
	expect_scan(b, "");
	run("touch %s/0.yaml", b->dir);
	expect_noticed(b, "+0.yaml=");
	run("rm %s/7.yaml %s/8.yaml", b->dir, b->dir);
	expect_noticed(b, "");
	b->now = b->next;
	expect_scan(b, "-7.yaml -8.yaml");
	expect_scan(b, "");
}

/* Each counts a page at least, so two and a half pages have room for two small files. */
static void without_room_nothing_new_is_taken_and_nothing_old_is_dropped(void **state)
{
	struct bench *b = *state;

	watch_with(b, &(struct watch_args){.path = b->dir, .max_all_bytes = WATCH_PAGE * 5 / 2});
	run("cd %s && printf 1 >b.yaml && printf 2 >c.yaml && printf 3 >d.yaml", b->dir);
	expect_scan(b, "+b.yaml=1 +c.yaml=2 !d.yaml:EDQUOT"); /* by name, not by chance */
	expect_scan(b, "");
	run("printf 0 >%s/a.yaml; printf 4 >%s/b.yaml", b->dir, b->dir);
	expect_noticed(b, "!a.yaml:EDQUOT +b.yaml=4");
	/* An old one that grows: what it was stays in force. */
	run("truncate -s 9000 %s/c.yaml", b->dir);
	expect_noticed(b, "!c.yaml:EDQUOT");
	run("printf 5 >%s/c.yaml", b->dir);
	expect_noticed(b, "+c.yaml=5");
	/* Room again: somebody gets it, although nothing has happened to the file. */
	run("rm %s/b.yaml", b->dir);
	expect_noticed(b, "");
	b->now = b->next;
	expect_scan(b, "-b.yaml +d.yaml=3");
	expect_scan(b, "");
}

/* What a file took is given back when it shrinks, once. */
static void room_is_counted_exactly(void **state)
{
	struct bench *b = *state;

	watch_with(b, &(struct watch_args){.path = b->dir, .max_all_bytes = 4 * WATCH_PAGE});
	run("cd %s && truncate -s 8192 a.yaml && truncate -s 8192 b.yaml", b->dir);
	(void)scan(b, false);
	assert_true(b->calls.len > 16384);
	for (int i = 0; i < 3; i++) {
		run("printf 1 >%s/a.yaml", b->dir);
		expect_noticed(b, "+a.yaml=1");
		run("printf 22 >%s/a.yaml", b->dir);
		expect_noticed(b, "+a.yaml=22");
	}
	run("printf 3 >%s/c.yaml; printf 4 >%s/d.yaml", b->dir, b->dir);
	expect_noticed(b, "+c.yaml=3 !d.yaml:EDQUOT");
	run("rm %s/d.yaml && truncate -s 8192 %s/a.yaml", b->dir, b->dir);
	expect_noticed(b, "!a.yaml:EDQUOT");
	b->now = b->next;
	expect_scan(b, "-d.yaml");
}

static void a_file_over_its_limit_by_argument_fails(void **state)
{
	struct bench *b = *state;

	watch_with(b, &(struct watch_args){.path = b->dir, .max_file_bytes = 3});
	run("printf 123 >%s/a.yaml; printf 1234 >%s/b.yaml", b->dir, b->dir);
	expect_scan(b, "+a.yaml=123 !b.yaml:EFBIG");
}

static void what_is_asked_for_again_is_reported_again(void **state)
{
	struct bench *b = *state;

	run("printf 1 >%s/a.yaml; printf 2 >%s/b.yaml", b->dir, b->dir);
	expect_scan(b, "+a.yaml=1 +b.yaml=2");
	watch_repeat(b->w);
	expect_scan(b, "+a.yaml=1 +b.yaml=2");
	expect_scan(b, "");
}

static void a_folder_that_cannot_be_seen_costs_no_objects(void **state)
{
	struct bench *b = *state;

	run("printf 1 >%s/a.yaml", b->dir);
	expect_scan(b, "+a.yaml=1");
	run("mv %s %s.away", b->dir, b->dir);
	expect_noticed(b, "!dir:ENOENT");
	b->now += 10 * NSEC_PER_SEC;
	expect_scan(b, "");
	assert_true(b->next > b->now);
	run("mv %s.away %s", b->dir, b->dir);
	expect_scan(b, "ok");
	/* And it is watched again. */
	run("printf 2 >%s/a.yaml", b->dir);
	expect_noticed(b, "+a.yaml=2");
	/* Another folder in its place, while the old one lives on. */
	run("mv %s %s.away && mkdir %s && printf 3 >%s/a.yaml", b->dir, b->dir, b->dir, b->dir);
	assert_string_equal(scan(b, false), "+a.yaml=3");
	run("printf 4 >%s/a.yaml", b->dir);
	expect_noticed(b, "+a.yaml=4");
	run("rm -r %s.away", b->dir);
}

static void a_file_pending_as_vanished_does_not_spin_while_the_folder_is_away(void **state)
{
	struct bench *b = *state;

	run("printf 1 >%s/a.yaml", b->dir);
	expect_scan(b, "+a.yaml=1");
	run("rm %s/a.yaml", b->dir);
	expect_scan(b, "");
	run("mv %s %s.away", b->dir, b->dir);
	b->now = b->next;
	expect_scan(b, "!dir:ENOENT");
	b->now = b->next;
	expect_scan(b, "");
	assert_true(b->next > b->now);
	run("mv %s.away %s", b->dir, b->dir);
	expect_scan(b, "ok");
	b->now = b->next;
	expect_scan(b, "-a.yaml");
}

static void a_single_file_of_any_name_is_watched_without_its_siblings(void **state)
{
	struct bench *b = *state;

	run("cd %s && printf 1 >conf && printf x >other.yaml", b->dir);
	watch_file(b, "conf");
	expect_scan(b, "+conf=1");
	run("cd %s && printf 2 >new && mv new conf", b->dir);
	expect_noticed(b, "+conf=2");
	run("rm %s/conf", b->dir);
	expect_noticed(b, "");
	b->now = b->next;
	expect_scan(b, "-conf");
	run("printf 3 >%s/conf", b->dir);
	expect_noticed(b, "+conf=3");
}

static void a_single_file_that_never_was_there_is_told(void **state)
{
	struct bench *b = *state;

	watch_file(b, "a.yaml");
	expect_scan(b, "!a.yaml:ENOENT");
	b->now = b->next;
	expect_scan(b, "");
	assert_true(b->next > b->now);
	run("printf 1 >%s/a.yaml", b->dir);
	expect_noticed(b, "+a.yaml=1");
}

/* Many writers at once: in the end what was told equals what is there. */
static void a_storm_ends_in_the_true_state(void **state)
{
	struct bench *b = *state;

	expect_scan(b, "");
	run("cd %s && (for i in $(seq 40); do printf $i >a.yaml; printf $i >t; mv t b.yaml;"
	    " rm -f c.yaml; printf $i >c.yaml; sed -i s/$/$i/ c.yaml; done) & "
	    "for i in $(seq 20); do printf $i >%s/d.yaml; done; wait",
	    b->dir, b->dir);
	expect_noticed(b, "+a.yaml=40 +b.yaml=40 +c.yaml=4040 +d.yaml=20");
	expect_scan(b, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_first_scan_reports_every_yaml_file_in_order),
		TEST(cp_over_a_file_is_one_change),
		TEST(mv_over_a_file_is_one_change),
		TEST(sed_in_place_is_one_change),
		TEST(an_editor_that_moves_the_old_file_aside_never_costs_the_objects),
		TEST(a_file_that_comes_back_unchanged_is_no_change),
		TEST(a_vanished_file_is_reported_after_200_ms_and_once),
		TEST(truncate_then_write_is_one_change),
		TEST(a_file_that_git_replaces_is_one_change),
		TEST(a_folder_that_git_sync_swaps_is_one_change_per_file),
		TEST(a_file_emptied_for_good_is_reported_as_empty),
		TEST(a_file_read_half_written_is_read_again),
		TEST(a_change_that_stat_cannot_see_is_found_by_its_event_and_by_force),
		TEST(when_events_were_lost_all_is_read_again_whatever_stat_says),
		TEST(a_link_that_dangled_for_a_moment_is_no_change),
		TEST(the_kubelet_swapping_its_data_link_is_one_change_per_file),
		TEST(a_link_to_elsewhere_is_found_by_the_periodic_scan),
		TEST(force_reports_only_changes),
		TEST(an_unreadable_file_fails_alone_and_recovers),
		TEST(a_file_over_the_limit_fails),
		TEST(five_thousand_files_are_read_and_one_more),
		TEST(without_room_nothing_new_is_taken_and_nothing_old_is_dropped),
		TEST(room_is_counted_exactly),
		TEST(a_file_over_its_limit_by_argument_fails),
		TEST(what_is_asked_for_again_is_reported_again),
		TEST(a_folder_that_cannot_be_seen_costs_no_objects),
		TEST(a_file_pending_as_vanished_does_not_spin_while_the_folder_is_away),
		TEST(a_single_file_of_any_name_is_watched_without_its_siblings),
		TEST(a_single_file_that_never_was_there_is_told),
		TEST(a_storm_ends_in_the_true_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
