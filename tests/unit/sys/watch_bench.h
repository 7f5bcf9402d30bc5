// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A watch on a folder of its own, for the tests of sys/watch. Time is the `now` parameter, so
 * nothing waits but for inotify itself. Calls are recorded as "+name=text", "-name" (gone),
 * "!name:errno" and "ok".
 */
#pragma once

#include "sys/watch.h"

#include "base/strbuf.h"
#include "sys_test.h"

#include <limits.h>
#include <poll.h>

#define BENCH_UNUSED __attribute__((unused))

#define MS NSEC_PER_MSEC

struct bench {
	char *dir;
	struct watch *w;
	struct strbuf calls;
	nsec_t now, next;
};

BENCH_UNUSED static int setup(void **state)
{
	struct bench *b = xcalloc(1, sizeof(*b));

	b->dir = temp_make();
	b->now = 1000 * NSEC_PER_SEC;
	strbuf_init(&b->calls, 1 << 20);
	assert_int_equal(watch_new(&(struct watch_args){.path = b->dir}, &b->w), 0);
	*state = b;
	return 0;
}

BENCH_UNUSED static int teardown(void **state)
{
	struct bench *b = *state;

	watch_free(b->w);
	strbuf_done(&b->calls);
	temp_remove(b->dir);
	free(b);
	return 0;
}

BENCH_UNUSED static void record(void *ctx, struct watch_file *file)
{
	struct bench *b = ctx;
	const char *name = strrchr(file->path, '/') + 1;

	assert_null(strstr(file->path, "//"));

	if (b->calls.len > 0)
		strbuf_add(&b->calls, " ");
	switch (file->event) {
	case WATCH_CHANGED:
		assert_int_equal(file->text[file->len], '\0');
		strbuf_printf(&b->calls, "+%s=", name);
		strbuf_add_len(&b->calls, file->text, file->len);
		break;
	case WATCH_GONE:
		strbuf_printf(&b->calls, "-%s", name);
		break;
	case WATCH_FAILED:
		strbuf_printf(&b->calls, "!%s:%s", strcmp(file->path, b->dir) ? name : "dir",
			      strerrorname_np(-file->err));
		break;
	case WATCH_RECOVERED:
		strbuf_add(&b->calls, "ok");
		break;
	}
}

BENCH_UNUSED static const char *scan(struct bench *b, bool force)
{
	b->calls.len = 0;
	if (b->calls.data)
		b->calls.data[0] = '\0';
	b->next = watch_scan(b->w, b->now, force, &(struct watch_reader){.tell = record, .ctx = b});
	assert_true(watch_is_through(b->w));
	assert_true(b->next <= b->now + WATCH_RESCAN_NS);
	return b->calls.data ? b->calls.data : "";
}

/* The watch is begun anew, as a new process would. */
BENCH_UNUSED static void watch_with(struct bench *b, const struct watch_args *args)
{
	watch_free(b->w);
	assert_int_equal(watch_new(args, &b->w), 0);
}

BENCH_UNUSED static void watch_path(struct bench *b, const char *name)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s%s", b->dir, name);
	watch_with(b, &(struct watch_args){.path = path});
}

BENCH_UNUSED static void watch_file(struct bench *b, const char *name)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "/%s", name);
	watch_path(b, path);
}

BENCH_UNUSED static bool expect_file(struct bench *b, const char *name)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s%s", b->dir, name);
	return watch_expect(b->w, path);
}

#define expect_scan(b, expected) assert_string_equal(scan((b), false), (expected))

BENCH_UNUSED static bool is_readable(const struct bench *b)
{
	struct pollfd p = {.fd = watch_fd(b->w), .events = POLLIN};

	return poll(&p, 1, 0) == 1;
}

/* What the loop would do: scan because inotify says so. */
#define expect_noticed(b, expected)                                                                \
	do {                                                                                       \
		assert_true(is_readable(b));                                                       \
		expect_scan((b), (expected));                                                      \
		assert_false(is_readable(b));                                                      \
	} while (0)

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
