// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What the verifier of the running kernel thinks of the programs. If it refuses one, libbpf prints
 * its complaint, whose end the runner shows: that, and not a packet test that could not begin, is
 * what tells which construct an older kernel does not understand. A program that is accepted must
 * have cost no more than half of what the kernel spends on one, so that a change of the program or
 * of the verifier does not come near the limit unseen; the figures go to $VM_NOTES if that is set.
 *
 * Which capabilities it asks for is told, too: those are what the manifests of deploy/ name.
 *
 * Sizes are the smallest: the verifier does not look at them. Needs the privilege to load programs.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
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

/* And so do the programs that it goes on with, also those that only some nodes load. */
static void xdp_lb_verifies_within_half_the_limit(void **state)
{
	struct xdp_lb_bpf *xdp = xdp_lb_bpf__open();
	struct bpf_program *program;

	(void)state;
	assert_non_null(xdp);
	assert_int_equal(xdp_lb_bpf__load(xdp), 0);
	bpf_object__for_each_program(program, xdp->obj) verified_cheaply(program);
	xdp_lb_bpf__destroy(xdp);
}

static void tc_reply_verifies_within_half_the_limit(void **state)
{
	struct tc_reply_bpf *tc = tc_reply_bpf__open();

	(void)state;
	assert_non_null(tc);
	assert_int_equal(tc_reply_bpf__load(tc), 0);
	verified_cheaply(tc->progs.tc_reply);
	verified_cheaply(tc->progs.tc_nat);
	tc_reply_bpf__destroy(tc);
}

/* --- capabilities ----------------------------------------------------------------------------- */

static int say_nothing(enum libbpf_print_level level, const char *fmt, va_list args)
{
	(void)level;
	(void)fmt;
	(void)args;
	return 0;
}

static int keep_only(uint64_t caps)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {
		{.effective = (uint32_t)caps, .permitted = (uint32_t)caps},
		{.effective = (uint32_t)(caps >> 32), .permitted = (uint32_t)(caps >> 32)},
	};

	return (int)syscall(SYS_capset, &header, data);
}

static int load_both(void)
{
	struct xdp_lb_bpf *xdp = xdp_lb_bpf__open();
	struct tc_reply_bpf *tc = tc_reply_bpf__open();
	int error = !xdp || !tc;

	if (!error)
		error = xdp_lb_bpf__load(xdp);
	if (!error)
		error = tc_reply_bpf__load(tc);
	return error;
}

/* In a process of its own, which cannot take back what it gave up. */
static bool can_load_with(uint64_t caps)
{
	int status = 0;
	const pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		libbpf_set_print(say_nothing);
		_exit(keep_only(caps) != 0 ? 2 : load_both() != 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_not_equal(WEXITSTATUS(status), 2);
	return WEXITSTATUS(status) == 0;
}

#define CAP(c) (UINT64_C(1) << (c))

static void bpf_perfmon_and_net_admin_load_them_and_none_less(void **state)
{
	const uint64_t caps = CAP(CAP_BPF) | CAP(CAP_PERFMON) | CAP(CAP_NET_ADMIN);

	(void)state;
	assert_true(can_load_with(caps));
	assert_false(can_load_with(caps & ~CAP(CAP_BPF)));
	assert_false(can_load_with(caps & ~CAP(CAP_PERFMON)));
	assert_false(can_load_with(caps & ~CAP(CAP_NET_ADMIN)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bpf_perfmon_and_net_admin_load_them_and_none_less),
		cmocka_unit_test(xdp_lb_verifies_within_half_the_limit),
		cmocka_unit_test(tc_reply_verifies_within_half_the_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
