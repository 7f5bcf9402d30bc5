// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* The blackholes of plan_fixture.h, in a kernel that answers at once, or with the next apply. */
#include "fake/plan_fixture.h"

/* What the helper did is known. Returns how much that was. */
static size_t end_pass(struct fixture *f)
{
	const size_t before = f->kernel_state.n_blackholes;

	if (!f->kernel_pass)
		return 0;
	kernel_pass_end(&f->kernel_state, f->kernel_pass);
	f->kernel_pass = NULL;
	return f->kernel_state.n_done + (f->kernel_state.n_blackholes != before);
}

void fixture_kernel_adopt(struct fixture *f)
{
	const struct kernel_sink sink = fake_kernel_sink(f->kernel);

	(void)end_pass(f);
	kernel_state_done(&f->kernel_state);
	kernel_state_init(&f->kernel_state);
	(void)kernel_adopt(&f->kernel_state, &sink);
}

/* It is done at once, and known with the next apply. */
static size_t begin_pass(struct fixture *f)
{
	const struct plan_blackholes *want = &f->plan.blackholes;
	const struct kernel_sink sink = fake_kernel_sink(f->kernel);
	const size_t before = f->kernel->n_ops;

	f->kernel_pass = kernel_pass_new(&f->kernel_state, want);
	kernel_pass_run(f->kernel_pass, &sink, SIZE_MAX);
	return f->kernel->n_ops - before +
	       (want->n + want->n_in_vrfs != f->kernel_state.n_blackholes);
}

size_t fixture_kernel_apply(struct fixture *f)
{
	size_t n;

	if (f->no_kernel)
		return 0;
	n = end_pass(f) + begin_pass(f);
	return f->kernel_is_slow ? n : end_pass(f);
}

void fixture_kernel_done(struct fixture *f)
{
	(void)end_pass(f);
	kernel_state_done(&f->kernel_state);
	free(f->kernel);
}
