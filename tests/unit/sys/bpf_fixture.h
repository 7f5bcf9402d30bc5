// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What the tests of sys/bpf_* share: a network and a mount namespace of the test's own, a pair of
 * veths in it, a pin directory, and small foreign programs. Where BPF or namespaces are refused the
 * tests are skipped, and say so.
 */
#pragma once

#include "base/mem.h"
#include "unit/open_fds.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mount.h>

#include <cmocka.h>

#define DEVICE "lt-dp-a"
#define PEER   "lt-dp-b"

struct bpf_fixture {
	char pin_dir[64];
	bool allowed;
	size_t n_fds; /* at the beginning: as many are open at the end */
};

/* r0 = verdict; exit */
static inline int foreign_program(enum bpf_prog_type type, const char *name, int verdict)
{
	const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = verdict},
		{.code = BPF_JMP | BPF_EXIT},
	};

	return bpf_prog_load(type, name, "GPL", insns, 2, NULL);
}

static inline void run(const char *command)
{
	if (system(command) != 0)
		fail_msg("failed: %s", command);
}

static inline int device_index(void)
{
	return (int)if_nametoindex(DEVICE);
}

static inline int fixture_setup(void **state)
{
	struct bpf_fixture *x = xcalloc(1, sizeof(*x));
	int fd;

	*state = x;
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) != 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
		print_message("SKIPPED: namespaces are refused here: %s\n", strerror(errno));
		return 0;
	}
	/* In this namespace only; what is pinned then goes with the process, also after a crash. */
	while (umount2("/sys/fs/bpf", MNT_DETACH) == 0)
		;
	fd = foreign_program(BPF_PROG_TYPE_XDP, "probe", XDP_PASS);
	if (fd < 0) {
		print_message("SKIPPED: BPF is refused here: %s\n", strerror(-fd));
		return 0;
	}
	close(fd);
	snprintf(x->pin_dir, sizeof(x->pin_dir), "/sys/fs/bpf/lt-dp-%d", getpid());
	run("ip link add " DEVICE " type veth peer name " PEER);
	run("ip link set " DEVICE " up && ip link set " PEER " up && ip link set lo up");
	x->allowed = true;
	x->n_fds = count_fds();
	return 0;
}

static inline int fixture_teardown(void **state)
{
	struct bpf_fixture *x = *state;

	if (x->allowed)
		assert_int_equal(count_fds(), x->n_fds);
	free(x); /* the namespaces end with the process */
	return 0;
}

#define SKIP_IF_REFUSED(x)                                                                         \
	do {                                                                                       \
		if (!(x)->allowed)                                                                 \
			skip();                                                                    \
	} while (0)
