// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A filter of system calls (seccomp, linux/seccomp.h). It names what is refused, not what is
 * allowed: which calls libcurl, its TLS and the resolver make differs between their versions, and a
 * filter that kills after an upgrade is switched off. Calls of another architecture are refused,
 * too, since their numbers mean something else.
 */
#include "feeder/confine.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
#define OUR_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OUR_ARCH AUDIT_ARCH_AARCH64
#else
#error "name the architecture as linux/audit.h does"
#endif

#define X32_BIT 0x40000000u /* x86-64's other numbering */

static const uint32_t refused[] = {
	SYS_execve,
	SYS_execveat,
	SYS_ptrace,
	SYS_process_vm_readv,
	SYS_process_vm_writev,
	SYS_bpf,
	SYS_perf_event_open,
	SYS_userfaultfd,
	SYS_mount,
	SYS_umount2,
	SYS_pivot_root,
	SYS_chroot,
	SYS_unshare,
	SYS_setns,
	SYS_init_module,
	SYS_finit_module,
	SYS_delete_module,
	SYS_kexec_load,
	SYS_reboot,
	SYS_swapon,
	SYS_swapoff,
	SYS_settimeofday,
	SYS_clock_settime,
	SYS_clock_adjtime,
	SYS_adjtimex,
	SYS_sethostname,
	SYS_setdomainname,
	SYS_keyctl,
	SYS_add_key,
	SYS_request_key,
	SYS_io_uring_setup,
	SYS_open_by_handle_at,
	SYS_setuid,
	SYS_setgid,
	SYS_setresuid,
	SYS_setresgid,
	SYS_setgroups,
	SYS_capset,
	SYS_quotactl,
	SYS_acct,
	SYS_syslog,
	SYS_personality,
};

#define HEAD    4
#define LENGTH  (HEAD + ARRAY_SIZE(refused) + 2)
#define LOAD(m) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offsetof(struct seccomp_data, m))

int confine(void)
{
	struct sock_filter code[LENGTH] = {
		LOAD(arch),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OUR_ARCH, 0, LENGTH - 1 - 2),
		LOAD(nr),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, LENGTH - 1 - HEAD, 0),
	};
	const struct sock_fprog filter = {.len = LENGTH, .filter = code};

	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		code[HEAD + i] =
			(struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, refused[i],
						     (uint8_t)(LENGTH - 1 - (HEAD + i + 1)), 0);
	code[LENGTH - 2] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	code[LENGTH - 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0)
		return -errno;
	return 0;
}
