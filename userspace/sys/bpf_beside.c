// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* A table of slots by name; what has none is called by nobody, as xdp_lb itself. */
#include "sys/bpf_beside.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/types.h>
#include <stdbool.h>
#include <string.h>

#include "bpf/beside_slots.h"

static const struct {
	const char *name;
	__u32 slot;
	bool is_far;
} programs[BESIDE_SLOTS] = {
	{"xdp_bfd", BESIDE_BFD, false},     {"xdp_tunnel", BESIDE_TUNNEL, true},
	{"xdp_inner", BESIDE_INNER, true},  {"xdp_opened", BESIDE_OPENED, true},
	{"xdp_dsr", BESIDE_DSR, true},      {"xdp_nat", BESIDE_NAT, true},
	{"xdp_at_once", BESIDE_ONCE, true},
};

static bool is_far(const struct bpf_program *program)
{
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
		if (strcmp(bpf_program__name(program), programs[i].name) == 0)
			return programs[i].is_far;
	return false;
}

int bpf_beside_choose(const struct bpf_object *obj, enum bpf_beside which)
{
	struct bpf_program *program;
	int error = 0;

	bpf_object__for_each_program(program, obj)
	{
		if (error == 0 && which != BPF_BESIDE_ALL)
			error = bpf_program__set_autoload(
				program, is_far(program) == (which == BPF_BESIDE_FAR));
	}
	return error;
}

int bpf_beside_choose_one(const struct bpf_object *obj, const char *name)
{
	struct bpf_program *program;
	int error = 0;

	bpf_object__for_each_program(program, obj)
	{
		if (error == 0)
			error = bpf_program__set_autoload(
				program, strcmp(bpf_program__name(program), name) == 0);
	}
	return error;
}

const char *bpf_beside_far(size_t i)
{
	for (size_t k = 0; k < ARRAY_SIZE(programs); k++)
		if (programs[k].is_far && i-- == 0)
			return programs[k].name;
	return NULL;
}

int bpf_beside_fill(const struct bpf_object *obj)
{
	const int map_fd = bpf_object__find_map_fd_by_name(obj, "beside");

	if (map_fd < 0)
		return map_fd;
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		const struct bpf_program *program =
			bpf_object__find_program_by_name(obj, programs[i].name);
		const int fd = program ? bpf_program__fd(program) : -ENOENT;

		if (!program)
			return -ENOENT;
		if (fd < 0) /* not chosen */
			continue;
		if (bpf_map_update_elem(map_fd, &programs[i].slot, &fd, BPF_ANY) != 0)
			return -errno;
	}
	return 0;
}
