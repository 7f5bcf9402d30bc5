// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The kernel's ABI of BPF_LINK_CREATE and BPF_PROG_QUERY for tcx (Linux 6.6), written out because
 * the headers of Debian 12 end at 6.1. Both structs are the beginning of union bpf_attr for their
 * command; what follows is zero for the kernel.
 */
#include "sys/bpf_tcx.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stddef.h>
#include <sys/syscall.h>

#define TCX_INGRESS  46u /* enum bpf_attach_type */
#define TCX_EGRESS   47u
#define MPROG_BEFORE (1u << 3) /* BPF_F_BEFORE; without a relative: the head */
#define LOOPBACK     1         /* its index in every network namespace */

struct link_create {
	uint32_t prog_fd, target_ifindex, attach_type, flags;
	uint32_t relative_fd, zero;
	uint64_t expected_revision;
	uint8_t rest[96];
};
_Static_assert(offsetof(struct link_create, expected_revision) == 24, "as in union bpf_attr");

struct prog_query {
	uint32_t target_ifindex, attach_type, query_flags, attach_flags;
	uint64_t prog_ids;
	uint32_t count, zero;
	uint64_t prog_attach_flags, link_ids, link_attach_flags, revision;
	uint8_t rest[64];
};
_Static_assert(offsetof(struct prog_query, revision) == 56, "as in union bpf_attr");

static int call(enum bpf_cmd cmd, void *attr, size_t size)
{
	long ret = syscall(SYS_bpf, cmd, attr, size);

	return ret < 0 ? -errno : (int)ret;
}

static uint32_t type_of(enum bpf_tc_attach_point at)
{
	return at == BPF_TC_INGRESS ? TCX_INGRESS : TCX_EGRESS;
}

int bpf_tcx_attach(int ifindex, enum bpf_tc_attach_point at, int prog_fd)
{
	struct link_create attr = {
		.prog_fd = (uint32_t)prog_fd,
		.target_ifindex = (uint32_t)ifindex,
		.attach_type = type_of(at),
		.flags = MPROG_BEFORE,
	};

	return call(BPF_LINK_CREATE, &attr, sizeof(attr));
}

int bpf_tcx_list(int ifindex, enum bpf_tc_attach_point at, uint32_t ret_prog_ids[BPF_TCX_MAX])
{
	struct prog_query attr = {
		.target_ifindex = (uint32_t)ifindex,
		.attach_type = type_of(at),
		.prog_ids = (uint64_t)(uintptr_t)ret_prog_ids,
		.count = BPF_TCX_MAX,
	};
	int error = call(BPF_PROG_QUERY, &attr, sizeof(attr));

	return error < 0 ? error : (int)attr.count;
}

int bpf_tcx_first(int ifindex, enum bpf_tc_attach_point at, uint32_t *ret_prog_id)
{
	uint32_t ids[BPF_TCX_MAX] = {0};
	int n = bpf_tcx_list(ifindex, at, ids);

	if (n < 0)
		return n;
	*ret_prog_id = n ? ids[0] : 0;
	return 0;
}

bool bpf_tcx_is_there(void)
{
	uint32_t first;

	return bpf_tcx_first(LOOPBACK, BPF_TC_EGRESS, &first) != -EINVAL;
}
