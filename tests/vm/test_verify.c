// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What the verifier of the running kernel thinks of the programs. If it refuses one, libbpf prints
 * its complaint, whose end the runner shows: that, and not a packet test that could not begin, is
 * what tells which construct an older kernel does not understand. A program that is accepted must
 * have cost no more than half of what the kernel spends on one, so that a change of the program or
 * of the verifier does not come near the limit unseen; the figures go to $VM_NOTES if that is set.
 *
 * Sizes are the smallest: the verifier does not look at them. Needs the privilege to load programs.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include <linux/types.h>

#include "bpf/abi.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wcast-qual" /* generated code */
#include "tc_reply.skel.h"
#include "xdp_lb.skel.h"
#pragma GCC diagnostic pop

#define INSNS_MAX  1000000 /* BPF_COMPLEXITY_LIMIT_INSNS of the kernel */
#define INSNS_FAIR (INSNS_MAX / 2)

static void note(const char *program, uint32_t insns)
{
	const char *path = getenv("VM_NOTES");
	FILE *f = path ? fopen(path, "ae") : NULL;

	if (!f)
		return;
	fprintf(f, "%s: %u instructions verified, the kernel's limit is %u\n", program, insns,
		INSNS_MAX);
	fclose(f);
}

static void verified_cheaply(const struct bpf_program *program)
{
	struct bpf_prog_info info = {.type = 0};
	__u32 len = sizeof(info);

	assert_int_equal(bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &len), 0);
	note(bpf_program__name(program), info.verified_insns);
	assert_in_range(info.verified_insns, 1, INSNS_FAIR);
}

static void xdp_lb_verifies_within_half_the_limit(void **state)
{
	struct xdp_lb_bpf *xdp = xdp_lb_bpf__open();

	(void)state;
	assert_non_null(xdp);
	assert_int_equal(xdp_lb_bpf__load(xdp), 0);
	verified_cheaply(xdp->progs.xdp_lb);
	xdp_lb_bpf__destroy(xdp);
}

static void tc_reply_verifies_within_half_the_limit(void **state)
{
	struct tc_reply_bpf *tc = tc_reply_bpf__open();

	(void)state;
	assert_non_null(tc);
	assert_int_equal(tc_reply_bpf__load(tc), 0);
	verified_cheaply(tc->progs.tc_reply);
	tc_reply_bpf__destroy(tc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(xdp_lb_verifies_within_half_the_limit),
		cmocka_unit_test(tc_reply_verifies_within_half_the_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
