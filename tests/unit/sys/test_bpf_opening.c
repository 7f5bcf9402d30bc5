// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The data plane opened by the helper: what comes of it is what the loop would have got, the loop
 * turns meanwhile, and what nobody takes is let go of.
 */
#include "sys/bpf_opening.h"

#include "bpf_under_test.h"

#include "sys/loop.h"
#include "sys/worker.h"

struct beside {
	struct under_test u;
	struct loop *loop;
	struct worker *worker;
	struct bpf_opening *opening;
	unsigned n_told, n_turns;
};

static void on_over(void *ctx)
{
	struct beside *b = ctx;

	b->n_told++;
	loop_stop(b->loop);
}

static nsec_t step(void *ctx, nsec_t now)
{
	struct beside *b = ctx;

	b->n_turns++;
	return now + NSEC_PER_MSEC;
}

static void begin_opening(struct beside *b, const char *pin_dir)
{
	const struct bpf_opening_args args = {
		.dataplane = {.pin_dir = pin_dir},
		.worker = b->worker,
		.on_over = on_over,
		.ctx = b,
	};

	b->opening = bpf_opening_new(&args, b->u.now);
	assert_false(bpf_opening_is_over(b->opening));
}

static struct beside *beside_new(void **state)
{
	struct beside *b = xcalloc(1, sizeof(*b));

	b->loop = loop_new();
	b->worker = worker_new(b->loop);
	begin(&b->u, state);
	return b;
}

static void beside_free(struct beside *b)
{
	end(&b->u);
	worker_free(b->worker);
	loop_free(b->loop);
	free(b);
}

/* On the loop, to the end. */
static int open_beside(struct beside *b, const char *pin_dir, const char **ret_failure)
{
	int error;

	begin_opening(b, pin_dir);
	assert_int_equal(loop_run(b->loop, step, b), 0);
	assert_true(bpf_opening_is_over(b->opening));
	error = bpf_opening_take(b->opening, b->u.arena, &b->u.dp, &b->u.adopted, ret_failure);
	b->opening = bpf_opening_free(b->opening);
	return error;
}

static void what_an_earlier_run_left_is_adopted_beside_the_loop(void **state)
{
	struct beside *b;
	const char *failure = NULL;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	b = beside_new(state);
	put_web(&b->u, 0, 3);
	b->u.dp = bpf_dataplane_close(b->u.dp);
	assert_int_equal(open_beside(b, b->u.fixture->pin_dir, &failure), 0);
	assert_int_equal(b->n_told, 1);
	assert_true(b->n_turns > 3);
	assert_true(b->u.adopted);
	assert_null(failure);
	b->u.store = bpf_dataplane_store(b->u.dp);
	assert_int_equal(test(&b->u, 0), 0);
	beside_free(b);
}

static void a_refusal_comes_back_in_words(void **state)
{
	struct beside *b;
	const char *failure = NULL;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	b = beside_new(state);
	b->u.dp = bpf_dataplane_close(b->u.dp);
	assert_int_equal(open_beside(b, "/tmp/lt-opening-not-a-bpffs", &failure), -EMEDIUMTYPE);
	assert_string_equal(failure, "the pin directory: it is not on a bpffs");
	assert_null(b->u.dp);
	beside_free(b);
}

/* The end of a process that has just begun: what it loaded stays pinned, and nothing else. */
static void what_nobody_takes_is_let_go_of(void **state)
{
	struct beside *b;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	b = beside_new(state);
	b->u.dp = bpf_dataplane_close(b->u.dp);
	begin_opening(b, b->u.fixture->pin_dir);
	b->opening = bpf_opening_free(b->opening);
	assert_int_equal(b->n_told, 1);
	open_dp(&b->u);
	assert_true(b->u.adopted);
	beside_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_an_earlier_run_left_is_adopted_beside_the_loop),
		cmocka_unit_test(a_refusal_comes_back_in_words),
		cmocka_unit_test(what_nobody_takes_is_let_go_of),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
