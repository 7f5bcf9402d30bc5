// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * sys/watch: when a file that is missing is gone. The programs with which people replace files are
 * run over and over while the folder is watched in real time; whatever they do on the way, no file
 * is ever told as gone that is only being replaced.
 */
#include "sys/watch.h"

#include "sys/clock.h"
#include "watch_bench.h"

#include <sys/wait.h>
#include <unistd.h>

#define N_ROUNDS 12

static void a_removed_file_is_gone_at_once_where_the_folder_says_so(void **state)
{
	struct bench *b = *state;

	run("cd %s && printf 1 >a.yaml && printf 1 >b.yaml && : >" WATCH_EXACT, b->dir);
	expect_scan(b, "+a.yaml=1 +b.yaml=1");
	run("rm %s/a.yaml", b->dir);
	expect_noticed(b, "-a.yaml");
	run("cd %s && printf 2 >t && mv t b.yaml", b->dir);
	expect_noticed(b, "+b.yaml=2");

	/* That it is empty for a moment is another matter. */
	run(": >%s/b.yaml", b->dir);
	expect_noticed(b, "");
	b->now += WATCH_GONE_NS;
	expect_scan(b, "+b.yaml=");

	/* And without the word of the folder it takes its time. */
	run("cd %s && rm " WATCH_EXACT " b.yaml", b->dir);
	expect_noticed(b, "");
	b->now += WATCH_GONE_NS;
	expect_scan(b, "-b.yaml");
}

static void count_gone(void *ctx, struct watch_file *file)
{
	int *n_gone = ctx;

	*n_gone += file->event == WATCH_GONE;
}

/* Scans as the loop would, in real time, as long as the child runs; how many files were gone. */
static int watch_while(struct bench *b, pid_t child)
{
	int n_gone = 0, status = 0;
	const struct watch_reader reader = {.tell = count_gone, .ctx = &n_gone};

	while (waitpid(child, &status, WNOHANG) == 0) {
		struct pollfd p = {.fd = watch_fd(b->w), .events = POLLIN};

		(void)watch_scan(b->w, clock_now(), false, &reader);
		(void)poll(&p, 1, 2);
	}
	(void)watch_scan(b->w, clock_now(), false, &reader);
	assert_int_equal(status, 0);
	return n_gone;
}

static void what_is_replaced_is_never_gone(void **state)
{
	static const struct {
		const char *tool, *before, *round;
	} ways[] = {
		{"cp", ":", "cp new a.yaml; cp --remove-destination new b.yaml"},
		{"mv", ":", "cp new n && mv n a.yaml"},
		{"sed", ":", "sed -i s/x/y/ a.yaml b.yaml; sed -i.bak s/y/x/ a.yaml"},
		{"perl", ":", "perl -pi -e s/x/y/ a.yaml b.yaml"},
		{"install", ":", "install -m 644 new a.yaml"},
		{"tar", "tar cf t.tar a.yaml b.yaml", "tar xf t.tar"},
		{"ln", ":", "ln -sf new a.yaml; ln -f new b.yaml"},
		{"busybox", ":", "busybox ln -sf new a.yaml; busybox cp -f new b.yaml"},
		{"vim", ":", "vim -u NONE -es -c '%%s/x/y/e' -c wq a.yaml </dev/null"},
		{"git",
		 "git init -q . && git config user.email a@b.c && git config user.name n && "
		 "git add a.yaml b.yaml && git commit -qm 1 && echo 2 >a.yaml && echo 2 >b.yaml && "
		 "git commit -qam 2",
		 "git checkout -q HEAD~1; git checkout -q -"},
	};
	struct bench *b = *state;

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		char script[1024];
		pid_t child;

		(void)snprintf(
			script, sizeof(script),
			"cd %s && command -v %s >/dev/null || exit 0; for i in $(seq %d); do "
			"{ %s; } >/dev/null 2>&1; done; exit 0",
			b->dir, ways[i].tool, N_ROUNDS, ways[i].round);
		run("cd %s && rm -rf .git * && echo x >new && echo x >a.yaml && echo x >b.yaml",
		    b->dir);
		run("cd %s && if command -v %s >/dev/null; then :; %s; fi", b->dir, ways[i].tool,
		    ways[i].before);
		watch_path(b, "/");
		(void)scan(b, false);
		child = fork();
		assert_true(child >= 0);
		if (child == 0) {
			execl("/bin/sh", "sh", "-c", script, (char *)NULL);
			_exit(127);
		}
		if (watch_while(b, child) != 0)
			fail_msg("gone, although %s only replaced it", ways[i].tool);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_removed_file_is_gone_at_once_where_the_folder_says_so),
		TEST(what_is_replaced_is_never_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
