// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What an arena holds no more is not resident, and is zero where it is handed out again; and what a
 * process holds is in no core.
 */
#include "sys/memory.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define BYTES (2u << 20)

/* Of the arena's spare, in whole pages. */
static size_t resident(const struct arena *a)
{
	const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	size_t len, n = 0;
	const uintptr_t begin = (uintptr_t)arena_spare(a, &len);

	for (uintptr_t at = (begin + page - 1) / page * page; at + page <= begin + len;
	     at += page) {
		unsigned char is_in = 0;

		assert_int_equal(mincore((void *)at, page, &is_in), 0);
		n += is_in & 1;
	}
	return n;
}

static void the_pages_behind_the_last_piece_go_back(void **state)
{
	_cleanup_(arena_freep) struct arena *a = arena_new();
	unsigned char *kept, *again;

	(void)state;
	memory_give_back_spare(a); /* it has none */
	memset(arena_alloc(a, 1, BYTES), 1, BYTES);
	arena_reset(a);
	kept = arena_alloc(a, 1, 10000);
	memset(kept, 2, 10000);
	assert_true(resident(a) > 200);
	memory_give_back_spare(a);
	assert_int_equal(resident(a), 0);
	for (size_t i = 0; i < 10000; i++)
		assert_int_equal(kept[i], 2);
	again = arena_alloc(a, 1, BYTES / 2);
	for (size_t i = 0; i < BYTES / 2; i += 512)
		assert_int_equal(again[i], 0);
}

/* It would have been written: a limit that was none, and a signal that writes one. */
static void a_process_that_dies_leaves_no_core(void **state)
{
	const pid_t child = fork();
	int status;

	(void)state;
	assert_true(child >= 0);
	if (child == 0) {
		struct rlimit limit;

		memory_no_core();
		if (getrlimit(RLIMIT_CORE, &limit) != 0 || limit.rlim_cur || limit.rlim_max)
			_exit(1);
		(void)signal(SIGABRT, SIG_DFL);
		abort();
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	assert_false(WCOREDUMP(status));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_process_that_dies_leaves_no_core),
		cmocka_unit_test(the_pages_behind_the_last_piece_go_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
